"""What is a second enquiry about one child (ENQ-7): a misspelt repeat is, a twin, a sibling or a namesake is not."""

from dataclasses import replace
from datetime import date

import pytest

from registry_api.matching.bands import same_child
from registry_api.matching.person import Address, Name, Person
from registry_api.matching.record import record_of

HOME = Address("Flat 2, 14 Fuller Road, Nether Wallow", "ZX1 4QP")
ELSEWHERE = Address("9 Mill Lane, Upper Wallow", "ZX7 8RR")
BORN = date(2015, 5, 21)
TODAY = date(2024, 9, 1)


def child(given: str, family: str = "Ashdown", born: date | None = BORN, *, at: Address | None = HOME) -> Person:
    return Person((Name(given, family),), date_of_birth=born, addresses=(at,) if at else ())


TOM = child("Thomas")
UNBORN = Person(
    (Name("", "Ashdown"),),
    expected_delivery=date(2025, 3, 1),
    mother=(Name("Kestrel", "Ashdown"),),
    mother_date_of_birth=date(1996, 4, 4),
    addresses=(HOME,),
)


@pytest.mark.rule("ENQ-7")
def test_the_misspelt_repeat_of_an_enquiry_is_about_the_same_child_and_a_twin_is_not() -> None:
    earlier = {
        "same": child("Thomas", at=None),
        "misspelt": child("Thomsa", "Ashdwon"),
        "nickname": child("Tom"),
        "age only": replace(child("Thomas", born=None), age=9, as_of=TODAY),
        "twin": child("Ruth"),
        "like-named twin": child("Tim"),
        "brother": child("James", born=date(2012, 1, 1)),
        "namesake of another age": child("Thomas", born=date(2009, 2, 3), at=ELSEWHERE),
        "stranger": child("Ruth", "Pallister", date(2010, 2, 3), at=ELSEWHERE),
    }
    found = same_child(record_of(TOM), [(key, record_of(person)) for key, person in earlier.items()])
    assert found == ["same", "misspelt", "nickname", "age only"]


@pytest.mark.rule("ENQ-7")
def test_a_child_who_is_met_elsewhere_is_the_same_child() -> None:
    rare = child("Quillon", "Ashgrove", date(2019, 5, 6))
    elsewhere = replace(rare, addresses=(ELSEWHERE,))
    assert same_child(record_of(rare), [("moved", record_of(elsewhere))]) == ["moved"]
    for other in (replace(elsewhere, date_of_birth=date(2019, 11, 2)), replace(elsewhere, date_of_birth=None)):
        assert same_child(record_of(rare), [("other", record_of(other))]) == [], other


@pytest.mark.rule("ENQ-7")
def test_a_repeat_about_an_unborn_child_is_known_by_the_mother() -> None:
    later = replace(UNBORN, expected_delivery=date(2025, 9, 1))
    assert same_child(record_of(UNBORN), [("repeat", record_of(UNBORN)), ("later", record_of(later))]) == ["repeat"]
