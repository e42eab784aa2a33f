"""What a score allows: *match*, *possible* or *none*, with the guards that no score can buy off.

A missed match can cost a life and a false one tells a stranger's secret. So certainty is never enough by itself: the
given name must stand, the birth must agree, something beside name and birth must support it, the more the less of the
birth agrees. What falls short of that is *possible*, and a duty officer decides.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic

from registry_api.matching import weights as w
from registry_api.matching.compare import Levels, compare
from registry_api.matching.record import Record
from registry_api.matching.score import Id, Scored, alone, score
from registry_api.matching.weights import Born, Family, Given, Mother, Place, Plain

CERTAIN = 0.994
"""Posterior from which a match may be disclosed."""

POSSIBLE = 0.0034
"""Posterior from which a person looks before "not known" is said."""

SAME_ENQUIRY = 0.8
"""Probability from which two enquiries are about one child (ENQ-7): the later enquirer learns of the earlier one, and
the safeguarding manager, who can see that it is another, considers both."""

SURELY_SAME_ENQUIRY = 0.85
"""Probability from which somebody is said to have asked about one child again and again."""

PERHAPS_SAME_ENQUIRY = 0.1
"""Probability from which two enquiries may be about one child: a person decides, and no enquirer learns of another."""

MOST_POSSIBLE = 5
"""How many of those who may be meant a person is given to decide on."""

_BORN_STANDS = frozenset({Born.EXACT, Born.SWAPPED, Born.DUE})
_BORN_AGREES = _BORN_STANDS | {Born.DIGIT, Born.TWO_PARTS, Born.AGE, Born.AGE_NEAR}


class Band(StrEnum):
    """How far an answer may go."""

    MATCH = "match"
    POSSIBLE = "possible"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Match(Generic[Id]):
    """The decision.

    ``candidates``: on a match, the entries of that one child, the best first; normally one. ``possible``: otherwise,
    the best few at POSSIBLE or more.
    """

    band: Band
    candidates: tuple[Id, ...] = ()
    possible: tuple[Id, ...] = ()

    @property
    def candidate(self) -> Id | None:
        """The best entry of the child who matched, or None."""
        return self.candidates[0] if self.candidates else None


def best_match(question: Record, candidates: Sequence[tuple[Id, Record]]) -> Match[Id]:
    """Return what may be said of ``question``, given the entries that its tokens found.

    At CERTAIN one child leads clearly: all others and "nobody" share what is left of one. Entries that are certainly
    one child count together, for a child who was entered twice must not be hidden by it (REG-1).
    """
    scored = score(question, candidates)
    likely = _in_order(one for one in scored if one.posterior >= POSSIBLE)
    if not likely:
        return Match(Band.NONE)
    entries = _entries_of_one(likely[0], scored, candidates)
    if sum(one.posterior for one in entries) >= CERTAIN and any(map(is_guarded, entries)):
        return Match(Band.MATCH, tuple(one.id for one in entries))
    return Match(Band.POSSIBLE, possible=tuple(one.id for one in likely[:MOST_POSSIBLE]))


def _in_order(scored: Iterable[Scored[Id]]) -> list[Scored[Id]]:
    """Return candidates best first, and those that fit alike by id: the order of retrieval must decide nothing."""
    return sorted(scored, key=lambda one: (-one.posterior, str(one.id)))


def _entries_of_one(
    best: Scored[Id], scored: Sequence[Scored[Id]], candidates: Sequence[tuple[Id, Record]]
) -> list[Scored[Id]]:
    """Return ``best`` and every other entry of the same child, however much less of that one was asked about."""
    others = [one for one in scored if one is not best and _may_be_one_child(one.levels)]
    if not others:
        return [best]
    records = dict(candidates)
    return [best, *_in_order(one for one in others if _is_entered_twice(records, best, one))]


def _is_entered_twice(records: Mapping[Id, Record], best: Scored[Id], other: Scored[Id]) -> bool:
    """Return whether two entries are certainly one child, each taken as a question about the other.

    Both stand on the register, so a twin whose name is like or short for the other's would stand there as well: the
    given name must be the very same, and neither sex nor NHS number may speak against it.
    """
    one = score(records[best.id], [(other.id, records[other.id])])
    if not one or one[0].posterior < CERTAIN or not is_guarded(one[0]):
        return False
    levels = one[0].levels
    return levels.given <= Given.EXACT and Plain.DIFFERENT not in (levels.sex, levels.nhs)


def is_guarded(best: Scored[Id]) -> bool:
    """Return whether a certain candidate may be disclosed: by NHS number, as a born child, or as an unborn one.

    A birth that agrees in part needs the house or the mother beside it: cousins of one name live in one postcode.
    """
    levels = best.levels
    if levels.nhs is Plain.SAME:
        return _by_number(levels)
    if levels.given is Given.MISSING:
        return _as_unborn(levels)
    if levels.given > Given.CLOSE or levels.born not in _BORN_AGREES:
        return False
    nearest = Place.POSTCODE if levels.born in _BORN_STANDS else Place.BUILDING
    return levels.place <= nearest or levels.mother <= Mother.FULL


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
    birth only, so nothing further need support them here; and a child who is met somewhere else, or has moved, is the
    very child whom a second enquiry is to bring to notice.
    """
    return _alike(question, earlier, prior=w.EARLIER_PRIOR, namesakes=w.NAMESAKE_PER_ENQUIRY, least=SAME_ENQUIRY)


