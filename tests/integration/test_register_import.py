"""A file goes into a real database whole or not at all, and a dump of that database shows nobody."""

import asyncio
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from register_imports import NOW, TODAY, Import, child, children, counts, importing, write

from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Database
from registry_api.kernel.errors import Conflict
from registry_api.register import importer, loading
from registry_api.register.csv_format import COLUMNS
from registry_api.register.rules import Reason
from registry_api.register.synthesise import synthesise, write_csv


@pytest.fixture
async def bring_in(database: Database, keys_file: Path, tmp_path: Path) -> Import:
    """Import rows, or a file."""
    return await importing(database, keys_file, tmp_path)


async def test_the_log_says_which_children_a_load_added_and_changed(database: Database, bring_in: Import) -> None:
    await bring_in(child(1), child(2))
    before = {row["id"]: row["sealed_record"] for row in await children(database)}
    await bring_in(child(1), child(2, given_names="Rowena"))
    await bring_in(child(1), child(2, given_names="Rowena"))  # nothing new, and so nothing to record
    async with database.connection() as connection:
        entries = await connection.fetch("SELECT * FROM access_entry WHERE kind = 'register.loaded' ORDER BY id")
        loads = await connection.fetch("SELECT * FROM register_load ORDER BY added DESC, changed DESC")
    changed = {row["id"] for row in await children(database) if row["sealed_record"] != before[row["id"]]}
    assert len(changed) == 1
    assert [set(one["child_ids"]) for one in entries] == [set(before), changed]
    assert [one["reference"] for one in entries] == [str(load["id"]) for load in loads[:2]]


@pytest.mark.rule("REG-1")
async def test_each_child_of_a_file_gets_one_entry(database: Database, bring_in: Import, vault: Vault) -> None:
    told: list[tuple[int, int]] = []
    report = await bring_in(child(1), child(2), progress=lambda done, of: told.append((done, of)))
    assert (report.added, report.changed, report.unchanged, report.rejected, report.loaded) == (2, 0, 0, [], True)
    assert told[-1] == (2, 2)
    first, second = await children(database)
    async with database.connection() as connection:
        entries = [await loading.read_entry(connection, row["id"], vault) for row in (first, second)]
    assert {entry.identity.record_id for entry in entries if entry} == {"C1", "C2"}
    assert {home.lines for entry in entries if entry for home in entry.residences} == {
        "2 Elderley Lane",
        "3 Elderley Lane",
    }


async def test_the_same_file_twice_changes_nothing_but_the_freshness(database: Database, bring_in: Import) -> None:
    await bring_in(child(1), child(2))
    before, rows = await counts(database), await children(database)
    report = await bring_in(child(2), child(1), now=NOW + timedelta(days=1))
    assert (report.added, report.changed, report.unchanged, report.loaded) == (0, 0, 2, True)
    assert await counts(database) == before | {"register_load": 2}
    assert await children(database) == rows


@pytest.mark.rule("REG-1")
async def test_a_row_without_its_digest_is_taken_in_anew_and_brings_its_household(
    database: Database, bring_in: Import, vault: Vault
) -> None:
    await bring_in(child(1, household_id="H1"))
    async with database.connection() as connection:  # as the migration leaves whoever had a household in the clear
        await connection.execute("UPDATE child SET source_digest = NULL")
    report = await bring_in(child(1, household_id="H1"))
    assert (report.added, report.changed, report.unchanged) == (0, 1, 0)
    (row,) = await children(database)
    async with database.connection() as connection:
        entry = await loading.read_entry(connection, row["id"], vault)
    assert entry is not None
    assert entry.identity.household_id == "H1"


async def test_one_refused_row_keeps_the_whole_file_out(database: Database, bring_in: Import) -> None:
    before = await counts(database)
    rows = [child(n) for n in range(1, 9)]
    rows[6] |= {"date_of_birth": "4 May 2017", "sex": "unheard-of"}
    report = await bring_in(*rows)
    assert not report.loaded
    assert (report.added, report.rejected_rows) == (7, 1)
    assert [(found.line, found.record_id, found.column, found.reason) for found in report.rejected] == [
        (8, "C7", "sex", Reason.NOT_ALLOWED),
        (8, "C7", "date_of_birth", Reason.NOT_A_DATE),
    ]
    assert "4 May 2017" not in repr(report)
    assert "unheard-of" not in repr(report)
    assert await counts(database) == before


async def test_nothing_is_half_loaded_when_the_refused_row_comes_batches_later(
    database: Database, bring_in: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "BATCH", 2)
    before = await counts(database)
    report = await bring_in(*(child(n) for n in range(1, 8)), child(8, plan_start="2025-13-01"))
    assert not report.loaded
    assert await counts(database) == before


async def test_good_rows_are_loaded_without_the_refused_ones_only_when_asked(
    database: Database, bring_in: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "BATCH", 2)
    rows = [child(1), child(2, key_worker="nobody"), child(3), child(4, case_opened="2027-01-01"), child(5)]
    report = await bring_in(*rows, skip_rejected=True)
    assert (report.added, report.rejected_rows, report.loaded) == (3, 2, True)
    assert (await counts(database))["child"] == 3
    again = await bring_in(*rows, skip_rejected=True)
    assert (again.added, again.unchanged, again.rejected_rows) == (0, 3, 2)


