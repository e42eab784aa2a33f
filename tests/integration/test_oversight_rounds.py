"""Enquiries are looked over once they have been answered: nothing is skipped, nothing doubled, nobody stopped."""

import asyncio
from typing import Any

import pytest
from builders import World, entry, question
from oversight_scenes import GIVEN, HOME, alerts, decide, enrol, look_over, rounds, try_out

from policies.enquirer import Role
from registry_api.oversight import rounds as rounds_module
from registry_api.register.entry import PlanKind

AT_HOME = {"address": HOME}
pytestmark = pytest.mark.rule("ENQ-3")


async def test_trying_out_is_raised_to_the_safeguarding_manager(world: World) -> None:
    await try_out(world)
    await look_over(world)
    (alert,) = await alerts(world)
    assert (alert["kind"], alert["how_many"], alert["owner"]) == ("trying_out", 4, "safeguarding_manager")
    assert alert["about"] == {
        "name": "Testperson Officer-1",
        "role": "police_officer",
        "organisation": "Test Police",
    }
    assert (alert["since"], alert["until"]) == ("2026-03-04T10:00:00Z", "2026-03-04T10:03:00Z")
    assert [one["by"] for one in alert["enquiries"]] == ["Testperson Officer-1"] * 4
    (raised,) = await world.log("alert.raised")
    assert (raised["reference"], raised["reason"]) == (alert["id"], "trying_out")


async def test_the_inbox_says_that_there_is_an_alert_and_nothing_of_a_child(world: World) -> None:
    await try_out(world)
    await look_over(world)
    (alert,) = await alerts(world)
    (told,) = [one for one in await world.inbox("sm-1") if one["kind"] == "misuse_alert"]
    assert (told["alert_id"], told["children"], told["about"]) == (alert["id"], [], None)
    assert "Peregrine" not in str(told) + str(alert)
    assert "Ashgrove" not in str(told) + str(alert)


async def test_three_are_none(world: World) -> None:
    await try_out(world, tries=range(3))
    await look_over(world)
    assert await alerts(world) == []


async def test_what_was_refused_counts_too(world: World) -> None:
    for given in GIVEN[:4]:
        refused = await world.ask("nurse-1", question(given), reason="missing_child")
        assert refused.status_code == 403
    await look_over(world)
    assert [alert["kind"] for alert in await alerts(world)] == ["trying_out"]


async def test_the_same_child_again_and_again_whether_known_or_not(world: World) -> None:
    await world.add(entry(plan=PlanKind.FULL))
    for _ in range(5):
        for child in (question(), question("Peregrine", "Kittiwake-Test", born="2017-01-02")):
            assert (await world.ask("nurse-1", child)).status_code == 200
        world.clock.advance(hours=20)
    await look_over(world)
    found = await alerts(world)
    assert [(alert["kind"], alert["how_many"]) for alert in found] == [("same_child_again", 5)] * 2


async def test_a_retry_is_not_another_enquiry(world: World) -> None:
    for _ in range(6):
        assert (await world.ask("nurse-1", question(), key="one-and-the-same")).status_code == 200
    await look_over(world)
    assert await alerts(world) == []


async def test_several_of_one_organisation_about_one_child(world: World) -> None:
    for number in range(12):
        await enrol(world, f"nurse-{number + 10}", Role.NURSE, "hospital", f"Testperson Nurse-{number + 10}")
        assert (await world.ask(f"nurse-{number + 10}", question())).status_code == 200
    await look_over(world)
    (alert,) = await alerts(world)
    assert (alert["kind"], alert["how_many"]) == ("same_child_again", 12)
    assert alert["about"] == {"name": None, "role": None, "organisation": "Test Hospital"}


async def test_of_many_enquiries_it_counts_what_is_usual(world: World) -> None:
    async def ask(how_many: int) -> None:
        # Different children altogether, so that no other pattern is seen in them.
        children = (
            question(
                GIVEN[n % 8],
                f"Test{GIVEN[n // 8]}",
                born=f"2018-0{1 + n % 3}-{1 + n % 28:02}",
                address=f"{n + 1} Elm Row",
            )
            for n in range(how_many)
        )
        for child in children:  # one after the other: however slow the machine, nobody waits for a turn
            assert (await world.ask("nurse-1", child)).status_code == 200
        world.clock.advance(hours=24)

    for _ in range(2):
        await ask(12)
    await ask(22)  # over the floor of 20, but under three times twelve
    await look_over(world)
    assert await alerts(world) == []
    await ask(50)  # three times what is usual
    await look_over(world)
    (alert,) = await alerts(world)
    assert (alert["kind"], alert["how_many"]) == ("unusual_volume", 50)


