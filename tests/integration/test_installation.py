"""A database and its keys belong together: other keys are refused, lost ones are not made anew, open ones not read."""

from collections.abc import Callable
from pathlib import Path

import pytest
from builders import BASE_URL, World, entry, question, running_world

from registry_api.kernel.crypto import LocalKeys
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.errors import KeysUnusable
from registry_api.kernel.installation import claim, fingerprint, open_keys
from registry_api.kernel.readiness import FRESH_SECONDS, Readiness
from registry_api.kernel.roles import DatabaseUrls
from registry_api.kernel.settings import Settings
from registry_api.main import create_app
from registry_api.register.entry import PlanKind


async def test_the_first_use_binds_a_database_to_its_keys(database: Database, tmp_path: Path) -> None:
    made = await open_keys(database, tmp_path / "keys.json")
    again = await open_keys(database, tmp_path / "keys.json")
    assert made.index_master == again.index_master
    async with database.connection() as connection:
        (row,) = await connection.fetch("SELECT * FROM installation")
    assert row["keys_fingerprint"] == fingerprint(made) != made.index_master


@pytest.mark.rule("ENQ-2")
async def test_under_other_keys_no_child_is_answered_as_not_known(
    world: World, database_url: str, tmp_path: Path
) -> None:
    await world.add(entry(plan=PlanKind.FULL, key_worker=world.members["kw-1"].id))
    assert (await world.ask("officer-1", question())).json()["outcome"] == "on_plan"
    other = Settings(state_dir=tmp_path / "other", base_url=BASE_URL)
    LocalKeys.load_or_create(other.keys_file)
    app = create_app(other, world.urls, clock=world.clock)
    with pytest.raises(KeysUnusable, match="other keys"):
        async with app.router.lifespan_context(app):
            pytest.fail("it must not serve")


async def test_keys_that_are_gone_are_asked_for_and_not_made_anew(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    await open_keys(database, path)
    path.unlink()
    with pytest.raises(KeysUnusable, match="Put back the one"):
        await open_keys(database, path)
    assert not path.exists()


def test_an_application_makes_no_keys(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    with pytest.raises(KeysUnusable, match="cannot be read"):
        create_app(settings, DatabaseUrls.one("postgresql+asyncpg://nobody@127.0.0.1:1/nothing"))
    assert not settings.keys_file.exists()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_keys_that_others_may_read_are_refused(keys_file: Path, mode: int) -> None:
    keys_file.chmod(mode)
    with pytest.raises(KeysUnusable, match="mode 0600"):
        LocalKeys.load_or_create(keys_file)


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"current": 1, "key_encryption_keys": 3, "index_master": "hush"}']
)
def test_a_damaged_key_file_is_refused_and_not_quoted(keys_file: Path, content: str) -> None:
    keys_file.write_text(content)
    with pytest.raises(KeysUnusable, match="not a key file") as refused:
        LocalKeys.load_or_create(keys_file)
    assert "hush" not in str(refused.value)


async def answers(_: Connection) -> bool:
    """The log is signed."""
    return True


async def test_a_database_that_was_exchanged_for_another_makes_the_service_unready(
    database_url: str, tmp_path: Path
) -> None:
    async with running_world(database_url, tmp_path / "state") as world:
        assert (await world.http.get("/readyz")).status_code == 200
        async with world.database.transaction() as connection:
            await connection.execute("UPDATE installation SET keys_fingerprint = 'of another'")
        world.app.state.readiness = Readiness(
            world.database, LocalKeys.load(world.settings.keys_file), log_answers=answers
        )
        answer = await world.http.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"status": "not ready"})


async def test_a_flood_of_questions_asks_the_database_once_a_second(
    database: Database, keys_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, now = LocalKeys.load(keys_file), [100.0]
    async with database.connection() as connection:
        await claim(connection, keys)
    lent, lend = [0], database.connection

    def counted() -> object:
        lent[0] += 1
        return lend()

    monkeypatch.setattr(database, "connection", counted)
    monotonic: Callable[[], float] = lambda: now[0]  # noqa: E731
    readiness = Readiness(database, keys, log_answers=answers, monotonic=monotonic)
    assert all([await readiness() for _ in range(50)])
    once = lent[0]
    assert once > 0
    now[0] += FRESH_SECONDS * 0.9
    await readiness()
    assert lent[0] == once
    now[0] += FRESH_SECONDS
    assert await readiness()
    assert lent[0] == 2 * once


@pytest.mark.rule("ENQ-2")
async def test_a_commit_is_durable_whatever_the_server_s_default(database: Database) -> None:
    async with database.connection() as connection:
        row = await connection.fetchrow("SELECT setting, reset_val FROM pg_settings WHERE name = 'synchronous_commit'")
    assert row is not None
    assert tuple(row) == ("on", "on")  # the cluster of the tests has it off
