"""Keys made on the command line: the private half stays in its owner's file, the public half is given out."""

import json
import os
import sys
from pathlib import Path

from auth.client import generate_client_key
from auth.staff.credential import new_certified_credential, new_credential, write_credential
from registry_api.cli.output import Failure, note
from registry_api.cli.remote import ClientFile
from registry_api.kernel.clock import utc_now


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


def make_sign_in_key(file: Path, certificate: Path | None, days: int) -> None:
    """Make a credential file, and print or write what the provider is to be given.

    Args:
        file: the private key; there must be none yet.
        certificate: where to write a certificate of it; None for a provider that takes a public key set.
        days: how long the certificate is good for.

    Raises Failure when a file is there already or cannot be written.
    """
    try:
        if certificate is None:
            private, public = new_credential()
            write_credential(file, private)
            sys.stdout.write(json.dumps({"keys": [public]}, indent=2) + "\n")
            note(f"{file} holds the private key. Give the provider the key set above.")
            return
        if certificate.exists():
            raise FileExistsError(certificate)
        private, pem = new_certified_credential("Child protection register", utc_now(), days=days)
        write_credential(file, private)
        certificate.write_bytes(pem)
    except FileExistsError:
        raise Failure("There is such a file already, and it stays: choose another name.") from None
    except OSError as error:
        raise Failure(f"It cannot be written: {os.strerror(error.errno or 0)}.") from None
    note(f"{file} holds the private key. Give the provider {certificate}; it is good for {days} days.")
