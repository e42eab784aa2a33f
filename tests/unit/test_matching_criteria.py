"""The least that must be said: each way to say enough, and each way that falls short by one detail."""

from datetime import date

import pytest

from registry_api.matching.criteria import Detail, Sufficiency, least_criteria
from registry_api.matching.person import Address, Name, Person

FULL = (Name("Thomas", "Ashdown"),)
BORN = date(2015, 5, 21)
TODAY = date(2024, 9, 1)
HOME = (Address("14 Fuller Road", "ZX1 4QP"),)
POSTCODE = (Address("", "ZX1 4QP"),)
MOTHER = (Name("Kestrel", "Ashdown"),)
DUE = date(2025, 3, 1)


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(
    "person",
    [
        Person((Name("Thomas"),), nhs_number="9990000018"),
        Person((), date_of_birth=BORN, nhs_number="9990000018"),
        Person(FULL, date_of_birth=BORN),
        Person(FULL, age=9, as_of=TODAY, addresses=POSTCODE),
        Person(FULL, age=9, as_of=TODAY, addresses=(Address("14 Fuller Road"),)),
        Person((Name("Thomas"),), date_of_birth=BORN, addresses=HOME),
        Person((Name("", "Ashdown"),), date_of_birth=BORN, addresses=HOME),
        Person((), expected_delivery=DUE, mother=MOTHER, addresses=HOME),
        Person((), expected_delivery=DUE, mother=MOTHER, mother_date_of_birth=date(1996, 4, 4)),
    ],
)
def test_enough_to_look_for_one_child(person: Person) -> None:
    assert least_criteria(person) == Sufficiency(enough=True)


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(
    ("person", "wanted"),
    [
        (Person(()), Detail.GIVEN_NAME),
        (Person((), nhs_number="9990000018"), Detail.DATE_OF_BIRTH),
        (Person((Name("", "Ashdown"),), nhs_number="9990000018"), Detail.GIVEN_NAME),
        (Person((Name("Thomas"),), nhs_number="0000000000"), Detail.NHS_NUMBER),
        (Person(FULL), Detail.DATE_OF_BIRTH),
        (Person(FULL, addresses=HOME), Detail.DATE_OF_BIRTH),
        (Person(FULL, age=9, as_of=TODAY), Detail.ADDRESS),
        (Person(FULL, age=9, as_of=TODAY, addresses=(Address("Fuller Road"),)), Detail.ADDRESS),
        (Person((Name("Thomas"),), age=9, as_of=TODAY, addresses=HOME), Detail.FAMILY_NAME),
        (Person((Name("Thomas"),), date_of_birth=BORN, addresses=POSTCODE), Detail.FAMILY_NAME),
        (Person((Name("😀", "Ashdown"),), date_of_birth=BORN), Detail.GIVEN_NAME),
        (Person((), addresses=HOME), Detail.GIVEN_NAME),
        (Person(FULL, expected_delivery=DUE, addresses=HOME), Detail.MOTHER_NAME),
        (Person((), expected_delivery=DUE, mother=(Name("Kestrel"),), addresses=HOME), Detail.MOTHER_NAME),
        (Person((), expected_delivery=DUE, mother=MOTHER, addresses=POSTCODE), Detail.MOTHER_DATE_OF_BIRTH),
    ],
)
def test_one_detail_short_is_too_little_and_its_kind_is_named(person: Person, wanted: Detail) -> None:
    said = least_criteria(person)
    assert not said.enough
    assert wanted in said.missing


@pytest.mark.rule("ENQ-3")
def test_an_address_alone_is_for_privileged_roles_and_the_household_answer_only() -> None:
    for person in (Person((), addresses=HOME), Person(FULL, addresses=HOME)):
        assert not least_criteria(person).enough
        assert least_criteria(person, privileged=True) == Sufficiency(enough=True, household_only=True)
    assert not least_criteria(Person((), addresses=POSTCODE), privileged=True).enough
    assert least_criteria(Person(FULL, date_of_birth=BORN), privileged=True) == Sufficiency(enough=True)


def test_what_is_missing_names_kinds_in_a_fixed_order_and_repeats_nothing_typed() -> None:
    assert least_criteria(Person(FULL)).missing == (Detail.DATE_OF_BIRTH, Detail.ADDRESS, Detail.NHS_NUMBER)
    assert "Ashdown" not in repr(least_criteria(Person(FULL)))