@pytest.mark.parametrize(
    ("name", "home", "child", "kind"),
    [
        ("Testperson Kittiwake", HOME, AT_HOME | question("Ada", "Kittiwake", address=None), "own_address"),
        ("Testperson Other", HOME, AT_HOME | question("Ada", "Kittiwake", address=None), "own_address"),
        ("Testperson Kittiwake", None, question("Ada", "Kittiwake"), "own_surname"),
        ("Testperson Smith", None, question("Ada", "Smith"), None),
        ("Testperson Smith", HOME, question("Ada", "Smith"), None),
        ("Testperson Smith", HOME, AT_HOME | question("Ada", "Smith", address=None), "own_address"),
        ("Testperson Kittiwake", HOME, question("Ada", "Other"), None),
    ],
    ids=[
        "surname and address",
        "address alone",
        "rare surname alone",
        "common surname alone",
        "common surname, another address",
        "common surname and address",
        "neither",
    ],
)  # fmt: skip
async def test_about_ones_own_family(
    world: World, name: str, home: dict[str, str] | None, child: dict[str, Any], kind: str | None
) -> None:
    await enrol(world, "own-1", Role.NURSE, "hospital", name, home)
    assert (await world.ask("own-1", child)).status_code == 200
    await look_over(world)
    assert [alert["kind"] for alert in await alerts(world)] == ([kind] if kind else [])


async def test_a_child_who_the_register_knows_to_live_with_the_enquirer(world: World) -> None:
    await world.add(entry(family="Kittiwake", address=HOME["lines"], postcode=HOME["postcode"]))
    await enrol(world, "own-1", Role.KEY_WORKER, "authority", "Testperson Other", HOME)
    street = HOME["lines"].lstrip("0123456789 ")  # not enough to say which house it is
    answer = await world.ask("own-1", question(family="Kittiwake", address=street, postcode=HOME["postcode"]))
    assert answer.json()["outcome"] == "open_case"
    await look_over(world)
    assert [alert["kind"] for alert in await alerts(world)] == ["own_address"]


async def test_new_enquiries_add_to_an_open_alert_and_change_its_version(world: World) -> None:
    await try_out(world)
    await look_over(world)
    await try_out(world, tries=range(4, 6))
    await look_over(world)
    (alert,) = await alerts(world)
    assert (alert["how_many"], alert["version"]) == (6, 2)
    assert (await decide(world, alert["id"], version='"1"')).status_code == 412
    assert len(await world.log("alert.raised")) == 1
    assert len([one for one in await world.inbox("sm-1") if one["kind"] == "misuse_alert"]) == 1


async def test_what_is_decided_does_not_come_again_but_new_ones_do(world: World) -> None:
    await try_out(world)
    await look_over(world)
    (alert,) = await alerts(world)
    assert (await decide(world, alert["id"])).status_code == 200
    await try_out(world, tries=range(4, 7))
    await look_over(world)
    assert await alerts(world) == []
    await try_out(world, tries=range(7, 8))
    await look_over(world)
    (again,) = await alerts(world)
    assert (again["how_many"], again["id"] != alert["id"]) == (4, True)


async def test_after_hours_of_standstill_nothing_is_skipped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds_module, "_MOST_AT_ONCE", 3)
    monkeypatch.setattr(rounds_module, "_MOST_BATCHES", 2)
    await try_out(world)
    world.clock.advance(hours=30)
    await try_out(world, "officer-2")
    world.clock.advance(hours=30)
    assert [await look_over(world) for _ in range(3)] == [6, 2, 0]
    assert [alert["about"]["name"] for alert in await alerts(world)] == ["Testperson Officer-2", "Testperson Officer-1"]


async def test_what_is_not_settled_yet_is_left_for_the_next_round(world: World) -> None:
    await try_out(world)
    world.clock.advance(seconds=-30)
    assert await rounds(world).look_over(world.keeping) == 4 - 1
    assert await look_over(world) == 1
    assert [alert["how_many"] for alert in await alerts(world)] == [4]


