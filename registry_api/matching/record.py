"""The normalised person: all that tokens and scores need, computed once and sealed at rest as a few hundred bytes.

A candidate is scored from its record as it is unpacked. The packed form opens with its format's version, so that a
record of another release is refused rather than misread.
"""

from datetime import date
from typing import Final

import msgspec
from nhs_number.validate import is_valid

from registry_api.matching.address import AddressKeys, normalise_address
from registry_api.matching.names import family_words, given_words
from registry_api.matching.person import Name, Person

FORMAT: Final = 1
"""Raise it with every change of ``Record`` or of what its parts mean; stored records are then built anew."""

_MOST_NAMES = 6
_MOST_ADDRESSES = 6

Words = tuple[str, ...]


class UnknownFormat(ValueError):
    """A packed record is of a format that this release does not read."""


class Record(msgspec.Struct, array_like=True, frozen=True):
    """One person, normalised. Empty tuples, zeros and "" stand for what is not known.

    ``givens``: the words of each given name in use. ``families``: each family name run together, then its parts.
    ``born``, ``mother_born``, ``age_on``: dates as yyyymmdd. ``age``: whole years on ``age_on``, -1 if not given.
    ``due``: expected delivery, proleptic Gregorian ordinal. ``nhs``: a valid NHS number. ``addresses``: the
    ``current`` first ones are lived at now.
    """

    givens: tuple[Words, ...] = ()
    families: tuple[Words, ...] = ()
    born: int = 0
    age: int = -1
    age_on: int = 0
    due: int = 0
    mother_givens: tuple[Words, ...] = ()
    mother_families: tuple[Words, ...] = ()
    mother_born: int = 0
    sex: str = ""
    nhs: int = 0
    addresses: tuple[AddressKeys, ...] = ()
    current: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode
_PREFIX = bytes([FORMAT])


def record_of(person: Person) -> Record:
    """Return ``person`` normalised. Never fails on what people type; what says nothing is left out."""
    addresses = [
        (address.current, keys)
        for address in person.addresses[:_MOST_ADDRESSES]
        if (keys := normalise_address(address.lines, address.postcode, address.uprn)) != _NO_ADDRESS
    ]
    current = tuple(keys for is_current, keys in addresses if is_current)
    return Record(
        givens=_givens(person.names),
        families=_families(person.names),
        born=_yyyymmdd(person.date_of_birth),
        age=-1 if person.age is None or person.as_of is None else person.age,
        age_on=_yyyymmdd(person.as_of),
        due=person.expected_delivery.toordinal() if person.expected_delivery else 0,
        mother_givens=_givens(person.mother),
        mother_families=_families(person.mother),
        mother_born=_yyyymmdd(person.mother_date_of_birth),
        sex=person.sex.lower() if person.sex.lower() in ("f", "m") else "",
        nhs=valid_nhs_number(person.nhs_number),
        addresses=current + tuple(keys for is_current, keys in addresses if not is_current),
        current=len(current),
    )


_NO_ADDRESS = AddressKeys()


def pack(record: Record) -> bytes:
    """Return ``record`` as bytes, the format's version first. The bytes are personal data: seal them."""
    return _PREFIX + _encode(record)


def unpack(data: bytes) -> Record:
    """Return the record that ``pack`` made.

    Raises ``UnknownFormat`` for bytes of another format, ``msgspec.DecodeError`` for damaged ones.
    """
    if data[:1] != _PREFIX:
        raise UnknownFormat("a sealed record is of another format")
    return _decode(memoryview(data)[1:])


def valid_nhs_number(text: str) -> int:
    """Return an NHS number whose check digit holds, else 0; spaces and hyphens may stand in it.

    The number of noughts, a common placeholder, passes the check digit and is refused here.
    """
    digits = "".join(filter(str.isalnum, text[:20]))
    if len(digits) != 10 or not (digits.isascii() and digits.isdigit()):
        return 0
    return int(digits) if is_valid(digits) else 0


def _givens(names: tuple[Name, ...]) -> tuple[Words, ...]:
    return tuple(dict.fromkeys(words for name in names[:_MOST_NAMES] if (words := given_words(name.given))))


def _families(names: tuple[Name, ...]) -> tuple[Words, ...]:
    return tuple(dict.fromkeys(words for name in names[:_MOST_NAMES] if (words := family_words(name.family))))


def _yyyymmdd(day: date | None) -> int:
    return day.year * 10000 + day.month * 100 + day.day if day else 0
