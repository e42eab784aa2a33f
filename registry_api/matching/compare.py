"""How well two records agree, field by field: each comparison gives a level of ``weights``, never a score.

A detail that either side lacks is MISSING and says nothing. Of several names or addresses the best pair counts.
"""

from datetime import date
from typing import NamedTuple

from registry_api.matching.address import AddressKeys, same_address, same_building, same_house, same_street, share_place
from registry_api.matching.compare_names import best_family, best_given, swapped
from registry_api.matching.postcodes import near
from registry_api.matching.record import Record
from registry_api.matching.weights import Born, Family, Given, Mother, Place, Plain

_FORTNIGHT, _SIX_WEEKS = 14, 42  # days


class Levels(NamedTuple):
    """The levels of agreement of one pair. ``given_word``, ``family_word``: the word that agrees exactly, else ""."""

    given: Given
    family: Family
    born: Born
    place: Place
    mother: Mother
    sex: Plain
    nhs: Plain
    given_word: str = ""
    family_word: str = ""


def compare(question: Record, candidate: Record, *, strangers: bool = False) -> Levels | None:
    """Return how two records agree, or None if they are strangers beyond doubt (neither name nor number agrees).

    ``strangers``: look at these too, as two files may in which everybody stands twice.
    """
    unborn = bool(question.due or candidate.due)
    nhs = _plain(question.nhs, candidate.nhs)
    given, given_word = best_given(question.givens, candidate.givens)
    family, family_word = best_family(question.families, candidate.families)
    if given >= Given.SIMILAR and family >= Family.SIMILAR:
        crossed = swapped(question.givens, question.families, candidate.givens, candidate.families)
        if crossed is not None:
            given, family = crossed, Family.MISSING
        elif (
            given is Given.DIFFERENT
            and family is Family.DIFFERENT
            and nhs is not Plain.SAME
            and not (strangers or unborn or _may_be_renamed(question, candidate))
        ):
            return None
    if family is Family.DIFFERENT and unborn:
        family = Family.MISSING  # the surname of an unborn child is a guess
    return Levels(
        given,
        family,
        compare_born(question, candidate),
        compare_places(question, candidate),
        compare_mothers(question, candidate),
        _plain(question.sex, candidate.sex),
        nhs,
        given_word,
        family_word,
    )


def _may_be_renamed(question: Record, candidate: Record) -> bool:
    """Return whether two of unlike names are worth a look: born on one day and near, or nearly so and at one home."""
    born, place = compare_born(question, candidate), compare_places(question, candidate)
    return (born <= Born.SWAPPED and place <= Place.POSTCODE) or (born <= Born.TWO_PARTS and place is Place.HOME)


def compare_born(question: Record, candidate: Record) -> Born:
    """Return how two people agree on when the child was or will be born. Only a question's age is looked at twice."""
    ours, theirs = question.born, candidate.born
    if ours and theirs:
        return _compare_dates(ours, theirs)
    if question.due or candidate.due:
        return _compare_due(question, candidate)
    if question.age >= 0 and theirs:
        return _age_level(abs(question.age - (question.age_on - theirs) // 10000))
    if candidate.age >= 0 and ours:
        return _age_level(abs(candidate.age - (candidate.age_on - ours) // 10000))
    if question.age >= 0 and candidate.age >= 0:
        years = (question.age_on - candidate.age_on) / 10000
        return _age_level(round(abs(question.age - candidate.age - years)))
    return Born.MISSING


def _compare_dates(a: int, b: int) -> Born:
    """Return how two dates, as yyyymmdd, agree."""
    if a == b:
        return Born.EXACT
    (year, rest), (other_year, other_rest) = divmod(a, 10000), divmod(b, 10000)
    (month, day), (other_month, other_day) = divmod(rest, 100), divmod(other_rest, 100)
    if year == other_year and month == other_day and day == other_month:
        return Born.SWAPPED
    if sum(x != y for x, y in zip(str(a), str(b), strict=True)) == 1:
        return Born.DIGIT
    agreeing = (year == other_year) + (month == other_month) + (day == other_day)
    return Born.TWO_PARTS if agreeing == 2 else Born.DIFFERENT


def _compare_due(a: Record, b: Record) -> Born:
    days = [record.due or (_date(record.born).toordinal() if record.born else 0) for record in (a, b)]
    if not all(days):
        return Born.MISSING
    apart = abs(days[0] - days[1])
    return Born.DUE if apart <= _FORTNIGHT else Born.DUE_NEAR if apart <= _SIX_WEEKS else Born.DUE_DIFFERENT


def _date(yyyymmdd: int) -> date:
    return date(yyyymmdd // 10000, yyyymmdd // 100 % 100, yyyymmdd % 100)


def _age_level(years_apart: int) -> Born:
    return (Born.AGE, Born.AGE_NEAR)[years_apart] if years_apart < 2 else Born.AGE_DIFFERENT


def compare_places(question: Record, candidate: Record) -> Place:
    """Return the best agreement between any two addresses, former ones included."""
    if not question.addresses or not candidate.addresses:
        return Place.MISSING
    best = Place.DIFFERENT
    for a in question.addresses:
        for b in candidate.addresses:
            if (level := _compare_two(a, b)) is Place.HOME:
                return level
            best = min(best, level)
    return best


def _compare_two(a: AddressKeys, b: AddressKeys) -> Place:
    same_postcode = a.postcode == b.postcode != ""
    close = not same_postcode and near(a.postcode, b.postcode)
    if a.postcode and b.postcode and not (same_postcode or close or (a.uprn and b.uprn)):
        # A postcode is mistaken oftener than a house in a street of one name stands in a place of one name.
        if not (same_street(a, b) and share_place(a, b)):
            return Place.DIFFERENT
        return Place.BUILDING if same_house(a, b) else Place.POSTCODE
    if same_address(a, b):
        return Place.HOME
    if same_building(a, b):
        return Place.BUILDING
    if same_postcode:
        return Place.POSTCODE_ALONE if _is_bare(a) or _is_bare(b) else Place.POSTCODE
    if close and same_street(a, b):
        return Place.POSTCODE
    return Place.NEAR if close else Place.DIFFERENT


def _is_bare(address: AddressKeys) -> bool:
    """Return whether an address tells no house, so that its postcode is all there is to compare."""
    return not (address.number or address.name)


def compare_mothers(question: Record, candidate: Record) -> Mother:
    """Return how two people agree on the mother."""
    given, _ = best_given(question.mother_givens, candidate.mother_givens)
    family, _ = best_family(question.mother_families, candidate.mother_families)
    born = bool(question.mother_born) and question.mother_born == candidate.mother_born
    if given is Given.MISSING or family is Family.MISSING:
        named = given <= Given.CLOSE or family <= Family.CLOSE
        if not born and given is Given.MISSING and family is Family.MISSING:
            return Mother.MISSING
        return Mother.BORN if born and named else Mother.PART if born or named else Mother.DIFFERENT
    if given <= Given.CLOSE and family <= Family.CLOSE:
        return Mother.BORN if born else Mother.FULL
    return Mother.PART if born or given <= Given.CLOSE else Mother.DIFFERENT


def _plain(a: object, b: object) -> Plain:
    if not a or not b:
        return Plain.MISSING
    return Plain.SAME if a == b else Plain.DIFFERENT
