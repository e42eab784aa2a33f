"""The migrations: up, down and up again, to the very schema that the models describe, with records that only grow."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
import pytest
from builders import World, question

from alembic import command
from registry_api.directory.changes import changing
from registry_api.directory.recording import By
from registry_api.kernel import migrations
from registry_api.kernel.db import Database
from registry_api.tables import METADATA

Result = TypeVar("Result")

# SQLModel's text is a varchar without a length and the migrations' is text: PostgreSQL keeps both alike.
_SCHEMA = """
    SELECT 'column', table_name::text, column_name::text,
           concat_ws(' ', replace(udt_name, 'varchar', 'text'), is_nullable,
                     replace(column_default, '::character varying', '::text'), identity_generation)
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL
    SELECT 'table', relname::text, '', relpersistence::text FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    UNION ALL
    SELECT 'index', tablename::text, '', regexp_replace(indexdef, 'INDEX \\S+ ON', 'INDEX ON')
    FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT 'constraint', conrelid::regclass::text, '', pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
"""
_FUNCTIONS = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1"
_FOREIGN_KEYS = """
    SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint WHERE contype = 'f'
"""
RECORDS = ("access_entry", "enquiry", "enquiry_answer", "directory_change")
"""Tables that are only added to."""
WRITTEN_BY_AN_ENQUIRY = {
    "access_entry", "enquiry", "enquiry_answer", "enquiry_token", "enquiry_indexed", "notification", "consideration",
    "consideration_enquiry",
}  # fmt: skip
"""Tables that many enquiries write at the same moment."""


def _with(url: str, use: Callable[[Database], Awaitable[Result]]) -> Result:
    """Return what ``use`` makes of the database, in an event loop of its own, as the migrations have theirs."""

    async def run() -> Result:
        database = Database(url, pool_size=1)
        try:
            return await use(database)
        finally:
            await database.close()

    return asyncio.run(run())


async def _schema(database: Database) -> set[tuple[Any, ...]]:
    async with database.connection() as connection:
        return {tuple(row) for row in await connection.fetch(_SCHEMA) if row[1] != "alembic_version"}


async def _functions(database: Database) -> list[str]:
    async with database.connection() as connection:
        return [row["proname"] for row in await connection.fetch(_FUNCTIONS)]


async def _create_from_models(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)


def test_up_down_and_up_again(database_url: str) -> None:
    migrated, functions = _with(database_url, _schema), _with(database_url, _functions)
    assert {row[1] for row in migrated} == METADATA.tables.keys()
    migrations.downgrade(database_url, "base")
    assert _with(database_url, _schema) == set()
    assert _with(database_url, _functions) == []
    migrations.upgrade(database_url)
    assert _with(database_url, _schema) == migrated
    assert _with(database_url, _functions) == functions


async def _index_a_child(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO child (id, data_key, sealed_identity, sealed_record, token_version, looked_after, restricted, "
            "created_at, updated_at) VALUES (gen_random_uuid(), '', '', '', 2, false, false, now(), now())"
        )
        for table in ("child_token", "address_token"):
            await connection.execute(f"INSERT INTO {table} SELECT 7, id FROM child")


async def _indexed_by_number(database: Database) -> list[int]:
    found = "SELECT count(*) FROM {} t JOIN child c ON c.number = t.pointer WHERE t.token = 7 AND t.nonce IS NULL"
    async with database.connection() as connection:
        return [await connection.fetchval(found.format(table)) for table in ("child_token", "address_token")]


async def _indexed_by_id(database: Database) -> list[int]:
    found = "SELECT count(*) FROM {} t JOIN child c ON c.id = t.child_id WHERE t.token = 7"
    async with database.connection() as connection:
        return [await connection.fetchval(found.format(table)) for table in ("child_token", "address_token")]


def test_whoever_is_indexed_stays_so_when_the_index_gets_its_masks_and_loses_them(database_url: str) -> None:
    migrations.downgrade(database_url, "0007")
    _with(database_url, _index_a_child)
    migrations.upgrade(database_url)
    assert _with(database_url, _indexed_by_number) == [1, 1]
    migrations.downgrade(database_url, "0007")
    assert _with(database_url, _indexed_by_id) == [1, 1]


_INDEXED = """
    SELECT t.token, i.enquiry_id, i.version FROM enquiry_token t JOIN enquiry_indexed i ON i.number = t.pointer
    WHERE t.nonce IS NULL AND i.alone ORDER BY 1, 2
