"""The normalised record: what goes in comes out, of this format only, and nothing unusable is kept."""

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_api.matching.person import Address, Name, Person
from registry_api.matching.record import FORMAT, UnknownFormat, pack, record_of, unpack, valid_nhs_number

_text = st.text(max_size=40)
_people = st.builds(
    Person,
    names=st.lists(st.builds(Name, _text, _text), max_size=4).map(tuple),
    date_of_birth=st.none() | st.dates(),
    age=st.none() | st.integers(0, 20),
    as_of=st.none() | st.dates(),
    expected_delivery=st.none() | st.dates(),
    mother=st.lists(st.builds(Name, _text, _text), max_size=2).map(tuple),
    mother_date_of_birth=st.none() | st.dates(),
    sex=st.sampled_from(["f", "m", "", "x"]),
    nhs_number=_text,
    addresses=st.lists(st.builds(Address, _text, _text, _text, st.booleans()), max_size=3).map(tuple),
)


@given(_people)
def test_any_person_is_normalised_and_comes_back_from_bytes_unchanged(person: Person) -> None:
    record = record_of(person)
    assert unpack(pack(record)) == record


def test_a_record_of_another_format_is_refused() -> None:
    packed = pack(record_of(Person((Name("Kestrel", "Ashdown"),))))
    assert packed[0] == FORMAT
    for other in (bytes([FORMAT + 1]) + packed[1:], b""):
        with pytest.raises(UnknownFormat):
            unpack(other)
    with pytest.raises(msgspec.DecodeError):
        unpack(packed[:-1])


def test_current_addresses_come_first_and_empty_ones_are_left_out() -> None:
    record = record_of(
        Person(
            (),
            addresses=(
                Address("9 Mill Lane", "ZX7 8RR", current=False),
                Address("😀"),
                Address("14 Fuller Road", "ZX1 4QP"),
            ),
        )
    )
    assert [address.number for address in record.addresses] == ["14", "9"]
    assert record.current == 1


def test_an_age_without_the_day_it_was_true_says_nothing() -> None:
    assert record_of(Person((), age=7)).age == -1
    assert record_of(Person((), age=7, as_of=date(2024, 9, 1))).age == 7


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("9990000018", 9990000018),
        (" 999 000 0018 ", 9990000018),
        ("999-000-0018", 9990000018),
        ("9990000019", 0),
        ("0000000000", 0),
        ("999000001", 0),
        ("٩٩٩٠٠٠٠٠١٨", 0),
        ("", 0),
    ],
)
def test_only_a_number_whose_check_digit_holds_is_an_nhs_number(written: str, number: int) -> None:
    assert valid_nhs_number(written) == number
