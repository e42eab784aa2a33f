"""How likely each candidate is the child asked about: the evidence of ``weights`` added up, and weighed together.

Three explanations compete for what a candidate shares with the question: it is that child, it is another child of that
household, or it is a stranger. The posteriors of all candidates and of "nobody here" add up to one, so a second
candidate that fits as well keeps either from being certain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import Generic, TypeVar

from registry_api.matching import weights as w
from registry_api.matching.compare import Levels, compare
from registry_api.matching.frequency import family_frequency, given_frequency
from registry_api.matching.record import Record

Id = TypeVar("Id")

_OTHER = log10(w.COMMONEST["other"])


@dataclass(frozen=True, slots=True)
class Scored(Generic[Id]):
    """One candidate: its posterior, and the levels of agreement that the guards of the bands look at."""

    id: Id
    posterior: float
    levels: Levels


def score(question: Record, candidates: Sequence[tuple[Id, Record]], *, prior: float = w.PRIOR) -> list[Scored[Id]]:
    """Return the candidates that are not strangers beyond doubt, best first.

    ``prior``: odds, before any detail is compared, of one entry being the child against nobody being. Source: Fellegi
    and Sunter 1969, with the household as a third hypothesis (see ``weights``).
    """
    rest = 1.0
    found = []
    for id_, candidate in candidates:
        if (levels := compare(question, candidate)) is not None:
            weight = evidence(levels)
            odds = prior * 10.0**weight.same
            rest += odds + prior * w.HOUSEHOLD_PER_ENTRY * 10.0**weight.household
            found.append((odds, id_, levels))
    found.sort(key=lambda one: -one[0])
    return [Scored(id_, odds / rest, levels) for odds, id_, levels in found]


def evidence(levels: Levels) -> w.Weight:
    """Return the log10 likelihood ratios against "a stranger" that all the levels of one pair add up to."""
    given, family = w.GIVEN[levels.given], w.FAMILY[levels.family]
    born, place = w.BORN[levels.born], w.PLACE[levels.place]
    mother, sex, nhs = w.MOTHER[levels.mother], w.SEX[levels.sex], w.NHS[levels.nhs]
    common = _commonness(levels)
    return w.Weight(
        given[0] + family[0] + born[0] + place[0] + mother[0] + sex[0] + nhs[0] - common,
        given[1] + family[1] + born[1] + place[1] + mother[1] + sex[1] + nhs[1] - common,
    )


def _commonness(levels: Levels) -> float:
    """Return what exact agreement on these names is worth less than on names that few bear."""
    given = given_frequency(levels.given_word) - _OTHER if levels.given_word else 0.0
    return given + (family_frequency(levels.family_word) - _OTHER if levels.family_word else 0.0)


def explain(question: Record, candidate: Record) -> dict[str, float]:
    """Return what each field said for "the same child" against "a stranger", in log10 units, for an auditor.

    Empty if the two are strangers beyond doubt. Holds no detail of either person.
    """
    levels = compare(question, candidate)
    if levels is None:
        return {}
    given = given_frequency(levels.given_word) - _OTHER if levels.given_word else 0.0
    return {
        "given name": w.GIVEN[levels.given].same - given,
        "family name": w.FAMILY[levels.family].same - (_commonness(levels) - given),
        "born": w.BORN[levels.born].same,
        "address": w.PLACE[levels.place].same,
        "mother": w.MOTHER[levels.mother].same,
        "sex": w.SEX[levels.sex].same,
        "nhs number": w.NHS[levels.nhs].same,
    }
