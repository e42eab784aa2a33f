"""The decision table: each row by name, every combination of facts, and what no combination may bring about."""

from dataclasses import replace

import pytest

from policies.enquirer import Disclosure
from registry_api.enquiries.rules import (
    KNOWN,
    TABLE,
    Audience,
    Decided,
    Earlier,
    Facts,
    Finding,
    Outcome,
    Row,
    as_told,
    decide_outcome,
    earlier_enquiries,
    every_facts,
)
from registry_api.enquiries.wording import ADVICE, SUMMARY, caution, told

KEY_WORKER, DUTY, AT_ONCE = Audience.KEY_WORKER, Audience.DUTY, Audience.DUTY_AT_ONCE
MANAGER = Audience.SAFEGUARDING_MANAGER

# Written out by hand beside the table: a row that is changed by mistake differs from here.
EXPECTED: dict[str, tuple[Facts, Outcome, tuple[Audience, ...]]] = {
    "restricted and missing": (
        Facts(Finding.FULL_PLAN, restricted=True, missing=True),
        Outcome.CALL_BACK,
        (AT_ONCE, MANAGER, KEY_WORKER),
    ),
    "restricted": (Facts(Finding.OPEN_CASE, restricted=True), Outcome.CALL_BACK, (MANAGER, KEY_WORKER)),
    "on a plan and missing": (Facts(Finding.FULL_PLAN, missing=True), Outcome.ON_PLAN, (AT_ONCE, KEY_WORKER)),
    "on a plan": (Facts(Finding.FULL_PLAN), Outcome.ON_PLAN, (KEY_WORKER,)),
    "temporary entry and missing": (
        Facts(Finding.TEMPORARY_PLAN, missing=True),
        Outcome.TEMPORARY_ENTRY,
        (AT_ONCE, KEY_WORKER),
    ),
    "temporary entry": (Facts(Finding.TEMPORARY_PLAN), Outcome.TEMPORARY_ENTRY, (KEY_WORKER,)),
    "open case and missing": (Facts(Finding.OPEN_CASE, missing=True), Outcome.OPEN_CASE, (AT_ONCE, KEY_WORKER)),
    "open case": (Facts(Finding.OPEN_CASE), Outcome.OPEN_CASE, (KEY_WORKER,)),
    "known before and missing": (Facts(Finding.CLOSED, missing=True), Outcome.KNOWN_BEFORE, (AT_ONCE,)),
    "known before": (Facts(Finding.CLOSED), Outcome.KNOWN_BEFORE, (DUTY,)),
    "more information needed, perhaps of a missing child, asked about before": (
        Facts(Finding.UNCLEAR, missing=True, earlier=Earlier.OTHER),
        Outcome.MORE_INFORMATION_NEEDED,
        (AT_ONCE, DUTY, Audience.CONSIDERATION),
    ),
    "more information needed, perhaps of a missing child": (
        Facts(Finding.UNCLEAR, missing=True),
        Outcome.MORE_INFORMATION_NEEDED,
        (AT_ONCE, DUTY),
    ),
    "more information needed, asked about before": (
        Facts(Finding.UNCLEAR, earlier=Earlier.OTHER),
        Outcome.MORE_INFORMATION_NEEDED,
        (DUTY, Audience.CONSIDERATION),
    ),
    "more information needed": (Facts(Finding.UNCLEAR), Outcome.MORE_INFORMATION_NEEDED, (DUTY,)),
    "second enquiry about a child not known": (
        Facts(Finding.UNKNOWN, earlier=Earlier.OTHER),
        Outcome.NOT_KNOWN_SECOND_ENQUIRY,
        (Audience.CONSIDERATION,),
    ),
    "not known, asked again by the same professional": (
        Facts(Finding.UNKNOWN, earlier=Earlier.OWN),
        Outcome.NOT_KNOWN_ASKED_AGAIN,
        (),
    ),
    "not known, perhaps asked about before": (
        Facts(Finding.UNKNOWN, earlier=Earlier.PERHAPS),
        Outcome.NOT_KNOWN,
        (Audience.CONSIDERATION_PERHAPS,),
    ),
    "not known": (Facts(Finding.UNKNOWN), Outcome.NOT_KNOWN, ()),
    "address only, of a restricted child": (
        Facts(Finding.ADDRESS_ONLY, restricted=True),
        Outcome.CALL_BACK,
        (MANAGER,),
    ),
    "address only": (Facts(Finding.ADDRESS_ONLY), Outcome.ADDRESS, ()),
}
RULES = ("ENQ-4", "ENQ-6", "ENQ-7", "ENQ-8", "ENQ-9", "ENQ-12", "TRF-2")


@pytest.mark.rule(*RULES)
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_each_row_decides_as_its_name_says(row: Row) -> None:
    facts, outcome, audiences = EXPECTED[row.name]
    assert decide_outcome(facts) == Decided(outcome, row.name, audiences)


