"""Who opens or keeps the log at the command line: named, allowed, with a reason, and under a signed head first."""

import json
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from integration.log_scenes import AS_MANAGER, WHY, LogCli, add, asked, entries_of, signing, until_signed
from logins import url_as

from policies.retention import Retention
from registry_api.access_log.erasure import Erased
from registry_api.enquiries.erasing import erasure_of
from registry_api.kernel.clock import utc_now
from registry_api.kernel.crypto import LocalKeys
from registry_api.kernel.db import Database
from registry_api.kernel.roles import Role

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
    log_cli: LogCli,
    database_url: str,
    staff: dict[str, UUID],
    tmp_path: Path,
    what: str,
) -> None:
    kind, arguments = WHAT[what]
    given = [str(tmp_path / "log") if argument == "FOLDER" else argument for argument in arguments]
    add(database_url, 1)
    assert log_cli(*given)[0] == 2, "unnamed, nobody"
    for by in ("kw-1", "da-1"):  # one of the staff who may not
        code, out, said = log_cli(*given, "--by", by, "--why", WHY)
        assert (code, out, "role_not_permitted" in said) == (1, "", True), said
    for by, why in (("officer-1", WHY), ("nobody", WHY), ("sm-1", " ")):
        code, out, _ = log_cli(*given, "--by", by, "--why", why)
        assert (code, out) == (1, "")
    assert not (tmp_path / "log").exists()
    assert entries_of(database_url, kind) == []
    refused = entries_of(database_url, "request.refused")
    assert [(one["professional_id"], one["reason"]) for one in refused] == [
        (staff["kw-1"], "role_not_permitted"),
        (staff["da-1"], "role_not_permitted"),
    ]
    code, _, said = log_cli(*given, "--by", "igo-1", "--why", WHY)
    assert code == 0, said
    (noted,) = entries_of(database_url, kind)
    assert noted["professional_id"] == staff["igo-1"]
    until_signed(database_url, [noted["id"]], seconds=0.01)


def test_nothing_is_shown_that_is_not_under_a_signed_head(
    log_cli: LogCli,
    environment: dict[str, str],
    staff: dict[str, UUID],
    database_url: str,
    tmp_path: Path,
) -> None:
    fence = Path(environment["REGISTRY_STATE_DIR"]) / "log-keys.fence.json"
    assert log_cli("log", "subject-key", CHILD, *AS_MANAGER)[0] == 0
    fence.write_text(json.dumps({**json.loads(fence.read_text()), "size": 100}))
    for arguments in (("open", "E-12345-67890"), ("export", tmp_path / "log"), ("subject-key", CHILD)):
        code, out, said = log_cli("log", *arguments, *AS_MANAGER)
        assert (code, out, "Nothing is shown" in said) == (1, "", True), said
    assert not (tmp_path / "log").exists()
    assert len(entries_of(database_url, "log.opened", "log.exported")) == 2, "though it is recorded"


def test_nobody_opens_their_own(log_cli: LogCli, staff: dict[str, UUID], database_url: str) -> None:
    async def asked_by_themselves(database: Database) -> None:
        async with database.connection() as connection:
            await connection.execute(
                "INSERT INTO access_entry (at, kind, reference, professional_id) "
                "VALUES (now(), 'enquiry.received', 'E-00000-00001', $1)",
                staff["sm-1"],
            )

    asked(database_url, asked_by_themselves)
    code, out, said = log_cli("log", "open", "E-00000-00001", *AS_MANAGER)
    assert (code, out, "ones_own" in said) == (1, "", True)
    assert log_cli("log", "open", "E-00000-00001", "--by", "sm-2", "--why", WHY)[0] == 0


def test_nobody_opens_what_they_took_down_for_a_caller(
    log_cli: LogCli, staff: dict[str, UUID], database_url: str
) -> None:
    async def taken_down(database: Database) -> None:
        async with database.connection() as connection:
            await connection.execute(
                "INSERT INTO access_entry (at, kind, reference, professional_id, particulars) "
                "VALUES (now(), 'enquiry.received', 'E-00000-00001', $1, $2)",
                staff["officer-1"],
                json.dumps({"taken_by": str(staff["sm-1"])}),
            )

    asked(database_url, taken_down)
    code, out, said = log_cli("log", "open", "E-00000-00001", *AS_MANAGER)
    assert (code, out, "ones_own" in said) == (1, "", True)
    assert log_cli("log", "open", "E-00000-00001", "--by", "sm-2", "--why", WHY)[0] == 0