def surely_same_child(question: Record, earlier: Sequence[tuple[Id, Record]]) -> list[Id]:
    """Return which earlier enquiries were about this child as surely as an entry of the register would have to be.

    For a sign of misuse, which costs somebody an explanation.
    """
    return _alike(question, earlier, prior=w.PRIOR, namesakes=w.NAMESAKE_PER_ENTRY, least=SURELY_SAME_ENQUIRY)


def _alike(
    question: Record,
    earlier: Sequence[tuple[Id, Record]],
    *,
    prior: float,
    namesakes: float,
    least: float,
    also: Callable[[Levels], bool] = lambda levels: False,
) -> list[Id]:
    found = []
    for id_, record in earlier:
        levels = compare(question, record)
        if levels is None or not (_may_be_one_child(levels) or also(levels)):
            continue
        if alone(levels, prior=prior, namesakes=namesakes) >= least:
            found.append(id_)
    return found


def named_and_born_alike(question: Record, candidates: Sequence[tuple[Id, Record]]) -> list[Id]:
    """Return who has the same name and date of birth, whatever else differs. For an authority that speaks of a child
    whom it named before, and corrects what it said: how likely a namesake is does not come into it (REG-1)."""
    found = []
    for id_, record in candidates:
        levels = compare(question, record)
        if levels is None or Plain.DIFFERENT in (levels.sex, levels.nhs):
            continue
        if (levels.given <= Given.EXACT, levels.family, levels.born) == (True, Family.EXACT, Born.EXACT):
            found.append(id_)
    return found


def perhaps_same_child(question: Record, earlier: Sequence[tuple[Id, Record]]) -> list[Id]:
    """Return which earlier enquiries may have been about this child, certainly or not (ENQ-7).

    A child who is asked about at another address than before, or whose name was heard another way, is met here; twins
    and siblings are told apart by the third hypothesis as ever, namesakes of the very same birth are not.
    """
    return _alike(
        question,
        earlier,
        prior=w.EARLIER_PRIOR,
        namesakes=w.NAMESAKE_PER_ENQUIRY,
        least=PERHAPS_SAME_ENQUIRY,
        also=_heard_otherwise,
    )


def _heard_otherwise(levels: Levels) -> bool:
    return levels.given is Given.SIMILAR and levels.born in _BORN_AGREES


def _may_be_one_child(levels: Levels) -> bool:
    if levels.given is Given.MISSING:
        return levels.nhs is Plain.SAME or _as_unborn(levels)
    return levels.given <= Given.CLOSE and (levels.born in _BORN_AGREES or levels.born is Born.MISSING)
