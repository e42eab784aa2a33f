"""What each role of the database may do, read from its catalogue, and tried out as each of them."""

import re

import asyncpg
import pytest
from builders import World, entry, question
from logins import url_as
from sqlalchemy.engine import make_url

from registry_api import privileges
from registry_api.kernel.db import Database
from registry_api.kernel.postgres import libpq_dsn
from registry_api.kernel.roles import Role
from registry_api.tables import METADATA

LOGINS = (Role.API, Role.REGISTER, Role.SEQUENCER, Role.AUDITOR)
REGISTER = ("child", "child_address", "household_member", "child_case", "plan", "child_token", "address_token")
RECORDS = ("access_entry", "enquiry", "enquiry_answer", "directory_change", "call_back", "register_opened")
LOG = ("log_origin", "log_entry", "log_payload", "log_leaf", "log_tile", "log_head", "log_checkpoint")

_GRANTED = """
SELECT c.relname, r.rolname, a.privilege_type, '' AS of_column
FROM pg_class c, aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT c.relname, r.rolname, a.privilege_type, t.attname
FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid, aclexplode(t.attacl) a
LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE c.relnamespace = 'public'::regnamespace
"""
_FUNCTIONS = """
SELECT p.proname, p.prosecdef, p.proconfig, pg_get_userbyid(p.proowner) AS owner, r.rolname AS grantee
FROM pg_proc p CROSS JOIN aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE p.pronamespace = 'public'::regnamespace
"""


def _said(granted: str) -> set[tuple[str, str]]:
    """What a line of the table says: each privilege, of the whole table or of one column."""
    return {
        (privilege, column)
        for privilege, columns in re.findall(r"([A-Z]+)(?: \((.+?)\))?", granted)
        for column in columns.split(", ")
    }


async def test_the_database_grants_what_the_table_says_and_nothing_else(database: Database) -> None:
    async with database.connection() as connection:
        granted = {tuple(row) for row in await connection.fetch(_GRANTED) if row["rolname"] != Role.OWNER}
        owners = await connection.fetch(
            "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'public'::regnamespace "
            "AND relkind <> 'i' UNION SELECT pg_get_userbyid(proowner) FROM pg_proc "
            "WHERE pronamespace = 'public'::regnamespace"
        )
    assert granted == {
        (table, role, privilege, column)
        for table, roles in privileges.GRANTS.items()
        for role, what in roles.items()
        for privilege, column in _said(what)
    }
    assert [row[0] for row in owners] == [Role.OWNER]


def test_every_table_is_in_the_table() -> None:
    assert privileges.GRANTS.keys() == METADATA.tables.keys() | {"alembic_version"}


async def test_functions_are_for_those_they_are_made_for_and_look_nothing_up_elsewhere(database: Database) -> None:
    async with database.connection() as connection:
        rows = await connection.fetch(_FUNCTIONS)
    may = {(row["proname"], row["grantee"]) for row in rows if row["grantee"] != Role.OWNER}
    assert may == {(definer.name, role) for definer in privileges.DEFINERS for role in definer.callers}
    with_owners_rights = {row["proname"]: row["proconfig"] for row in rows if row["prosecdef"]}
    assert with_owners_rights.keys() == {definer.name for definer in privileges.DEFINERS} | {"queue_for_the_tree"}
    assert set(map(tuple, with_owners_rights.values())) == {("search_path=public, pg_temp",)}
    for definer in privileges.DEFINERS:
        assert "EXECUTE" not in definer.body.upper(), "nothing is put together at run time"


async def test_the_roles_have_no_login_and_lead_nowhere(database: Database) -> None:
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT * FROM pg_roles WHERE rolname = ANY($1)", list(Role))
        above = await connection.fetchval(
            "SELECT count(*) FROM pg_auth_members WHERE member::regrole::text = ANY($1)", list(Role)
        )
    assert {row["rolname"] for row in rows} == set(Role)
    for row in rows:
        allowed = ("rolsuper", "rolcreaterole", "rolcreatedb", "rolcanlogin", "rolreplication", "rolbypassrls")
        assert not any(row[name] for name in allowed)
    assert above == 0


async def not_denied(connection: asyncpg.Connection, *statements: str) -> list[str]:
    """Carry these out, and return those that met with anything else than a refusal."""
    others = []
    for statement in statements:
        try:
            await connection.execute(statement)
        except asyncpg.InsufficientPrivilegeError:
            continue
        except asyncpg.PostgresError as error:
            others.append(f"{statement}: {error}")
        else:
            others.append(statement)
    return others


@pytest.fixture
async def filled(shared_world: World) -> World:
    """A world in which every record of note has a row."""
    world = shared_world
    if not await world.log("enquiry.answered"):
        await world.add(entry())
        assert (await world.ask("officer-1", question())).status_code == 200
    return world


async def _as(world: World, role: Role) -> asyncpg.Connection:
    return await asyncpg.connect(libpq_dsn(url_as(role, world.urls.api)))


@pytest.mark.rule("ENQ-2")
@pytest.mark.parametrize("role", [Role.API, Role.SEQUENCER, Role.AUDITOR])
async def test_the_register_is_read_by_those_who_keep_it_alone(filled: World, role: Role) -> None:
    connection = await _as(filled, role)
    try:
        for table in REGISTER:
            tried = (
                f"SELECT * FROM {table}",
                f"SELECT count(*) FROM {table}",
                f"COPY {table} TO STDOUT",
                f"SELECT FROM {table} FOR UPDATE",
                f"DELETE FROM {table}",
                f"DO $$ BEGIN LOCK TABLE {table}; END $$",
                f"CREATE TEMP VIEW mine AS SELECT * FROM {table}; SELECT * FROM mine",
                f"CREATE RULE r AS ON SELECT TO {table} DO INSTEAD SELECT 1",
            )
            assert not await not_denied(connection, *tried)
    finally:
        await connection.close()


