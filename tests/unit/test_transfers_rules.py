"""What a notified move brings about: one entry, nothing lost of it, and one active plan."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from policies.profile import Category
from registry_api.matching.person import Name
from registry_api.register.entry import Case, ChildEntry, ChildPlan, Identity, OtherKeyWorker, PlanKind, Residence
from registry_api.transfers.moved import moved_entry
from registry_api.transfers.rules import WHAT_IT_MEANS, PlacedAs, placed_as, shown_as, with_move
from registry_api.transfers.schemas import MovedAddress, MovedChild, MovedPlan, OtherKeyWorkerGiven, TransferInRequest

MOVED_ON = date(2026, 2, 20)
TODAY = date(2026, 3, 4)
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


def joined(
    standing: ChildEntry = STANDING,
    moved: ChildEntry = MOVED,
    *,
    today: date = TODAY,
    place: PlacedAs = PlacedAs.TEMPORARY_ENTRY,
) -> ChildEntry:
    return with_move(standing, moved, moved_on=MOVED_ON, today=today, place=place)


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
    merged = joined()
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
    merged = joined()
    assert [home for home in merged.residences if home.valid_to is None] == [HERE]
    (former,) = (home for home in merged.residences if home.valid_to)
    assert (former.lines, former.valid_to) == ("2 Foxglove Court", MOVED_ON)


def test_a_home_entered_after_the_move_does_not_end_before_it_began() -> None:
    late = replace(STANDING, residences=(replace(STANDING.residences[0], valid_from=date(2026, 3, 1)),))
    former = next(home for home in joined(late).residences if home.valid_to)
    assert former.valid_to == date(2026, 3, 1)


def test_the_same_home_told_again_stands_once() -> None:
    lived_here = replace(STANDING, residences=(replace(HERE, lines="7 LARKSPUR rise"),))
    merged = joined(lived_here, replace(MOVED, residences=(HERE, HERE)))
    assert len(merged.residences) == 1
    assert merged.residences[0].valid_to is None


@pytest.mark.rule("ENQ-5", "TRF-5")
def test_until_the_day_of_an_announced_move_both_homes_are_current() -> None:
    ahead = joined(today=date(2026, 2, 19))
    assert {home.lines for home in ahead.residences if home.valid_to is None} == {"2 Foxglove Court", HERE.lines}
    on_the_day = joined(today=MOVED_ON)
    assert {home.lines for home in on_the_day.residences if home.valid_to is None} == {HERE.lines}


@pytest.mark.rule("REG-1")
def test_on_a_plan_here_names_and_homes_are_added_and_the_plan_is_not_touched() -> None:
    ours = replace(STANDING, plans=(replace(STANDING.plans[0], ended_on=None),))
    merged = joined(ours, place=PlacedAs.ALREADY_ON_PLAN)
    assert merged.plans == ours.plans
    assert merged.identity.names == MOVED.identity.names
    assert {home.lines for home in merged.residences if home.valid_to is None} == {"2 Foxglove Court", HERE.lines}


@pytest.mark.rule("TRF-1", "TRF-2")
def test_a_further_notice_of_the_same_authority_takes_the_place_of_its_earlier_word() -> None:
    first = joined()
    successor = OtherKeyWorker("Testperson Successor", "01632 960778")
    later = replace(MOVED.plans[0], categories=(Category.SEXUAL,), other_key_worker=successor)
    merged = joined(first, replace(MOVED, plans=(later,)), place=PlacedAs.ALREADY_NOTIFIED)
    assert merged == replace(first, plans=(later, *STANDING.plans))


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("place", PlacedAs)
def test_of_a_restricted_child_the_answer_is_always_the_same(place: PlacedAs) -> None:
    assert shown_as(place, restricted=True) is PlacedAs.WITH_THE_MANAGER
    assert shown_as(place, restricted=False) is place
    assert "plan" not in WHAT_IT_MEANS[PlacedAs.WITH_THE_MANAGER]


@pytest.mark.rule("ENQ-5", "TRF-5")
@pytest.mark.parametrize(("today", "current"), [(date(2026, 2, 19), ["new", "present"]), (MOVED_ON, ["new"])], ids=str)
def test_where_a_child_lives_until_an_announced_move(today: date, current: list[str]) -> None:
    request = TransferInRequest.model_construct(
        child=MovedChild.model_construct(
            given_names="Quillon",
            family_name="Ashgrove-Test",
            date_of_birth=date(2019, 5, 6),
            address_here=MovedAddress(lines="new"),
            previous_addresses=(MovedAddress(lines="present"), MovedAddress(lines="former")),
        ),
        plan=MovedPlan(categories=(Category.NEGLECT,), started_on=date(2025, 9, 1)),
        moved_on=MOVED_ON,
        key_worker=OtherKeyWorkerGiven(name="Testperson Elsewhere", phone="01632 960777"),
    )
    homes = moved_entry(request, UUID(int=9), today).residences
    assert {home.lines for home in homes if home.valid_to is None} == set(current)
    assert len(homes) == 3
