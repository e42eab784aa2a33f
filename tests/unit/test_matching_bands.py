"""Who is found: the same child however described; never a twin, a sibling or a namesake."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matching_children import BORN, ELSEWHERE, FOUND, HOME, MOTHER, TODAY, TOM, asked, child

from registry_api.matching.bands import Band, Match, best_match
from registry_api.matching.person import Address, Name, Person
from registry_api.matching.record import record_of
from registry_api.matching.score import explain, score


@pytest.mark.parametrize(
    "question",
    [
        TOM,
        child("THOMAS", "ashdown"),
        child("Tom"),
        child("Thomsa"),
        child("Thomas", "Ashdwon"),
        child("Thomas", "Ashdown-Pell"),
        child("Ashdown", "Thomas"),
        child("Thomas", born=date(2015, 5, 22)),
        child("Thomas", born=date(2014, 5, 21)),
        child("Thomas", at=Address("", "ZX1 4QP")),
        child("Thomas", at=Address("2/14 Fuller Rd")),
        replace(child("Thomas", born=None), age=9, as_of=TODAY),
        replace(child("Thomas", born=None), age=10, as_of=TODAY),
        replace(child("Thomas", born=None), age=8, as_of=TODAY),
    ],
)
def test_the_same_child_is_found_however_described(question: Person) -> None:
    assert asked(question, TOM, child("Ruth", born=date(2012, 1, 30))) == FOUND


def test_a_swapped_day_and_month_is_found() -> None:
    assert asked(child("Thomas", born=date(2015, 3, 7)), child("Thomas", born=date(2015, 7, 3))) == FOUND


@pytest.mark.rule("REG-2")
def test_every_name_and_address_in_use_finds_the_child() -> None:
    entry = Person(
        (Name("Thomas", "Ashdown"), Name("Taz", "Pell")),
        date_of_birth=BORN,
        addresses=(HOME, replace(ELSEWHERE, current=False)),
    )
    assert asked(child("Taz", "Pell"), entry) == FOUND
    assert asked(child("Thomas", "Pell", at=ELSEWHERE), entry) == FOUND


@pytest.mark.parametrize("name", ["محمد", "李小龍", "Zoë 😀", "\u202eמשה\u202c", "X"])
def test_names_of_any_script_find_their_bearer(name: str) -> None:
    assert asked(child(name, "Ashdown"), child(name, "Ashdown")) == FOUND


def test_a_mononym_is_found_in_either_field() -> None:
    entry = child("Kestrelian", "")
    assert asked(entry, entry) == FOUND
    assert asked(child("", "Kestrelian"), entry) == FOUND


TWINS = [
    ("Thomas", "Ruth"),
    ("Thomas", "James"),
    ("Tim", "Tom"),
    ("Jayden", "Kayden"),
    ("Amelia", "Amelie"),
    ("Daniel", "Danielle"),
    ("Mohammed Ali", "Mohammed Hassan"),
    ("Thomas James", "James Thomas"),
    ("Emily", "Emma"),
    ("Ella", "Bella"),
    ("Louis", "Louise"),
]


@pytest.mark.rule("REG-1")
@pytest.mark.parametrize(("one", "other"), [*TWINS, *((b, a) for a, b in TWINS)])
@pytest.mark.parametrize("apart", [0, 400], ids=["twins", "siblings"])
def test_a_twin_or_sibling_is_never_a_match(one: str, other: str, apart: int) -> None:
    there = replace(child(other, born=BORN + timedelta(days=apart)), mother=(MOTHER,), nhs_number="9990000018")
    question = replace(child(one), mother=(MOTHER,))
    assert asked(question, there)[0] is not Band.MATCH
    assert asked(replace(question, nhs_number="9990000018"), there)[0] is not Band.MATCH, "the twin's NHS number"
    assert asked(question, there, question) == (Band.MATCH, 1)


def test_the_twin_asked_for_by_age_or_family_name_alone_is_not_guessed() -> None:
    twins = (child("Thomas"), child("Ruth"))
    assert asked(child("", "Ashdown"), *twins) == (Band.POSSIBLE, None)
    assert asked(replace(child("", "Ashdown", None), age=9, as_of=TODAY), *twins)[1] is None


def test_a_namesake_with_the_same_date_of_birth_is_possible_and_never_a_match() -> None:
    assert asked(child("Thomas", at=None), TOM) == (Band.POSSIBLE, None)
    assert asked(child("Thomas", at=ELSEWHERE), TOM) == (Band.POSSIBLE, None)
    assert asked(TOM, child("Thomas", at=None)) == (Band.POSSIBLE, None)


def test_parent_or_nhs_number_supports_a_namesake_as_an_address_does() -> None:
    alone = child("Thomas", at=None)
    assert asked(replace(alone, mother=(MOTHER,)), replace(TOM, mother=(MOTHER,))) == FOUND
    assert asked(replace(alone, mother=(Name("Wren", "Pell"),)), replace(TOM, mother=(MOTHER,)))[0] is Band.POSSIBLE
    assert asked(replace(alone, nhs_number="9990000018"), replace(TOM, nhs_number="999 000 0018")) == FOUND


def test_a_namesake_of_another_age_is_not_shown() -> None:
    assert asked(child("Thomas", born=date(2008, 1, 2), at=ELSEWHERE), child("Thomas", "Pell")) == (Band.NONE, None)


def test_the_nhs_number_needs_the_given_name_or_the_date_of_birth_and_neither_against_it() -> None:
    entry = replace(TOM, nhs_number="9990000018")
    number = Person((), nhs_number="9990000018")
    assert asked(replace(number, date_of_birth=BORN), entry) == FOUND
    assert asked(replace(number, names=(Name("Thomas"),)), entry) == FOUND
    assert asked(number, entry)[0] is not Band.MATCH
    assert asked(replace(number, names=(Name("Thomas"),), date_of_birth=date(2009, 1, 1)), entry)[0] is Band.POSSIBLE
    assert asked(replace(number, names=(Name("Ruth"),), date_of_birth=BORN), entry)[0] is Band.POSSIBLE


COUSIN_AT = Address("99 Fuller Road, Nether Wallow", "ZX1 4QP")


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(
    "question",
    [
        child("Thomas", born=date(2015, 5, 22), at=COUSIN_AT),
        child("Thomas", born=date(2012, 5, 21), at=COUSIN_AT),
        child("Thomas", born=date(2015, 9, 21), at=COUSIN_AT),
        child("Thomas", born=date(2013, 5, 21), at=Address("", "ZX1 4QP")),
        replace(child("Thomas", born=None, at=COUSIN_AT), age=9, as_of=TODAY),
        replace(child("Thomas", born=None, at=COUSIN_AT), age=10, as_of=TODAY),
    ],
)
def test_a_postcode_supports_no_birth_that_agrees_in_part(question: Person) -> None:
    rare = replace(question, names=(Name("Thomas", "Quillonshaw"),))
    there = child("Thomas", "Quillonshaw")
    assert asked(rare, there)[0] is Band.POSSIBLE
    assert asked(replace(rare, addresses=(HOME,)), there) == FOUND
    assert asked(replace(rare, mother=(MOTHER,)), replace(there, mother=(MOTHER,))) == FOUND


def test_a_postcode_supports_the_whole_birth() -> None:
    for born in (date(2015, 5, 4), date(2015, 4, 5)):
        assert asked(child("Thomas", born=born, at=COUSIN_AT), child("Thomas", born=date(2015, 5, 4))) == FOUND


def _match(question: Person, *entries: Person) -> Match[int]:
    return best_match(record_of(question), [(i, record_of(entry)) for i, entry in enumerate(entries)])


@pytest.mark.rule("REG-1", "ENQ-4")
def test_a_child_who_was_entered_twice_is_one_child() -> None:
    assert _match(TOM, TOM, TOM).candidates == (0, 1)
    moved = replace(TOM, addresses=(replace(ELSEWHERE, current=True), replace(HOME, current=False)))
    assert _match(TOM, moved, TOM, child("Ruth")).candidates == (0, 1)
    assert _match(replace(TOM, addresses=(ELSEWHERE,)), moved, TOM).candidates == (0, 1), "the other entry is behind"


@pytest.mark.rule("REG-1")
@pytest.mark.parametrize(("one", "other"), [*TWINS, ("Jack", "John"), ("Alex", "Alexander"), ("Thomas", "Thomsa")])
def test_entries_of_like_names_are_two_children_until_somebody_says_otherwise(one: str, other: str) -> None:
    assert _match(child(one), child(one), child(other)).candidates in {(0,), ()}
    assert _match(child(one), child(one), child(one), child(other)).candidates in {(0, 1), ()}


def test_entries_that_something_tells_apart_are_possible_both() -> None:
    for one in (replace(TOM, sex="m"), replace(TOM, nhs_number="9990000018")):
        found = _match(TOM, one, replace(TOM, sex="f", nhs_number="9990000026"))
        assert (found.band, found.candidates, set(found.possible)) == (Band.POSSIBLE, (), {0, 1})


def test_two_unborn_of_one_mother_are_two() -> None:
    found = _match(UNBORN, UNBORN, UNBORN)
    assert (found.band, found.possible) == (Band.POSSIBLE, (0, 1))


def test_somebody_to_decide_gets_the_best_few() -> None:
    namesakes = [child("Thomas", at=None) for _ in range(9)]
    found = _match(child("Thomas", at=None), *namesakes)
    assert (found.band, len(found.possible)) == (Band.POSSIBLE, 5)


def test_nobody_is_found_among_nobody() -> None:
    assert asked(TOM) == (Band.NONE, None)
    assert asked(TOM, child("Ruth", "Pallister", date(2010, 2, 3), at=ELSEWHERE)) == (Band.NONE, None)


UNBORN = Person(
    (Name("", "Ashdown"),),
    expected_delivery=date(2025, 3, 1),
    mother=(MOTHER,),
    mother_date_of_birth=date(1996, 4, 4),
    addresses=(HOME,),
)


@pytest.mark.rule("REG-3")
@pytest.mark.parametrize(
    "question",
    [
        UNBORN,
        replace(UNBORN, expected_delivery=date(2025, 2, 20)),
        replace(UNBORN, names=(Name("Baby", "Pell"),), mother_date_of_birth=None),
        replace(UNBORN, addresses=()),
        replace(UNBORN, names=(Name("Robin", "Ashdown"),), expected_delivery=None, date_of_birth=date(2025, 2, 26)),
    ],
)
def test_an_unborn_child_is_found_through_the_mother_before_and_after_birth(question: Person) -> None:
    assert asked(question, UNBORN) == FOUND


@pytest.mark.rule("REG-3")
@pytest.mark.parametrize(
    "question",
    [
        replace(UNBORN, mother=(Name("Wren", "Pallister"),), mother_date_of_birth=None),
        replace(UNBORN, expected_delivery=date(2025, 9, 1)),
        replace(UNBORN, addresses=(), mother_date_of_birth=None),
    ],
)
def test_another_mother_another_pregnancy_or_no_support_is_no_match(question: Person) -> None:
    assert asked(question, UNBORN)[0] is not Band.MATCH


_names = st.sampled_from(["Thomas", "Tom", "Ruth", "Mohammed Ali", "Amelie", "", "محمد", "J"])
_people = st.builds(
    child,
    _names,
    st.sampled_from(["Ashdown", "Pallister", "Le Sueur", "Ashdown-Pell", ""]),
    st.none() | st.dates(date(2008, 1, 1), date(2024, 1, 1)),
    at=st.sampled_from([HOME, ELSEWHERE, None]),
)


@given(_people, st.lists(_people, max_size=6))
def test_posteriors_with_nobody_add_up_to_one_and_the_best_comes_first(question: Person, entries: list[Person]) -> None:
    scored = score(record_of(question), [(i, record_of(entry)) for i, entry in enumerate(entries)])
    posteriors = [one.posterior for one in scored]
    assert posteriors == sorted(posteriors, reverse=True)
    assert 0.0 <= sum(posteriors) < 1.0


@given(_people, _people)
def test_comparing_is_symmetric_and_explained_field_by_field(one: Person, other: Person) -> None:
    a, b = record_of(one), record_of(other)
    assert explain(a, b) == pytest.approx(explain(b, a))


@given(_people, st.lists(_people, max_size=6), st.randoms())
def test_the_order_of_candidates_decides_nothing(question: Person, entries: list[Person], random: object) -> None:
    numbered = [(i, record_of(entry)) for i, entry in enumerate(entries)]
    shuffled = sorted(numbered, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert best_match(record_of(question), numbered) == best_match(record_of(question), shuffled)
