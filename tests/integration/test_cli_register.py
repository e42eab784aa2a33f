"""`enrol`, `import` and `synthesise` from the command line: what is said, and what the exit code is."""

import asyncio
import csv
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from registry_api.cli import main
from registry_api.kernel.crypto import LocalKeys
from registry_api.kernel.db import Database
from registry_api.register.csv_format import COLUMNS

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str


Cli = Callable[..., Done]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database_url: str, tmp_path: Path) -> Cli:
    """Runs a command over an empty database, as the operator would."""
    monkeypatch.setenv("REGISTRY_DATABASE_URL", database_url)
    monkeypatch.setenv("REGISTRY_STATE_DIR", str(tmp_path / "state"))

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["registry-api", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        code = left.value.code or 0
        assert isinstance(code, int)
        return Done(code, captured.out, captured.err)

    return run


@pytest.fixture
def enrolment(tmp_path: Path) -> Path:
    """The example of the documentation."""
    (example, *_) = re.findall(r"```json\n(.*?)```", (ROOT / "docs/enrolment.md").read_text(), re.DOTALL)
    file = tmp_path / "enrolment.json"
    file.write_text(example)
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
BAD = GOOD | {"record_id": "C-2", "date_of_birth": "6 May", "key_worker": "kw-99", "family_name": "Testfamily-Oak"}


def test_a_file_is_loaded_and_the_same_again_changes_nothing(
    cli: Cli, enrolment: Path, database_url: str, tmp_path: Path
) -> None:
    assert cli("enrol", enrolment) == Done(0, "", "Enrolled: 2 organisations.\n")
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


def test_who_is_enrolled_already_is_not_enrolled_again_and_nothing_else_of_the_file_is(
    cli: Cli, enrolment: Path
) -> None:
    cli("enrol", enrolment)
    done = cli("enrol", enrolment)
    assert done.code == 1
    assert done.err.startswith("Nothing was enrolled: ")


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
    assert "names somebody who is not in the file" in cli("enrol", enrolment).err
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
