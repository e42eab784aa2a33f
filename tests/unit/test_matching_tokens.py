"""Tokens: a child is met by every variant a question may carry; keys are apart; nothing common is a token alone."""

import hmac
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_api.matching.bands import Band, best_match
from registry_api.matching.criteria import least_criteria
from registry_api.matching.person import Address, Name, Person
from registry_api.matching.record import Record, record_of
from registry_api.matching.tokens import (
    LEAST_WEIGHT,
    MOST_TOKENS,
    TokenKeys,
    address_tokens,
    index_tokens,
    query_tokens,
)

KEYS = TokenKeys(bytes(range(32)))
HOME = Address("Flat 2, 14 Fuller Road, Nether Wallow", "ZX1 4QP")
TOM = Person((Name("Thomas James", "Ashdown"),), date_of_birth=date(2015, 5, 7), addresses=(HOME,))


def weight(question: Record, entry: Record) -> float:
    """Sum what the question's tokens weigh that the entry is indexed by, as the query in SQL does."""
    indexed = set(index_tokens(entry, KEYS))
    asked = query_tokens(question, KEYS)
    return sum(w for token, w in zip(asked.tokens, asked.weights, strict=True) if token in indexed)


@pytest.mark.parametrize(
    "question",
    [
        TOM,
        replace(TOM, names=(Name("Tom", "Ashdown"),)),
        replace(TOM, names=(Name("Ashdown", "Thomas"),)),
        replace(TOM, names=(Name("Thomas", "Pell"),), addresses=()),
        replace(TOM, names=(Name("Ruth", "Ashdown"),), addresses=()),
        replace(TOM, names=(Name("Rth", "Ashdown"),), date_of_birth=date(2015, 7, 5), addresses=()),
        replace(TOM, names=(Name("Rth", "Ashdown"),), date_of_birth=date(2015, 5, 9), addresses=()),
        replace(TOM, names=(Name("Rth", "Ashdown"),), date_of_birth=date(2014, 5, 7), addresses=()),
        replace(TOM, names=(Name("Rth", "Ashdown"),), date_of_birth=date(2015, 6, 7), addresses=()),
        replace(TOM, date_of_birth=None, age=8, as_of=date(2024, 9, 1), addresses=()),
        replace(TOM, date_of_birth=None, age=10, as_of=date(2024, 9, 1), addresses=()),
        replace(TOM, names=(Name("Ruth", "Pell"),)),
        replace(TOM, names=(Name("Tom", ""),), addresses=(Address("2/14 Fuller Rd"),)),
    ],
)
def test_a_question_with_one_detail_wrong_or_absent_still_meets_the_entry(question: Person) -> None:
    assert weight(record_of(question), record_of(TOM)) >= LEAST_WEIGHT


@pytest.mark.rule("REG-3")
def test_an_unborn_child_is_met_by_the_mother_before_and_after_birth() -> None:
    unborn = Person((), expected_delivery=date(2025, 3, 1), mother=(Name("Kestrel", "Ashdown"),))
    nearly = replace(unborn, expected_delivery=date(2025, 3, 12))
    born = replace(unborn, names=(Name("Robin", "Pell"),), expected_delivery=None, date_of_birth=date(2025, 2, 20))
    for question, entry in [(unborn, unborn), (nearly, unborn), (born, unborn), (unborn, born)]:
        assert weight(record_of(question), record_of(entry)) >= LEAST_WEIGHT


def test_a_stranger_who_shares_a_date_of_birth_or_a_common_name_is_left_out() -> None:
    entry = record_of(Person((Name("Jack", "Smith"),), date_of_birth=date(2015, 5, 7)))
    same_day = Person((Name("Ruth", "Pallister"),), date_of_birth=date(2015, 5, 7))
    same_name = Person((Name("Jack", "Smith"),), date_of_birth=date(2008, 9, 30))
    assert weight(record_of(same_day), entry) < LEAST_WEIGHT
    assert weight(record_of(same_name), entry) < LEAST_WEIGHT


_names = st.builds(
    Name,
    st.sampled_from(["Jack", "Thomas James", "Kestrel", "محمد", "", "李 小龍", "J"]),
    st.sampled_from(["Smith", "Ashdown-Pell", "Le Sueur", "", "Nguyễn"]),
)
_people = st.builds(
    Person,
    names=st.lists(_names, min_size=1, max_size=2).map(tuple),
    date_of_birth=st.none() | st.dates(date(2008, 1, 1), date(2024, 8, 1)),
    expected_delivery=st.none() | st.dates(date(2024, 9, 1), date(2025, 6, 1)),
    mother=st.just(()) | _names.map(lambda name: (name,)),
    mother_date_of_birth=st.none() | st.just(date(1996, 4, 4)),
    nhs_number=st.sampled_from(["", "9990000018"]),
    addresses=st.sampled_from([(), (HOME,), (Address("Les Pommiers, Rue de la Croix, St Ouen"),)]),
)


