"""What is erased when its time is over, what a hold keeps, and that the tree stands; never half of it."""

from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from builders import World, entry, question
from integration.log_erasures import YEARS_LATER, count, erase, erasure, findings, hold
from integration.log_writers import exported, log_keys, receipt_file, verifies
from oversight_scenes import alerts, look_over, try_out

from policies.retention import Retention
from registry_api.access_log import erasure as erasing
from registry_api.access_log import keeping_store, reading
from registry_api.access_log.erasure import Erased, Erasure
from registry_api.kernel.crypto import EnvelopeError
from registry_api.kernel.errors import NotFound, StoreUnavailable
from registry_api.register.entry import PlanKind


@pytest.fixture
async def asked(world: World) -> tuple[str, UUID]:
    """An enquiry that was answered, and the child whom it was about."""
    child = await world.add(entry(plan=PlanKind.FULL, key_worker=world.members["kw-1"].id))
    answer = await world.ask("officer-1", question())
    assert answer.status_code == 200
    (told,) = await world.inbox("kw-1")
    done = await world.http.post(f"/api/v1/notifications/{told['id']}/acknowledge", auth=world.auth("kw-1", "casework"))
    assert done.status_code in (200, 204), done.text
    await world.app.state.erasure.covered((await world.log())[-1]["id"])  # sealed now and not after the years to come
    return answer.json()["reference"], child


async def test_until_its_time_is_over_nothing_is_erased(world: World, asked: tuple[str, UUID]) -> None:
    entries = await count(world, "access_entry")
    world.clock.advance(days=365 * 25)
    assert await erase(world) == Erased(0, 0, ())
    assert await count(world, "access_entry") == entries


async def test_what_is_erased_is_gone_everywhere_and_the_tree_stands(
    world: World, asked: tuple[str, UUID], tmp_path: Path
) -> None:
    reference, _ = asked
    keys = log_keys(world.settings.state_dir)
    kept = await receipt_file(world.database, (await world.log("enquiry.received"))[0]["id"], tmp_path / "kept")
    async with world.database.connection() as connection:  # as a backup has it
        backup = await connection.fetchrow("SELECT * FROM enquiry WHERE reference = $1", reference)
        secret = await connection.fetchrow("SELECT * FROM log_secret ORDER BY 1 LIMIT 1")
    assert backup is not None
    assert secret is not None
    world.vault.key("enquiry", backup["id"], backup["data_key"])
    entries = await count(world, "access_entry")
    world.clock.now += YEARS_LATER
    done = await erase(world)
    assert (done.entries, done.kept) == (entries, 0)
    assert len(done.months) == 1
    for table in (
        "enquiry",
        "enquiry_answer",
        "enquiry_token",
        "enquiry_indexed",
        "notification",
        "log_act",
        "log_search",
        "register_opened",
    ):
        assert await count(world, table) == 0, table
    assert await count(world, "access_entry") == 1, "that of the erasure"
    with pytest.raises(EnvelopeError):  # the backup does not open either
        world.vault.key("enquiry", backup["id"], backup["data_key"])
    with pytest.raises(EnvelopeError):
        world.vault.unwrap("log_entry", secret["entry_id"], secret["wrapped"])
    assert verifies(await exported(world.database, tmp_path / "log"), keys, kept)
    found = await findings(world)
    assert found.is_whole, found
    async with world.database.connection() as connection:
        assert len(await keeping_store.erased_under(connection, reference)) >= 2
        with pytest.raises(NotFound):
            await reading.openings(connection, world.vault, reference, [])
    assert await erase(world) == Erased(0, 0, ()), "once"


@pytest.mark.parametrize("by", ["child", "reference", "professional"])
async def test_what_a_hold_is_on_is_kept_until_it_is_lifted(world: World, asked: tuple[str, UUID], by: str) -> None:
    reference, child = asked
    world.clock.advance(days=1)
    other = (await world.ask("nurse-1", question("Rowan", "Fieldway-Test", born="2013-11-23"))).json()["reference"]
    placed = await hold(
        world,
        **{
            "child": {"child_id": child},
            "reference": {"reference": reference},
            "professional": {"professional_id": world.members["officer-1"].id},
        }[by],
    )
    world.clock.now += YEARS_LATER
    done = await erase(world)
    assert done.entries > 0 < done.kept
    assert len(done.months) == 1, "the key of the month goes all the same"
    async with world.database.connection() as connection:
        rows = await connection.fetch("SELECT * FROM enquiry ORDER BY received_at")
        opened = await reading.openings(connection, world.vault, reference, ["kind"])
    # Whom nobody has called back yet is not erased either: that is what the other enquiry waits for.
    assert reference in [row["reference"] for row in rows]
    assert {one["fields"]["kind"]["value"] for one in opened} >= {"enquiry.received", "enquiry.answered"}
    held = next(row for row in rows if row["reference"] == reference)
    assert b"Quillon" in world.vault.key("enquiry", held["id"], held["data_key"]).open(
        "question", held["sealed_question"]
    )
    assert (await findings(world)).is_whole
    async with world.database.transaction() as connection:
        await keeping_store.lift_hold(connection, placed, world.clock(), 1)
    world.clock.advance(days=62)
    assert (await erase(world)).entries >= 2
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM enquiry WHERE reference = $1", reference) == 0
    assert (await findings(world)).is_whole
    assert other


@pytest.mark.rule("ENQ-7", "ENQ-10")
async def test_what_somebody_still_has_to_do_is_not_erased(world: World) -> None:
    for asker in ("officer-1", "nurse-1"):  # the second one makes it a consideration
        await world.ask(asker, question("Barnabas", "Unheardof-Test", born="2015-01-02"))
    assert len(await world.considerations()) == 1
    world.clock.now += YEARS_LATER
    await erase(world)
    assert await count(world, "enquiry") == 2
    assert (await findings(world)).is_whole


