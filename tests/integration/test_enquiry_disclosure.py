"""How much is told, and by which policies: contacts only, restricted children and step-up, and the record of it."""

from datetime import date
from typing import Any

import pytest
from browsing import Browser
from builders import World, entry, question, said

from policies.cedar import permissions
from policies.enquirer import Assurance
from registry_api.register.entry import PlanKind

ENQUIRY: dict[str, Any] = {
    "child": question(),
    "reason": "injury",
    "reason_text": "Bruise on the upper arm.",
    "urgency": "urgent",
    "call_back_number": "01632 960321",
}


async def _on_plan(world: World, **changes: Any) -> None:
    key_worker, manager = world.members["kw-1"].id, world.members["tm-1"].id
    await world.add(entry(plan=PlanKind.FULL, key_worker=key_worker, team_manager=manager, **changes))


async def _enquiry(world: World, reference: str) -> Any:
    async with world.database.connection() as connection:
        return await connection.fetchrow(
            "SELECT e.*, a.outcome FROM enquiry e LEFT JOIN enquiry_answer a ON a.enquiry_id = e.id "
            "WHERE e.reference = $1",
            reference,
        )


async def _contact_only(world: World) -> None:
    async with world.database.connection() as connection:
        await connection.execute(
            "UPDATE agreement SET disclosure = 'contact' WHERE organisation_id = $1", world.organisations["police"]
        )


@pytest.mark.rule("ENQ-2", "ENQ-3")
async def test_the_policies_that_decided_and_their_bundle_stand_with_the_enquiry(world: World) -> None:
    await _on_plan(world)
    answered = (await world.ask("officer-1", question())).json()
    kept = await _enquiry(world, answered["reference"])
    assert kept["policies"] == ["enquiry.professionals", "disclosure.full"]
    assert kept["policy_bundle"] == permissions().digest
    assert (kept["assurance"], kept["disclosure"], kept["opens_restricted"]) == (Assurance.STATED, "full", False)
    refused = (await world.ask("nurse-1", question(), reason="missing_child")).json()
    kept = await _enquiry(world, refused["reference"])
    assert kept["policies"] == ["enquiry.purpose"]
    assert kept["policy_bundle"] == permissions().digest


@pytest.mark.rule("ENQ-4", "ENQ-9")
@pytest.mark.parametrize(
    ("changes", "stands", "shown"),
    [
        ({}, "on_plan", ("key_worker",)),
        ({"missing_since": date(2026, 2, 1)}, "on_plan", ("key_worker", "recorded_as_missing")),
        ({"plan": None}, "open_case", ("key_worker",)),
        ({"plan": None, "case": False}, "known_before", ()),
    ],
    ids=str,
)
async def test_an_agreement_for_a_contact_tells_whom_to_turn_to_and_nothing_of_how_the_child_stands(
    world: World, changes: dict[str, Any], stands: str, shown: tuple[str, ...]
) -> None:
    await _contact_only(world)
    await world.add(
        entry(**{"plan": PlanKind.FULL, "key_worker": world.members["kw-1"].id, "looked_after": True, **changes})
    )
    answer = (await world.ask("officer-1", question())).json()
    assert answer["outcome"] == "known"
    always = {"reference", "received_at", "outcome", "summary", "told", "advice", "contact_now", "worth", "receipt"}
    assert set(answer) - always == set(shown)
    words = str(answer).casefold().replace("child protection register", "")
    assert not any(word in words for word in ("neglect", "on a plan", "looked after", "open case"))
    # The authority's own record, and whoever follows up, have it as it is.
    assert (await _enquiry(world, answer["reference"]))["outcome"] == stands
    full = (await world.ask("nurse-1", question())).json()
    assert full["outcome"] == stands


