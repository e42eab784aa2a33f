"""Entries that stand in a real database are replaced, kept and erased whole, with their tokens."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import asyncpg
import pytest
from register_imports import NOW, TODAY, Import, child, children, importing, only_tokens_that_belong

from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Database
from registry_api.matching.tokens import TokenKeys
from registry_api.register import loading
from registry_api.register.entry import Case, ChildEntry, ChildPlan, OtherKeyWorker, PlanKind
from registry_api.register.sealing import child_key, rows_of


@pytest.fixture
async def bring_in(database: Database, keys_file: Path, tmp_path: Path) -> Import:
    """Import rows, or a file."""
    return await importing(database, keys_file, tmp_path)


@pytest.mark.rule("REG-6")
async def test_a_changed_row_takes_the_place_of_the_old_one(
    database: Database, bring_in: Import, vault: Vault, token_keys: TokenKeys
) -> None:
    await bring_in(child(1), child(2))
    before = {row["id"]: row for row in await children(database)}
    later = NOW + timedelta(days=1)
    moved = child(1, address="9 Marlcombe Road", postcode="ZX2 1AB", family_name="Renamed", plan_end="2026-02-01")
    report = await bring_in(moved, child(2), now=later)
    assert (report.added, report.changed, report.unchanged) == (0, 1, 1)
    after = {row["id"]: row for row in await children(database)}
    assert after.keys() == before.keys()
    (changed,) = [row for row_id, row in after.items() if row != before[row_id]]
    assert changed["data_key"] == before[changed["id"]]["data_key"]
    assert (changed["created_at"], changed["updated_at"]) == (NOW, later)
    async with database.connection() as connection:
        entry = await loading.read_entry(connection, changed["id"], vault)
    assert entry is not None
    assert entry.identity.names[0].family == "Renamed"
    assert [home.lines for home in entry.residences] == ["9 Marlcombe Road"]
    assert [plan.ended_on for plan in entry.plans] == [date(2026, 2, 1)]
    assert await only_tokens_that_belong(database, vault, token_keys)


async def test_tokens_of_a_version_that_is_not_known_lead_nowhere_any_more(
    database: Database, bring_in: Import, vault: Vault, token_keys: TokenKeys
) -> None:
    await bring_in(child(1))
    async with database.connection() as connection:
        await connection.execute("UPDATE child SET token_version = 99, number = number + 1")  # as of that version
        for table in ("child_token", "address_token"):
            await connection.execute(f"UPDATE {table} SET token = token + 1")
    await bring_in(child(1, sex="f"))
    assert await only_tokens_that_belong(database, vault, token_keys)


@pytest.mark.rule("TRF-2")
@pytest.mark.parametrize(
    ("cells", "kinds"),
    [
        pytest.param({}, {("temporary", None)}, id="the file does not mention it"),
        pytest.param(
            {"plan_kind": "full", "plan_categories": "neglect", "plan_start": "2026-03-01", "case_closed": ""},
            {("full", None)},
            id="a full plan stands",
        ),
        pytest.param(
            {
                "plan_kind": "temporary",
                "plan_categories": "neglect",
                "plan_start": "2026-02-20",
                "plan_end": "2026-03-01",
                "responsible_authority": "elsewhere",
            },
            {("temporary", date(2026, 3, 1))},
            id="the file says that it ended",
        ),
    ],
)
async def test_a_temporary_entry_stays_until_something_is_said_of_it(
    database: Database,
    bring_in: Import,
    vault: Vault,
    token_keys: TokenKeys,
    cells: dict[str, str],
    kinds: set[tuple[str, date | None]],
) -> None:
    async with database.connection() as connection:
        elsewhere = await connection.fetchval("SELECT id FROM organisation WHERE code = 'elsewhere'")
    no_plan = {"case_closed": "2025-06-06"} | dict.fromkeys(("plan_kind", "plan_categories", "plan_start"), "")
    await bring_in(child(1, **no_plan))
    (row,) = await children(database)
    temporary = ChildPlan(
        kind=PlanKind.TEMPORARY,
        categories=(),
        started_on=date(2026, 2, 20),
        responsible_organisation_id=elsewhere,
        other_key_worker=OtherKeyWorker("Altera Operaria"),
    )

    async def read() -> ChildEntry:
        async with database.connection() as connection:
            entry = await loading.read_entry(connection, row["id"], vault)
        assert entry is not None
        return entry

    allocated = Case(opened_on=TODAY, key_worker_id=None)
    notified = replace(await read(), plans=(temporary,), cases=((await read()).cases[0], allocated))
    async with database.transaction() as connection:
        rows = rows_of(notified, row["id"], vault, token_keys, NOW, key=child_key(row, vault))
        await loading.replace(connection, [rows], vault, token_keys)
    report = await bring_in(child(1, sex="f", **no_plan | cells))
    assert (report.added, report.changed) == (0, 1)
    entry = await read()
    assert {(plan.kind.value, plan.ended_on) for plan in entry.plans} == kinds
    if not cells:
        assert entry.plans == (temporary,)
        assert allocated in entry.cases
    else:
        assert len(entry.cases) == 1


async def test_a_use_case_that_ends_a_temporary_entry_ends_it(
    database: Database, bring_in: Import, vault: Vault, token_keys: TokenKeys
) -> None:
    await bring_in(child(1, plan_kind="temporary", responsible_authority="elsewhere"))
    (row,) = await children(database)
    async with database.transaction() as connection:
        entry = await loading.read_entry(connection, row["id"], vault)
        assert entry is not None
        rows = rows_of(replace(entry, plans=()), row["id"], vault, token_keys, NOW, key=child_key(row, vault))
        await loading.replace(connection, [rows], vault, token_keys)
        entry = await loading.read_entry(connection, row["id"], vault)
    assert entry is not None
    assert entry.plans == ()


async def test_an_erased_child_leaves_no_trace(
    database: Database, bring_in: Import, vault: Vault, token_keys: TokenKeys
) -> None:
    await bring_in(child(1), child(2))
    gone, stays = await children(database)
    async with database.transaction() as connection:
        await loading.remove(connection, [gone["id"]], vault, token_keys)
        assert await loading.read_entry(connection, gone["id"], vault) is None
    assert await children(database) == [stays]
    assert await only_tokens_that_belong(database, vault, token_keys)


async def test_a_child_is_not_added_twice_under_one_id(
    database: Database, bring_in: Import, vault: Vault, token_keys: TokenKeys
) -> None:
    await bring_in(child(1))
    (row,) = await children(database)
    async with database.connection() as connection:
        entry = await loading.read_entry(connection, row["id"], vault)
        assert entry is not None
        rows = rows_of(entry, row["id"], vault, token_keys, NOW)
        with pytest.raises(asyncpg.UniqueViolationError):
            await loading.insert(connection, [rows])
