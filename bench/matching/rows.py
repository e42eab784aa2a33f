"""A person as one flat row, as other systems take them: first name, first address, and what is plainly given."""

from dataclasses import dataclass

from registry_api.matching.names import fold
from registry_api.matching.person import Person
from registry_api.matching.postcodes import normalise_postcode


@dataclass(frozen=True, slots=True)
class Row:
    """The row. What is not known is None. ``year``: of birth, also where only an age is known."""

    unique_id: int
    given: str | None
    family: str | None
    born: str | None
    year: int | None
    sex: str | None
    postcode: str | None
    lines: str | None
    mother: str | None
    nhs: str | None


def row_of(number: int, person: Person) -> Row:
    """Return the row of a person: tidied as any of the other systems would have it tidied."""
    name = person.names[0] if person.names else None
    born = person.date_of_birth
    year = born.year if born else None
    if year is None and person.age is not None and person.as_of is not None:
        year = person.as_of.year - person.age
    address = person.addresses[0] if person.addresses else None
    mother = person.mother[0] if person.mother else None
    return Row(
        number,
        (fold(name.given) if name else "") or None,
        (fold(name.family) if name else "") or None,
        born.isoformat() if born else None,
        year,
        person.sex or None,
        (normalise_postcode(address.postcode) if address else "") or None,
        (fold(address.lines) if address else "") or None,
        (fold(f"{mother.given} {mother.family}") if mother else "") or None,
        person.nhs_number or None,
    )