@pytest.mark.parametrize("role", LOGINS)
async def test_no_login_becomes_anybody_else(filled: World, role: Role) -> None:
    connection = await _as(filled, role)
    owner = make_url(filled.database.engine.url).username
    try:
        for other in {*Role, owner, "pg_read_all_data", "pg_execute_server_program"} - {role}:
            assert not await not_denied(
                connection, f"SET ROLE {other}", f"SET SESSION AUTHORIZATION {other}", f"GRANT {other} TO {role}"
            )
        tried = (
            "SET session_replication_role = replica",
            "SELECT pg_read_file('/etc/passwd')",
            "SELECT lo_import('/etc/passwd')",
            "SELECT pg_ls_dir('.')",
            "COPY enquiry TO PROGRAM 'cat'",
            "COPY enquiry TO '/tmp/out'",
            "CREATE TABLE public.mine (id int)",
            "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE SCHEMA mine",
            "CREATE ROLE mine",
            "CREATE EVENT TRIGGER mine ON ddl_command_start EXECUTE FUNCTION refuse_change()",
            "ALTER SYSTEM SET fsync = off",
            "ALTER FUNCTION open_register SECURITY INVOKER",
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        )
        assert not await not_denied(connection, *tried)
        await connection.execute("RESET ROLE; RESET SESSION AUTHORIZATION")
        assert await connection.fetchval("SELECT current_user = session_user")
    finally:
        await connection.close()


@pytest.mark.rule("ENQ-2")
@pytest.mark.parametrize("role", LOGINS)
async def test_nobody_changes_a_record_or_the_log(filled: World, role: Role) -> None:
    connection = await _as(filled, role)
    try:
        for table in (*RECORDS, *LOG, "log_secret"):
            *_, column = METADATA.tables[table].columns.keys()
            tried = (
                f"UPDATE {table} SET {column} = {column}",
                f"DELETE FROM {table}",
                f"TRUNCATE {table}",
                f"DROP TABLE {table}",
                f"ALTER TABLE {table} DISABLE TRIGGER ALL",
                f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
                f"CREATE TRIGGER mine BEFORE INSERT ON {table} EXECUTE FUNCTION refuse_change()",
            )
            if role is Role.SEQUENCER:  # it erases: rows of which the log says so, and secrets, which the check misses
                async with filled.database.connection() as owner:
                    there = await owner.fetchval(f"SELECT count(*) FROM {table}")
                if table == "log_secret" or not there:
                    tried = tuple(one for one in tried if not one.startswith("DELETE"))
            assert not await not_denied(connection, *tried)
    finally:
        await connection.close()


@pytest.mark.rule("ENQ-2")
@pytest.mark.parametrize("role", [Role.API, Role.REGISTER, Role.AUDITOR])
async def test_the_tree_is_its_sequencers_and_the_looks_are_the_gates(filled: World, role: Role) -> None:
    connection = await _as(filled, role)
    try:
        for table in (*LOG, "log_secret", "log_pending", "register_opened"):
            assert not await not_denied(
                connection,
                f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM {table}",
                f"INSERT INTO {table} DEFAULT VALUES",
            )
        assert not await not_denied(connection, "DELETE FROM log_pending")
    finally:
        await connection.close()


async def test_a_role_sees_and_adds_its_part_of_a_table_alone(filled: World) -> None:
    kinds = "SELECT DISTINCT a.kind FROM log_secret s JOIN log_entry e ON e.id = s.entry_id JOIN access_entry a ON "
    kinds += "a.id = e.access_entry_id"
    await filled.inbox("kw-1")
    async with filled.database.connection() as connection:
        (read,) = await connection.fetch("SELECT max(id) AS id FROM access_entry WHERE kind = 'inbox.read'")
        await filled.app.state.enquiries._covered(read["id"])
        assert {"enquiry.received", "enquiry.answered", "inbox.read"} <= {
            row["kind"] for row in await connection.fetch(kinds)
        }
    api, auditor = await _as(filled, Role.API), await _as(filled, Role.AUDITOR)
    try:
        assert [row["kind"] for row in await api.fetch(kinds)] == ["enquiry.received"]
        assert len(await auditor.fetch(kinds)) >= 3
        add = "INSERT INTO access_entry (at, kind) VALUES (now(), $1)"
        for connection, own, other in ((api, "sign_in", "log.exported"), (auditor, "log.exported", "inbox.read")):
            await connection.execute(add, own)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(add, other)
    finally:
        await api.close()
        await auditor.close()


@pytest.mark.parametrize("role", LOGINS)
async def test_nobody_numbers_an_entry_themselves(filled: World, role: Role) -> None:
    kind = "log.exported" if role in (Role.SEQUENCER, Role.AUDITOR) else "sign_in"
    connection = await _as(filled, role)
    try:
        for number in (-1, 2**63 - 1):
            add = f"INSERT INTO access_entry (id, at, kind) OVERRIDING SYSTEM VALUE VALUES ({number}, now(), '{kind}')"
            assert not await not_denied(connection, add)
    finally:
        await connection.close()
