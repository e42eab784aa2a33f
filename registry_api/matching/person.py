"""A person as people describe one: an entry of the register or an enquirer's question, nothing normalised yet."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Name:
    """One name in use. ``given`` may hold several words; either part may be empty (a mononym)."""

    given: str = ""
    family: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """One address as written. ``current`` is false for an address that was left (REG-2 keeps two years)."""

    lines: str
    postcode: str = ""
    uprn: str = ""
    current: bool = True


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of a child, born or not.

    ``names``: the principal name first, then aliases and former names. ``age`` (whole years, true on the day
    ``as_of``) is for questions that have no date of birth. ``expected_delivery`` and the mother describe an unborn
    child (REG-3); the mother also supports a match of a born one. ``sex`` is "f", "m" or "".
    """

    names: tuple[Name, ...]
    date_of_birth: date | None = None
    age: int | None = None
    as_of: date | None = None
    expected_delivery: date | None = None
    mother: tuple[Name, ...] = ()
    mother_date_of_birth: date | None = None
    sex: str = ""
    nhs_number: str = ""
    addresses: tuple[Address, ...] = ()
