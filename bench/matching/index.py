"""The retrieval of the service in memory: the same tokens, weights and limits as the SQL of ``register.store``."""

from collections.abc import Sequence

import numpy as np

from registry_api.matching.record import Record
from registry_api.matching.token_keys import TokenKeys
from registry_api.matching.tokens import (
    LEAST_SHARE,
    LEAST_WEIGHT,
    RETRIEVAL_LIMIT,
    index_tokens,
    query_tokens,
)

KEYS = TokenKeys(bytes(range(32)))
_POSTINGS = 1500


class Index:
    """Records by number, and the tokens they are found by."""

    def __init__(self, records: Sequence[Record]) -> None:
        """Index ``records``."""
        self.records = records
        tokens: list[int] = []
        owners: list[int] = []
        for number, record in enumerate(records):
            own = index_tokens(record, KEYS)
            tokens += own
            owners += [number] * len(own)
        order = np.argsort(np.array(tokens, dtype=np.int64), kind="stable")
        self.tokens = np.array(tokens, dtype=np.int64)[order]
        self.owners = np.array(owners, dtype=np.int64)[order]

    def candidates(
        self, question: Record, *, but: int | None = None, least: float = LEAST_WEIGHT, share: float = LEAST_SHARE
    ) -> list[tuple[int, Record]]:
        """Return the records that the question's tokens find.

        ``but``: not this one, where it is the question itself. ``least``, ``share``: as the service has them, unless
        so few records afford looking at more.
        """
        asked = query_tokens(question, KEYS)
        wanted = np.array(asked.tokens, dtype=np.int64)
        starts, ends = np.searchsorted(self.tokens, wanted, "left"), np.searchsorted(self.tokens, wanted, "right")
        weights: dict[int, float] = {}
        for start, end, weight in zip(starts, ends, asked.weights, strict=True):
            for owner in self.owners[start : min(end, start + _POSTINGS)].tolist():
                weights[owner] = weights.get(owner, 0.0) + weight
        weights.pop(-1 if but is None else but, None)
        found = [(weight, owner) for owner, weight in weights.items() if weight >= least]
        if not found:
            return []
        found.sort(reverse=True)
        enough = share * found[0][0]
        return [(owner, self.records[owner]) for weight, owner in found[:RETRIEVAL_LIMIT] if weight >= enough]
