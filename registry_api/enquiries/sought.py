"""What the register is looked through for one question, and the digest by which the log holds the enquiry to it.

The digest stands in the entry of the enquiry before anything is read. The gate (``gate``) computes it again, out of
what it is then asked for, so that nobody can be looked for but whoever the entry was about.
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Self

from registry_api.matching.record import Record
from registry_api.matching.token_keys import TokenKeys
from registry_api.matching.tokens import QueryTokens, address_tokens, query_tokens
from registry_api.register.people import tokens_at

DOMAIN: Final = b"child-protection-register sought 1\x00"
_BIGINT, _FLOAT8 = (20, "q"), (701, "d")


def homes(place: Record, token_keys: TokenKeys) -> set[int]:
    """Return the tokens of where somebody lives, under every version that stands in the index."""
    versions = (token_keys, *token_keys.outdated)
    return set(chain.from_iterable(address_tokens(place, keys, current_only=True) for keys in versions))


@dataclass(frozen=True, slots=True)
class Sought:
    """The tokens that are looked for, with their weights, and the homes that were asked about.

    ``homes``: under which children who live there are found. ``risks``: people who may pose a risk and are there.
    """

    query: QueryTokens
    homes: tuple[int, ...]
    risks: tuple[int, ...] = ()

    @classmethod
    def of(cls, question: Record, token_keys: TokenKeys, *, address_only: bool) -> Self:
        """Return what is looked for. ``address_only``: an address was asked about, and no child is looked for."""
        query = QueryTokens([], [], []) if address_only else query_tokens(question, token_keys)
        asked = question.addresses[: question.current]
        risks = tokens_at(asked, (token_keys, *token_keys.outdated))
        return cls(query, tuple(sorted(homes(question, token_keys))), tuple(risks))

    @property
    def places(self) -> tuple[int, ...]:
        """All tokens of the homes that were asked about, whoever is found by them."""
        return (*self.homes, *self.risks)

    def digest(self, reference: str) -> bytes:
        """Return the digest for the enquiry of this reference: of two about the same child it is not the same."""
        asked = (_sent(self.query.tokens, *_BIGINT), _sent(self.query.weights, *_FLOAT8), _sent(self.places, *_BIGINT))
        return hashlib.sha256(DOMAIN + reference.encode() + b"\x00" + b"".join(asked)).digest()


def _sent(values: Sequence[float], type_oid: int, code: str) -> bytes:
    """Return an array as PostgreSQL's ``array_send`` writes it, which says how long it is and has one form only."""
    dimensions = struct.pack(">ii", len(values), 1) if values else b""
    items = b"".join(struct.pack(f">i{code}", 8, value) for value in values)
    return struct.pack(">iii", 1 if values else 0, 0, type_oid) + dimensions + items
