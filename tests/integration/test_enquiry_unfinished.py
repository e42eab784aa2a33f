"""An enquiry that was recorded and never answered: the enquirer may have given up, those who follow up have not."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders import World, entry, question, running_world

from registry_api import housekeeping
from registry_api.enquiries import found, service, store
from registry_api.enquiries.gate import Gate
from registry_api.enquiries.opening import Wanted
from registry_api.enquiries.service import Enquiries
from registry_api.kernel.db import Connection
from registry_api.kernel.errors import StoreUnavailable
from registry_api.register.entry import PlanKind

pytestmark = pytest.mark.rule("ENQ-10")
KEY = "one-and-the-same-key"


async def _fail(world: World, who: str = "officer-1", child: dict[str, Any] | None = None, **more: Any) -> None:
    """Make an enquiry whose answer the database does not take."""

    async def refused(connection: Connection, values: Mapping[str, Any]) -> None:
        raise TimeoutError

    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(store, "answer", refused)
        assert (await world.ask(who, child or question(), **more)).status_code == 503


async def _finish(world: World, *, seconds: float = 61) -> None:
    world.clock.advance(seconds=seconds)
    enquiries: Enquiries = world.app.state.enquiries
    await enquiries.finish_unanswered(world.answering)


async def _known_child(world: World) -> None:
    await world.add(entry(plan=PlanKind.FULL, key_worker=world.members["kw-1"].id))


@pytest.mark.rule("ENQ-2", "ENQ-4")
async def test_the_key_worker_is_told_and_a_late_retry_gets_the_very_answer_that_was_stored(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await _known_child(world)
    await _fail(world, key=KEY)
    assert await world.inbox("kw-1") == []
    capsys.readouterr()
    await _finish(world)
    said = capsys.readouterr()
    assert (said.out + said.err).count("enquiry_finished_unsent") == 1, "operations are alerted, once"
    (told,) = await world.inbox("kw-1")
    assert told["kind"] == "child_enquired_about"
    (noted,) = await world.log("enquiry.finished_unsent")
    assert noted["reference"] == told["about"]["reference"]
    assert noted["professional_id"] == world.members["officer-1"].id

    world.clock.advance(hours=2)
    retry = await world.ask("officer-1", question(), key=KEY)
    assert retry.headers["Idempotency-Replayed"] == "true"
    assert (retry.json()["outcome"], retry.json()["reference"]) == ("on_plan", noted["reference"])
    assert len(await world.inbox("kw-1")) == 1
    assert await world.log("enquiry.answered") == []


async def test_it_is_finished_once_and_only_when_nobody_can_be_at_work_on_it(world: World) -> None:
    await _known_child(world)
    await _fail(world)
    await _finish(world, seconds=59)
    assert await world.inbox("kw-1") == []
    for _ in range(3):
        await _finish(world, seconds=30)
    assert len(await world.inbox("kw-1")) == len(await world.log("enquiry.finished_unsent")) == 1


async def test_what_was_answered_refused_or_is_older_than_a_day_is_left_alone(world: World) -> None:
    await _known_child(world)
    await _fail(world)
    world.clock.advance(hours=25)
    await world.ask("officer-1", question())
    await world.ask("nurse-1", question(), reason="missing_child")
    await world.ask("nurse-1", {"given_names": "Quillon"})
    await _finish(world)
    assert await world.log("enquiry.finished_unsent") == []


@pytest.mark.rule("ENQ-7")
async def test_an_unfinished_second_enquiry_is_considered(world: World) -> None:
    await world.ask("nurse-1", question())
    await _fail(world)
    assert await world.considerations() == []
    await _finish(world)
    (consideration,) = await world.considerations()
    assert len(consideration["enquiries"]) == 2


@pytest.mark.rule("ENQ-5")
async def test_a_question_about_an_address_is_finished_as_one(world: World) -> None:
    await _known_child(world)
    await _fail(world, "kw-3", {"address": {"lines": "7 Larkspur Rise", "postcode": "JE5 7QX"}})
    await _finish(world)
    assert [told["kind"] for told in await world.inbox("kw-1")] == ["enquiry_at_address"]


async def test_a_retry_that_overtakes_is_the_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await _known_child(world)
    await _fail(world, key=KEY)
    world.clock.advance(seconds=61)
    find = found.find
    retried: list[bool] = []

    async def overtaken(*given: Any, **named: Any) -> Any:
        what_is_found = await find(*given, **named)
        if not retried:
            retried.append(True)
            assert (await world.ask("officer-1", question(), key=KEY)).status_code == 200
        return what_is_found

    monkeypatch.setattr(found, "find", overtaken)
    await _finish(world)
    assert retried
    assert len(await world.inbox("kw-1")) == len(await world.log("enquiry.answered")) == 1
    assert await world.log("enquiry.finished_unsent") == await world.log("enquiry.repeated") == []


def _said(capsys: pytest.CaptureFixture[str]) -> str:
    said = capsys.readouterr()
    return said.out + said.err


@pytest.mark.parametrize("before", ["it opens the register", "it is told how they stand"])
@pytest.mark.parametrize("by", ["the enquirer", "another worker"])
async def test_whoever_is_overtaken_at_the_gate_raises_no_alarm(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], before: str, by: str
) -> None:
    """The answer shuts the gate (docs/adr/0016), at whichever of its doors the slower one stands then."""
    await _known_child(world)
    await _fail(world, key=KEY)
    capsys.readouterr()
    overtaken: list[bool] = []

    async def overtake() -> None:
        if not overtaken:
            overtaken.append(True)
            if by == "the enquirer":
                assert (await world.ask("officer-1", question(), key=KEY)).status_code == 200
            else:
                await world.app.state.enquiries.finish_unanswered(world.answering)

    async def late_to_open(wanted: Wanted, **named: Any) -> Gate:
        gate = await gate_of(wanted, **named)
        await overtake()
        return gate

    async def late_to_ask(gate: Gate, *given: Any, **named: Any) -> Any:
        await overtake()
        return await standing(gate, *given, **named)

    gate_of, standing = service.gate_of, Gate.standing
    if before == "it opens the register":
        monkeypatch.setattr(service, "gate_of", late_to_open)
    else:
        monkeypatch.setattr(Gate, "standing", late_to_ask)
    await _finish(world)
    assert overtaken
    said = _said(capsys)
    assert "enquiry_not_finished" not in said
    assert said.count("enquiry_finished_unsent") == (by == "another worker")
    answered = [row for kind in ("enquiry.answered", "enquiry.finished_unsent") for row in await world.log(kind)]
    assert len(answered) == len(await world.inbox("kw-1")) == 1


async def test_what_the_gate_really_refuses_is_an_alarm_and_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await _known_child(world)
    await _fail(world)
    gate_of = service.gate_of

    async def forged(wanted: Wanted, **named: Any) -> Gate:
        return replace(await gate_of(wanted, **named), salt=bytes(32))

    capsys.readouterr()
    with monkeypatch.context() as broken:
        broken.setattr(service, "gate_of", forged)
        await _finish(world)
    said = _said(capsys)
    assert "enquiry_not_finished" in said
    assert "InsufficientPrivilegeError" in said
    assert await world.inbox("kw-1") == []
    await _finish(world, seconds=30)
    assert len(await world.inbox("kw-1")) == 1


@pytest.mark.parametrize(
    "damage",
    [
        "sealed_question = substr(sealed_question, 1, 30)",
        "data_key = substr(data_key, 1, 30)",
        "disclosure = 'of_a_later_release'",
    ],
)
async def test_one_that_does_not_open_keeps_none_of_the_others(
    world: World, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await _known_child(world)
    await _fail(world, "nurse-1", question("Persimmon", "Underhill-Test"))
    async with world.database.connection() as connection:
        await connection.execute("ALTER TABLE enquiry DISABLE TRIGGER USER")  # which let no row be changed
        await connection.execute(f"UPDATE enquiry SET {damage}")
    for who in ("officer-1", "officer-2"):
        await _fail(world, who)
    await _finish(world)
    assert len(await world.inbox("kw-1")) == 2
    said = capsys.readouterr()
    assert "enquiry_not_finished" in said.out + said.err
    assert "Persimmon" not in said.out + said.err


async def test_one_that_opens_again_is_answered_then(world: World) -> None:
    """As when a key was missing and has been put back."""
    await _known_child(world)
    await _fail(world)
    async with world.database.connection() as connection:
        await connection.execute("ALTER TABLE enquiry DISABLE TRIGGER USER")
        key = await connection.fetchval("SELECT data_key FROM enquiry")
        await connection.execute("UPDATE enquiry SET data_key = $1", key[:30])
    await _finish(world)
    assert await world.inbox("kw-1") == []
    async with world.database.connection() as connection:
        await connection.execute("UPDATE enquiry SET data_key = $1", key)
    await _finish(world)
    assert [told["kind"] for told in await world.inbox("kw-1")] == ["child_enquired_about"]


async def test_a_database_that_is_away_again_is_no_end_of_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await _known_child(world)
    await _fail(world)
    with monkeypatch.context() as broken:

        async def refused(connection: Connection, values: Mapping[str, Any]) -> None:
            raise TimeoutError

        broken.setattr(store, "answer", refused)
        with pytest.raises(StoreUnavailable):
            await _finish(world)
    await _finish(world, seconds=30)
    assert len(await world.inbox("kw-1")) == 1


async def test_the_service_does_so_by_itself(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "_EVERY_SECONDS", 0.02)
    async with running_world(database_url, tmp_path / "state") as world:
        await _known_child(world)
        await _fail(world)
        world.clock.advance(seconds=61)
        for _ in range(200):
            if await world.log("enquiry.finished_unsent"):
                break
            await asyncio.sleep(0.05)
        assert len(await world.inbox("kw-1")) == 1
