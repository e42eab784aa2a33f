"""Addresses made comparable: the parts that tell one home from another, and whether two are the same home.

Exact comparison loses most pairs and fuzzy comparison calls neighbours the same, so an address is read into keys first.
Strict where it decides (ENQ-5 tells a key worker): a flat is not another flat, nor the house as a whole.
"""

import re

import msgspec
from rapidfuzz.distance import JaroWinkler

from registry_api.matching import address_words as words_of
from registry_api.matching.names import fold
from registry_api.matching.postcodes import near, normalise_postcode, split_postcode

_LONGEST = 300
_SEPARATOR = re.compile(r"[,;\n\r]+")
_SLASHED = re.compile(r"\b(\d+[a-z]?)\s*/\s*(\d+[a-z]?)\b", re.IGNORECASE)
_RANGE = re.compile(r"\b(\d+)\s*[-–]\s*(\d+)\b")
_NUMBER = re.compile(r"(\d+(?:to\d+)?)([a-z]?)")
_NUMBER_SIGN = re.compile(r"\b(?:no|nr|number) (?=\d)")
_ALIKE, _GARBLED = 0.92, 0.88


class AddressKeys(msgspec.Struct, array_like=True, frozen=True):
    """What tells one home from another; every part may be empty.

    ``number``: house number, a range as "12to14". ``flat``: number, letter or floor. ``name``: of the house.
    ``street`` and ``kind``: the name run together without particles, and its type. ``parish``: of Jersey or Guernsey.
    ``locality``: remaining place names. ``uprn``: Unique Property Reference Number, 0 if not given.
    """

    postcode: str = ""
    uprn: int = 0
    number: str = ""
    flat: str = ""
    name: str = ""
    street: str = ""
    kind: str = ""
    parish: str = ""
    locality: tuple[str, ...] = ()


def normalise_address(lines: str, postcode: str = "", uprn: str = "") -> AddressKeys:
    """Return the keys of an address as people write it.

    ``lines``: house, street and places, separated by commas or new lines or not at all; may end in the postcode.
    Never fails: what cannot be read is left out, and an address without keys agrees with no other.
    """
    lines, found = split_postcode(lines[:_LONGEST])
    segments, flat = _segments(lines)
    parish, segments = _parish(segments)
    numbered = [i for i, segment in enumerate(segments) if any(map(_NUMBER.fullmatch, segment))]
    if len(numbered) > 1 and len(segments[numbered[0]]) == 1 and not flat:
        flat = segments[numbered[0]][0].lstrip("0")  # "2, 14 High Street"
        segments = [segment for i, segment in enumerate(segments) if i != numbered[0]]
        numbered = [i - 1 for i in numbered[1:]]
    if numbered:
        name, number, letter, street, places = _read_numbered(segments, numbered[0])
        if letter and flat:
            number += letter
        flat = flat or letter
        if not flat and not name and street and street[-1] in words_of.SHARED_BUILDINGS and _is_street(places[:1]):
            flat, number, name, street, places = number, "", street, places[0], places[1:]
    else:
        number = ""
        name, street, places = _read_named(segments)
    core, kind = _street_key(street)
    digits = "".join(filter(str.isdigit, uprn))
    return AddressKeys(
        postcode=normalise_postcode(postcode) or found,
        uprn=int(digits) if digits.isascii() and 0 < len(digits) <= 12 else 0,
        number=number,
        flat=flat,
        name="".join(name),
        street=core,
        kind=kind,
        parish=parish,
        locality=tuple("".join(place) for place in places if " ".join(place) not in words_of.WIDER_PLACES),
    )


def _segments(lines: str) -> tuple[list[list[str]], str]:
    """Return the words of each part of an address with abbreviations spelt out, and the flat, taken out of them."""
    lines = _RANGE.sub(r"\1to\2", _SLASHED.sub(r"flat \1 \2", lines))
    flats: list[str] = []
    segments = []
    for part in _SEPARATOR.split(lines):
        text = _NUMBER_SIGN.sub("", fold(part))
        for pattern, plain in words_of.FLOORS:
            text = pattern.sub(plain, text)
        text = words_of.UNIT.sub("flat", text)
        flats += words_of.FLAT.findall(text)
        words = [words_of.ABBREVIATIONS.get(word, word) for word in words_of.FLAT.sub(" ", text).split()]
        if words:
            segments.append(_saints_and_streets(words))
    # "First floor, flat 2": the door's own number or letter says more than the floor.
    flats.sort(key=lambda flat: len(flat) > 3)
    return segments, flats[0].lstrip("0") if flats else ""