@pytest.mark.rule("REG-1")
async def test_a_record_that_stands_in_a_file_twice_is_refused_each_time(database: Database, bring_in: Import) -> None:
    report = await bring_in(child(1), child(2), child(1, sex="f"), skip_rejected=True)
    assert [(found.line, found.reason) for found in report.rejected] == [
        (2, Reason.REPEATED_RECORD),
        (4, Reason.REPEATED_RECORD),
    ]
    assert (await counts(database))["child"] == 1


async def test_a_dry_run_says_what_would_happen_and_writes_nothing(database: Database, bring_in: Import) -> None:
    await bring_in(child(1), child(2))
    before = await counts(database)
    report = await bring_in(child(1, sex="f"), child(2), child(3), dry_run=True)
    assert (report.added, report.changed, report.unchanged, report.loaded) == (1, 1, 1, False)
    assert await counts(database) == before


@pytest.mark.rule("REG-4")
async def test_what_is_only_odd_is_loaded_and_said(database: Database, bring_in: Import) -> None:
    report = await bring_in(child(1, plan_categories="neglect; physical"))
    assert report.loaded
    assert [(found.line, found.column, found.reason) for found in report.warnings] == [
        (2, "plan_categories", Reason.CATEGORY_SEVERAL_GIVEN)
    ]
    assert report.warnings[0].words.startswith("plan_categories names several categories")


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b"", 1, Reason.FILE_EMPTY),
        (",".join(COLUMNS).encode(), 1, Reason.FILE_EMPTY),
        (",".join(COLUMNS).encode() + b"\n" + b"\0" * 1_000_000, 2, Reason.LINE_TOO_LONG),
        (",".join(COLUMNS).encode() + b"\n\xff\xfe", 2, Reason.FILE_NOT_UTF8),
        (b"PK\x03\x04 not a table at all", 1, Reason.COLUMN_UNKNOWN),
    ],
)
async def test_a_hostile_file_is_a_report_and_not_a_failure(
    database: Database, bring_in: Import, tmp_path: Path, data: bytes, line: int, reason: Reason
) -> None:
    path = tmp_path / "hostile.csv"
    path.write_bytes(data)
    before = await counts(database)
    report = await bring_in(path=path, skip_rejected=True)
    assert not report.loaded
    assert [(found.line, found.reason) for found in report.rejected] == [(line, reason)]
    assert await counts(database) == before


async def test_a_file_cut_off_in_the_middle_is_not_loaded_up_to_there(
    database: Database, bring_in: Import, tmp_path: Path
) -> None:
    path = write(tmp_path / "cut.csv", child(1), child(2, address='9 "The Elms", Marlcombe Road'))
    path.write_bytes(path.read_bytes()[: path.read_bytes().index(b"Elms")])
    report = await bring_in(path=path, skip_rejected=True)
    assert [found.reason for found in report.rejected] == [Reason.FILE_NOT_CSV]
    assert (await counts(database))["child"] == 0


async def test_two_imports_at_once_do_not_mix(database: Database, bring_in: Import) -> None:
    async with database.transaction() as connection:
        await connection.fetchval("SELECT pg_advisory_xact_lock($1)", importer.ONE_IMPORT_AT_A_TIME)
        with pytest.raises(Conflict):
            await bring_in(child(1))
    assert (await bring_in(child(1))).added == 1


@pytest.mark.rule("REG-1", "ENQ-3")
async def test_who_stands_beside_whom_in_the_file_is_not_to_be_seen_in_any_table(
    database: Database, bring_in: Import
) -> None:
    await bring_in(*(child(number, household_id="H1") for number in range(1, 10)))
    async with database.connection() as connection:
        tables = {table: await connection.fetch(f"SELECT * FROM {table}") for table in ("child", *loading.PARTS)}
        loaded = await connection.fetchval("SELECT child_ids FROM access_entry WHERE kind = 'register.loaded'")
    assert len(tables["child"]) == 9
    for table, rows in tables.items():
        ids = [row["id"] for row in rows]
        assert ids == sorted(ids), f"{table}: random ones"
    assert loaded == sorted(loaded)


@pytest.mark.rule("ENQ-3")
async def test_a_dump_of_the_database_shows_nothing_personal(
    database: Database, bring_in: Import, tmp_path: Path
) -> None:
    rows = list(
        synthesise(
            7, on_plan=20, open_cases=20, closed_cases=20, staff=["kw-1", "kw-2"], managers=["tm-1"], today=TODAY
        )
    )
    path = tmp_path / "synthetic.csv"
    assert write_csv(path, rows) == 60
    report = await bring_in(path=path)
    assert (report.added, report.rejected, report.loaded) == (60, [], True)
    dump = await asyncio.to_thread(dump_of, database.engine.url.render_as_string(hide_password=False))
    # The days of cases and plans stand in the clear, and one may be the birthday of somebody else.
    without_days = "\n".join(text for table, text in dump.items() if table not in ("child_case", "plan"))
    everything = "\n".join(dump.values())
    for row in rows:
        for column in ("family_name", "address", "postcode", "nhs_number", "record_id", "date_of_birth"):
            shown = without_days if column == "date_of_birth" else everything
            for text in (row[column], row[column].encode().hex()):
                assert len(text) < 4 or text not in shown, column


def dump_of(url: str) -> dict[str, str]:
    """Every row of every table, as text, by table."""

    async def run() -> dict[str, str]:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            rows = {table: await connection.fetch(f"SELECT t::text FROM {table} t") for (table,) in tables}
            return {table: "\n".join(text for (text,) in found) for table, found in rows.items()}
        finally:
            await connection.close()

    return asyncio.run(run())
