"""A deterministic cascade as demographic services trace people: exact rules, the strictest first, a single hit or none.

The steps follow what NHS England publishes of its Personal Demographics Service's traces: the number with the date of
birth, then name, date of birth and postcode, and looser ones after it. A step that finds several people finds nobody.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

from bench.matching.measure import Said
from bench.matching.rows import Row
from registry_api.matching.names import sounds


def _first(row: Row) -> str | None:
    return row.given.split()[0] if row.given else None


def _initial(row: Row) -> str | None:
    return row.given[0] if row.given else None


def _sound(word: str | None) -> str | None:
    return sounds(word.split()[-1])[0] if word else None


def _house(row: Row) -> str | None:
    return next((word for word in row.lines.split() if word.isdigit()), None) if row.lines else None


_STEPS: tuple[Callable[[Row], tuple[object, ...]], ...] = (
    lambda r: (r.nhs, r.born),
    lambda r: (r.nhs, _first(r), r.family),
    lambda r: (_first(r), r.family, r.born, r.postcode),
    lambda r: (_first(r), r.family, r.born),
    lambda r: (_initial(r), r.family, r.born, r.postcode),
    lambda r: (_first(r), r.born, r.postcode),
    lambda r: (_sound(r.given), _sound(r.family), r.born),
    lambda r: (_first(r), r.family, r.year, r.postcode),
    lambda r: (_first(r), r.family, r.year, _house(r)),
    lambda r: (r.family, r.born, r.postcode),
)


def answers(register: Sequence[Row], questions: Sequence[Row], truths: Sequence[int | None]) -> list[Said]:
    """Return the cascade's answer to each question that has one: the score is higher the earlier the step."""
    indexes = []
    for step in _STEPS:
        index: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for row in register:
            if None not in (key := step(row)):
                index[key].append(row.unique_id)
        indexes.append(index)
    said = []
    for question, truth in zip(questions, truths, strict=True):
        for number, step in enumerate(_STEPS):
            key = step(question)
            found = indexes[number].get(key, []) if None not in key else []
            if len(found) == 1:
                said.append(Said(float(len(_STEPS) - number), found[0] == truth))
                break
    return said
