"""How likely each candidate is the child asked about: the evidence of ``weights`` added up, and weighed together.

Four explanations compete for what a candidate shares with the question: it is that child, it is another child of that
household, it is a namesake, or it is a stranger. The posteriors of all candidates and of "nobody here" add up to one,
so a second candidate that fits as well keeps either from being certain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log10
from typing import Generic, NamedTuple, TypeVar

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
    and Sunter 1969, with the household and the namesake as further hypotheses (see ``weights``).
    """
    found = []
    household, namesakes = Household(), 0.0
    for id_, candidate in candidates:
        if (levels := compare(question, candidate)) is not None:
            evidence = weigh(levels)
            household.add(levels, evidence)
            namesakes += 10.0**evidence.namesake
            found.append((prior * 10.0**evidence.same / w.OVERCOUNTED, id_, levels))
    found.sort(key=lambda one: -one[0])
    rest = 1.0 + prior * (household.odds() + w.NAMESAKE_PER_ENTRY * namesakes) + sum(odds for odds, _, _ in found)
    return [Scored(id_, odds / rest, levels) for odds, id_, levels in found]


class Evidence(NamedTuple):
    """What all levels of one pair add up to, as log10 likelihood ratios against "a stranger".

    ``same``: for the same child. ``namesake``: for a child who shares the name and
    nothing else. ``sibling_name`` and ``sibling_rest``: for another child of the household, the given name apart from
    all the rest.
    """

    same: float
    namesake: float
    sibling_name: float
    sibling_rest: float


class Household:
    """The third explanation: a child without an entry, of the household of one who has.

    Candidates that share the question's home or mother are one household, so there it is one child that has to fit
    them all: born with the twin among them, say, yet named unlike each of them. Other candidates are households apart.
    """

    __slots__ = ("_apart", "_name", "_rest")

    def __init__(self) -> None:
        """Begin with no candidates."""
        self._apart = 0.0
        self._name, self._rest = inf, -inf

    def add(self, levels: Levels, evidence: Evidence) -> None:
        """Take in what one candidate shares with the question."""
        if levels.place <= w.Place.BUILDING or levels.mother <= w.Mother.FULL:
            self._name = min(self._name, evidence.sibling_name)
            self._rest = max(self._rest, evidence.sibling_rest)
        else:
            self._apart += 10.0 ** (evidence.sibling_name + evidence.sibling_rest)

    def odds(self) -> float:
        """Return the odds of this explanation against a stranger, for one entry's prior odds of one."""
        at_home = 10.0 ** (self._name + self._rest) if self._rest > -inf else 0.0
        return w.HOUSEHOLD_PER_ENTRY * (at_home + self._apart)


def alone(levels: Levels, *, prior: float = w.PRIOR, namesakes: float = w.NAMESAKE_PER_ENTRY) -> float:
    """Return the posterior of one pair by itself, as if no other candidate had been found.

    Args:
        levels: how the two agree.
        prior: odds, before any detail is compared, of the two being one child.
        namesakes: pairs about namesakes of much the same age, for each one about a single child.
    """
    evidence, household = weigh(levels), Household()
    household.add(levels, evidence)
    odds: float = prior * 10.0**evidence.same
    others: float = prior * (household.odds() + namesakes * 10.0**evidence.namesake)
    return odds / (1.0 + odds + others)


def weigh(levels: Levels) -> Evidence:
    """Return the evidence of one pair, names that many bear counting less."""
    given, family = w.GIVEN[levels.given], w.FAMILY[levels.family]
    born, place = w.BORN[levels.born], w.PLACE[levels.place]
    mother, sex, nhs = w.MOTHER[levels.mother], w.SEX[levels.sex], w.NHS[levels.nhs]
    common_given, common_family = commonness(levels)
    return Evidence(
        given[0] + family[0] + born[0] + place[0] + mother[0] + sex[0] + nhs[0] - common_given - common_family,
        given[2] + family[2] + born[2] + place[2] + mother[2] + sex[2] + nhs[2] - common_given - common_family,
        given[1] - common_given,
        family[1] + born[1] + place[1] + mother[1] + sex[1] + nhs[1] - common_family,
    )


def commonness(levels: Levels) -> tuple[float, float]:
    """Return how much less, in log10, exact agreement on this given and this family name says than on a rare one."""
    given, family = levels.given_word, levels.family_word
    return (given_frequency(given) - _OTHER if given else 0.0, family_frequency(family) - _OTHER if family else 0.0)


def explain(question: Record, candidate: Record) -> dict[str, float]:
    """Return what each field said for "the same child" against "a stranger", in log10 units, for an auditor.

    Empty if the two are strangers beyond doubt. Holds no detail of either person.
    """
    levels = compare(question, candidate)
    if levels is None:
        return {}
    common_given, common_family = commonness(levels)
    return {
        "given name": w.GIVEN[levels.given].same - common_given,
        "family name": w.FAMILY[levels.family].same - common_family,
        "born": w.BORN[levels.born].same,
        "address": w.PLACE[levels.place].same,
        "mother": w.MOTHER[levels.mother].same,
        "sex": w.SEX[levels.sex].same,
        "nhs number": w.NHS[levels.nhs].same,
    }
