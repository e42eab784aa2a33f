"""The least that an enquiry must say of a child before the register is read: no fishing with a surname.

The answer names kinds of detail from a fixed list, never what was typed nor what the register holds.
"""

from dataclasses import dataclass
from enum import StrEnum

from registry_api.matching.address import AddressKeys
from registry_api.matching.person import Person
from registry_api.matching.record import Record, record_of


class Detail(StrEnum):
    """A kind of detail that can be asked for."""

    GIVEN_NAME = "given_name"
    FAMILY_NAME = "family_name"
    DATE_OF_BIRTH = "date_of_birth"
    ADDRESS = "address"
    NHS_NUMBER = "nhs_number"
    EXPECTED_DELIVERY = "expected_delivery"
    MOTHER_NAME = "mother_name"
    MOTHER_DATE_OF_BIRTH = "mother_date_of_birth"


@dataclass(frozen=True, slots=True)
class Sufficiency:
    """Whether enough was given. ``household_only``: enough for the address alone, so only that may be answered.

    ``missing``: kinds of detail not given that would help, in a fixed order; empty when ``enough``.
    """

    enough: bool
    household_only: bool = False
    missing: tuple[Detail, ...] = ()


def least_criteria(person: Person, *, privileged: bool = False) -> Sufficiency:
    """Return whether ``person`` says enough to look for one child.

    ``privileged``: the enquirer's role may ask about an address alone. What cannot be used counts as not given: an
    NHS number with a wrong check digit, a name of symbols, an address that nothing can be read from.
    """
    return sufficiency(record_of(person), privileged=privileged)


def sufficiency(record: Record, *, privileged: bool = False) -> Sufficiency:
    """Return what ``least_criteria`` does, for a person who is normalised already."""
    unborn = bool(record.due) and not record.born
    if _identifies_unborn(record) if unborn else _identifies_child(record):
        return Sufficiency(enough=True)
    if privileged and any(map(_is_home, record.addresses)):
        return Sufficiency(enough=True, household_only=True)
    return Sufficiency(enough=False, missing=_missing(record, unborn=unborn))


def _identifies_child(record: Record) -> bool:
    given, family, born = bool(record.givens), bool(record.families), bool(record.born)
    return (
        (bool(record.nhs) and (given or born))
        or (given and family and born)
        or (given and family and record.age >= 0 and any(map(_is_place, record.addresses)))
        or ((given or family) and born and any(map(_is_home, record.addresses)))
    )


def _identifies_unborn(record: Record) -> bool:
    mother = bool(record.mother_givens) and bool(record.mother_families)
    return mother and (bool(record.mother_born) or any(map(_is_home, record.addresses)))


def _is_place(address: AddressKeys) -> bool:
    """Return whether an address narrows down where: a UPRN, a postcode, or number and street."""
    return bool(address.uprn or address.postcode or (address.number and address.street))


def _is_home(address: AddressKeys) -> bool:
    """Return whether an address names one house: by UPRN, or by number or name in a street or postcode."""
    return bool(address.uprn or ((address.number or address.name) and (address.postcode or address.street)))


def _missing(record: Record, *, unborn: bool) -> tuple[Detail, ...]:
    home = any(map(_is_home, record.addresses))
    if unborn:
        given = {
            Detail.MOTHER_NAME: record.mother_givens and record.mother_families,
            Detail.MOTHER_DATE_OF_BIRTH: record.mother_born,
            Detail.ADDRESS: home,
        }
    else:
        given = {
            Detail.GIVEN_NAME: record.givens,
            Detail.FAMILY_NAME: record.families,
            Detail.DATE_OF_BIRTH: record.born,
            Detail.ADDRESS: home,
            Detail.NHS_NUMBER: record.nhs,
        }
    return tuple(kind for kind, value in given.items() if not value)
