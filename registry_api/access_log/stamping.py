"""A time-stamp over a checkpoint (RFC 3161): an authority outside signs that it was there by then."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2
from cryptography import x509
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, VerificationError, VerifierBuilder
from rfc3161_client import decode_timestamp_response as decode

_ASKS: Final = "application/timestamp-query"
_ANSWERS: Final = "application/timestamp-reply"


class NotStamped(Exception):
    """The authority gave no time-stamp, or one that does not hold."""


@dataclass(frozen=True, slots=True)
class Stamper:
    """Asks one authority. ``roots``: PEM of the certificates that its own has to lead to."""

    url: str
    roots: Path

    async def stamp(self, http: httpx2.AsyncClient, note: bytes) -> bytes:
        """Return the authority's response over exactly these bytes, its signature checked (RFC 3161, 2.2 and 2.3).

        Raises NotStamped, httpx2.HTTPError, OSError when the roots cannot be read.
        """
        asked = TimestampRequestBuilder().data(note).hash_algorithm(HashAlgorithm.SHA256).build()
        answer = await http.post(self.url, content=asked.as_bytes(), headers={"Content-Type": _ASKS})
        if answer.status_code != 200 or answer.headers.get("content-type", "").partition(";")[0] != _ANSWERS:
            raise NotStamped
        try:
            given = decode(answer.content)
            builder = VerifierBuilder(roots=x509.load_pem_x509_certificates(self.roots.read_bytes()), nonce=asked.nonce)
            builder.build().verify_message(given, note)
        except (ValueError, VerificationError):
            raise NotStamped from None
        return answer.content
