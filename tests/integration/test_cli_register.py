"""`enrol`, `import` and `synthesise` from the command line: what is said, and what the exit code is."""

import asyncio
import csv
import json
import re
from pathlib import Path

import pytest
from commands import Cli, Done
from deployment import examples

from registry_api.kernel.crypto import LocalKeys
from registry_api.kernel.db import Database
from registry_api.register.csv_format import COLUMNS


@pytest.fixture
def enrolment(tmp_path: Path) -> Path:
    """The examples of the documentation, the authority and the police, as one document."""
    authority, police = examples()
    both = [*json.loads(authority)["organisations"], *json.loads(police)["organisations"]]
    file = tmp_path / "enrolment.json"
    file.write_text(json.dumps({"organisations": both}))
    return file


def children(url: str) -> int:
    async def count() -> int:
        database = Database(url, pool_size=1)
        async with database.connection() as connection:
            found = await connection.fetchval("SELECT count(*) FROM child")
        await database.close()
        return int(found)

    return asyncio.run(count())


def write(file: Path, *rows: dict[str, str]) -> Path:
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return file


GOOD = {
    "record_id": "C-1",
    "given_names": "Quillon",
    "family_name": "Testfamily-Ash",
    "date_of_birth": "2018-05-06",
    "case_opened": "2024-01-10",
    "key_worker": "kw-1",
}
ENROLLED = "Done: 2 organisations added, 2 agreements added, 7 professionals added, 1 absence added, 1 client added.\n"
BAD = GOOD | {"record_id": "C-2", "date_of_birth": "6 May", "key_worker": "kw-99", "family_name": "Testfamily-Oak"}


def test_a_file_is_loaded_and_the_same_again_changes_nothing(
    cli: Cli, enrolment: Path, database_url: str, tmp_path: Path
) -> None:
    assert cli("enrol", enrolment) == Done(0, "", ENROLLED)
    file = write(tmp_path / "register.csv", GOOD)
    assert cli("import", file) == Done(0, "", "Loaded: 1 new, 0 changed, 0 as before.\n")
    assert cli("import", file) == Done(0, "", "Loaded: 0 new, 0 changed, 1 as before.\n")
    assert children(database_url) == 1


