"""Other spellings of one name: transliterations, dropped letters and slips of one key.

Two keys: ``respelt`` writes down what a name sounds like to somebody who does not know the language, so that Yousef
and Yusuf, Wójcik and Voytsik, Katherine and Catherin come out alike or nearly so. Names that sound alike and are yet
two children's are told apart elsewhere (``given_names``).
"""

import re
from functools import lru_cache

from rapidfuzz.distance import OSA, JaroWinkler

_RULES = tuple(
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r"(.)\1+", r"\1"),
        (r"ph", "f"),
        (r"tch|tsch|cz|tsh|ch", "c"),
        (r"sch|sz|sh", "s"),
        (r"x", "ks"),
        (r"ck|kh|q|k|c(?=[aou]|$|[rlt])", "k"),
        (r"ts|tz|(?<=.)z", "s"),
        (r"dj|dz|g(?=[ei])", "j"),
        (r"gh|g", "g"),
        (r"dh", "d"),
        (r"th", "t"),
        (r"w", "v"),
        (r"ou|oo|uo|u", "u"),
        (r"ay|ae", "ai"),
        (r"ee|ea|ei|ie|ey|y|j(?=[aou])", "i"),
        (r"(?<=[^aeiou])h|h$", ""),
        (r"o", "u"),
        (r"e", "i"),
        (r"(.)\1+", r"\1"),
    )
)

CLOSE, SIMILAR = 0.92, 0.84
"""Jaro-Winkler similarities (Winkler 1990) from which two words are one misspelt, or merely alike."""

_LONG_ENOUGH = 4
"""Letters from which one slip leaves a name recognisable: Lia and Mia, Tom and Tim are names of their own."""

_LETTERS_A_SLIP = 4
"""A word may hold one slip for so many letters."""

_jaro_winkler = JaroWinkler.similarity
_slips = OSA.distance


@lru_cache(16384)
def respelt(word: str) -> str:
    """Return what a folded word sounds like, however it is transliterated; a word of another script as it is."""
    if not word.isascii():
        return word
    plain = word
    for pattern, written in _RULES:
        plain = pattern.sub(written, plain)
    return plain or word


def is_respelling(a: str, b: str) -> bool:
    """Return whether two words are written differently and sound the same. Symmetric."""
    return max(len(a), len(b)) >= _LONG_ENOUGH and min(len(a), len(b)) > 2 and respelt(a) == respelt(b)


def alikeness(a: str, b: str) -> float:
    """Return how alike two different folded words are: CLOSE or more for a slip, below SIMILAR is 0. Symmetric.

    A slip is one letter more, fewer, or other, or two in each other's place (restricted Damerau-Levenshtein), in the
    word or in what it sounds like; in a long word two. Beginning alike is not enough: Oliver is not Olivia misspelt.
    """
    written = written_alike(a, b)
    if written < CLOSE and min(len(a), len(b)) > _LONG_ENOUGH and _one_slip(respelt(a), respelt(b)):
        return CLOSE
    return written


def written_alike(a: str, b: str) -> float:
    """Return the same of the letters alone, whatever the words sound like. Symmetric."""
    shortest = min(len(a), len(b))
    similarity = _jaro_winkler(a, b, score_cutoff=SIMILAR)
    if similarity >= CLOSE and (a[0] == b[0] or shortest > _LONG_ENOUGH + 1):
        allowed = max(1, shortest // _LETTERS_A_SLIP)
        return similarity if _slips(a, b, score_cutoff=allowed) <= allowed else SIMILAR
    if shortest >= _LONG_ENOUGH and _one_slip(a, b):
        return CLOSE
    return min(similarity, SIMILAR)


def _one_slip(a: str, b: str) -> bool:
    shortest = min(len(a), len(b))
    if abs(len(a) - len(b)) > 1 or shortest < _LONG_ENOUGH:
        return False
    begins_alike = a[0] == b[0] or a[:2] == b[1::-1] or shortest > _LONG_ENOUGH + 1
    return begins_alike and _slips(a, b, score_cutoff=1) <= 1


def is_one_slip(a: str, b: str) -> bool:
    """Return whether two words are one slip apart, wherever in the word it is. Symmetric."""
    return _slips(a, b, score_cutoff=1) <= 1


def shortened(word: str) -> frozenset[str]:
    """Return ``word`` and what is left of it without each one of its letters.

    Two words share one of these if they are one slip apart (Garbe, SymSpell): an index of many names by these finds
    the few that a slip may have come from.
    """
    return frozenset((word, *(word[:i] + word[i + 1 :] for i in range(len(word)))))
