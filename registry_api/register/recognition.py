"""Which rows of an import file are children whom the register, or the file itself, has met under another identifier.

Promises: pure; a row takes over an entry only where matching is certain that both are one child (REG-1), each entry
goes to one row at most, and whatever is less than certain is said and left to a person.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from registry_api.matching.bands import Band, best_match
from registry_api.matching.record import Record, pack, unpack
from registry_api.matching.token_keys import TokenKeys
from registry_api.matching.tokens import index_tokens
from registry_api.register.entry import ChildEntry
from registry_api.register.rules import Fault, Reason
from registry_api.register.sealing import Row


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands on the register for a row of a file.

    ``child``: the child's row (``id``, ``data_key``). ``entry``: the whole entry where the row is to be joined with
    it instead of taking its place.
    """

    child: Row
    entry: ChildEntry | None = None


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """An entry that no record of the authority's own system stands for; ``transfer``: the reference that made it."""

    standing: Standing
    record: Record
    transfer: str


MOST_BORN_TOGETHER = 50
"""New children of one file with one date of birth that a row is compared with. A system that writes the same date for
all whose birth it does not know would otherwise have each row compared with all before it."""


class Recognition:
    """The unclaimed entries of the register and the new children of one file, as far as it has been read.

    Keeps the packed record of each new child, a few hundred bytes.
    """

    def __init__(self, unclaimed: Sequence[Unclaimed], token_keys: TokenKeys) -> None:
        """Index the unclaimed entries by the tokens of ``token_keys``, so that few rows have to be compared at all."""
        self._keys = token_keys
        self._unclaimed = dict(enumerate(unclaimed))
        self._found_by: defaultdict[int, set[int]] = defaultdict(set)
        for number, one in self._unclaimed.items():
            for token in index_tokens(one.record, token_keys):
                self._found_by[token].add(number)
        self._earlier: defaultdict[int, list[tuple[int, bytes]]] = defaultdict(list)

    def newcomer(self, line: int, record: Record) -> tuple[Standing | None, list[Fault]]:
        """Return the entry that the new row of ``line`` takes over, if there is one, and what is odd about the row."""
        doubts = self._met_earlier(line, record)
        match = best_match(record, self._candidates(record))
        if match.candidate is not None:
            return self._unclaimed.pop(match.candidate).standing, doubts
        if match.band is Band.POSSIBLE:
            likeliest = self._unclaimed[match.possible[0]]
            doubts.append(Fault("record_id", Reason.MAYBE_TRANSFERRED, warning=True, other=likeliest.transfer))
        return None, doubts

    def _met_earlier(self, line: int, record: Record) -> list[Fault]:
        # Those born on one day are few. Of several rows of one child only the first is kept: two that are both the
        # child would share the certainty.
        born_with = self._earlier[record.born or record.due]
        first = best_match(record, [(earlier, unpack(packed)) for earlier, packed in born_with]).candidate
        if first is None:
            if len(born_with) < MOST_BORN_TOGETHER:
                born_with.append((line, pack(record)))
            return []
        return [Fault("record_id", Reason.SAME_CHILD_ON_LINE, warning=True, other=str(first))]

    def _candidates(self, record: Record) -> list[tuple[int, Record]]:
        if not self._unclaimed:
            return []
        hits = {number for token in index_tokens(record, self._keys) for number in self._found_by.get(token, ())}
        return [(number, self._unclaimed[number].record) for number in sorted(hits & self._unclaimed.keys())]
