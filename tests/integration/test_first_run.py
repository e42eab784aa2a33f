"""`set-up`: a fresh database becomes the register of an authority that can answer, or nothing of it is there."""

import asyncio
import io
import json
import stat
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from commands import Cli
from deployment import examples

from auth.client import generate_client_key
from registry_api.cli.first_run import NEEDED
from registry_api.cli.remote import ClientFile
from registry_api.kernel.db import Database
from registry_api.kernel.errors import StoreUnavailable

AUTHORITY = json.loads(examples()[0])["organisations"][0]


@pytest.fixture(autouse=True)
def profile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say by whose procedures."""
    monkeypatch.setenv("REGISTRY_PROFILE", "jersey")


class Place:
    """Where the files of a set-up are, and what is in the database."""

    def __init__(self, folder: Path, url: str) -> None:
        self.file, self.client_file = folder / "authority.json", folder / "authority-client.json"
        self.keys, self._url = folder / "state/keys.json", url

    def write(self, **changes: Any) -> Path:
        self.file.write_text(json.dumps({"organisations": [AUTHORITY | changes]}))
        return self.file

    def rows(self, table: str) -> int:
        async def count() -> int:
            database = Database(self._url, pool_size=1)
            async with database.connection() as connection:
                found = await connection.fetchval(f"SELECT count(*) FROM {table}")
            await database.close()
            return int(found)

        return asyncio.run(count())


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Place:
    return Place(tmp_path, database_url)


def test_the_authority_is_set_up_once(cli: Cli, place: Place) -> None:
    done = cli("set-up", place.write(), "--client-file", place.client_file)
    assert (done.code, done.out) == (0, ""), done.err
    said, heading, *steps = done.err.splitlines()
    assert (
        said == "Done: 1 organisation added, 1 agreement added, 1 client added, 6 professionals added, 1 absence added."
    )
    assert "What comes next" in heading
    assert "procedures of" in steps[0]
    for private in (place.keys, place.client_file):
        assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert ClientFile.read(place.client_file).client_id == "authority-command-line"
    history = cli("directory", "history", "--limit", 200).out
    assert history.count("The first run of this register.") == 10

    other = place.client_file.with_name("other.json")
    again = cli("set-up", place.write(name="Renamed"), "--client-file", other)
    assert again.code == 1
    assert "holds an authority already; nothing was set up" in again.err
    assert not other.exists()
    assert "Renamed" not in cli("directory", "show").out
    assert place.rows("client") == 1


def test_without_a_client_file_there_is_no_client(cli: Cli, place: Place) -> None:
    assert cli("set-up", place.write()).code == 0
    assert place.rows("client") == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        *(
            ({"professionals": [one for one in AUTHORITY["professionals"] if one["role"] != role]}, role.split("_")[0])
            for role in NEEDED
        ),
        ({"professionals": []}, "at least one directory administrator"),
        ({"office_phone": ""}, "office_phone"),
        ({"out_of_hours_phone": ""}, "out_of_hours_phone"),
        ({"agreements": []}, "an agreement for casework"),
        (
            {"agreements": [AUTHORITY["agreements"][0] | {"purposes": ["child_protection"]}]},
            "an agreement for casework",
        ),
        ({"agreements": [AUTHORITY["agreements"][0] | {"valid_to": "2026-01-02"}]}, "an agreement for casework"),
        ({"own_authority": False}, "the authority itself"),
        ({"code": "a b"}, "organisations.0.code"),
    ],
)
def test_what_is_lacking_is_said_before_anything_is_made(
    cli: Cli, place: Place, changes: dict[str, Any], said: str
) -> None:
    done = cli("set-up", place.write(**changes), "--client-file", place.client_file)
    assert done.code == 1
    assert said in done.err
    assert not place.keys.exists()
    assert not place.client_file.exists()
    assert place.rows("organisation") == 0


def test_partners_are_not_set_up_but_enrolled_afterwards(cli: Cli, place: Place) -> None:
    both = [AUTHORITY, *json.loads(examples()[1])["organisations"]]
    place.file.write_text(json.dumps({"organisations": both}))
    done = cli("set-up", place.file)
    assert (done.code, "one organisation, the authority itself" in done.err) == (1, True)
    assert place.rows("organisation") == 0


@pytest.mark.parametrize("value", [None, "atlantis"])
def test_by_whose_procedures_is_not_left_to_a_default(
    cli: Cli, place: Place, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("REGISTRY_PROFILE")
    if value:
        monkeypatch.setenv("REGISTRY_PROFILE", value)
    done = cli("set-up", place.write())
    assert done.code == 1
    assert "hertfordshire, jersey, north_yorkshire" in done.err
    assert not place.keys.exists()


def test_a_file_that_is_there_is_not_written_over(cli: Cli, place: Place) -> None:
    place.client_file.write_text("a key of somebody's")
    done = cli("set-up", place.write(), "--client-file", place.client_file)
    assert (done.code, "is there already" in done.err) == (1, True)
    assert place.client_file.read_text() == "a key of somebody's"
    assert place.rows("organisation") == 0


def test_what_cannot_be_enrolled_leaves_nothing_and_the_next_run_goes_on(cli: Cli, place: Place) -> None:
    private, _ = generate_client_key()
    client = {"client_id": "own-system", "scopes": ["casework"], "public_keys": [private]}
    done = cli("set-up", place.write(clients=[client]), "--client-file", place.client_file)
    assert (done.code, "a private key was given" in done.err) == (1, True)
    assert private["d"] not in done.err
    assert not place.client_file.exists()
    assert place.rows("organisation") == place.rows("directory_change") == 0
    assert cli("set-up", place.write(), "--client-file", place.client_file).code == 0


@pytest.mark.parametrize("saved", [False, True], ids=["failed, not saved", "failed, yet saved"])
def test_credentials_are_there_if_and_only_if_the_authority_is(
    cli: Cli, place: Place, monkeypatch: pytest.MonkeyPatch, saved: bool
) -> None:
    session = Database.session

    @asynccontextmanager
    async def broken(database: Database) -> Any:
        async with session(database) as lent:
            yield lent
            if not saved:
                raise StoreUnavailable
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(Database, "session", broken)
        done = cli("set-up", place.write(), "--client-file", place.client_file)
    assert done.code == 1
    assert "cannot be reached, or was lost" in done.err
    assert (place.client_file.exists(), place.rows("client")) == (saved, int(saved))
    again = cli("set-up", place.write(), "--client-file", place.client_file.with_name("second.json"))
    assert again.code == int(saved)


ANSWERS = {
    "asked": ["authority", "Test Authority", "01632 960100", "01632 960101", ""],
    "of each": [
        "sm-1",
        "Testperson Manager",
        "01632 960200",
        "duty-1",
        "Testperson Duty",
        "",
        "da-1",
        "Testperson",
        "",
    ],
}


class Terminal(io.StringIO):
    """Somebody at a terminal who answers what is asked."""

    def isatty(self) -> bool:
        return True


def test_without_a_file_it_asks(cli: Cli, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("\n".join([*ANSWERS["asked"], *ANSWERS["of each"]]) + "\n"))
    done = cli("set-up", "--client-file", place.client_file)
    assert done.code == 0, done.err
    assert "1 organisation added, 1 agreement added, 1 client added, 3 professionals added" in done.err
    shown = cli("directory", "show", "authority").out
    for said in ("Test Authority", "01632 960101", "safeguarding manager", "duty-1", "directory administrator"):
        assert said in shown


def test_where_there_is_nobody_to_ask_it_says_so(cli: Cli, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    done = cli("set-up")
    assert (done.code, "nobody to ask" in done.err) == (1, True)
    assert not place.keys.exists()


def test_the_file_comes_by_standard_input_too(cli: Cli, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(place.write().read_bytes())))
    assert cli("set-up", "-").code == 0
    assert place.rows("organisation") == 1


def test_a_file_that_is_not_there_is_said(cli: Cli, place: Place) -> None:
    done = cli("set-up", place.file)
    assert (done.code, "cannot be read" in done.err) == (1, True)
    assert not place.keys.exists()
