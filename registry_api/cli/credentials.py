"""The key of an organisation's system: the private half stays in its client file, the public half is enrolled."""

import json
from pathlib import Path

from auth.client import generate_client_key
from registry_api.cli.output import Failure, note
from registry_api.cli.remote import ClientFile


def make_key(client_id: str, client_file: Path, base_url: str) -> None:
    """Write a client file with a new key (mode 0600), and its public half to standard output. Raises Failure."""
    if client_file.exists():
        raise Failure(f"{client_file} is there already, and its key with it: name another file.")
    private, public = generate_client_key()
    try:
        ClientFile(client_id, private, base_url.rstrip("/")).write(client_file)
    except OSError as error:
        raise Failure(f"{client_file} cannot be written: {error.strerror}.") from None
    print(json.dumps(public))
    note(f"The private half is in {client_file} and stays there. What was printed is for the authority to enrol.")
