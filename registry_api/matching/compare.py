"""How well two records agree, field by field: each comparison gives a level of ``weights``, never a score.

A detail that either side lacks is MISSING and says nothing. Of several names or addresses the best pair counts.
"""

from datetime import date
from typing import NamedTuple

from rapidfuzz.distance import JaroWinkler

from registry_api.matching.address import same_address, same_building
from registry_api.matching.names import is_known_given, nicknames_of, sounds
from registry_api.matching.postcodes import near
from registry_api.matching.record import Record, Words
from registry_api.matching.weights import Born, Family, Given, Mother, Place, Plain

_CLOSE, _SIMILAR = 0.92, 0.84
"""Jaro-Winkler similarities (Winkler 1990) from which two words are one misspelt, or merely alike."""

_FORTNIGHT, _SIX_WEEKS = 14, 42  # days

_alike = JaroWinkler.similarity


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


def compare(question: Record, candidate: Record) -> Levels | None:
    """Return how two records agree, or None if they are strangers beyond doubt (neither name nor number agrees)."""
    unborn = bool(question.due or candidate.due)
    nhs = _plain(question.nhs, candidate.nhs)
    given, given_word = best_given(question.givens, candidate.givens)
    family, family_word = best_family(question.families, candidate.families)
    if given >= Given.SIMILAR and family >= Family.SIMILAR:
        if swapped := _swapped(question, candidate):
            given, family = swapped, Family.MISSING
        elif given is Given.DIFFERENT and family is Family.DIFFERENT and nhs is not Plain.SAME and not unborn:
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


def best_given(ours: tuple[Words, ...], theirs: tuple[Words, ...]) -> tuple[Given, str]:
    """Return the best level between two people's given names, and the first word if that is exact."""
    if not ours or not theirs:
        return Given.MISSING, ""
    best, word = Given.DIFFERENT, ""
    for a in ours:
        for b in theirs:
            level = compare_given(a, b)
            if level <= Given.EXACT:
                word = a[0]
            best = min(best, level)
    return best, word


def best_family(ours: tuple[Words, ...], theirs: tuple[Words, ...]) -> tuple[Family, str]:
    """Return the best level between two people's family names, and the name if that is exact."""
    if not ours or not theirs:
        return Family.MISSING, ""
    best = Family.DIFFERENT
    for a in ours:
        for b in theirs:
            level = compare_family(a, b)
            if level is Family.EXACT:
                return level, a[0]
            best = min(best, level)
    return best, ""


def compare_given(a: Words, b: Words) -> Given:
    """Return how two given names agree, word by word. Symmetric."""
    first, other = a[0], b[0]
    if first == other:
        return Given.EXACT if len(a) == 1 or len(b) == 1 else _with_others(Given.FULL, a, b)
    if len(a) != len(b) and "".join(a) == "".join(b):  # Jean-Pierre, Jeanpierre
        return Given.EXACT
    if len(first) == 1 or len(other) == 1:
        return Given.SIMILAR if first[0] == other[0] else Given.DIFFERENT
    if other in nicknames_of(first):
        return _with_others(Given.NICKNAME, a, b)
    if (len(a) > 1 or len(b) > 1) and not set(a).isdisjoint(b):
        return Given.SHARED
    # Amelia and Amelie, Daniel and Danielle: names people really have, and twins do have, are not one name misspelt.
    if is_known_given(first) and is_known_given(other):
        return Given.DIFFERENT
    similarity = _alike(first, other, score_cutoff=_SIMILAR)
    if similarity >= _CLOSE:
        return _with_others(Given.CLOSE, a, b)
    return Given.SIMILAR if similarity or sounds(first)[0] == sounds(other)[0] else Given.DIFFERENT


def _with_others(level: Given, a: Words, b: Words) -> Given:
    """Return ``level`` of the first given names unless both sides have others too, and none of those agrees."""
    others = [(x, y) for x in a[1:] for y in b[1:]]
    if not others or any(x == y for x, y in others):
        return level
    agreed = any(
        (x[0] == y[0] and 1 in (len(x), len(y))) or _alike(x, y) >= _CLOSE or y in nicknames_of(x) for x, y in others
    )
    return max(level, Given.EXACT) if agreed else Given.SHARED


def compare_family(a: Words, b: Words) -> Family:
    """Return how two family names agree, each run together and then by parts. Symmetric."""
    if a[0] == b[0]:
        return Family.EXACT
    several = len(a) > 1 or len(b) > 1
    if several and not set(a).isdisjoint(b):
        return Family.PART
    similarity = _alike(a[0], b[0], score_cutoff=_SIMILAR)
    if similarity >= _CLOSE:
        return Family.CLOSE
    if similarity or sounds(a[0])[0] == sounds(b[0])[0]:
        return Family.SIMILAR
    if several and any(_alike(x, y) >= _CLOSE for x in a for y in b):
        return Family.SIMILAR
    return Family.DIFFERENT


def _swapped(a: Record, b: Record) -> Given | None:
    """Return the level of names written in each other's place: CLOSE where a mononym leaves only one to compare."""
    crossed = (_crossed(a.givens, b.families), _crossed(b.givens, a.families))
    if False in crossed or True not in crossed:
        return None
    return Given.CLOSE if None in crossed else Given.SWAPPED


def _crossed(givens: tuple[Words, ...], families: tuple[Words, ...]) -> bool | None:
    """Return whether a given name agrees with a family name, or None if there is nothing to compare."""
    if not givens or not families:
        return None
    return any(
        _alike("".join(given), family[0]) >= _CLOSE or given[0] in family for given in givens for family in families
    )


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
            same_postcode = a.postcode == b.postcode
            close = not same_postcode and near(a.postcode, b.postcode)
            if a.postcode and b.postcode and not (same_postcode or close) and not (a.uprn and b.uprn):
                continue
            if same_address(a, b):
                return Place.HOME
            if same_building(a, b):
                best = Place.BUILDING
            elif a.postcode and same_postcode:
                best = min(best, Place.POSTCODE)
            elif close:
                best = min(best, Place.NEAR)
    return best


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
