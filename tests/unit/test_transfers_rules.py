"""What a notified move brings about: one entry, nothing lost of it, and one active plan."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from policies.profile import Category
from registry_api.matching.person import Name
from registry_api.register.entry import Case, ChildEntry, ChildPlan, Identity, PlanKind, Residence
from registry_api.transfers.rules import WHAT_IT_MEANS, PlacedAs, placed_as, with_move

MOVED_ON = date(2026, 2, 20)
HERE = Residence(lines="7 Larkspur Rise", postcode="JE5 7QX", valid_from=MOVED_ON)
STANDING = ChildEntry(
    identity=Identity(names=(Name("Quillon", "Ashgrove-Test"),), date_of_birth=date(2019, 5, 6), record_id="R-1"),
    residences=(Residence(lines="2 Foxglove Court", postcode="JE6 1QQ", valid_from=date(2024, 1, 1)),),
    cases=(Case(opened_on=date(2025, 1, 1), key_worker_id=UUID(int=7)),),
    plans=(
        ChildPlan(
            kind=PlanKind.FULL,
            categories=(Category.NEGLECT,),
            started_on=date(2022, 1, 1),
            ended_on=date(2023, 1, 1),
        ),
    ),
    missing_since=date(2026, 2, 1),
    restricted=True,
)
MOVED = ChildEntry(
    identity=Identity(
        names=(Name("Quillon", "Ashgrove-Test"), Name("Quillon", "Elderfield-Test")),
        date_of_birth=date(2019, 5, 6),
        nhs_number="9990000018",
    ),
    residences=(HERE,),
    plans=(
        ChildPlan(
            kind=PlanKind.TEMPORARY,
            categories=(Category.PHYSICAL,),
            started_on=date(2025, 6, 1),
            responsible_organisation_id=UUID(int=9),
        ),
    ),
    looked_after=True,
)


@pytest.mark.rule("TRF-2", "REG-1")
@pytest.mark.parametrize(
    ("plan_kind", "same_authority", "expected"),
    [
        (None, False, PlacedAs.TEMPORARY_ENTRY),
        (None, True, PlacedAs.TEMPORARY_ENTRY),
        (PlanKind.FULL, False, PlacedAs.ALREADY_ON_PLAN),
        (PlanKind.TEMPORARY, False, PlacedAs.ALREADY_ON_PLAN),
        (PlanKind.TEMPORARY, True, PlacedAs.ALREADY_NOTIFIED),
    ],
)
def test_what_a_notification_becomes(plan_kind: str | None, same_authority: bool, expected: PlacedAs) -> None:
    assert placed_as(plan_kind, notified_by_same_authority=same_authority) is expected
    assert WHAT_IT_MEANS[expected]


@pytest.mark.rule("REG-1")
def test_nothing_of_the_standing_entry_is_lost() -> None:
    merged = with_move(STANDING, MOVED, MOVED_ON)
    assert merged.identity.names == MOVED.identity.names
    assert merged.identity.record_id == "R-1"
    assert merged.identity.nhs_number == "9990000018"
    assert merged.cases == STANDING.cases
    assert merged.missing_since == STANDING.missing_since
    assert merged.restricted
    assert merged.looked_after
    assert [plan for plan in merged.plans if plan.ended_on is None] == list(MOVED.plans)
    assert set(STANDING.plans) < set(merged.plans)


@pytest.mark.rule("REG-1")
def test_the_former_home_ends_with_the_move_and_the_new_one_is_current() -> None:
    merged = with_move(STANDING, MOVED, MOVED_ON)
    assert [home for home in merged.residences if home.valid_to is None] == [HERE]
    (former,) = (home for home in merged.residences if home.valid_to)
    assert (former.lines, former.valid_to) == ("2 Foxglove Court", MOVED_ON)


def test_a_home_entered_after_the_move_does_not_end_before_it_began() -> None:
    late = replace(STANDING, residences=(replace(STANDING.residences[0], valid_from=date(2026, 3, 1)),))
    former = next(home for home in with_move(late, MOVED, MOVED_ON).residences if home.valid_to)
    assert former.valid_to == date(2026, 3, 1)


def test_the_same_home_told_again_stands_once() -> None:
    lived_here = replace(STANDING, residences=(replace(HERE, lines="7 LARKSPUR rise"),))
    merged = with_move(lived_here, replace(MOVED, residences=(HERE, HERE)), MOVED_ON)
    assert len([home for home in merged.residences if home.valid_to is None]) == 1
