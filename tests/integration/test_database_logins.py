"""The database's owner need not be a superuser; and what the operator's commands need under each login."""

import asyncio
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import asyncpg
import pytest
from builders import START, entry, question, running_world
from commands import Cli
from integration.register_imports import child, write
from logins import service_urls, url_as
from sqlalchemy.engine import make_url

from registry_api import privileges
from registry_api.access_log.awaiting import Awaiting
from registry_api.access_log.log_keys import LogKeys
from registry_api.access_log.sequencer import Sequencer
from registry_api.cli.worker import LoginMissing
from registry_api.cli.worker import service_urls as configured_urls
from registry_api.kernel import migrations
from registry_api.kernel.crypto import LocalKeys
from registry_api.kernel.db import Database
from registry_api.kernel.postgres import THROWAWAY, EmbeddedPostgres, libpq_dsn
from registry_api.kernel.roles import DatabaseUrls, Role
from registry_api.kernel.settings import Settings


def _run(url: str, *statements: str) -> None:
    async def done() -> None:
        connection = await asyncpg.connect(libpq_dsn(url))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(done())


async def _are_current(url: str) -> bool:
    database = Database(url, pool_size=1)
    try:
        return await privileges.are_current(database)
    finally:
        await database.close()


@contextmanager
def _own_database(cluster_url: str, options: str, *more: str) -> Iterator[str]:
    """Lend the URL of an empty database of a login that is no superuser."""
    name, password = f"registry_test_{secrets.token_hex(4)}", secrets.token_hex(8)
    _run(
        cluster_url,
        f"CREATE ROLE {name} LOGIN {options} PASSWORD '{password}'",
        *(statement.format(name) for statement in more),
        f"CREATE DATABASE {name} OWNER {name}",
    )
    url = make_url(cluster_url).set(username=name, password=password, database=name)
    try:
        yield url.render_as_string(hide_password=False)
    finally:
        _run(cluster_url, f"DROP DATABASE {name} WITH (FORCE)", f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def test_an_owner_who_may_make_no_roles_migrates_where_they_are_there(template_database: str, cluster_url: str) -> None:
    with _own_database(cluster_url, "NOCREATEROLE", f"GRANT {Role.OWNER} TO {{}}") as url:
        migrations.upgrade(url)
        migrations.downgrade(url, "0004")
        migrations.upgrade(url)
        migrations.upgrade(url)
        assert asyncio.run(_are_current(url))


def test_an_owner_who_may_make_roles_makes_them_in_a_cluster_that_has_none() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="registry-") as folder,
        EmbeddedPostgres(Path(folder), THROWAWAY) as postgres,
    ):
        logins = [make_url(url).username for url in service_urls_of(postgres)]
        _run(postgres.url, *(f"DROP ROLE {name}" for name in (*logins, Role.API, Role.REGISTER, Role.SEQUENCER)))
        name = "registry_migrate"
        _run(postgres.url, f"CREATE ROLE {name} LOGIN CREATEROLE PASSWORD 'x'", f"CREATE DATABASE {name} OWNER {name}")
        url = make_url(postgres.url).set(username=name, password="x", database=name)
        own = url.render_as_string(hide_password=False)
        migrations.upgrade(own)
        assert asyncio.run(_are_current(own))
        # As docs/database-roles.md has it.
        _run(own, f"CREATE ROLE registry_answers LOGIN PASSWORD 'y' IN ROLE {Role.API}")
        answers = url.set(username="registry_answers", password="y").render_as_string(hide_password=False)
        _run(answers, "SELECT count(*) FROM enquiry")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            _run(answers, "SELECT count(*) FROM child")


def service_urls_of(postgres: EmbeddedPostgres) -> tuple[str, str, str]:
    urls = postgres.service_urls
    return urls.api, urls.register, urls.sequencer


