"""Names made comparable: folding of scripts and spellings, sounds, and the direct nickname relation.

Folding is idempotent and loses no one: a name in a script that does not fold to Latin letters stays as it is, so that
two spellings in that script still meet. Nothing here keeps or prints a name; the caches are bounded.
"""

import re
import unicodedata
from functools import cache, lru_cache

from doublemetaphone import doublemetaphone
from nicknames import name_triplets

from registry_api.matching.frequency import is_common_given
from registry_api.matching.given_names import KNOWN
from registry_api.matching.spelling import is_one_slip, shortened

_LONGEST = 200
"""Characters of a name that count: bounds the work that one hostile input can cause."""

_MOST_WORDS = 5
_APOSTROPHES = "'`´‘’ʻʼ′ـ"
"""Joined, not split, at these (O'Neill is one word); the last is the Arabic tatweel, which only stretches a word."""

_ASCII = {c: None if c < 32 or c == 127 else " " for c in range(128) if not chr(c).isalnum()}
_ASCII |= dict.fromkeys(map(ord, "\t\n\v\f\r"), " ")
_ASCII |= dict.fromkeys(map(ord, "'`"), None)

_LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i"})
"""Latin letters that Unicode does not decompose."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PARTICLES = _words(
    "al ap bin bint d da das de dei del della den der di do dos du e el ibn la las le les los of the van von y"
)
_PLACEHOLDERS = _words("baby boy girl infant newborn of twin unborn unknown unnamed")
_TITLES = _words("dr master miss mr mrs ms")
_JOINED = re.compile(r"\b(mac|mc|o) (?=\w{3})")


def fold(text: str) -> str:
    """Return ``text`` in lower case without accents, marks, punctuation or control characters, one space between words.

    Idempotent. Characters of scripts other than Latin are kept; symbols and emoji separate words like a space.
    """
    text = text[:_LONGEST]
    if not text.isascii():
        text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
        text = "".join(map(_folded_character, text)).translate(_LETTERS)[:_LONGEST]
    return " ".join(text.lower().translate(_ASCII).split())


@lru_cache(1024)
def _folded_character(character: str) -> str:
    if character.isascii():
        return character
    if character in _APOSTROPHES or unicodedata.combining(character):
        return ""
    match unicodedata.category(character)[0]:
        case "L" | "M" | "N":
            return character
        case "C":
            return ""
    return " "


@lru_cache(8192)
def given_words(text: str) -> tuple[str, ...]:
    """Return the folded words of a given name, without titles and words that stand for "not named yet"."""
    words = [word for word in fold(text).split()[:_MOST_WORDS] if word not in _PLACEHOLDERS]
    return tuple(word for word in words if word not in _TITLES) if len(words) > 1 else tuple(words)


@lru_cache(8192)
def family_words(text: str) -> tuple[str, ...]:
    """Return a family name run together, followed by its parts if it has several ("Le Sueur": lesueur, sueur)."""
    words = _JOINED.sub(r"\1", fold(text)).split()[:_MOST_WORDS]
    if len(words) < 2:
        return tuple(words)
    parts = [word for word in words if word not in _PARTICLES]
    return ("".join(words), *dict.fromkeys(parts))


@lru_cache(8192)
def sounds(word: str) -> tuple[str, ...]:
    """Return the double-metaphone codes of a folded word, the likelier first; a word without any is its own code.

    Source: L. Philips, "The Double Metaphone Search Algorithm", C/C++ Users Journal, June 2000.
    """
    if not word.isascii():
        return (word,)
    codes = tuple(dict.fromkeys(code for code in doublemetaphone(word) if code))
    return codes or (word,)


_ONE_NAME = """
aisha ayesha aysha | ahmed ahmad | amy aimee | anne ann | caitlin kaitlin kaitlyn katelyn | catherine katherine
kathryn katharine | elliot elliott eliot | fatima fatimah fatema fatma | geoffrey jeffrey | hannah hanna | hussain
hussein husain | isabel isobel | isabelle isabella | jaiden jayden | lily lilly | lucas lukas | matthew mathew |
mohammed muhammad mohammad mohamad mohamud mohd md mohamed muhammed mohamad mohamud mohd md mo | niamh neve | oskar
oscar | phillip philip | rebecca rebekah | sara sarah | sean shaun shawn | sofia sophia | stephen steven | zoe zoey |
yusuf yousef yusef
"""
"""Names that are written in several ways. Unlike nicknames, every spelling stands for every other."""

_TWO_NAMES = """
aaron erin | elin ellen | evan ewan | ewan ivan | evan ivan | evan iwan | ewan iwan | ivan iwan | frances francis |
jose josie | kyle kylie | mary marie | rene renee | alice elsie | amelia emily | benjamin jamie | clement clementine |
edwin edwina | emily emma | hannah anna | justin justina | lucas luke | louis louise
"""
"""Pairs that are nicknames in the data, or are spelt alike, and are two children's names today: a twin's must not pass
for the other's."""


_HONORIFICS = _words(
    "mo mohammed muhammad mohammad mohamed mohamad muhammed mohd md mohamud syed sayed sayyid syeda abdul abdel abd"
)


@cache
def _relations() -> dict[str, frozenset[str]]:
    related: dict[str, set[str]] = {}
    for formal, _, short in name_triplets():
        related.setdefault(formal, set()).add(short)
        related.setdefault(short, set()).add(formal)
    for spellings in map(str.split, _ONE_NAME.split("|")):
        for word in spellings:
            related.setdefault(word, set()).update(set(spellings) - {word})
    for one, other in map(str.split, _TWO_NAMES.split("|")):
        related.get(one, set()).discard(other)
        related.get(other, set()).discard(one)
    return {word: frozenset(others) for word, others in related.items()}


def nicknames_of(word: str) -> frozenset[str]:
    """Return the names that a folded given name is short for, or that are short for it.

    The relation is direct, never closed over: "al" belongs to Albert and to Alan, who are not each other's.
    """
    return _relations().get(word, frozenset())


def are_two_names(one: str, other: str) -> bool:
    """Return whether two folded names are spelt alike and yet two children's."""
    return other in _two_names().get(one, ())


@cache
def _two_names() -> dict[str, set[str]]:
    pairs: dict[str, set[str]] = {}
    for one, other in map(str.split, _TWO_NAMES.split("|")):
        pairs.setdefault(one, set()).add(other)
        pairs.setdefault(other, set()).add(one)
    return pairs


def is_known_given(word: str) -> bool:
    """Return whether people are really given the folded name ``word``, so that it is hardly another one misspelt."""
    return word in KNOWN or word in _relations() or is_common_given(word)


def names_meant(word: str) -> frozenset[str]:
    """Return the names that a folded word which nobody is called can be a slip for; empty for the names themselves.

    Oliviia is Olivia misspelt and not Oliver: so a twin's misspelt name is not taken for the other twin's.
    """
    return _meant(word) if len(word) > 2 and word.isascii() and not is_known_given(word) else frozenset()


@lru_cache(8192)
def _meant(word: str) -> frozenset[str]:
    index = _by_shortened()
    near = {name for part in shortened(word) for name in index.get(part, ())}
    return frozenset(name for name in near if is_one_slip(word, name))


@cache
def _by_shortened() -> dict[str, list[str]]:
    index: dict[str, list[str]] = {}
    for name in {*KNOWN, *_relations()}:
        if len(name) > 2:
            for part in shortened(name):
                index.setdefault(part, []).append(name)
    return index


def is_honorific(word: str) -> bool:
    """Return whether so many brothers bear ``word`` before their own names that it tells none of them apart."""
    return word in _HONORIFICS
