"""What a score allows: *match*, *possible* or *none*, with the guards that no score can buy off.

A missed match can cost a life and a false one tells a stranger's secret. So certainty is never enough by itself: the
given name must stand, the birth must agree, something beside name and birth must support it. What falls short of that
is *possible*, and a duty officer decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic

from registry_api.matching.compare import Levels, compare
from registry_api.matching.record import Record
from registry_api.matching.score import Household, Id, Scored, score, weigh
from registry_api.matching.weights import PRIOR, Born, Given, Mother, Place, Plain

CERTAIN = 0.998
"""Posterior from which a match may be disclosed."""

POSSIBLE = 0.01
"""Posterior from which a person looks before "not known" is said."""

SAME_ENQUIRY = 0.95
"""Probability from which two enquiries are about one child (ENQ-7): the later enquirer learns of the earlier one."""

_BORN_AGREES = frozenset({Born.EXACT, Born.SWAPPED, Born.DIGIT, Born.TWO_PARTS, Born.AGE, Born.AGE_NEAR, Born.DUE})


class Band(StrEnum):
    """How far an answer may go."""

    MATCH = "match"
    POSSIBLE = "possible"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Match(Generic[Id]):
    """The decision. ``candidate`` is set only on a match; ``possible`` counts those at posterior .01 or more."""

    band: Band
    candidate: Id | None = None
    possible: int = 0


def best_match(question: Record, candidates: Sequence[tuple[Id, Record]]) -> Match[Id]:
    """Return what may be said of ``question``, given the entries that its tokens found.

    At CERTAIN a candidate leads clearly by itself: all others and "nobody" share what is left of one.
    """
    scored = score(question, candidates)
    possible = sum(one.posterior >= POSSIBLE for one in scored)
    if not possible:
        return Match(Band.NONE)
    best = scored[0]
    if best.posterior >= CERTAIN and is_guarded(best):
        return Match(Band.MATCH, best.id, possible)
    return Match(Band.POSSIBLE, None, possible)


def is_guarded(best: Scored[Id]) -> bool:
    """Return whether a certain candidate may be disclosed: by NHS number, as a born child, or as an unborn one."""
    levels = best.levels
    if levels.nhs is Plain.SAME:
        return _by_number(levels)
    supported = levels.place <= Place.POSTCODE or levels.mother <= Mother.FULL
    if levels.given is Given.MISSING:
        return _as_unborn(levels)
    return supported and levels.given <= Given.CLOSE and levels.born in _BORN_AGREES


def _by_number(levels: Levels) -> bool:
    """With the NHS number, the given name or the date of birth must agree, and neither may speak against it."""
    named = levels.given <= Given.CLOSE
    if named:
        return levels.born in _BORN_AGREES or levels.born is Born.MISSING
    return levels.given is Given.MISSING and levels.born in _BORN_AGREES


def _as_unborn(levels: Levels) -> bool:
    """An unborn child has no name: the mother's must agree, the time, and her date of birth or the address (REG-3)."""
    supported = levels.mother is Mother.BORN or (levels.mother is Mother.FULL and levels.place <= Place.POSTCODE)
    return levels.born is Born.DUE and supported


def same_child(question: Record, earlier: Sequence[tuple[Id, Record]]) -> list[Id]:
    """Return which earlier enquiries were about this very child (ENQ-7): misspelt yes, a twin or sibling no.

    Each is judged by itself, for all of them may be about the one child. Enquirers often have a name and a date of
    birth only, so nothing further need support them here.
    """
    found = []
    for id_, record in earlier:
        levels = compare(question, record)
        if levels is None or not _may_be_one_child(levels):
            continue
        evidence, sibling = weigh(levels), Household()
        sibling.add(levels, evidence)
        odds = PRIOR * 10.0**evidence.same
        if odds / (1.0 + odds + PRIOR * sibling.odds()) >= SAME_ENQUIRY:
            found.append(id_)
    return found


def _may_be_one_child(levels: Levels) -> bool:
    if levels.given is Given.MISSING:
        return levels.nhs is Plain.SAME or _as_unborn(levels)
    return levels.given <= Given.CLOSE and (levels.born in _BORN_AGREES or levels.born is Born.MISSING)