"""
_INDEXED_BEFORE = "SELECT token, enquiry_id, version FROM enquiry_token ORDER BY 1, 2"


def test_earlier_enquiries_stay_indexed_when_their_index_gets_its_masks_and_loses_them(database_url: str) -> None:
    one, other = sorted((uuid4(), uuid4()))
    rows = [(7, one, 3), (7, other, 2), (8, one, 3)]

    async def written(database: Database) -> None:
        async with database.connection() as connection:
            await connection.executemany("INSERT INTO enquiry_token VALUES ($1, $2, $3)", rows)

    async def masked(database: Database) -> None:
        async with database.connection() as connection:
            await connection.execute("UPDATE enquiry_token SET nonce = 1, pointer = 1 WHERE token = 8")
            await connection.execute(
                "DELETE FROM enquiry_token t USING enquiry_indexed i WHERE i.number = t.pointer AND i.enquiry_id = $1",
                one,
            )

    def standing(query: str) -> list[tuple[Any, ...]]:
        async def found(database: Database) -> list[tuple[Any, ...]]:
            async with database.connection() as connection:
                return [tuple(row) for row in await connection.fetch(query)]

        return _with(database_url, found)

    migrations.downgrade(database_url, "0008")
    _with(database_url, written)
    migrations.upgrade(database_url)
    assert standing(_INDEXED) == rows
    migrations.downgrade(database_url, "0008")
    assert standing(_INDEXED_BEFORE) == rows
    migrations.upgrade(database_url)
    _with(database_url, masked)
    migrations.downgrade(database_url, "0008")
    assert standing(_INDEXED_BEFORE) == [(0, one, 1), (7, other, 2)], "the first one is left to be indexed anew"


async def _enter_a_household(database: Database) -> None:
    async with database.connection() as connection:
        for household in ("gen_random_uuid()", "NULL"):
            await connection.execute(
                "INSERT INTO child (id, data_key, sealed_identity, sealed_record, token_version, number, household_id, "
                "source_digest, looked_after, restricted, created_at, updated_at) VALUES (gen_random_uuid(), '', '', "
                f"'', 3, (random() * 1e18)::bigint, {household}, '\\x01', false, false, now(), now())"
            )


async def _digests(database: Database) -> list[bytes | None]:
    async with database.connection() as connection:
        return [row[0] for row in await connection.fetch("SELECT source_digest FROM child ORDER BY 1")]


def test_whose_household_went_from_the_clear_is_taken_in_anew_by_the_next_import(database_url: str) -> None:
    migrations.downgrade(database_url, "0008")
    _with(database_url, _enter_a_household)
    migrations.upgrade(database_url)
    assert _with(database_url, _digests) == [b"\x01", None]


def test_the_migrations_make_what_the_models_describe(database_url: str) -> None:
    migrated = _with(database_url, _schema)
    migrations.downgrade(database_url, "base")
    _with(database_url, _create_from_models)
    assert _with(database_url, _schema) == migrated


def test_alembic_finds_nothing_to_do(database_url: str) -> None:
    command.check(migrations.alembic_config(database_url))  # raises when a migration is missing


async def test_an_enquiry_writes_no_row_that_refers_to_one_that_others_need(database: Database) -> None:
    # Checking a foreign key locks the row it leads to; that of an answer leads to its own enquiry.
    async with database.connection() as connection:
        found = {tuple(row) for row in await connection.fetch(_FOREIGN_KEYS)}
    assert {pair for pair in found if pair[0] in WRITTEN_BY_AN_ENQUIRY} == {("enquiry_answer", "enquiry")}


@pytest.mark.rule("ENQ-2")
@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize("table", RECORDS)
async def test_what_is_recorded_is_not_changed_and_not_removed(world: World, table: str, role: str) -> None:
    assert (await world.ask("officer-1", question())).status_code == 200
    async with changing(
        world.database, world.vault, at=world.clock(), by=By(operator="registry-operator"), why="Left the force."
    ) as changes:
        await changes.suspension("professional", "police/officer-2", lifted=False)
    async with world.database.connection() as connection:
        kept = await connection.fetch(f"SELECT * FROM {table} ORDER BY 1")
        assert kept
        column = list(kept[0].keys())[-1]
        # A session that replays somebody else's changes skips ordinary triggers.
        await connection.execute(f"SET session_replication_role = {role}")
        try:
            for change in (
                f"UPDATE {table} SET {column} = {column}",
                f"DELETE FROM {table}",
                f"TRUNCATE {table} CASCADE",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only ever added"):
                    await connection.execute(change)
        finally:
            await connection.execute("RESET session_replication_role")
        assert await connection.fetch(f"SELECT * FROM {table} ORDER BY 1") == kept