def _saints_and_streets(words: list[str]) -> list[str]:
    """Tell St for Saint (first, after an article or street type, before one or a parish's name) from Street."""
    for i, word in enumerate(words):
        if word == "st":
            before = words[i - 1] if i else ""
            first = not before or _NUMBER.fullmatch(before) or before in words_of.ARTICLES
            after = words[i + 1 :]
            saint = first or before in words_of.STREET_TYPES or not words_of.STREET_TYPES.isdisjoint(after)
            words[i] = "saint" if after and (saint or after[0] in words_of.SAINTS) else "street"
    return words


def _parish(segments: list[list[str]]) -> tuple[str, list[list[str]]]:
    """Take the parish out of the part that ends with it, the last such part first."""
    for i in range(len(segments) - 1, -1, -1):
        text = " ".join(segments[i])
        if found := words_of.PARISH.search(text):
            rest = text[: found.start()].split()
            return found[1], [*segments[:i], *([rest] if rest else []), *segments[i + 1 :]]
    return "", segments


def _read_numbered(segments: list[list[str]], at: int) -> tuple[list[str], str, str, list[str], list[list[str]]]:
    """Return house name, number, its letter, street and places of an address whose number stands in part ``at``."""
    words = segments[at]
    position, found = next((i, m) for i, word in enumerate(words) if (m := _NUMBER.fullmatch(word)))
    name = [word for segment in segments[:at] for word in segment] + words[:position]
    letter, after, places = found[2], words[position + 1 :], segments[at + 1 :]
    if not letter and len(after) > 1 and len(after[0]) == 1:
        letter, after = after[0], after[1:]
    if not after and name and _is_street([name]):  # the number comes last: "Rue de la Croix 14"
        name, after = [], name
    if not after and places:
        after, places = places[0], places[1:]
    street, rest = _cut_street(after)
    return name, found[1].lstrip("0"), letter, street, ([rest, *places] if rest else places)


def _read_named(segments: list[list[str]]) -> tuple[list[str], list[str], list[list[str]]]:
    """Return house name, street and places of an address without a number."""
    for i, segment in enumerate(segments):
        if i and _is_street([segment]):
            return [word for part in segments[:i] for word in part], segment, segments[i + 1 :]
    if not segments:
        return [], [], []
    words, places = segments[0], segments[1:]
    ends = [i for i in range(1, len(words)) if words[i - 1] in words_of.BUILDINGS and not _is_type(words[i:])]
    if ends:  # no comma: the name ends with its last word for a building ("Rose Court Mill Road")
        street, rest = _cut_street(words[ends[-1] :])
        return words[: ends[-1]], street, ([rest, *places] if rest else places)
    if _is_street([words]) and words[-1] not in words_of.BUILDINGS:
        street, rest = _cut_street(words)
        return [], street, ([rest, *places] if rest else places)
    return words, [], places


def _is_type(words: list[str]) -> bool:
    """Return whether ``words`` are a street type alone, as what is left of "Mill Road" after the mill."""
    return len(words) == 1 and words[0] in words_of.STREET_TYPES


def _is_street(segments: list[list[str]]) -> bool:
    """Return whether the first of ``segments`` reads like a street."""
    if not segments or not segments[0]:
        return False
    words = segments[0]
    return words[-1] in words_of.STREET_TYPES or _is_french(words)


def _is_french(words: list[str]) -> bool:
    """Return whether the type stands before the name: "rue de la croix", "la grande rue", and not "park avenue"."""
    start = words[:3] if words and words[0] in words_of.FRENCH_PARTICLES else words[:1]
    return not words_of.FRENCH_TYPES.isdisjoint(start)