def test_no_row_is_without_an_expectation_and_none_has_the_name_of_another() -> None:
    assert [row.name for row in TABLE] == list(EXPECTED)


@pytest.mark.parametrize("facts", list(every_facts()), ids=str)
def test_every_combination_fits_a_row(facts: Facts) -> None:
    decided = decide_outcome(facts)
    assert SUMMARY[decided.outcome]
    assert ADVICE[decided.outcome][0].startswith("If the child is in immediate danger")
    assert caution(decided.outcome)


def test_every_row_decides_something() -> None:
    assert {decide_outcome(facts).row for facts in every_facts()} == {row.name for row in TABLE}


def test_every_outcome_is_reached() -> None:
    decided = {decide_outcome(facts).outcome for facts in every_facts()}
    assert decided == set(Outcome) - {Outcome.KNOWN}
    told = {as_told(outcome, disclosure) for outcome in decided for disclosure in Disclosure}
    assert told == set(Outcome)
    assert {as_told(outcome, Disclosure.FULL) for outcome in decided} == decided


@pytest.mark.rule("ENQ-3")
def test_a_restricted_child_is_never_disclosed_and_always_known_to_the_manager() -> None:
    for facts in every_facts():
        if facts.restricted and facts.finding in KNOWN | {Finding.ADDRESS_ONLY}:
            decided = decide_outcome(facts)
            assert decided.outcome is Outcome.CALL_BACK
            assert MANAGER in decided.told


@pytest.mark.rule("ENQ-3")
def test_of_a_restricted_child_the_answer_says_the_same_whatever_the_register_holds() -> None:
    said = {
        told(decide_outcome(facts).outcome, decide_outcome(facts).told)
        for facts in every_facts()
        if facts.restricted and facts.finding in KNOWN
    }
    assert len(said) == 1


@pytest.mark.rule("ENQ-12")
def test_a_missing_child_always_reaches_duty_at_once() -> None:
    for facts in every_facts():
        is_told = AT_ONCE in decide_outcome(facts).told
        assert is_told == (facts.missing and facts.finding in KNOWN | {Finding.UNCLEAR})


@pytest.mark.rule("ENQ-3")
def test_that_one_of_those_who_may_be_meant_is_missing_does_not_show() -> None:
    for facts in every_facts():
        if facts.missing and facts.finding is Finding.UNCLEAR:
            missing, not_missing = decide_outcome(facts), decide_outcome(replace(facts, missing=False))
            assert missing.outcome is not_missing.outcome
            assert told(missing.outcome, missing.told) == told(not_missing.outcome, not_missing.told)


@pytest.mark.rule("ENQ-5", "CUS-1")
@pytest.mark.parametrize(
    ("beside", "audience"), [("neighbours", Audience.NEIGHBOURS), ("people", Audience.PERSON_AT_ADDRESS)]
)
def test_who_is_at_the_address_adds_whom_that_is_told_and_changes_nothing_else_of_the_answer(
    beside: str, audience: Audience
) -> None:
    for facts in every_facts():
        if getattr(facts, beside):
            both, alone = decide_outcome(facts), decide_outcome(replace(facts, **{beside: False}))
            assert set(both.told) - set(alone.told) == {audience}
            assert both == replace(alone, told=both.told)
            assert told(both.outcome, both.told) == told(alone.outcome, alone.told)


@pytest.mark.rule("ENQ-10")
def test_nobody_who_is_known_or_might_be_is_left_without_a_follow_up() -> None:
    for facts in every_facts():
        if facts.finding in KNOWN or facts.finding is Finding.UNCLEAR:
            assert decide_outcome(facts).told


@pytest.mark.rule("ENQ-7")
def test_only_a_second_enquiry_about_a_child_who_is_not_certainly_known_is_considered() -> None:
    for facts in every_facts():
        considered = Audience.CONSIDERATION in decide_outcome(facts).told
        not_known = facts.finding in {Finding.UNKNOWN, Finding.UNCLEAR}
        assert considered == (not_known and facts.earlier is Earlier.OTHER)


@pytest.mark.rule("ENQ-7")
@pytest.mark.parametrize(
    ("other", "own_recent", "own_old", "amounts_to"),
    [
        (False, False, False, Earlier.NONE),
        (False, True, False, Earlier.OWN),
        (False, False, True, Earlier.OTHER),
        (False, True, True, Earlier.OTHER),
        (True, False, False, Earlier.OTHER),
        (True, True, False, Earlier.OTHER),
        (True, False, True, Earlier.OTHER),
        (True, True, True, Earlier.OTHER),
    ],
)
def test_what_earlier_enquiries_amount_to(other: bool, own_recent: bool, own_old: bool, amounts_to: Earlier) -> None:
    assert earlier_enquiries(other=other, own_recent=own_recent, own_old=own_old) is amounts_to
