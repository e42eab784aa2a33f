"""The identifiers of the authority's own system, as the register keeps them: recognised again, and telling nothing."""

import hmac
from collections.abc import Sequence

import msgspec

from registry_api.kernel.crypto import derive_key
from registry_api.register.sealing import Source


class SourceKeys:
    """Turns the identifiers of the authority's own system into values that say nothing without the key.

    ``master`` is that of the index keys; the key derived from it serves nothing else.
    """

    __slots__ = ("_key",)

    def __init__(self, master: bytes) -> None:
        """Derive the key."""
        self._key = derive_key(master, "import")

    def source(self, record_id: str, row: Sequence[str]) -> Source:
        """Return the tag of a record and the digest of the row that it came in."""
        return Source(self._hmac(b"record", record_id.encode()), self._hmac(b"row", msgspec.json.encode(row)))

    def _hmac(self, kind: bytes, value: bytes) -> bytes:
        return hmac.digest(self._key, kind + b"|" + value, "sha256")
