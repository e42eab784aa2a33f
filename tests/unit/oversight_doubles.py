"""What the tests of oversight's rules share: people, wards, and enquiries as they are looked over."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from registry_api.matching.person import Address, Name, Person
from registry_api.matching.record import Record, record_of
from registry_api.oversight.rules import Seen

START = datetime(2026, 3, 4, 3, 0, tzinfo=UTC)
WARD, OTHER_WARD = UUID(int=1), UUID(int=2)
NURSE, COLLEAGUE = UUID(int=11), UUID(int=12)
CHILD = UUID(int=21)
GIVEN = ("Peregrine", "Ottoline", "Thaddeus", "Wilhelmina", "Barnaby", "Guinevere", "Quentin", "Lysander")


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def child(
    given: str = "Quillon",
    family: str = "Ashgrove",
    *,
    born: date | None = date(2019, 5, 6),
    address: str = "7 Larkspur Rise",
    mother: str = "",
    nhs: str = "",
) -> Record:
    return record_of(
        Person(
            (Name(given, family),),
            date_of_birth=born,
            nhs_number=nhs,
            mother=(Name(mother, "Ashgrove"),) if mother else (),
            addresses=(Address(address, "JE5 7QX"),) if address else (),
        )
    )


def seen(
    number: int,
    minutes: float,
    record: Record | None = None,
    *,
    by: UUID = NURSE,
    of: UUID = WARD,
    found: UUID | None = None,
) -> Seen:
    return Seen(UUID(int=1000 + number), at(minutes), by, of, found, record)