@given(_people)
def test_whoever_says_enough_meets_their_own_entry(person: Person) -> None:
    record = record_of(person)
    if least_criteria(person).enough and best_match(record, [(0, record)]).band is not Band.NONE:
        assert weight(record, record) >= LEAST_WEIGHT


@given(_people, _people)
def test_whoever_would_be_a_match_is_met(question: Person, entry: Person) -> None:
    a, b = record_of(question), record_of(entry)
    if best_match(a, [(0, b)]).band is Band.MATCH:
        assert weight(a, b) >= LEAST_WEIGHT


@given(_people)
def test_tokens_are_distinct_signed_64_bit_numbers_with_a_weight_each(person: Person) -> None:
    record = record_of(person)
    indexed, asked = index_tokens(record, KEYS), query_tokens(record, KEYS)
    for tokens in (indexed, asked.tokens):
        assert len(tokens) == len(set(tokens))
        assert all(-(2**63) <= token < 2**63 for token in tokens)
    assert len(asked.weights) == len(asked.tokens)
    assert all(weight > 0 for weight in asked.weights)


def test_a_question_with_many_names_and_addresses_stays_cheap_and_still_meets_the_entry() -> None:
    aliases = tuple(Name(f"Bill{'abcdef'[i]} Tom Kestrel", f"Pell{'abcdef'[i]} Wallow Ashdown") for i in range(6))
    homes = tuple(Address(f"{i} Fuller Road", f"ZX{i} 4QP") for i in range(1, 7))
    crowded = record_of(replace(TOM, names=TOM.names + aliases, addresses=TOM.addresses + homes))
    assert len(query_tokens(crowded, KEYS).tokens) == MOST_TOKENS
    assert weight(crowded, record_of(TOM)) >= LEAST_WEIGHT


def test_no_single_name_sex_or_year_is_a_token() -> None:
    for person in (
        Person((Name("Thomas", ""),), sex="m"),
        Person((Name("", "Ashdown"),), mother=(Name("", "Ashdown"),)),
    ):
        assert index_tokens(record_of(person), KEYS) == []


def test_a_record_has_about_two_dozen_tokens() -> None:
    assert 18 <= len(index_tokens(record_of(TOM), KEYS)) <= 28


def test_tokens_of_another_master_or_kind_have_nothing_in_common() -> None:
    record = record_of(TOM)
    assert set(index_tokens(record, KEYS)).isdisjoint(index_tokens(record, TokenKeys(bytes(32))))
    assert KEYS.token("dob", "20150507") != KEYS.token("nhs", "20150507")
    with pytest.raises(ValueError):
        TokenKeys(bytes(31))


@given(st.binary(min_size=32, max_size=80), st.text())
def test_a_token_is_the_first_64_bits_of_hmac_sha256(master: bytes, value: str) -> None:
    keys = TokenKeys(master)
    mac = hmac.digest(keys.key(f"{keys.version} dob"), value.encode(), "sha256")
    assert keys.token("dob", value).to_bytes(8, "big", signed=True) == mac[:8]


@pytest.mark.rule("ENQ-5")
def test_a_home_is_met_through_its_own_tokens_and_former_homes_only_when_asked_for() -> None:
    now = record_of(TOM)
    moved = record_of(replace(TOM, addresses=(replace(HOME, current=False), Address("9 Mill Lane", "ZX7 8RR"))))
    visitor = record_of(Person((), addresses=(Address("2/14 Fuller Rd, ZX1 4QP"),)))
    asked = set(address_tokens(visitor, KEYS, current_only=True))
    assert asked & set(address_tokens(now, KEYS, current_only=True))
    assert not asked & set(address_tokens(moved, KEYS, current_only=True))
    assert asked & set(address_tokens(moved, KEYS, current_only=False))
    assert not asked & set(index_tokens(now, KEYS)), "kinds of their own"


@pytest.mark.rule("ENQ-5")
def test_a_postcode_or_a_street_is_no_home() -> None:
    for address in (Address("", "ZX1 4QP"), Address("Fuller Road, Nether Wallow", "ZX1 4QP")):
        assert address_tokens(record_of(Person((), addresses=(address,))), KEYS, current_only=False) == []
