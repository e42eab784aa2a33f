"""The key by which this service proves who it is to the provider (private_key_jwt), made here and never sent.

As the provider wants to know it: by its public half (RFC 7517), or by a certificate that is signed with the key itself
(Entra ID), which then names it in every assertion (``x5t#S256``, RFC 7515 section 4.1.8).
"""

import base64
import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from joserfc.jwk import RSAKey

from auth.client import generate_client_key

_BITS = 3072


def new_credential() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a new P-256 key as two JWKs: the private one for the credential file, the public one for the provider."""
    return generate_client_key()


def new_certified_credential(name: str, now: datetime, *, days: int) -> tuple[dict[str, Any], bytes]:
    """Return a new RSA key as a private JWK, and a certificate (PEM) for the provider.

    Args:
        name: what the certificate is of, for people to read.
        now: aware, UTC.
        days: how long it is good for.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    of = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(of)
        .issuer_name(of)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).rstrip(b"=").decode()
    jwk = RSAKey.import_key(key, {"use": "sig", "alg": "PS256", "kid": thumbprint})
    private = {**jwk.as_dict(private=True), "kid": thumbprint, "x5t#S256": thumbprint}
    return private, certificate.public_bytes(serialization.Encoding.PEM)


def write_credential(path: Path, private_jwk: dict[str, Any]) -> None:
    """Write a private key to a new file that only its owner may read. Raises FileExistsError and OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(private_jwk, file)
