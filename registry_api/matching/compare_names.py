"""How well two people's names agree, word by word: each comparison gives a level of ``weights``, never a score.

Of several names in use the best pair counts. What decides is whether twins may be told apart by it: two names that
people really have are two children's, however alike, unless one is another spelling or a nickname of the other.
"""

from registry_api.matching.names import are_two_names, is_honorific, is_known_given, names_meant, nicknames_of, sounds
from registry_api.matching.record import Words
from registry_api.matching.spelling import CLOSE, SIMILAR, alikeness, is_one_slip, is_respelling, written_alike
from registry_api.matching.weights import Family, Given

_FEW = 3
"""Names that a slip may have come from: of so few it says which."""


def best_given(ours: tuple[Words, ...], theirs: tuple[Words, ...]) -> tuple[Given, str]:
    """Return the best level between two people's given names, and the first word if that is exact."""
    if not ours or not theirs:
        return Given.MISSING, ""
    best, word = Given.DIFFERENT, ""
    for a in ours:
        for b in theirs:
            level = compare_given(a, b)
            if level < best:
                best, word = level, a[0] if level <= Given.EXACT else ""
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
    """Return how two given names agree. Symmetric.

    Of brothers who are all Muhammad something it is the something that tells; without it nothing is told.
    """
    if a == b:
        return Given.EXACT if len(a) == 1 else Given.FULL
    if len(a) > 1 or len(b) > 1:
        if len(a) != len(b) and (joined := _joined(a, b)) is not None:
            return joined
        if is_honorific(a[0]) or is_honorific(b[0]):
            return _without_honorific(a, b)
    level = _first(a[0], b[0])
    if len(a) == 1 or len(b) == 1:
        if level > Given.SHARED and (a[0] in b or b[0] in a):
            return Given.SHARED
        return level
    others = _others(a[1:], b[1:])
    if level is Given.EXACT:
        return Given.FULL if others is Given.EXACT else level if others is not Given.DIFFERENT else Given.SHARED
    if level <= Given.CLOSE:
        return level if others is not Given.DIFFERENT else Given.SHARED
    if level is Given.SIMILAR and others is Given.EXACT:
        return Given.CLOSE  # Ebrun Chukwuemeka for Ibrun Chukwuemeka: no brother has a name so like and the other too
    return Given.SHARED if not set(a).isdisjoint(b) else level


def _without_honorific(a: Words, b: Words) -> Given:
    ours, theirs = a[is_honorific(a[0]) :], b[is_honorific(b[0]) :]
    both = len(ours) < len(a) and len(theirs) < len(b)
    level = compare_given(ours, theirs) if ours and theirs else Given.DIFFERENT
    return min(level, Given.SHARED) if both else level


def _joined(a: Words, b: Words) -> Given | None:
    """Return the level of Jean-Pierre and Jeanpierre, or of one of them misspelt; None if they are not such a pair."""
    one, other = "".join(a), "".join(b)
    if one == other:
        return Given.EXACT
    if abs(len(one) - len(other)) > 2 or a[0] == b[0]:
        return None
    return Given.CLOSE if len(one) > 5 and alikeness(one, other) >= CLOSE else None


def _first(one: str, other: str) -> Given:
    """Return the level of two single words."""
    if one == other:
        return Given.EXACT
    if len(one) == 1 or len(other) == 1:
        return Given.SIMILAR if one[0] == other[0] else Given.DIFFERENT
    if other in nicknames_of(one):
        return Given.NICKNAME
    respelt = is_respelling(one, other) and not are_two_names(one, other)
    one_known, other_known = is_known_given(one), is_known_given(other)
    # Amelia and Amelie, Daniel and Danielle: names people really have, and twins do have, are not one name misspelt.
    if one_known and other_known:
        return Given.CLOSE if respelt else Given.DIFFERENT
    similarity = alikeness(one, other)
    meant = names_meant(one) | names_meant(other)
    if one_known or other_known:
        if respelt:
            return Given.CLOSE
        if not meant.isdisjoint((one, other)):
            few = len(meant) <= _FEW and one[0] == other[0]
            return Given.CLOSE if few or similarity >= CLOSE else Given.SIMILAR
        if (
            min(len(one), len(other)) > 4
            and len(meant) <= _FEW
            and not meant.isdisjoint(nicknames_of(one) | nicknames_of(other))
        ):
            return Given.CLOSE  # Tmomy for Thomas
    if not (one_known or other_known):  # nothing but the letters tells them: twins' names rhyme
        similarity = written_alike(one, other) if one[0] == other[0] else min(similarity, SIMILAR)
    if not meant and similarity >= CLOSE:
        return Given.CLOSE
    return Given.SIMILAR if similarity or sounds(one)[0] == sounds(other)[0] else Given.DIFFERENT


def _others(a: Words, b: Words) -> Given:
    """Return the best level among further given names: EXACT, CLOSE (an initial, a nickname, a slip) or DIFFERENT."""
    best = Given.DIFFERENT
    for x in a:
        for y in b:
            if x == y:
                return Given.EXACT
            if 1 in (len(x), len(y)):
                agrees = x[0] == y[0]
            else:
                agrees = y in nicknames_of(x) or is_respelling(x, y) or _is_garbled(x, y)
            if agrees:
                best = Given.CLOSE
    return best


def _is_garbled(x: str, y: str) -> bool:
    """Return whether one further name is the other misspelt, if need be twice: the first name has told already."""
    if alikeness(x, y) >= CLOSE:
        return True
    return not (is_known_given(x) and is_known_given(y)) and bool(alikeness(x, y) or is_one_slip(x, y))


def compare_family(a: Words, b: Words) -> Family:
    """Return how two family names agree, each run together and then by parts. Symmetric."""
    if a[0] == b[0]:
        return Family.EXACT
    several = len(a) > 1 or len(b) > 1
    if several and not set(a).isdisjoint(b):
        return Family.PART
    similarity = alikeness(a[0], b[0])
    if similarity >= CLOSE or is_respelling(a[0], b[0]):
        return Family.CLOSE
    if several and any(alikeness(x, y) >= CLOSE or is_respelling(x, y) for x in a for y in b):
        return Family.CLOSE
    return Family.SIMILAR if similarity or sounds(a[0])[0] == sounds(b[0])[0] else Family.DIFFERENT


def swapped(
    givens: tuple[Words, ...],
    families: tuple[Words, ...],
    their_givens: tuple[Words, ...],
    their_families: tuple[Words, ...],
) -> Given | None:
    """Return the level of names written in each other's place: CLOSE where a mononym leaves only one to compare.

    None if they are not. Both pairs have to be alike, one of them as near as a slip; one alone is CROSSED.
    """
    crossed = (_crossed(givens, their_families), _crossed(their_givens, families))
    known = [alike for alike in crossed if alike is not None]
    if not known or max(known) < CLOSE:
        return None
    if min(known) < SIMILAR:
        return Given.CROSSED
    if len(known) == 1:
        return Given.CLOSE
    return Given.SWAPPED if min(known) >= CLOSE else Given.CLOSE


def _crossed(givens: tuple[Words, ...], families: tuple[Words, ...]) -> float | None:
    """Return how alike a given name and a family name are at best, or None if there is nothing to compare."""
    if not givens or not families:
        return None
    best = 0.0
    for given in givens:
        for family in families:
            if given[0] in family or "".join(given) == family[0]:
                return 1.0
            words = {given[0], "".join(given)}
            best = max(best, *(1.0 if is_respelling(x, y) else alikeness(x, y) for x in words for y in family))
    return best
