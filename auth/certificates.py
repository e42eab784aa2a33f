"""The certificate of a caller's TLS connection, as the proxy that ended the connection passes it on in a header.

The connection itself showed that the caller holds the key. Whose certificate it is does not matter here: a token is
bound to its thumbprint (RFC 8705 section 3), and who asks for one is shown by assertions.
"""

import base64
import hashlib
from functools import lru_cache
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from auth.errors import InvalidToken, Reason

_LONGEST = 16 * 1024


@lru_cache(maxsize=512)
def certificate_thumbprint(header_value: str) -> str:
    """Return the base64url SHA-256 of a certificate (RFC 8705 section 3.1).

    Args:
        header_value: the certificate as a byte sequence of RFC 9440 (``:MII…:``), or as the URL-encoded PEM of nginx's
            ``$ssl_client_escaped_cert``.

    Raises:
        InvalidToken: CERTIFICATE.
    """
    try:
        if len(header_value) > _LONGEST:
            raise ValueError("too long")
        if header_value.startswith(":") and header_value.endswith(":"):
            certificate = x509.load_der_x509_certificate(base64.b64decode(header_value[1:-1], validate=True))
        else:
            certificate = x509.load_pem_x509_certificate(unquote(header_value, errors="strict").encode("ascii"))
    except ValueError:
        raise InvalidToken(Reason.CERTIFICATE) from None
    digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