@pytest.mark.rule("ENQ-2")
def test_the_embedded_server_lets_the_service_in_under_logins_that_cannot_read_the_register() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="registry-") as folder,
        EmbeddedPostgres(Path(folder), THROWAWAY) as postgres,
    ):
        migrations.upgrade(postgres.url)
        api, register, sequencer = service_urls_of(postgres)
        assert len({make_url(url).username for url in (api, register, sequencer, postgres.url)}) == 4
        for url in (api, sequencer):
            for statement in ("SELECT FROM child", "SET ROLE registry", "SET ROLE registry_owner"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    _run(url, statement)
        _run(register, "SELECT FROM child")
        files = sorted(Path(folder, "postgres").glob("password*"))
        assert len({file.read_text() for file in files}) == len(files) == 4
        assert {file.stat().st_mode & 0o077 for file in files} == {0}
        # A cluster of an earlier release has none of them.
        for file in files[1:]:
            file.unlink()
        postgres.stop()
        postgres.start()
        _run(postgres.service_urls.api, "SELECT FROM enquiry")


def test_a_service_needs_logins_of_its_own() -> None:
    url = "postgresql+asyncpg://registry@/registry"
    for given in (
        {"database_url": url},
        {"api_database_url": url},
        {"api_database_url": url, "register_database_url": url},
    ):
        with pytest.raises(LoginMissing, match="REGISTRY_SEQUENCER_DATABASE_URL"):
            configured_urls(Settings(**given))
    separate = {"api_database_url": url, "register_database_url": url, "log_sequencer": "separate"}
    assert configured_urls(Settings(**separate)) == DatabaseUrls.one(url)


def test_an_import_needs_no_more_than_to_keep_the_register(
    cli: Cli, world_settings: None, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_DATABASE_URL", url_as(Role.REGISTER, database_url))
    for given in ("Testa", "Testb"):
        file = write(tmp_path / "register.csv", child(1, given_names=given, key_worker=""))
        done = cli("import", file)
        assert (done.code, "Loaded" in done.err) == (0, True), done.err


@pytest.fixture
def world_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_PROFILE", "jersey")


@pytest.mark.rule("ENQ-2")
async def test_workers_without_the_sequencers_login_answer_and_an_auditor_checks(
    database_url: str, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log is signed elsewhere; the workers read the secret of an enquiry's entry, and no other."""
    state = tmp_path / "state"
    local = LocalKeys.load_or_create(state / "keys.json")
    keys = LogKeys.load_or_create(tmp_path / "signer" / "log-keys", "register.test/log")
    signing = Database(service_urls(database_url).sequencer, pool_size=1)
    sequencer = Sequencer(database=signing, local=local, keys=keys, clock=lambda: START)
    driving = asyncio.create_task(Awaiting(signing, sequencer, deadline_seconds=60).drive(idle_seconds=0.005))
    try:
        async with running_world(database_url, state, log_sequencer="separate") as world:
            await world.add(entry())
            assert (await world.ask("officer-1", question())).status_code == 200
        assert not (state / "log-keys").exists()
    finally:
        driving.cancel()
        await asyncio.gather(driving, return_exceptions=True)
        await signing.close()
    monkeypatch.setenv("REGISTRY_DATABASE_URL", url_as(Role.AUDITOR, database_url))
    for command in ("check", "checkpoint"):
        done = await asyncio.to_thread(cli, "log", command)
        assert done.code == 0, done.err


def test_privileges_that_were_changed_by_a_release_are_made_anew(
    new_database: Callable[[], AbstractContextManager[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def granted(url: str) -> tuple[bool, bool]:
        database = Database(url, pool_size=1)
        try:
            async with database.connection() as connection:
                may = await connection.fetchval("SELECT has_table_privilege('registry_auditor', 'cover', 'SELECT')")
            return may, await privileges.are_current(database)
        finally:
            await database.close()

    with new_database() as url:
        assert asyncio.run(granted(url)) == (False, True)
        with monkeypatch.context() as later:
            later.setattr(privileges, "GRANTS", {**privileges.GRANTS, "cover": {Role.AUDITOR: "SELECT"}})
            privileges.statements.cache_clear()
            assert asyncio.run(granted(url)) == (False, False)
            migrations.upgrade(url)
            assert asyncio.run(granted(url)) == (True, True)
        privileges.statements.cache_clear()
        assert asyncio.run(granted(url)) == (True, False)


def test_a_database_of_an_earlier_release_has_its_functions_made_anew(
    new_database: Callable[[], AbstractContextManager[str]],
) -> None:
    made = "CREATE OR REPLACE FUNCTION {} LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN NULL; END'"

    async def functions(url: str) -> dict[str, str]:
        database = Database(url, pool_size=1)
        try:
            async with database.connection() as connection:
                rows = await connection.fetch(
                    "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
                )
            return {row["proname"]: row["prosrc"] for row in rows}
        finally:
            await database.close()

    with new_database() as url:
        today = asyncio.run(functions(url))
        _run(
            url,
            "DROP FUNCTION read_told",
            made.format("read_told_children(bigint, uuid[]) RETURNS uuid"),
            made.format("refuse_unless_erased() RETURNS trigger"),
            f"ALTER FUNCTION read_told_children OWNER TO {Role.OWNER}",
            "COMMENT ON FUNCTION open_register IS 'an earlier release'",
        )
        assert asyncio.run(functions(url)).keys() == today.keys() - {"read_told"} | {"read_told_children"}
        migrations.upgrade(url)
        assert asyncio.run(functions(url)) == today


def test_a_url_does_not_show_its_password() -> None:
    assert "hush" not in repr(DatabaseUrls.one("postgresql+asyncpg://registry:hush@/registry"))