@pytest.mark.rule("ENQ-3")
async def test_of_a_restricted_child_the_manager_who_has_just_proven_who_they_are_is_told(world: World) -> None:
    await _on_plan(world, restricted=True)
    browser = Browser(world)
    await browser.sign_in("sm-1")
    assert (await browser.send("POST", "/api/v1/enquiries", json=ENQUIRY)).json()["outcome"] == "call_back"
    await browser.sign_in("sm-1", "aal2", "/sign-in/step-up")
    answer = (await browser.send("POST", "/api/v1/enquiries", json=ENQUIRY)).json()
    assert answer["outcome"] == "on_plan"
    assert answer["plan"]["categories"] == ["neglect"]
    assert [row["reference"] for row in await world.log("enquiry.restricted_opened")] == [answer["reference"]]
    kept = await _enquiry(world, answer["reference"])
    assert kept["opens_restricted"]
    assert "restricted.safeguarding_manager" in kept["policies"]
    world.clock.advance(minutes=11)
    assert (await browser.send("POST", "/api/v1/enquiries", json=ENQUIRY)).json()["outcome"] == "call_back"


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("who", ["tm-1", "duty-1", "kw-1"])
async def test_nobody_else_is_told_of_a_restricted_child_however_surely_they_are_known(world: World, who: str) -> None:
    await _on_plan(world, restricted=True)
    browser = Browser(world)
    await browser.sign_in(who)
    await browser.sign_in(who, "aal2", "/sign-in/step-up")
    assert (await browser.get("/session")).json()["stepped_up_until"] is not None
    answer = (await browser.send("POST", "/api/v1/enquiries", json=ENQUIRY)).json()
    assert answer["outcome"] == "call_back"
    assert await world.log("enquiry.restricted_opened") == []


@pytest.mark.rule("ENQ-3")
async def test_a_manager_behind_a_system_of_the_authority_has_proven_nothing_anew(world: World) -> None:
    await _on_plan(world, restricted=True)
    assert (await world.ask("sm-1", question())).json()["outcome"] == "call_back"


@pytest.mark.rule("ENQ-3", "ENQ-5")
async def test_at_a_restricted_childs_address_the_same_holds(world: World) -> None:
    await _on_plan(world, restricted=True)
    browser = Browser(world)
    await browser.sign_in("sm-1")
    await browser.sign_in("sm-1", "aal2", "/sign-in/step-up")
    asked = {**ENQUIRY, "child": {"address": {"lines": "7 Larkspur Rise", "postcode": "JE5 7QX"}}}
    answer = (await browser.send("POST", "/api/v1/enquiries", json=asked)).json()
    assert (answer["outcome"], answer["household"]["children_on_plan"]) == ("address", 1)
    assert len(await world.log("enquiry.restricted_opened")) == 1


@pytest.mark.rule("ENQ-3")
async def test_an_answer_about_a_restricted_child_is_not_repeated_to_whoever_no_longer_stands_proven(
    world: World,
) -> None:
    await _on_plan(world, restricted=True)
    browser = Browser(world)
    await browser.sign_in("sm-1")
    await browser.sign_in("sm-1", "aal2", "/sign-in/step-up")
    key = {"Idempotency-Key": "the-very-same-enquiry"}
    first = await browser.send("POST", "/api/v1/enquiries", json=ENQUIRY, headers=key)
    again = await browser.send("POST", "/api/v1/enquiries", json=ENQUIRY, headers=key)
    assert said(again) == said(first)
    assert again.headers["idempotency-replayed"] == "true"
    world.clock.advance(minutes=11)
    later = await browser.send("POST", "/api/v1/enquiries", json=ENQUIRY, headers=key)
    assert later.status_code == 403
    assert later.json()["because"] == "step_up_needed"
    assert "neglect" not in later.text
    assert (await world.log())[-1]["reason"] == "step_up_needed"
    await browser.sign_in("sm-1", "aal2", "/sign-in/step-up")
    assert said(await browser.send("POST", "/api/v1/enquiries", json=ENQUIRY, headers=key)) == said(first)


@pytest.mark.rule("ENQ-3")
async def test_a_first_answer_is_not_repeated_to_whoever_may_be_told_less_now(world: World) -> None:
    await _on_plan(world)
    first = await world.ask("officer-1", question(), key="the-very-same-enquiry")
    assert first.json()["outcome"] == "on_plan"
    await _contact_only(world)
    again = await world.ask("officer-1", question(), key="the-very-same-enquiry")
    assert again.json()["type"] == "urn:registry:problem:idempotency-key-reused"
    assert "neglect" not in again.text
