"""The access log from the command line: signed by a process of its own, exported, opened, begun anew."""

import hashlib
import json
import re
import signal
from pathlib import Path
from uuid import UUID

import pytest
from integration.log_scenes import AS_MANAGER, WHY, LogCli, add, entries_of, signing, until_signed

from registry_api.access_log import acting, verify
from registry_api.access_log.log_keys import LogKeys
from registry_api.access_log.sequencer import Sequencer
from registry_api.kernel.crypto import LocalKeys, Vault
from registry_api.kernel.errors import StoreUnavailable


def test_a_sequencer_that_is_killed_and_started_again_goes_on(
    log_cli: LogCli,
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
    code, checkpoint, _ = log_cli("log", "checkpoint")
    assert code == 0
    kept.write_text(checkpoint)
    code, _, said = log_cli("log", "export", folder, *AS_MANAGER)
    assert (code, "12 entries of register.test/log" in said) == (0, True), "with that of the export itself"
    _, keys, _ = log_cli("log", "keys")
    arguments = [argument for key in keys.split() for argument in ("--log-key", key)]
    assert len(arguments) == 4
    assert verify.main(["fsck", str(folder), *arguments, "--checkpoint", str(kept), "--deep"]) == 0


def test_entries_are_opened_and_receipts_written(
    log_cli: LogCli,
    environment: dict[str, str],
    database_url: str,
    tmp_path: Path,
    staff: dict[str, UUID],
) -> None:
    with signing(environment):
        until_signed(database_url, add(database_url, 2))
    code, out, said = log_cli("log", "open", "E-12345-67890", "--field", "reason", *AS_MANAGER)
    assert code == 0, said
    opened = [json.loads(line) for line in out.splitlines()]
    assert [list(one["fields"]) for one in opened] == [["reason"], ["reason"], []], "and the entry of the opening"
    assert log_cli("log", "receipts", "E-12345-67890", tmp_path / "receipts")[0] == 0
    keys = [argument for key in log_cli("log", "keys")[1].split() for argument in ("--log-key", key)]
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


def test_a_log_that_was_put_back_is_refused_until_it_is_begun_anew(
    log_cli: LogCli, environment: dict[str, str], database_url: str, tmp_path: Path
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
    code, _, said = log_cli("log", "begin-anew", "register.test/log")
    assert (code, "another" in said) == (1, True)
    code, _, said = log_cli("log", "begin-anew", "register.test/log/2")
    assert (code, re.search(r"register\.test/log:100:[0-9a-f]{64}", said) is not None) == (0, True), said
    with signing(environment):
        until_signed(database_url, waiting)
    assert log_cli("log", "checkpoint")[1].startswith("register.test/log/2\n2\n")
    code, _, said = log_cli("log", "begin-anew", "register.test/log")
    assert (code, "another" in said) == (1, True), "nor the name of an earlier one"


@pytest.mark.parametrize("breaks", ["before the tree", "before the old keys", "before the new keys"])
def test_a_log_whose_new_beginning_broke_off_is_begun_by_the_same_command(
    log_cli: LogCli, environment: dict[str, str], database_url: str, monkeypatch: pytest.MonkeyPatch, breaks: str
) -> None:
    with signing(environment):
        until_signed(database_url, add(database_url, 2))
    waiting = add(database_url, 1)

    def broken(*_: object) -> None:
        raise StoreUnavailable

    set_aside = LogKeys.set_aside

    def old_alone(keys: LogKeys, path: Path) -> None:
        if keys.origin != "register.test/log":
            raise StoreUnavailable
        set_aside(keys, path)

    with monkeypatch.context() as broke:
        if breaks == "before the tree":
            broke.setattr(Sequencer, "begin_anew", broken)
        else:
            broke.setattr(LogKeys, "set_aside", broken if breaks == "before the old keys" else old_alone)
        assert log_cli("log", "begin-anew", "register.test/log/2")[0] != 0
    code, _, said = log_cli("log", "begin-anew", "register.test/log/2")
    assert code == 0, said
    with signing(environment):
        until_signed(database_url, waiting)
    assert log_cli("log", "checkpoint")[1].startswith("register.test/log/2\n2\n")


def test_what_is_not_there_is_said_in_a_sentence(log_cli: LogCli, environment: dict[str, str]) -> None:
    for arguments in (("log", "keys"), ("log", "checkpoint"), ("log", "anchors")):
        code, out, said = log_cli(*arguments)
        assert (code, out, said.count("\n")) == (1, "", 1)
