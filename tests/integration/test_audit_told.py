"""What a report says was told of a child: what reached somebody, and never what only the authority's own record has."""

from typing import Any

import pytest
from browsing import Browser
from builders import World, entry, question
from telephone_calls import add_child, call_back, take

from registry_api.access_log.entry import subject_key, subject_tag
from registry_api.access_log.sealing import subject_master
from registry_api.enquiries import store
from registry_api.enquiries.afterwards import Afterwards
from registry_api.kernel.crypto import LocalKeys
from registry_api.register.entry import PlanKind

pytestmark = pytest.mark.rule("ENQ-3")
PATH = "/api/v1/access-log"
WHY = "A request by the child's mother, who has parental responsibility."
ADDRESS = {"address": {"lines": "7 Larkspur Rise", "postcode": "JE5 7QX"}}
NOT_REACHED = "Nothing: the answer has not reached whoever asked."
ON_PLAN = "That the child is under a child protection plan, and whom to turn to."


async def _told(world: World, child: object, reference: str) -> list[str]:
    body = {"child_id": str(child), "why": WHY}
    made = await world.http.post(f"{PATH}/disclosure-report", json=body, auth=world.auth("igo-1", "casework"))
    assert made.status_code == 200, made.text
    return [one["told"] for one in made.json()["disclosures"] if one["reference"] == reference]


async def _found(world: World, child: object) -> list[dict[str, Any]]:
    body = {"purpose": "complaint", "why": WHY, "child_id": str(child)}
    found = await world.http.post(f"{PATH}/search", json=body, auth=world.auth("igo-1", "casework"))
    assert found.status_code == 200, found.text
    entries: list[dict[str, Any]] = found.json()["entries"]
    return entries


async def _on_plan(world: World, **more: Any) -> Any:
    return await world.add(entry(plan=PlanKind.FULL, key_worker=world.members["kw-1"].id, **more))


async def test_of_an_agreement_for_a_contact_no_more_is_said_to_have_been_told(world: World) -> None:
    async with world.database.connection() as connection:
        await connection.execute(
            "UPDATE agreement SET disclosure = 'contact' WHERE organisation_id = $1", world.organisations["police"]
        )
    child = await _on_plan(world)
    asked = {who: (await world.ask(who, question())).json()["reference"] for who in ("officer-1", "nurse-1")}
    assert await _told(world, child, asked["officer-1"]) == ["That the child is known, and whom to turn to; no more."]
    assert await _told(world, child, asked["nurse-1"]) == [ON_PLAN]


async def test_whose_address_was_asked_about_was_told_of(world: World) -> None:
    child = await _on_plan(world)
    answer = (await world.ask("duty-1", ADDRESS)).json()
    assert (answer["outcome"], answer["household"]["children_on_plan"]) == ("address", 1)
    (told,) = await _told(world, child, answer["reference"])
    assert told.endswith("that a child on a plan lives at the address, and whom to turn to.")


async def test_an_answer_that_is_held_for_a_caller_was_told_when_they_are_reached(world: World) -> None:
    await add_child(world)
    async with world.database.connection() as connection:
        child = await connection.fetchval("SELECT id FROM child")
    reference = (await take(world)).json()["reference"]
    await call_back(world, reference, reached=False)
    assert await _told(world, child, reference) == [NOT_REACHED]
    await call_back(world, reference)
    assert await _told(world, child, reference) == [ON_PLAN]


async def test_an_answer_that_was_never_sent_was_told_to_nobody_before_a_retry(world: World) -> None:
    child = await _on_plan(world)

    async def refused(*_: object) -> int:
        raise TimeoutError

    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(store, "answer", refused)
        assert (await world.ask("officer-1", question(), key="one-and-the-same-key")).status_code == 503
    world.clock.advance(seconds=61)
    await world.app.state.enquiries.finish_unanswered(world.answering)
    (noted,) = await world.log("enquiry.finished_unsent")
    assert await _told(world, child, noted["reference"]) == [NOT_REACHED]
    assert (await world.ask("officer-1", question(), key="one-and-the-same-key")).status_code == 200
    assert await _told(world, child, noted["reference"]) == [ON_PLAN]


async def test_an_enquiry_from_before_the_child_came_is_found_by_the_child(world: World) -> None:
    reference = (await world.ask("officer-1", question())).json()["reference"]
    child = await _on_plan(world)
    await Afterwards(vault=world.vault, token_keys=world.token_keys, clock=world.clock).match_again(world.keeping)
    found = await _found(world, child)
    assert {one["kind"] for one in found if one["reference"] == reference} == {
        "enquiry.received",
        "enquiry.answered",
        "enquiry.matched_again",
    }
    assert [told.split(":")[0] for told in await _told(world, child, reference)] == ["Nothing by this"]
    (again,) = await world.log("enquiry.matched_again")
    await world.app.state.enquiries._covered(again["id"])
    async with world.database.connection() as connection:
        row = await connection.fetchrow("SELECT id, leaf FROM log_entry WHERE access_entry_id = $1", again["id"])
    tag = subject_tag(subject_key(subject_master(LocalKeys.load(world.settings.keys_file)), child), row["id"])
    assert f'"{tag}"' in row["leaf"].decode(), "whoever is given the child's key finds it"
    assert reference not in row["leaf"].decode()


async def test_how_a_restricted_child_stands_is_not_told_by_its_address_nor_afterwards(world: World) -> None:
    await world.ask("officer-1", question())
    child = await _on_plan(world, restricted=True)
    await Afterwards(vault=world.vault, token_keys=world.token_keys, clock=world.clock).match_again(world.keeping)
    browser = Browser(world)
    await browser.sign_in("sm-1")
    await browser.sign_in("sm-1", "aal2", "/sign-in/step-up")
    asked = {
        "child": ADDRESS,
        "reason": "injury",
        "reason_text": "Bruise on the upper arm.",
        "urgency": "urgent",
        "call_back_number": "01632 960321",
    }
    assert (await browser.send("POST", "/api/v1/enquiries", json=asked)).json()["outcome"] == "address"
    assert await world.log("enquiry.restricted_opened")
    found = await _found(world, child)
    assert {"enquiry.answered", "enquiry.matched_again"} <= {one["kind"] for one in found}
    assert "enquiry.restricted_opened" not in {one["kind"] for one in found}
    assert {one["outcome"] for one in found} <= {None, "not_known", "complaint"}
