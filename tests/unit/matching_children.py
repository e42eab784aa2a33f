"""Children to look for, and how an enquiry about one among a few entries is answered."""

from datetime import date

from registry_api.matching.bands import Band, best_match
from registry_api.matching.person import Address, Name, Person
from registry_api.matching.record import record_of

HOME = Address("Flat 2, 14 Fuller Road, Nether Wallow", "ZX1 4QP")
ELSEWHERE = Address("9 Mill Lane, Upper Wallow", "ZX7 8RR")
BORN = date(2015, 5, 21)
TODAY = date(2024, 9, 1)
MOTHER = Name("Kestrel", "Ashdown")


def child(given: str, family: str = "Ashdown", born: date | None = BORN, *, at: Address | None = HOME) -> Person:
    return Person((Name(given, family),), date_of_birth=born, addresses=(at,) if at else ())


def asked(question: Person, *entries: Person) -> tuple[Band, int | None]:
    found = best_match(record_of(question), [(i, record_of(entry)) for i, entry in enumerate(entries)])
    return found.band, found.candidate


TOM = child("Thomas")
FOUND = (Band.MATCH, 0)
