"""What a deployment needs to prove who it is elsewhere."""

import json
import os
import sys
from pathlib import Path

from auth.staff.credential import new_certified_credential, new_credential, write_credential
from registry_api.cli.output import Failure, note
from registry_api.kernel.clock import utc_now


def make(file: Path, certificate: Path | None, days: int) -> None:
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