async def test_several_workers_at_once_raise_it_once(world: World) -> None:
    await try_out(world)
    world.clock.advance(minutes=2)
    looked = await asyncio.gather(*(rounds(world).look_over(world.keeping) for _ in range(6)))
    assert sum(looked) == 4
    assert len(await alerts(world)) == 1
    assert len(await world.log("alert.raised")) == 1


async def test_an_urgent_enquiry_is_answered_while_alerts_about_its_author_are_open(world: World) -> None:
    await world.add(entry(plan=PlanKind.FULL))
    await try_out(world)
    await look_over(world)
    assert len(await alerts(world)) == 1
    answer = await world.ask("officer-1", question(), urgency="immediate")
    assert (answer.status_code, answer.json()["outcome"]) == (200, "on_plan")


async def test_what_cannot_be_read_of_one_hides_no_other(world: World) -> None:
    await enrol(world, "own-1", Role.NURSE, "hospital", "Testperson Kittiwake")
    assert (await world.ask("own-1", question("Ada", "Kittiwake"))).status_code == 200
    assert (await world.ask("nurse-1", question("Ada", "Kittiwake"))).status_code == 200
    await try_out(world)
    async with world.database.connection() as connection:
        await connection.execute("UPDATE professional SET sealed = 'x' WHERE id = $1", world.members["nurse-1"].id)
        await connection.execute("ALTER TABLE enquiry DISABLE TRIGGER ALL")
        await connection.execute(
            "UPDATE enquiry SET sealed_record = 'x' WHERE professional_id = $1", world.members["nurse-1"].id
        )
    await look_over(world)
    assert sorted(alert["kind"] for alert in await alerts(world)) == ["own_surname", "trying_out"]


async def test_a_round_that_fails_is_done_again_and_raises_nothing_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await try_out(world)
    with monkeypatch.context() as broken:

        async def fail(*_: object) -> None:
            raise RuntimeError

        broken.setattr(rounds_module.store, "come_to", fail)
        with pytest.raises(RuntimeError):
            await look_over(world)
    assert await alerts(world) == []
    await look_over(world)
    assert len(await alerts(world)) == 1


@pytest.mark.parametrize(
    ("who", "owner"), [("sm-1", "information_governance_officer"), ("kw-1", "safeguarding_manager")]
)
async def test_who_decides_is_not_whom_it_is_about(world: World, who: str, owner: str) -> None:
    await try_out(world, who)
    await look_over(world)
    (alert,) = await alerts(world, "igo-1")
    assert alert["owner"] == owner
    told = [one for subject in ("sm-1", "sm-2") for one in await world.inbox(subject)]
    assert any(one["kind"] == "misuse_alert" for one in told) == (who == "kw-1")


async def test_trying_out_over_days(world: World) -> None:
    for number in range(5):
        await try_out(world, tries=range(number, number + 1))
        await look_over(world)
        assert await alerts(world) == []
        world.clock.advance(hours=24)
    await try_out(world, tries=range(5, 6))
    await look_over(world)
    (alert,) = await alerts(world)
    assert (alert["kind"], alert["how_many"], alert["about"]["name"]) == ("trying_out", 6, "Testperson Officer-1")


async def test_trying_out_by_two_colleagues(world: World) -> None:
    for number in range(6):
        await try_out(world, f"officer-{number % 2 + 1}", tries=range(number, number + 1))
        world.clock.advance(hours=3)
    await look_over(world)
    (alert,) = await alerts(world)
    assert (alert["kind"], alert["how_many"]) == ("trying_out", 6)
    assert alert["about"] == {"name": None, "role": None, "organisation": "Test Police"}
    assert {one["by"] for one in alert["enquiries"]} == {"Testperson Officer-1", "Testperson Officer-2"}


async def test_trying_out_another_detail_over_days(world: World) -> None:
    for number in range(6):
        answer = await world.ask("officer-1", question("Peregrine", born=f"2019-05-{number + 3:02}"))
        assert answer.status_code == 200
        world.clock.advance(hours=20)
    await look_over(world)
    assert ("trying_out", 6) in [(alert["kind"], alert["how_many"]) for alert in await alerts(world)]


async def test_what_several_organisations_ask_is_not_put_together(world: World) -> None:
    for number in range(6):
        await try_out(world, ("officer-1", "nurse-1")[number % 2], tries=range(number, number + 1))
        world.clock.advance(hours=3)
    await look_over(world)
    assert await alerts(world) == []