def test_what_was_erased_is_said_to_be(
    log_cli: LogCli,
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
        return await erasure_of(keys, Retention(), lambda: later, signed).run(database)

    asked(database_url, answered)
    code, out, _ = log_cli("log", "open", "E-00000-00002", *AS_MANAGER)
    assert (code, len(out.splitlines())) == (0, 2)
    assert asked(database_url, erase).entries == 2
    code, out, said = log_cli("log", "open", "E-00000-00002", *AS_MANAGER)
    assert (code, len(out.splitlines())) == (0, 1), "of the opening itself"
    assert said.count("was erased on") == 2
    assert log_cli("log", "check")[0] == 0


def test_a_hold_is_placed_shown_and_lifted(log_cli: LogCli, staff: dict[str, UUID], database_url: str) -> None:
    assert log_cli("log", "hold", *AS_MANAGER)[0] == 1, "on what?"
    assert log_cli("log", "hold", "--child", CHILD, "--reference", "E-12345-67890", *AS_MANAGER)[0] == 1
    code, _, said = log_cli("log", "hold", "--professional", staff["sm-1"], *AS_MANAGER)
    assert (code, "ones_own" in said) == (1, True)
    code, hold, _ = log_cli("log", "hold", "--child", CHILD, *AS_MANAGER)
    assert code == 0
    code, shown, _ = log_cli("log", "holds", *AS_MANAGER)
    assert (code, CHILD in shown, hold.strip() in shown, "Demo-Larch" in shown) == (0, True, True, True), shown
    assert log_cli("log", "lift", CHILD, *AS_MANAGER)[0] == 1
    assert log_cli("log", "lift", hold.strip(), *AS_MANAGER)[0] == 0
    assert log_cli("log", "lift", hold.strip(), *AS_MANAGER)[0] == 1, "once"
    assert "Demo-Larch" not in log_cli("log", "holds", *AS_MANAGER)[1]
    assert [one["kind"] for one in entries_of(database_url, "hold.placed", "hold.lifted")] == [
        "hold.placed",
        "hold.lifted",
    ]


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("sequencer", ["inside", "separate"])
def test_an_auditors_login_of_the_database_is_enough_for_all_of_it(
    log_cli: LogCli,
    environment: dict[str, str],
    staff: dict[str, UUID],
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sequencer: str,
) -> None:
    """It adds nothing to the tree, so whoever signs the log for the service signs for it as well."""
    with signing(environment):
        until_signed(database_url, add(database_url, 3))
        monkeypatch.setenv("REGISTRY_DATABASE_URL", url_as(Role.AUDITOR, database_url))
        monkeypatch.setenv("REGISTRY_LOG_SEQUENCER", sequencer)
        code, hold, said = log_cli("log", "hold", "--reference", "E-12345-67890", *AS_MANAGER)
        assert code == 0, said
        for arguments in (
            ("holds",),
            ("lift", hold.strip()),
            ("export", tmp_path / "log"),
            ("subject-key", CHILD),
            ("open", "E-12345-67890"),
        ):
            code, _, said = log_cli("log", *arguments, *AS_MANAGER)
            assert (code == 0) == (arguments[0] != "open"), said  # which they placed themselves
        assert "ones_own" in said
        assert log_cli("log", "open", "E-12345-67890", "--by", "igo-1", "--why", WHY)[0] == 0
        assert log_cli("log", "receipts", "E-12345-67890", tmp_path / "receipts")[0] == 0
        assert log_cli("log", "check")[0] == 0
    kinds = ("hold.placed", "holds.read", "hold.lifted", "log.exported", "log.subject_key_given", "log.opened")
    assert {one["kind"] for one in entries_of(database_url, *kinds)} == {*kinds}
    assert len(entries_of(database_url, "request.refused")) == 1