def _cut_street(words: list[str]) -> tuple[list[str], list[str]]:
    """Split "high street london" after its type; a French street, or one without a type, is taken whole."""
    if not _is_french(words):
        for i in range(1, len(words)):
            if words[i] in words_of.STREET_TYPES and words[i + 1 : i + 2] not in [[t] for t in words_of.STREET_TYPES]:
                return words[: i + 1], words[i + 1 :]
    return words, []


def _street_key(words: list[str]) -> tuple[str, str]:
    """Return a street's name run together without particles, and its type."""
    words = [word for word in words if word not in words_of.FRENCH_PARTICLES]
    if len(words) > 1 and words[-1] in words_of.STREET_TYPES:
        return "".join(words[:-1]), words[-1]
    if len(words) > 1 and words[0] in words_of.FRENCH_TYPES:
        return "".join(words[1:]), words[0]
    return "".join(words), ""


def same_address(a: AddressKeys, b: AddressKeys) -> bool:
    """Return whether two addresses are the same home, certainly enough to act on (ENQ-5). Symmetric.

    A UPRN on both sides decides. A flat is the same only as that very flat; a flat that one side does not give is not.
    """
    if a.uprn and b.uprn:
        return a.uprn == b.uprn
    return a.flat == b.flat and same_building(a, b)


def same_building(a: AddressKeys, b: AddressKeys) -> bool:
    """Return whether two addresses are in one building, whatever the flat. Symmetric."""
    if a.parish and b.parish and a.parish != b.parish:
        return False
    return same_house(a, b) and _same_place(a, b)


def same_house(a: AddressKeys, b: AddressKeys) -> bool:
    """Return whether number and name of the house agree, wherever it stands. Symmetric."""
    if a.number and b.number:
        if not _same_number(a.number, b.number):
            return False
    elif not (a.name and a.name == b.name):
        return False
    return not (a.name and b.name and a.name != b.name and not _alike(a.name, b.name))


def _same_place(a: AddressKeys, b: AddressKeys) -> bool:
    """Return whether the street or postcode agree, and nothing about them disagrees."""
    street = same_street(a, b)
    if a.street and b.street and not street:
        # The house of that number in that postcode, its street misspelt: few postcodes have two streets.
        return a.postcode == b.postcode != "" and _is_garbled(a, b)
    if a.postcode and b.postcode:
        return a.postcode == b.postcode or (street and near(a.postcode, b.postcode))
    shared = a.parish == b.parish != "" or share_place(a, b)
    if not street:
        return shared and not a.number and not b.number
    return shared or (a.street not in words_of.COMMON_STREETS and not (a.locality and b.locality))


def share_place(a: AddressKeys, b: AddressKeys) -> bool:
    """Return whether both name one place beside the street, if need be misspelt. Symmetric."""
    if not set(a.locality).isdisjoint(b.locality):
        return True
    return any(_alike(x, y) for x in a.locality for y in b.locality)


def _is_garbled(a: AddressKeys, b: AddressKeys) -> bool:
    """Return whether one street is what the other was typed as, its type included."""
    if a.kind and b.kind and a.kind != b.kind:
        return False
    one, other = a.street + a.kind, b.street + b.kind
    shorter = min(len(one), len(other))
    return shorter > 7 and JaroWinkler.similarity(one[: shorter + 2], other[: shorter + 2]) >= _GARBLED


def same_street(a: AddressKeys, b: AddressKeys) -> bool:
    """Return whether both are in a street of one name, and not of another type. Symmetric."""
    if not a.street or not b.street or (a.kind and b.kind and a.kind != b.kind):
        return False
    return a.street == b.street or _alike(a.street, b.street)


def _same_number(a: str, b: str) -> bool:
    """A range is the same as itself and as either end, by which such a building is also known."""
    return a == b or b in a.split("to") or a in b.split("to")


def _alike(a: str, b: str) -> bool:
    """Return whether two long names are one name misspelt, and not one the longer form of the other."""
    return min(len(a), len(b)) > 4 and abs(len(a) - len(b)) < 3 and JaroWinkler.similarity(a, b) >= _ALIKE
