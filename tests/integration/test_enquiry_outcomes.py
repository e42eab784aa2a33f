"""Each row of the decision table over HTTP: exactly what the enquirer is answered, and who finds it in their inbox.

Every case is reached through the real register, and what is answered is held against the list of all that may be in
it: whatever else stands on the register must not be found in the text.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from builders import World, entry, question
from builders import said as said_in

from registry_api.enquiries.rules import TABLE
from registry_api.matching.person import Name
from registry_api.register.entry import ChildEntry, Identity, PlanKind, Residence

ALWAYS = {"reference", "received_at", "outcome", "summary", "told", "advice", "contact_now", "worth", "receipt"}
CASE = {"key_worker", "looked_after"}
STAFF = ("kw-1", "kw-2", "kw-3", "duty-1", "duty-2", "tm-1", "sm-1")
SINCE = date(2026, 2, 1)
AT_ADDRESS = {"address": {"lines": "7 Larkspur Rise", "postcode": "JE5 7QX"}}

SECRETS = (
    "Quillon", "Ashgrove", "Zephyrin", "Otherwise", "Marigold", "Motherly", "2019-05-06", "1990-07-08", "Larkspur",
    "JE5", "Wychelm", "JE8", "9990000018", "Fernleaf",
)  # fmt: skip
"""All that the register knows or the enquirer gave of the child. None of it may be read back."""


def _child(world: World, **changes: Any) -> ChildEntry:
    identity = Identity(
        names=(Name("Quillon", "Ashgrove-Test"), Name("Zephyrin", "Otherwise-Test")),
        date_of_birth=date(2019, 5, 6),
        place_of_birth="Fernleaf",
        mother=(Name("Marigold", "Motherly-Test"),),
        mother_date_of_birth=date(1990, 7, 8),
        nhs_number="9990000018",
    )
    standing = entry(identity=identity, **{"key_worker": world.members["kw-1"].id, **changes})
    former = Residence(lines="12 Wychelm Alley", postcode="JE8 2QQ", valid_to=date(2023, 12, 31))
    return ChildEntry(
        **{name: getattr(standing, name) for name in standing.__slots__ if name != "residences"},
        residences=(*standing.residences, former),
    )


@dataclass(frozen=True)
class Reached:
    """How one row of the table is reached, and what it has to bring about."""

    outcome: str
    child: Mapping[str, Any] | None = None
    """What stands on the register; None when nothing does."""
    asked: Callable[[], dict[str, Any]] = question
    by: str = "officer-1"
    before: tuple[str, ...] = ()
    """Who asked before: the same, unless ``asked_before`` says what."""
    asked_before: Callable[[], dict[str, Any]] | None = None
    shown: set[str] = field(default_factory=set)
    told: Mapping[str, set[tuple[str, str]]] = field(default_factory=dict)
    """For each member of staff the kinds of notification, and as what they get it."""


KEY_WORKER = {"kw-1": {("child_enquired_about", "key_worker")}}
DUTY = {who: {("child_enquired_about", "duty")} for who in ("duty-1", "duty-2")}
AT_ONCE = {who: {("missing_child_enquired_about", "duty")} for who in ("duty-1", "duty-2")}
MANAGER = {"sm-1": {("child_enquired_about", "safeguarding_manager")}}
CONSIDERED = {"sm-1": {("consideration", "safeguarding_manager")}}
UNDECIDED = {("more_information_needed", "duty")}

REACHED: dict[str, Reached] = {
    "restricted and missing": Reached(
        "call_back",
        {"plan": PlanKind.FULL, "restricted": True, "missing_since": SINCE},
        told=KEY_WORKER | AT_ONCE | MANAGER,
    ),
    "restricted": Reached("call_back", {"plan": PlanKind.FULL, "restricted": True}, told=KEY_WORKER | MANAGER),
    "on a plan and missing": Reached(
        "on_plan",
        {"plan": PlanKind.FULL, "missing_since": SINCE},
        shown=CASE | {"plan", "recorded_as_missing"},
        told=KEY_WORKER | AT_ONCE,
    ),
    "on a plan": Reached("on_plan", {"plan": PlanKind.FULL}, shown=CASE | {"plan"}, told=KEY_WORKER),
    "temporary entry and missing": Reached(
        "temporary_entry",
        {"plan": PlanKind.TEMPORARY, "missing_since": SINCE},
        shown=CASE | {"plan", "responsible_authority", "recorded_as_missing"},
        told=KEY_WORKER | AT_ONCE,
    ),
    "temporary entry": Reached(
        "temporary_entry",
        {"plan": PlanKind.TEMPORARY},
        shown=CASE | {"plan", "responsible_authority"},
        told=KEY_WORKER,
    ),
    "open case and missing": Reached(
        "open_case", {"missing_since": SINCE}, shown=CASE | {"recorded_as_missing"}, told=KEY_WORKER | AT_ONCE
    ),
    "open case": Reached("open_case", {}, shown=CASE, told=KEY_WORKER),
    "known before and missing": Reached(
        "known_before", {"case": False, "missing_since": SINCE}, shown={"history"}, told=AT_ONCE
    ),
    "known before": Reached("known_before", {"case": False}, shown={"history"}, told=DUTY),
    "more information needed, perhaps of a missing child, asked about before": Reached(
        "more_information_needed",
        {"plan": PlanKind.FULL, "missing_since": SINCE},
        asked=lambda: question(address=None),
        before=("nurse-1",),
        shown={"more_information", "earlier_enquiries"},
        told={who: UNDECIDED | kinds for who, kinds in AT_ONCE.items()} | CONSIDERED,
    ),
    "more information needed, perhaps of a missing child": Reached(
        "more_information_needed",
        {"plan": PlanKind.FULL, "missing_since": SINCE},
        asked=lambda: question(address=None),
        shown={"more_information"},
        told={who: UNDECIDED | kinds for who, kinds in AT_ONCE.items()},
    ),
    "more information needed, asked about before": Reached(
        "more_information_needed",
        {"plan": PlanKind.FULL},
        asked=lambda: question(address=None),
        before=("nurse-1",),
        shown={"more_information", "earlier_enquiries"},
        told=dict.fromkeys(DUTY, UNDECIDED) | CONSIDERED,
    ),
    "more information needed": Reached(
        "more_information_needed",
        {"plan": PlanKind.FULL},
        asked=lambda: question(address=None),
        shown={"more_information"},
        told=dict.fromkeys(DUTY, UNDECIDED),
    ),
    "second enquiry about a child not known": Reached(
        "not_known_second_enquiry",
        before=("nurse-1",),
        shown={"earlier_enquiries"},
        told=CONSIDERED,
    ),
    "not known, asked again by the same professional": Reached(
        "not_known_asked_again", before=("officer-1",), shown={"your_earlier_enquiries"}
    ),
    "not known, perhaps asked about before": Reached(
        "not_known",
        before=("nurse-1",),
        asked_before=lambda: question(born="2019-05-07", address="40 Bindweed Row", postcode="JE7 3ZZ"),
        told={"sm-1": {("consideration_perhaps", "safeguarding_manager")}},
    ),
    "not known": Reached("not_known"),
    "address only, of a restricted child": Reached(
        "call_back",
        {"plan": PlanKind.FULL, "restricted": True},
        asked=lambda: AT_ADDRESS,
        by="kw-3",
        told=MANAGER | {"kw-1": {("enquiry_at_address", "key_worker")}},
    ),
    "address only": Reached(
        "address",
        {"plan": PlanKind.FULL},
        asked=lambda: AT_ADDRESS,
        by="kw-3",
        shown={"household"},
        told={"kw-1": {("enquiry_at_address", "key_worker")}},
    ),
}


def test_every_row_is_reached() -> None:
    assert list(REACHED) == [row.name for row in TABLE]


@pytest.mark.rule("ENQ-3", "ENQ-4", "ENQ-5", "ENQ-6", "ENQ-7", "ENQ-8", "ENQ-9", "ENQ-12", "TRF-2", "REG-16")
@pytest.mark.parametrize("row", REACHED)
async def test_the_answer_holds_what_the_rule_allows_and_the_right_people_are_told(world: World, row: str) -> None:
    case = REACHED[row]
    if case.child is not None:
        temporary = case.child.get("plan") is PlanKind.TEMPORARY
        responsible = {"responsible": world.organisations["neighbour"]} if temporary else {}
        await world.add(_child(world, **{**responsible, **case.child}))
    for subject in case.before:
        assert (await world.ask(subject, (case.asked_before or case.asked)())).status_code == 200

    answer = await world.ask(case.by, case.asked())
    assert answer.status_code == 200, answer.text
    text, answered = said_in(answer), answer.json()
    assert answered["outcome"] == case.outcome
    assert set(answered) == ALWAYS | case.shown
    for secret in SECRETS:
        assert secret.casefold() not in text.casefold()

    told = {
        who: {
            (told["kind"], told["why_you"])
            for told in await world.inbox(who)
            if told["about"]["reference"] == answered["reference"]
        }
        for who in STAFF
    }
    assert {who: kinds for who, kinds in told.items() if kinds} == case.told
    async with world.database.connection() as connection:
        decided = await connection.fetchval(
            "SELECT a.row FROM enquiry_answer a JOIN enquiry e ON e.id = a.enquiry_id WHERE e.reference = $1",
            answered["reference"],
        )
    assert decided == row


@pytest.mark.rule("ENQ-4")
async def test_the_key_worker_is_told_all_they_need_to_call_back(world: World) -> None:
    child = await world.add(_child(world))
    said = (await world.ask("nurse-1", question(), urgency="immediate")).json()
    assert said["key_worker"] == {"name": "Testperson Kw-1", "phone": "01632 960200", "role": "key_worker"}
    (told,) = await world.inbox("kw-1")
    assert told["urgency"] == "immediate"
    assert told["children"] == [
        {
            "id": str(child),
            "name": "Quillon Ashgrove-Test",
            "date_of_birth": "2019-05-06",
            "expected_delivery_date": None,
        }
    ]
    about = told["about"]
    assert about["by"] == {
        "name": "Testperson Nurse-1",
        "phone": "01632 960200",
        "role": "nurse",
        "organisation": "Test Hospital",
    }
    assert about["details"]["call_back_number"] == "01632 960321"
    assert about["details"]["reason_text"] == "Bruise on the upper arm."
    assert about["details"]["child"]["given_names"] == "Quillon"


@pytest.mark.rule("ENQ-6")
async def test_a_child_who_is_not_known_is_recorded_with_the_advice(world: World) -> None:
    said = (await world.ask("nurse-1", question())).json()
    assert "does not mean that the child is safe" in " ".join(said["advice"])
    assert said["told"] == []
    assert said["worth"]["register_of"] == "Test Authority"
    assert said["worth"]["details_used"] == ["name", "date_of_birth", "address"]
    assert "no reassurance" in said["worth"]["caution"]
    async with world.database.connection() as connection:
        kept = await connection.fetchrow(
            "SELECT e.*, a.sealed_answer FROM enquiry e JOIN enquiry_answer a ON a.enquiry_id = e.id"
        )
    assert kept is not None
    key = world.vault.key("enquiry", kept["id"], kept["data_key"])
    assert said["advice"][1] in key.open("answer", kept["sealed_answer"]).decode()
    assert b"Quillon" in key.open("question", kept["sealed_question"])
    assert kept["professional_id"] == world.members["nurse-1"].id
    logged = [entry["kind"] for entry in await world.log() if entry["reference"] == said["reference"]]
    assert logged == ["enquiry.received", "enquiry.answered"]


@pytest.mark.rule("ENQ-8")
async def test_a_plan_that_has_ended_is_history_and_names_nobody(world: World) -> None:
    await world.add(_child(world, case=False, plan=PlanKind.FULL, plan_ended=date(2025, 12, 15)))
    said = (await world.ask("officer-1", question())).json()
    assert said["outcome"] == "known_before"
    assert said["history"] == {"case_closed_on": "2025-12-01", "plan_ended_on": "2025-12-15"}


@pytest.mark.rule("ENQ-9", "REG-14")
async def test_a_plan_is_told_with_category_start_and_looked_after_status(world: World) -> None:
    await world.add(_child(world, plan=PlanKind.FULL, looked_after=True))
    said = (await world.ask("officer-1", question())).json()
    assert said["plan"] == {
        "status": "full",
        "categories": ["neglect"],
        "since": "2025-11-03",
        "responsible_authority": "Test Authority",
    }
    assert said["looked_after"] is True


@pytest.mark.rule("ENQ-12")
async def test_duty_learns_of_a_missing_child_at_once_however_calm_the_enquiry(world: World) -> None:
    await world.add(_child(world, plan=PlanKind.FULL, missing_since=SINCE))
    await world.ask("officer-1", question(), urgency="routine")
    (told,) = await world.inbox("duty-2")
    assert told["urgency"] == "immediate"
    (at_leisure,) = await world.inbox("kw-1")
    assert at_leisure["urgency"] == "routine"


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("changes", [{}, {"missing_since": SINCE}, {"case": False}, {"plan": PlanKind.FULL}], ids=str)
async def test_of_a_restricted_child_every_answer_reads_the_same(world: World, changes: dict[str, Any]) -> None:
    await world.add(_child(world, restricted=True, **changes))
    said = (await world.ask("officer-1", question())).json()
    assert said["outcome"] == "call_back"
    assert said["told"] == ["The safeguarding manager has been told of your enquiry."]
