"""The keys of the blind index: one for each kind of token, and for each version of what tokens are made of.

A row of an index is a posting: a token, and the number of a child, or of an enquiry, behind a mask that is another one
in each row. Whoever has the rows and not the keys cannot tell that two of them are of one child: not which tokens
belong together, and not who shares a home (docs/adr/0029). Who asks for a token has its pad, with which PostgreSQL
takes the mask off.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

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

Posting = tuple[int, int | None, int]
"""A row of an index: the token, the nonce of its mask, and the number behind it. Without a nonce there is no mask: so
it was before version 3."""
_MASKED_FROM: Final = 3

_INNER, _OUTER = bytes(x ^ 0x36 for x in range(256)), bytes(x ^ 0x5C for x in range(256))

if TYPE_CHECKING:
    from hashlib import _Hash


class TokenKeys:
    """The index keys, one for each kind of token and version, derived from one master key (RFC 5869, HKDF-SHA256).

    ``master``: at least 32 random bytes, kept apart from the keys that seal data. Raises ``ValueError`` if shorter.
    ``version``: of the tokens that are made. ``outdated``: the keys under which something may still stand in the index;
    questions look under these as well, so that nothing is missed while the index is made anew.
    """

    __slots__ = ("_master", "_states", "outdated", "version")

    def __init__(self, master: bytes, version: int = TOKEN_VERSION) -> None:
        """Keep ``master``; the keys are derived when first used."""
        if len(master) < 32:
            raise ValueError("the master key of the index has fewer than 32 bytes")
        self._master = master
        self.version = version
        self.outdated: tuple[TokenKeys, ...] = ()
        self._states: dict[str, tuple[_Hash, _Hash]] = {}

    def token(self, kind: Kind, value: str) -> int:
        """Return the token of ``value``: a signed 64-bit integer, as PostgreSQL's bigint."""
        return _bigint(self._mac(f"{self.version} {kind}", value.encode()))

    def number(self, one: UUID) -> int:
        """Return the number under which a child or an enquiry stands in its index: a signed 64-bit integer.

        With each version it is another: rows of a version that this release does not know then lead nowhere, once the
        child has been indexed anew.
        """
        return _bigint(self._mac(f"{self.version} number", one.bytes))

    def pad(self, token: int) -> bytes:
        """Return what takes the masks off the rows of a token, of whatever version: 32 bytes, for who asks for it."""
        return self._mac("pad", _eight(token))

    def posting(self, token: int, number: int) -> Posting:
        """Return the row that says that the one of this number is found by this token; always the same row."""
        if self.version < _MASKED_FROM:
            return token, None, number
        pad = self.pad(token)
        nonce = sha256(pad + b"nonce" + _eight(number)).digest()[:8]
        return token, _bigint(nonce), number ^ _bigint(sha256(pad + nonce).digest())

    def postings(self, tokens: Iterable[int], number: int) -> list[Posting]:
        """Return the rows that say that the child, or the enquiry, of this number is found by these tokens."""
        return [self.posting(token, number) for token in tokens]

    def key(self, name: str) -> bytes:
        """Return the 32-byte HMAC key of this name: of a kind of token, its version stands before the kind."""
        info = f"child-protection-register index {name}".encode()
        return HKDF(SHA256(), 32, None, info).derive(self._master)

    def _mac(self, key: str, message: bytes) -> bytes:
        """Return the HMAC-SHA256 of a message under the key of this name."""
        states = self._states.get(key)
        if states is None:
            # HMAC's two key blocks are hashed once for each key (RFC 2104, section 4): 1.0 µs a token against 2.6.
            block = self.key(key).ljust(64, b"\0")
            states = self._states[key] = (sha256(block.translate(_INNER)), sha256(block.translate(_OUTER)))
        inner, outer = states[0].copy(), states[1].copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()

    def of(self, version: int) -> "TokenKeys":
        """Return the keys of another version, under the same master."""
        return self if version == self.version else TokenKeys(self._master, version)

    def expect(self, versions: Iterable[int]) -> None:
        """Have questions look under these versions too, and no longer under others: what stands in the index."""
        self.outdated = tuple(self.of(version) for version in sorted(set(versions)) if version != self.version)


def _eight(number: int) -> bytes:
    return number.to_bytes(8, "big", signed=True)


def _bigint(digest: bytes) -> int:
    return int.from_bytes(digest[:8], "big", signed=True)