async def test_what_is_behind_an_open_alert_is_not_erased_and_an_alert_goes_with_its_last_enquiry(world: World) -> None:
    await try_out(world)
    await look_over(world)
    raised = len(await alerts(world))
    assert raised
    await world.app.state.erasure.covered((await world.log())[-1]["id"])
    world.clock.now += YEARS_LATER
    await erase(world)
    assert await count(world, "enquiry") > 0
    assert await count(world, "alert") == raised
    async with world.database.connection() as connection:
        await connection.execute("UPDATE alert SET decided_at = now(), decision = 'justified'")
        await connection.execute("UPDATE notification SET acknowledged_at = now()")
        await connection.execute("UPDATE consideration SET decided_at = now()")
    world.clock.advance(days=62)
    await erase(world)
    assert (await count(world, "enquiry"), await count(world, "alert"), await count(world, "notification")) == (0, 0, 0)
    assert await count(world, "consideration") == 0
    assert (await findings(world)).is_whole


async def test_a_longer_period_holds_for_what_is_there_already(world: World, asked: tuple[str, UUID]) -> None:
    made = erasure(world)
    longer = Erasure(made.vault, made.keys, Retention(400), made.clock, made.covered, made.content, made.about)
    world.clock.now += YEARS_LATER
    done = await longer.run(world.database)
    assert (done.entries, len(done.months)) == (0, 1)
    assert await count(world, "enquiry") == 1
    async with world.database.connection() as connection:
        assert await reading.openings(connection, world.vault, asked[0], [])


async def test_failed_and_not_saved_nothing_is_erased_and_failed_yet_saved_it_is_ended_later(
    world: World, asked: tuple[str, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = await count(world, "access_entry")
    world.clock.now += YEARS_LATER

    async def fails(*_: object) -> None:
        raise TimeoutError

    with monkeypatch.context() as patched:  # the last statement of the transaction fails: all of it is undone
        patched.setattr(keeping_store, "erase", fails)
        with pytest.raises(StoreUnavailable):
            await erase(world)
    assert (await count(world, "access_entry"), await count(world, "log_erased")) == (entries, 0)
    assert await count(world, "enquiry") == 1
    assert len(erasure(world).keys.due(world.clock().date())) == 1
    with monkeypatch.context() as patched:  # what is erased is committed, and not under a signed head
        patched.setattr(keeping_store, "last_erasure", fails)
        with pytest.raises(StoreUnavailable):
            await erase(world)
    assert await count(world, "log_erased") == entries
    assert len(erasure(world).keys.due(world.clock().date())) == 1, "the last copy is not gone yet"
    done = await erase(world)
    assert (done.entries, len(done.months)) == (0, 1)
    assert len(await world.log("payload.erased")) == 1, "it is recorded once"
    assert (await findings(world)).is_whole


async def test_a_key_that_something_is_still_under_is_not_destroyed(
    world: World, asked: tuple[str, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.clock.now += YEARS_LATER
    with monkeypatch.context() as patched:
        patched.setattr(erasing, "_MOST_BATCHES", 0)
        assert (await erase(world)).months == ()
    assert len(erasure(world).keys.due(world.clock().date())) == 1


async def test_what_was_sealed_before_there_were_keys_of_months_gets_one(world: World, asked: tuple[str, UUID]) -> None:
    async with world.database.transaction() as connection:
        rows = await connection.fetch("SELECT * FROM log_secret")
        plain = [
            (
                row["entry_id"],
                world.vault.wrap_anew("log_entry", row["entry_id"], row["wrapped"], None),
                None,
            )
            for row in rows
        ]
        await keeping_store.wrap_anew(connection, plain)
    await erase(world)
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM log_secret WHERE expires_on IS NULL") == 0
        assert await reading.openings(connection, world.vault, asked[0], [])
    assert (await findings(world)).is_whole


async def test_rows_go_only_once_it_is_written_that_they_are_erased(world: World, asked: tuple[str, UUID]) -> None:
    async with world.database.connection() as connection:
        for table in ("access_entry", "enquiry", "enquiry_answer"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only ever added"):
                await connection.execute(f"DELETE FROM {table}")
        for change in ("role = role", "role = 'another'", "role = 'another', data_key = 'x'", "data_key = data_key"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only ever added"):
                await connection.execute(f"UPDATE enquiry SET {change}")


async def test_a_secret_that_was_shredded_without_an_erasure_is_found(world: World, asked: tuple[str, UUID]) -> None:
    async with world.database.connection() as connection:
        await connection.execute(
            "DELETE FROM log_secret WHERE entry_id = (SELECT entry_id FROM log_leaf WHERE idx = 0)"
        )
    found = await findings(world)
    assert (found.shredded, found.altered, found.is_whole) == (1, 0, False)


async def test_an_erasure_that_says_more_than_the_log_is_found(world: World, asked: tuple[str, UUID]) -> None:
    """Somebody destroys an entry and writes it to an erasure that was another's."""
    world.clock.now += YEARS_LATER
    await erase(world)
    async with world.database.connection() as connection:
        added = await connection.fetchval(
            "INSERT INTO access_entry (at, kind) VALUES (now(), 'inbox.read') RETURNING id"
        )
    await erasure(world).covered(added)
    assert (await findings(world)).is_whole
    async with world.database.connection() as connection:
        await connection.execute(
            "INSERT INTO log_erased SELECT e.id, e.access_entry_id, NULL, (SELECT max(erasure) FROM log_erased) "
            "FROM log_entry e WHERE e.access_entry_id = $1",
            added,
        )
        await connection.execute("DELETE FROM access_entry WHERE id = $1", added)
    assert (await findings(world)).shredded > 1
