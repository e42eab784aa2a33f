"""The access log from the command line: signed by a process of its own, exported, opened, begun anew."""

import asyncio
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pytest
from builders import MovableClock, World
from integration.log_writers import log

from policies.retention import Retention
from registry_api.access_log import acting, tree_store, verify
from registry_api.access_log.erasure import Erased
from registry_api.cli import main
from registry_api.enquiries.erasing import EnquiryContent, erasure_of
from registry_api.kernel.clock import utc_now
from registry_api.kernel.crypto import LocalKeys, Vault
from registry_api.kernel.db import Database
from registry_api.kernel.settings import Settings

WHY = "Asked for by the guardian of Demo-Larch."
AS_MANAGER = ("--by", "sm-1", "--why", WHY)

Result = TypeVar("Result")


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "REGISTRY_DATABASE_URL": database_url,
        "REGISTRY_STATE_DIR": str(tmp_path / "state"),
        "REGISTRY_LOG_ORIGIN": "register.test/log",
    }


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], environment: dict[str, str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs a command and returns its exit code and what it wrote."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["registry-api", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        code = left.value.code or 0
        assert isinstance(code, int)
        return code, *capsys.readouterr()

    return run


def asked(url: str, use: Callable[[Database], Awaitable[Result]]) -> Result:
    """Return what ``use`` makes of the database, in an event loop of its own."""

    async def run() -> Result:
        database = Database(url, pool_size=1)
        try:
            return await use(database)
        finally:
            await database.close()

    return asyncio.run(run())


@pytest.fixture
def staff(cli: Callable[..., tuple[int, str, str]], database_url: str, tmp_path: Path) -> dict[str, UUID]:
    """The authority's own staff and those of others, enrolled; their ids."""

    async def populate(database: Database) -> dict[str, UUID]:
        world = World(database, database_url, Settings(base_url="https://register.test"), MovableClock(utc_now()))
        await world.populate()
        return {subject: member.id for subject, member in world.members.items()}

    return asked(database_url, populate)


def entries_of(url: str, *kinds: str) -> list[Any]:
    """Return the entries of these kinds, each with why it was done, sealed."""

    async def read(database: Database) -> list[Any]:
        async with database.connection() as connection:
            return await connection.fetch(
                "SELECT a.*, t.id AS act, t.operator, t.data_key, t.sealed_why FROM access_entry a "
                "LEFT JOIN log_act t ON t.access_entry_id = a.id WHERE a.kind = ANY($1) ORDER BY a.id",
                list(kinds),
            )

    return asked(url, read)


@contextmanager
def signing(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Lend a running sequencer; it is killed at the end unless it ended before."""
    command = [sys.executable, "-c", "from registry_api.cli import main; main()", "sequencer"]
    process = subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until_signed(url: str, entries: list[int], seconds: float = 60) -> None:
    """Wait until all of these lie under a signed head."""

    async def covered(database: Database) -> list[int]:
        async with database.connection() as connection:
            return await tree_store.covered(connection, entries)

    end = time.monotonic() + seconds
    while asked(url, covered) != entries:
        assert time.monotonic() < end, "not signed in time"
        time.sleep(0.05)


def add(url: str, number: int) -> list[int]:
    return asked(url, lambda database: log(database, number))


def test_a_sequencer_that_is_killed_and_started_again_goes_on(
    cli: Callable[..., tuple[int, str, str]],
    environment: dict[str, str],
    database_url: str,
    tmp_path: Path,
    staff: dict[str, UUID],
) -> None:
    for _ in range(2):
        with signing(environment) as process:
            until_signed(database_url, add(database_url, 3))
            process.send_signal(signal.SIGKILL)
            process.wait()
        add(database_url, 2)  # while nobody signs
    with signing(environment) as process:
        until_signed(database_url, add(database_url, 1))
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
    folder, kept = tmp_path / "log", tmp_path / "kept"
    code, checkpoint, _ = cli("log", "checkpoint")
    assert code == 0
    kept.write_text(checkpoint)
    code, _, said = cli("log", "export", folder, *AS_MANAGER)
    assert (code, "12 entries of register.test/log" in said) == (0, True), "with that of the export itself"
    _, keys, _ = cli("log", "keys")
    arguments = [argument for key in keys.split() for argument in ("--log-key", key)]
    assert len(arguments) == 4
    assert verify.main(["fsck", str(folder), *arguments, "--checkpoint", str(kept), "--deep"]) == 0


def test_entries_are_opened_and_receipts_written(
    cli: Callable[..., tuple[int, str, str]],
    environment: dict[str, str],
    database_url: str,
    tmp_path: Path,
    staff: dict[str, UUID],
) -> None:
    with signing(environment):
        until_signed(database_url, add(database_url, 2))
    code, out, said = cli("log", "open", "E-12345-67890", "--field", "reason", *AS_MANAGER)
    assert code == 0, said
    opened = [json.loads(line) for line in out.splitlines()]
    assert [list(one["fields"]) for one in opened] == [["reason"], ["reason"], []], "and the entry of the opening"
    assert cli("log", "receipts", "E-12345-67890", tmp_path / "receipts")[0] == 0
    keys = [argument for key in cli("log", "keys")[1].split() for argument in ("--log-key", key)]
    (opening := tmp_path / "opening").write_text(json.dumps(opened[1]))
    for number, expected in ((1, 1), (2, 0)):
        given = tmp_path / "receipts" / f"E-12345-67890-{number}.tlog-proof"
        assert verify.main(["verify-inclusion", str(given), *keys]) == 0
        assert verify.main(["open-entry", str(opening), *keys, "--receipt", str(given)]) == expected

    (noted,) = entries_of(database_url, "log.opened")
    assert noted["professional_id"] == staff["sm-1"]
    assert noted["operator"]
    until_signed(database_url, [noted["id"]], seconds=0.01)
    vault = Vault(LocalKeys.load(Path(environment["REGISTRY_STATE_DIR"]) / "keys.json"))
    assert acting.why(vault, noted["act"], noted["data_key"], noted["sealed_why"]) == WHY
    assert noted["digest"] == hashlib.sha256(noted["sealed_why"]).digest(), "and the log answers for it"


CHILD = "00000000-0000-4000-8000-000000000001"
WHAT = {
    "open": ("log.opened", ("log", "open", "E-12345-67890")),
    "export": ("log.exported", ("log", "export", "FOLDER")),
    "subject-key": ("log.subject_key_given", ("log", "subject-key", CHILD)),
    "hold": ("hold.placed", ("log", "hold", "--child", CHILD)),
    "holds": ("holds.read", ("log", "holds")),
}


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("what", WHAT)
def test_who_reads_the_log_says_who_and_why_and_is_refused_where_they_may_not(
    cli: Callable[..., tuple[int, str, str]],
    database_url: str,
    staff: dict[str, UUID],
    tmp_path: Path,
    what: str,
) -> None:
    kind, arguments = WHAT[what]
    given = [str(tmp_path / "log") if argument == "FOLDER" else argument for argument in arguments]
    add(database_url, 1)
    assert cli(*given)[0] == 2, "unnamed, nobody"
    for by in ("kw-1", "da-1"):  # one of the staff who may not
        code, out, said = cli(*given, "--by", by, "--why", WHY)
        assert (code, out, "role_not_permitted" in said) == (1, "", True), said
    for by, why in (("officer-1", WHY), ("nobody", WHY), ("sm-1", " ")):
        code, out, _ = cli(*given, "--by", by, "--why", why)
        assert (code, out) == (1, "")
    assert not (tmp_path / "log").exists()
    assert entries_of(database_url, kind) == []
    refused = entries_of(database_url, "request.refused")
    assert [(one["professional_id"], one["reason"]) for one in refused] == [
        (staff["kw-1"], "role_not_permitted"),
        (staff["da-1"], "role_not_permitted"),
    ]
    code, _, said = cli(*given, "--by", "igo-1", "--why", WHY)
    assert code == 0, said
    (noted,) = entries_of(database_url, kind)
    assert noted["professional_id"] == staff["igo-1"]
    until_signed(database_url, [noted["id"]], seconds=0.01)


def test_nothing_is_shown_that_is_not_under_a_signed_head(
    cli: Callable[..., tuple[int, str, str]],
    environment: dict[str, str],
    staff: dict[str, UUID],
    database_url: str,
    tmp_path: Path,
) -> None:
    fence = Path(environment["REGISTRY_STATE_DIR"]) / "log-keys.fence.json"
    assert cli("log", "subject-key", CHILD, *AS_MANAGER)[0] == 0
    fence.write_text(json.dumps({**json.loads(fence.read_text()), "size": 100}))
    for arguments in (("open", "E-12345-67890"), ("export", tmp_path / "log"), ("subject-key", CHILD)):
        code, out, said = cli("log", *arguments, *AS_MANAGER)
        assert (code, out, "Nothing is shown" in said) == (1, "", True), said
    assert not (tmp_path / "log").exists()
    assert len(entries_of(database_url, "log.opened", "log.exported")) == 2, "though it is recorded"


def test_nobody_opens_their_own(
    cli: Callable[..., tuple[int, str, str]], staff: dict[str, UUID], database_url: str
) -> None:
    async def asked_by_themselves(database: Database) -> None:
        async with database.connection() as connection:
            await connection.execute(
                "INSERT INTO access_entry (at, kind, reference, professional_id) "
                "VALUES (now(), 'enquiry.received', 'E-00000-00001', $1)",
                staff["sm-1"],
            )

    asked(database_url, asked_by_themselves)
    code, out, said = cli("log", "open", "E-00000-00001", *AS_MANAGER)
    assert (code, out, "ones_own" in said) == (1, "", True)
    assert cli("log", "open", "E-00000-00001", "--by", "sm-2", "--why", WHY)[0] == 0


def test_what_was_erased_is_said_to_be(
    cli: Callable[..., tuple[int, str, str]],
    staff: dict[str, UUID],
    environment: dict[str, str],
    database_url: str,
    tmp_path: Path,
) -> None:
    async def answered(database: Database) -> None:
        async with database.connection() as connection:
            await connection.execute(
                "INSERT INTO access_entry (at, kind, reference) VALUES (now(), 'enquiry.answered', 'E-00000-00002')"
            )

    async def signed(_: int) -> None:
        """The keys are not destroyed in this test before the entry is signed."""

    async def erase(database: Database) -> Erased:
        keys = LocalKeys.load(Path(environment["REGISTRY_STATE_DIR"]) / "keys.json")
        later = utc_now() + timedelta(days=366 * 26)
        return await erasure_of(keys, Retention(), lambda: later, signed, EnquiryContent()).run(database)

    asked(database_url, answered)
    code, out, _ = cli("log", "open", "E-00000-00002", *AS_MANAGER)
    assert (code, len(out.splitlines())) == (0, 2)
    assert asked(database_url, erase).entries == 2
    code, out, said = cli("log", "open", "E-00000-00002", *AS_MANAGER)
    assert (code, len(out.splitlines())) == (0, 1), "of the opening itself"
    assert said.count("was erased on") == 2
    assert cli("log", "check")[0] == 0


def test_a_hold_is_placed_shown_and_lifted(
    cli: Callable[..., tuple[int, str, str]], staff: dict[str, UUID], database_url: str
) -> None:
    assert cli("log", "hold", *AS_MANAGER)[0] == 1, "on what?"
    assert cli("log", "hold", "--child", CHILD, "--reference", "E-12345-67890", *AS_MANAGER)[0] == 1
    code, _, said = cli("log", "hold", "--professional", staff["sm-1"], *AS_MANAGER)
    assert (code, "ones_own" in said) == (1, True)
    code, hold, _ = cli("log", "hold", "--child", CHILD, *AS_MANAGER)
    assert code == 0
    code, shown, _ = cli("log", "holds", *AS_MANAGER)
    assert (code, CHILD in shown, hold.strip() in shown, "Demo-Larch" in shown) == (0, True, True, True), shown
    assert cli("log", "lift", CHILD, *AS_MANAGER)[0] == 1
    assert cli("log", "lift", hold.strip(), *AS_MANAGER)[0] == 0
    assert cli("log", "lift", hold.strip(), *AS_MANAGER)[0] == 1, "once"
    assert "Demo-Larch" not in cli("log", "holds", *AS_MANAGER)[1]
    assert [one["kind"] for one in entries_of(database_url, "hold.placed", "hold.lifted")] == [
        "hold.placed",
        "hold.lifted",
    ]


def test_a_log_that_was_put_back_is_refused_until_it_is_begun_anew(
    cli: Callable[..., tuple[int, str, str]], environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    with signing(environment):
        until_signed(database_url, add(database_url, 2))
    fence = Path(environment["REGISTRY_STATE_DIR"]) / "log-keys.fence.json"
    ahead = json.loads(fence.read_text())
    fence.write_text(json.dumps({**ahead, "size": 100}))
    waiting = add(database_url, 1)
    with signing(environment) as process:
        assert process.stderr is not None
        while b"rolled_back" not in process.stderr.readline():
            pass
    code, _, said = cli("log", "begin-anew", "register.test/log")
    assert (code, "another" in said) == (1, True)
    code, _, said = cli("log", "begin-anew", "register.test/log/2")
    assert (code, re.search(r"register\.test/log:100:[0-9a-f]{64}", said) is not None) == (0, True), said
    with signing(environment):
        until_signed(database_url, waiting)
    assert cli("log", "checkpoint")[1].startswith("register.test/log/2\n2\n")


def test_what_is_not_there_is_said_in_a_sentence(
    cli: Callable[..., tuple[int, str, str]], environment: dict[str, str]
) -> None:
    for arguments in (("log", "keys"), ("log", "checkpoint"), ("log", "anchors")):
        code, out, said = cli(*arguments)
        assert (code, out, said.count("\n")) == (1, "", 1)