def test_a_machine_with_other_keys_or_none_fills_and_serves_nothing(
    cli: Cli, enrolment: Path, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("enrol", enrolment)
    file = write(tmp_path / "register.csv", GOOD)
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setenv("REGISTRY_STATE_DIR", str(elsewhere))
    monkeypatch.setenv("REGISTRY_PORT", "0")
    commands = (("enrol", enrolment), ("import", file), ("serve",))
    for command in commands:
        done = cli(*command)
        assert done.code == 1
        assert "cannot be read" in done.err
        assert not (elsewhere / "keys.json").exists()
    LocalKeys.load_or_create(elsewhere / "keys.json")
    for command in commands:
        done = cli(*command)
        assert done.code == 1
        assert "filled under other keys" in done.err
    assert children(database_url) == 0


@pytest.mark.rule("REG-1")
def test_rejected_rows_keep_everything_out_and_are_listed_by_line_and_column(
    cli: Cli, enrolment: Path, database_url: str, tmp_path: Path
) -> None:
    cli("enrol", enrolment)
    file = write(tmp_path / "register.csv", GOOD, BAD)
    done = cli("import", file)
    assert done.code == 1
    assert children(database_url) == 0
    assert re.search(r"3\s+C-2\s+date_of_birth\s+is not a date", done.out)
    assert re.search(r"3\s+C-2\s+key_worker\s+is nobody in the directory", done.out)
    assert "6 May" not in done.out + done.err
    assert "Testfamily" not in done.out + done.err
    assert "Nothing was loaded" in done.err

    skipped = cli("import", file, "--skip-rejected")
    assert skipped.code == 1
    assert "Loaded: 1 new" in skipped.err
    assert children(database_url) == 1


def test_a_dry_run_says_what_would_be_and_writes_nothing(
    cli: Cli, enrolment: Path, database_url: str, tmp_path: Path
) -> None:
    cli("enrol", enrolment)
    done = cli("import", write(tmp_path / "register.csv", GOOD), "--dry-run")
    assert done.code == 0
    assert done.err == "Nothing was written, as asked. It would be: 1 new, 0 changed, 0 as before.\n"
    assert children(database_url) == 0


def test_a_mistake_in_an_enrolment_is_named_by_its_place(cli: Cli, enrolment: Path) -> None:
    document = json.loads(enrolment.read_text())
    document["organisations"][1]["professionals"][0]["role"] = "astrologer"
    enrolment.write_text(json.dumps(document))
    done = cli("enrol", enrolment)
    assert done.code == 1
    assert "organisations.1.professionals.0.role" in done.err
    assert "astrologer" not in done.err


def test_an_absence_of_nobody_enrols_nothing(cli: Cli, enrolment: Path) -> None:
    document = json.loads(enrolment.read_text())
    document["organisations"][0]["absences"][0]["away"] = "kw-7"
    enrolment.write_text(json.dumps(document))
    assert "names somebody who is not enrolled" in cli("enrol", enrolment).err
    document["organisations"][0]["absences"] = []
    enrolment.write_text(json.dumps(document))
    assert cli("enrol", enrolment).code == 0


def test_a_synthetic_register_is_repeatable_and_can_be_imported(
    cli: Cli, enrolment: Path, database_url: str, tmp_path: Path
) -> None:
    cli("enrol", enrolment)
    figures = ("--seed", 7, "--on-plan", 3, "--open", 5, "--closed", 8, "--staff-file", enrolment)
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    assert cli("synthesise", "--out", first, *figures).err.startswith("16 synthetic children in ")
    assert cli("synthesise", "--out", second, *figures).code == 0
    assert first.read_bytes() == second.read_bytes()
    assert cli("import", first).code == 0
    assert children(database_url) == 16


def test_a_file_that_cannot_be_written_is_one_sentence(cli: Cli, tmp_path: Path) -> None:
    done = cli("synthesise", "--out", tmp_path / "nowhere" / "register.csv", "--on-plan", 1, "--open", 0, "--closed", 0)
    assert done.code == 1
    assert "cannot be written" in done.err


def test_enrolling_the_same_again_changes_nothing_and_says_so(cli: Cli, enrolment: Path) -> None:
    assert cli("enrol", enrolment).err == ENROLLED
    assert cli("enrol", enrolment) == Done(0, "", "Nothing had to be changed.\n")
    document = json.loads(enrolment.read_text())
    document["organisations"][0]["professionals"][0]["phone"] = "01632 960299"
    enrolment.write_text(json.dumps(document))
    assert cli("enrol", enrolment).err == "Done: 1 professional changed.\n"


@pytest.mark.rule("ENQ-3")
def test_somebody_is_suspended_and_readmitted(cli: Cli, enrolment: Path) -> None:
    cli("enrol", enrolment)
    assert cli("suspend", "professional", "police/officer-1").err == "Done: 1 professional suspended.\n"
    assert cli("suspend", "professional", "police/officer-1").err == "Nothing had to be changed.\n"
    assert cli("suspend", "professional", "police/officer-1", "--lift").err == "Done: 1 professional restored.\n"
    missing = cli("suspend", "client", "police-system", "nobody")
    assert (missing.code, missing.err) == (1, "Nothing was changed: there is no client nobody.\n")


@pytest.mark.rule("ENQ-11")
def test_an_absence_is_recorded_in_the_authoritys_own_time(cli: Cli, enrolment: Path, database_url: str) -> None:
    cli("enrol", enrolment)
    dates = ("--from", "2026-08-03", "--to", "2026-08-10T09:30")
    assert cli("absence", "kw-2", *dates, "--cover", "kw-1").err == "Done: 1 absence added.\n"
    assert cli("absence", "kw-2", *dates).err == "Done: 1 absence changed.\n"
    assert "not enrolled" in cli("absence", "kw-9", *dates).err

    async def kept() -> list[tuple[str, str]]:
        database = Database(database_url, pool_size=1)
        async with database.connection() as connection:
            rows = await connection.fetch("SELECT starts_at, ends_at FROM cover ORDER BY starts_at")
        await database.close()
        return [(row["starts_at"].isoformat(), row["ends_at"].isoformat()) for row in rows]

    assert asyncio.run(kept())[-1] == ("2026-08-02T23:00:00+00:00", "2026-08-10T08:30:00+00:00")
