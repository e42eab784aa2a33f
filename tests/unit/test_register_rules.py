"""What may stand on the register: every fault has a row in the table, and what is whole has none."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from policies.profile import Category, load_profile
from registry_api.matching.person import Name
from registry_api.register.csv_format import COLUMNS
from registry_api.register.entry import Case, ChildEntry, ChildPlan, Identity, PlanKind, Relationship, Residence
from registry_api.register.rules import Fault, Reason, faults

TODAY = date(2026, 3, 2)
JERSEY, HERTFORDSHIRE, NORTH_YORKSHIRE = map(load_profile, ("jersey", "hertfordshire", "north_yorkshire"))
ELSEWHERE = UUID(int=7)

BORN = Identity(names=(Name("Testa", "Synthetica"),), date_of_birth=date(2018, 5, 4))
UNBORN = Identity(
    names=(Name("", "Synthetica"),),
    expected_delivery=TODAY + timedelta(days=60),
    mother=(Name("Mater", "Synthetica"),),
)
CASE = Case(opened_on=date(2025, 1, 6))
PLAN = ChildPlan(kind=PlanKind.FULL, categories=(Category.NEGLECT,), started_on=date(2025, 2, 3))
ENTRY = ChildEntry(identity=BORN, cases=(CASE,), plans=(PLAN,))


def child(**changes: object) -> ChildEntry:
    return replace(ENTRY, identity=replace(BORN, **changes))


def unborn(**changes: object) -> ChildEntry:
    return replace(ENTRY, identity=replace(UNBORN, **changes))


def planned(**changes: object) -> ChildEntry:
    return replace(ENTRY, plans=(replace(PLAN, **changes),))


def lived(**changes: object) -> ChildEntry:
    return replace(ENTRY, residences=(Residence(lines="1 Nowhere Lane", **changes),))


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(ENTRY, id="a child on a plan"),
        pytest.param(replace(ENTRY, plans=()), id="an open case without a plan"),
        pytest.param(
            ChildEntry(identity=BORN, cases=(replace(CASE, closed_on=TODAY),)), id="a case closed today, known before"
        ),
        pytest.param(child(names=(Name("Mononyma", ""),)), id="a child with a single name"),
        pytest.param(child(date_of_birth=TODAY), id="born today"),
        pytest.param(
            planned(kind=PlanKind.TEMPORARY, responsible_organisation_id=ELSEWHERE), id="another authority's plan"
        ),
    ],
)
def test_what_is_whole_has_no_fault(entry: ChildEntry) -> None:
    assert faults(entry, JERSEY, TODAY) == []


@pytest.mark.rule("REG-3")
def test_an_unborn_child_is_entered_under_the_surname_with_the_expected_delivery() -> None:
    assert faults(unborn(), JERSEY, TODAY) == []


@pytest.mark.rule("REG-3")
@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (unborn(mother=()), Fault("mother_family_name", Reason.NEEDED)),
        (unborn(mother=(Name("Mater", ""),)), Fault("mother_family_name", Reason.NEEDED)),
        (unborn(names=(Name("Testa", ""),)), Fault("family_name", Reason.NEEDED)),
        (
            unborn(expected_delivery=TODAY + timedelta(weeks=44)),
            Fault("expected_delivery_date", Reason.TOO_FAR_AHEAD),
        ),
        (
            unborn(expected_delivery=TODAY - timedelta(weeks=5)),
            Fault("expected_delivery_date", Reason.BIRTH_NOT_CONFIRMED, warning=True),
        ),
        (child(date_of_birth=None), Fault("date_of_birth", Reason.BIRTH_OR_DELIVERY)),
        (child(expected_delivery=TODAY), Fault("expected_delivery_date", Reason.BORN_AND_UNBORN)),
    ],
)
def test_a_child_is_either_born_or_expected_by_a_named_mother(entry: ChildEntry, fault: Fault) -> None:
    assert fault in faults(entry, JERSEY, TODAY)


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (child(names=()), Fault("family_name", Reason.NEEDED)),
        (child(names=(Name(), Name("Testa", "Other"))), Fault("family_name", Reason.NEEDED)),
        (child(date_of_birth=TODAY + timedelta(days=1)), Fault("date_of_birth", Reason.IN_THE_FUTURE)),
        (child(mother_date_of_birth=date(2012, 1, 1)), Fault("mother_date_of_birth", Reason.MOTHER_TOO_YOUNG)),
        (lived(valid_from=TODAY + timedelta(days=1)), Fault("address_from", Reason.IN_THE_FUTURE)),
        (
            lived(valid_from=date(2024, 2, 2), valid_to=date(2024, 2, 1)),
            Fault("previous_addresses", Reason.ENDS_BEFORE_IT_STARTS),
        ),
        (lived(valid_to=TODAY + timedelta(days=1)), Fault("previous_addresses", Reason.IN_THE_FUTURE)),
        (ChildEntry(identity=BORN), Fault("case_opened", Reason.CASE_OR_PLAN)),
        (replace(ENTRY, cases=(CASE, CASE)), Fault("case_opened", Reason.SEVERAL_ACTIVE)),
        (
            replace(ENTRY, cases=(replace(CASE, closed_on=date(2025, 1, 5)),)),
            Fault("case_closed", Reason.ENDS_BEFORE_IT_STARTS),
        ),
        (replace(ENTRY, cases=()), Fault("case_opened", Reason.NO_OPEN_CASE, warning=True)),
        (replace(ENTRY, plans=(PLAN, PLAN)), Fault("plan_start", Reason.SEVERAL_ACTIVE)),
        (planned(started_on=TODAY + timedelta(days=1)), Fault("plan_start", Reason.IN_THE_FUTURE)),
        (planned(ended_on=date(2025, 2, 2)), Fault("plan_end", Reason.ENDS_BEFORE_IT_STARTS)),
        (replace(ENTRY, missing_since=TODAY + timedelta(days=1)), Fault("missing_since", Reason.IN_THE_FUTURE)),
    ],
)
def test_what_contradicts_itself_is_named_by_its_column(entry: ChildEntry, fault: Fault) -> None:
    assert fault in faults(entry, JERSEY, TODAY)


def test_a_birth_a_century_ago_is_a_slip_of_the_pen() -> None:
    entry = replace(child(date_of_birth=date(1918, 5, 4)), plans=())
    assert faults(entry, JERSEY, TODAY) == [Fault("date_of_birth", Reason.TOO_LONG_AGO)]


@pytest.mark.parametrize(
    ("born", "late"), [(date(2008, 3, 2), False), (date(2007, 12, 15), False), (date(2007, 11, 1), True)]
)
def test_a_plan_that_outlasts_childhood_is_refused_only_past_the_margin(born: date, late: bool) -> None:
    found = faults(child(date_of_birth=born), JERSEY, TODAY)
    assert found == ([Fault("plan_end", Reason.ADULT_ON_PLAN)] if late else [])
    ended = replace(child(date_of_birth=born), plans=(replace(PLAN, ended_on=TODAY),))
    assert faults(ended, JERSEY, TODAY) == []


@pytest.mark.rule("REG-4")
def test_categories_follow_the_rule_of_the_authority() -> None:
    dual = planned(categories=(Category.NEGLECT, Category.EMOTIONAL))
    several = Reason.CATEGORY_SEVERAL_GIVEN
    assert faults(dual, JERSEY, TODAY) == [Fault("plan_categories", several, warning=True)]
    assert faults(dual, HERTFORDSHIRE, TODAY) == [Fault("plan_categories", several)]
    assert faults(dual, NORTH_YORKSHIRE, TODAY) == []


@pytest.mark.rule("REG-4")
@pytest.mark.parametrize(
    ("categories", "reason"),
    [
        ((), Reason.CATEGORY_NONE_GIVEN),
        ((Category.NEGLECT, Category.NEGLECT), Reason.CATEGORY_REPEATED),
    ],
)
def test_a_plan_names_each_category_once_everywhere(categories: tuple[Category, ...], reason: Reason) -> None:
    for profile in (JERSEY, HERTFORDSHIRE, NORTH_YORKSHIRE):
        assert faults(planned(categories=categories), profile, TODAY) == [Fault("plan_categories", reason)]


@pytest.mark.rule("TRF-2")
def test_a_temporary_entry_names_the_authority_that_stays_responsible() -> None:
    fault = Fault("responsible_authority", Reason.RESPONSIBLE_AUTHORITY)
    assert faults(planned(kind=PlanKind.TEMPORARY), JERSEY, TODAY) == [fault]


@pytest.mark.rule("REG-5")
def test_a_child_placed_by_another_authority_needs_no_case_of_ours() -> None:
    placed = replace(planned(responsible_organisation_id=ELSEWHERE), cases=())
    assert faults(placed, JERSEY, TODAY) == []


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_can_be_said_in_words(reason: Reason) -> None:
    assert len(reason.words) > 5


def test_the_documentation_names_every_column_reason_and_relationship_as_the_code_does() -> None:
    text = (Path(__file__).parents[2] / "docs" / "import.md").read_text("utf-8")
    assert [column for column in COLUMNS if f"`{column}`" not in text] == []
    assert [reason for reason in Reason if f"| `{reason}` | {reason.words} |" not in text] == []
    as_written = text.replace("-", "_").replace(" ", "_").replace("'", "")
    assert [code for code in Relationship if f"`{code}`" not in as_written] == []
