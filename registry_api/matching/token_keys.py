"""The keys of the blind index: one for each kind of token, and for each version of what tokens are made of."""

from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Literal

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

TOKEN_VERSION: Final = 3
"""Part of every key: raise it when what a token is made of changes. The index is then made anew in the background
(``enquiries.reindexing``), and until it is, questions are asked under the earlier version too."""

Kind = Literal[
    "nhs", "dob", "name-month", "name-year-day", "name-day-month", "name-postcode", "name-year", "names-year",
    "name-name", "postcode-house", "street-house", "street-postcode", "postcode-year", "mother-fortnight",
    "mother-name", "mother-postcode", "home-uprn", "home-postcode", "home-street",
    "risk-uprn", "risk-postcode", "risk-street",
]  # fmt: skip

_INNER, _OUTER = bytes(x ^ 0x36 for x in range(256)), bytes(x ^ 0x5C for x in range(256))

if TYPE_CHECKING:
    from hashlib import _Hash


class TokenKeys:
    """The index keys, one for each kind of token and version, derived from one master key (RFC 5869, HKDF-SHA256).

    ``master``: at least 32 random bytes, kept apart from the keys that seal data. Raises ``ValueError`` if shorter.
    ``version``: of the tokens that are made. ``outdated``: the keys under which something may still stand in the index;
    questions look under these as well, so that nothing is missed while the index is made anew.
    """

    __slots__ = ("_master", "_pads", "outdated", "version")

    def __init__(self, master: bytes, version: int = TOKEN_VERSION) -> None:
        """Keep ``master``; the keys are derived when first used."""
        if len(master) < 32:
            raise ValueError("the master key of the index has fewer than 32 bytes")
        self._master = master
        self.version = version
        self.outdated: tuple[TokenKeys, ...] = ()
        self._pads: dict[Kind, tuple[_Hash, _Hash]] = {}

    def token(self, kind: Kind, value: str) -> int:
        """Return the token of ``value``: a signed 64-bit integer, as PostgreSQL's bigint."""
        pads = self._pads.get(kind)
        if pads is None:
            # HMAC's two key blocks are hashed once for each key (RFC 2104, section 4): 1.0 µs a token against 2.6.
            key = self.key(kind).ljust(64, b"\0")
            pads = self._pads[kind] = (sha256(key.translate(_INNER)), sha256(key.translate(_OUTER)))
        inner, outer = pads[0].copy(), pads[1].copy()
        inner.update(value.encode())
        outer.update(inner.digest())
        return int.from_bytes(outer.digest()[:8], "big", signed=True)

    def key(self, kind: Kind) -> bytes:
        """Return the 32-byte HMAC key of one kind of token, of this version."""
        info = f"child-protection-register index {self.version} {kind}".encode()
        return HKDF(SHA256(), 32, None, info).derive(self._master)

    def of(self, version: int) -> "TokenKeys":
        """Return the keys of another version, under the same master."""
        return self if version == self.version else TokenKeys(self._master, version)

    def expect(self, versions: Iterable[int]) -> None:
        """Have questions look under these versions too, and no longer under others: what stands in the index."""
        self.outdated = tuple(self.of(version) for version in sorted(set(versions)) if version != self.version)
