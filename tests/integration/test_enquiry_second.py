"""A second enquiry about a child who is not known (ENQ-7): its enquirer learns of the first, and somebody considers."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from builders import World, entry, question

from registry_api.enquiries import found

pytestmark = pytest.mark.rule("ENQ-7")


async def _decide(world: World, consideration: dict[str, Any]) -> None:
    headers, auth = {"If-Match": f'"{consideration["version"]}"'}, world.auth("sm-1", "casework")
    body = {"decision": "no_further_action", "reason": "Both concerns were explained."}
    url = f"/api/v1/considerations/{consideration['id']}/decision"
    answer = await world.http.post(url, json=body, headers=headers, auth=auth)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(("later", "organisation"), [("officer-2", "Test Police"), ("nurse-1", "Test Police")])
async def test_the_later_enquirer_is_told_when_by_which_organisation_and_under_which_reference(
    world: World, later: str, organisation: str
) -> None:
    first = (await world.ask("officer-1", question())).json()
    world.clock.advance(minutes=30)
    answer = await world.ask(later, question())
    said = answer.json()
    assert said["outcome"] == "not_known_second_enquiry"
    assert said["earlier_enquiries"] == [
        {"reference": first["reference"], "received_at": first["received_at"], "organisation": organisation}
    ]
    # Not who it was: the organisation and the reference are enough to speak to each other.
    assert "Officer-1" not in answer.text
    assert "01632 960200" not in answer.text

    (consideration,) = await world.considerations()
    assert [enquiry["reference"] for enquiry in consideration["enquiries"]] == [first["reference"], said["reference"]]
    assert consideration["due_on"] == "2026-03-05"
    assert consideration["decision"] is None
    (told,) = await world.inbox("sm-1")
    assert (told["kind"], told["consideration_id"]) == ("consideration", consideration["id"])


@pytest.mark.parametrize(
    ("moment", "due"),
    [
        (datetime(2026, 3, 6, 15, 0, tzinfo=UTC), "2026-03-09"),  # Friday: Monday
        (datetime(2026, 3, 7, 15, 0, tzinfo=UTC), "2026-03-09"),  # Saturday
        (datetime(2026, 4, 2, 10, 0, tzinfo=UTC), "2026-04-07"),  # Maundy Thursday: Good Friday to Easter Monday
        (datetime(2026, 5, 1, 10, 0, tzinfo=UTC), "2026-05-05"),  # the early May bank holiday
    ],
)
async def test_it_is_due_by_the_authoritys_own_calendar(world: World, moment: datetime, due: str) -> None:
    world.clock.now = moment
    await world.ask("officer-1", question())
    await world.ask("nurse-1", question())
    (consideration,) = await world.considerations()
    assert consideration["due_on"] == due
    assert consideration["calendar"]


async def test_a_third_enquiry_joins_the_open_consideration_and_tells_the_manager_again(world: World) -> None:
    for who in ("officer-1", "nurse-1", "officer-2"):
        await world.ask(who, question())
        world.clock.advance(minutes=1)
    (consideration,) = await world.considerations()
    assert len(consideration["enquiries"]) == 3
    told = await world.inbox("sm-1")
    assert [one["consideration_id"] for one in told] == [consideration["id"]] * 2


async def test_whoever_decides_has_seen_every_enquiry_that_joined(world: World) -> None:
    await world.ask("officer-1", question())
    await world.ask("nurse-1", question())
    (read,) = await world.considerations()
    await world.ask("officer-2", question())
    headers, auth = {"If-Match": f'"{read["version"]}"'}, world.auth("sm-1", "casework")
    body = {"decision": "no_further_action", "reason": "Both concerns were explained."}
    url = f"/api/v1/considerations/{read['id']}/decision"
    stale = await world.http.post(url, json=body, headers=headers, auth=auth)
    assert stale.status_code == 412
    (read,) = await world.considerations()
    assert len(read["enquiries"]) == 3
    await _decide(world, read)


async def test_after_a_decision_a_new_consideration_opens(world: World) -> None:
    await world.ask("officer-1", question())
    await world.ask("nurse-1", question())
    (first,) = await world.considerations()
    await _decide(world, first)
    said = (await world.ask("officer-2", question())).json()
    assert len(said["earlier_enquiries"]) == 2
    (second,) = await world.considerations()
    assert second["id"] != first["id"]
    assert len(second["enquiries"]) == 3


async def test_an_enquiry_that_meets_the_decision_half_way_is_still_considered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.ask("officer-1", question())
    await world.ask("nurse-1", question())
    (first,) = await world.considerations()
    find = found.find

    async def decided_meanwhile(*given: Any, **named: Any) -> Any:
        what_is_found = await find(*given, **named)
        await _decide(world, first)
        return what_is_found

    monkeypatch.setattr(found, "find", decided_meanwhile)
    late = (await world.ask("officer-2", question())).json()
    (second,) = await world.considerations()
    assert second["id"] != first["id"]
    assert late["reference"] in [enquiry["reference"] for enquiry in second["enquiries"]]
    assert {told["consideration_id"] for told in await world.inbox("sm-1")} == {first["id"], second["id"]}


async def test_of_two_enquiries_at_the_same_moment_at_least_one_learns_of_the_other(world: World) -> None:
    await world.token("officer-1", "enquiry")
    await world.token("nurse-1", "enquiry")
    for number in range(15):
        child = question(given=f"Quillon{chr(97 + number) * 3}", family=f"Ash{chr(97 + number) * 5}-Test")
        one, other = await asyncio.gather(world.ask("officer-1", child), world.ask("nurse-1", child))
        outcomes = [one.json()["outcome"], other.json()["outcome"]]
        assert "not_known_second_enquiry" in outcomes, number
        references = {one.json()["reference"], other.json()["reference"]}
        considered = [
            {enquiry["reference"] for enquiry in consideration["enquiries"]}
            for consideration in await world.considerations()
        ]
        assert references in considered


@pytest.mark.rule("ENQ-6")
async def test_the_same_professional_asking_again_is_counted_and_told_so(world: World) -> None:
    first = (await world.ask("officer-1", question())).json()
    world.clock.advance(hours=2)
    second = (await world.ask("officer-1", question())).json()
    assert second["outcome"] == "not_known_asked_again"
    assert second["your_earlier_enquiries"] == {
        "count": 1,
        "last_reference": first["reference"],
        "last_received_at": first["received_at"],
    }
    world.clock.advance(hours=2)
    third = (await world.ask("officer-1", question())).json()
    assert third["your_earlier_enquiries"]["count"] == 2
    assert third["your_earlier_enquiries"]["last_reference"] == second["reference"]
    assert await world.considerations() == []
    assert await world.inbox("sm-1") == []


@pytest.mark.parametrize(("hours", "outcome"), [(24, "not_known_asked_again"), (24.1, "not_known_second_enquiry")])
async def test_after_the_repeat_hours_the_same_professional_makes_a_second_enquiry(
    world: World, hours: float, outcome: str
) -> None:
    await world.ask("officer-1", question())
    world.clock.advance(hours=hours)
    said = (await world.ask("officer-1", question())).json()
    assert said["outcome"] == outcome
    assert said["your_earlier_enquiries"]["count"] == 1
    assert "earlier_enquiries" not in said
    assert "somebody else" not in said["summary"]
    assert bool(await world.considerations()) == (outcome == "not_known_second_enquiry")


async def test_a_sibling_a_known_child_and_a_refused_enquiry_are_no_earlier_enquiries(world: World) -> None:
    await world.ask("officer-1", question(given="Persimmon", born="2016-01-30"))
    await world.ask("officer-2", question(), reason="missing_child")
    await world.ask("nurse-1", question(), reason="missing_child")  # refused: not in the hospital's agreement
    said = (await world.ask("officer-2", question())).json()
    assert said["outcome"] == "not_known_asked_again"
    await world.add(entry(key_worker=world.members["kw-1"].id))
    assert (await world.ask("nurse-1", question())).json()["outcome"] == "open_case"
    assert await world.considerations() == []


@pytest.mark.rule("ENQ-7")
async def test_perhaps_asked_before_is_for_a_person_to_decide_and_no_enquirer_learns_of_it(world: World) -> None:
    first = await world.ask("officer-1", question(address="7 Larkspur Rise"))
    later = await world.ask("nurse-1", question(born="2019-05-07", address="40 Bindweed Row", postcode="ZX9 9QP"))
    assert later.json()["outcome"] == "not_known"
    assert first.json()["reference"] not in later.text
    assert not {"earlier_enquiries", "your_earlier_enquiries"} & set(later.json())
    assert later.json()["told"] == []
    (told,) = await world.inbox("sm-1")
    assert told["kind"] == "consideration_perhaps"
    (consideration,) = await world.considerations()
    references = {enquiry["reference"] for enquiry in consideration["enquiries"]}
    assert references == {first.json()["reference"], later.json()["reference"]}


@pytest.mark.rule("ENQ-7")
@pytest.mark.parametrize("born", ["2019-05-06", "2021-02-03"], ids=["twin", "sibling"])
async def test_a_twin_or_sibling_is_not_even_perhaps_the_same(world: World, born: str) -> None:
    await world.ask("officer-1", question())
    await world.ask("nurse-1", question("Barnaby", born=born))
    assert await world.considerations() == []
    assert await world.inbox("sm-1") == []
