"""The access log from the command line: signed by a process of its own, exported, opened, begun anew."""

import hashlib
import json
import re
import signal
from pathlib import Path
from uuid import UUID

import pytest
from integration.log_scenes import AS_MANAGER, WHY, LogCli, add, asked, entries_of, signing, until_signed
from integration.log_writers import sequenced

from registry_api.access_log import acting, verify
from registry_api.access_log.log_keys import LogKeys
from registry_api.access_log.sequencer import Sequencer
from registry_api.cli.standing import operator
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


@pytest.mark.rule("ENQ-3")
def test_a_log_that_was_put_back_is_refused_until_somebody_who_may_begins_it_anew(
    log_cli: LogCli, environment: dict[str, str], database_url: str, tmp_path: Path, staff: dict[str, UUID]
) -> None:
    with signing(environment):
        until_signed(database_url, add(database_url, 2))
    state = Path(environment["REGISTRY_STATE_DIR"])
    kept, fence = (state / "log-keys").read_bytes(), state / "log-keys.fence.json"
    ahead = json.loads(fence.read_text())
    fence.write_text(json.dumps({**ahead, "size": 100}))
    waiting = add(database_url, 1)
    with signing(environment) as process:
        assert process.stderr is not None
        while b"rolled_back" not in process.stderr.readline():
            pass
    assert log_cli("log", "begin-anew", "register.test/log/2")[0] == 2, "unnamed, nobody"
    for by, because in (("kw-1", "role_not_permitted"), ("officer-1", "names nobody"), ("sm-1", "--why")):
        code, _, said = log_cli("log", "begin-anew", "register.test/log/2", "--by", by, "--why", WHY * (by != "sm-1"))
        assert (code, because in said) == (1, True), said
    (refused,) = entries_of(database_url, "request.refused")
    assert (refused["professional_id"], refused["reason"]) == (staff["kw-1"], "role_not_permitted")
    code, _, said = log_cli("log", "begin-anew", "register.test/log", *AS_MANAGER)
    assert (code, "another" in said) == (1, True)
    assert (entries_of(database_url, "log.begun_anew"), (state / "log-keys").read_bytes()) == ([], kept)
    assert not (state / "log-keys-new").exists(), "nothing is begun"
    code, _, said = log_cli("log", "begin-anew", "register.test/log/2", *AS_MANAGER)
    assert (code, re.search(r"register\.test/log:100:[0-9a-f]{64}", said) is not None) == (0, True), said
    with signing(environment):
        until_signed(database_url, [*waiting, refused["id"]])
    assert log_cli("log", "checkpoint")[1].startswith("register.test/log/2\n3\n")
    code, _, said = log_cli("log", "begin-anew", "register.test/log", *AS_MANAGER)
    assert (code, "another" in said) == (1, True), "nor the name of an earlier one"


@pytest.mark.rule("ENQ-3")
def test_the_first_entry_says_who_began_the_log_anew_and_why(
    log_cli: LogCli, environment: dict[str, str], database_url: str, tmp_path: Path, staff: dict[str, UUID]
) -> None:
    with signing(environment):
        until_signed(database_url, add(database_url, 2))
    waiting = add(database_url, 1)
    assert log_cli("log", "begin-anew", "register.test/log/2", *AS_MANAGER)[0] == 0
    with signing(environment):
        until_signed(database_url, waiting)
    (begun,) = entries_of(database_url, "log.begun_anew")
    assert asked(database_url, sequenced) == [begun["id"], *waiting], "it is the first, though others had waited"
    assert (begun["professional_id"], begun["client_id"]) == (staff["sm-1"], "command-line")
    vault = Vault(LocalKeys.load(Path(environment["REGISTRY_STATE_DIR"]) / "keys.json"))
    assert acting.why(vault, begun["act"], begun["data_key"], begun["sealed_why"]) == WHY
    assert begun["digest"] == hashlib.sha256(begun["sealed_why"]).digest()

    code, _, said = log_cli("log", "open", begun["reference"], *AS_MANAGER)
    assert (code, "ones_own" in said) == (1, True)
    code, out, said = log_cli("log", "open", begun["reference"], "--by", "igo-1", "--why", WHY)
    assert code == 0, said
    first, of_the_opening, _ = (json.loads(line) for line in out.splitlines())
    told = {name: field["value"] for name, field in first["fields"].items()}
    assert told["professional_id"] == str(staff["sm-1"])
    assert (told["kind"], told["role"], told["operator"]) == ("log.begun_anew", "safeguarding_manager", operator())
    assert told["digest"] == begun["digest"].hex()
    assert told["policies"], "and who could decide that they may"
    assert said.count(f"Entry {first['id']}, on the account {operator()}: {WHY}") == 1
    assert of_the_opening["id"] != first["id"]
    assert (
        WHY not in log_cli("log", "open", begun["reference"], "--field", "role", "--by", "igo-1", "--why", "Audit")[2]
    )

    folder = tmp_path / "log"
    assert log_cli("log", "export", folder, *AS_MANAGER)[0] == 0
    keys = [argument for key in log_cli("log", "keys")[1].split() for argument in ("--log-key", key)]
    bundle = next((folder / "tile" / "entries").glob("000.p/*")).read_bytes()
    leaf = json.loads(bundle[2 : 2 + int.from_bytes(bundle[:2], "big")])
    assert (leaf["id"], leaf["ref"]) == (first["id"], begun["reference"]), "the old head is for everybody to read"
    for one in (WHY, "sm-1", str(staff["sm-1"]), "safeguarding_manager"):
        assert one.encode() not in bundle, "and who did it is not"
    (opening := tmp_path / "opening").write_text(json.dumps(first))
    assert verify.main(["open-entry", str(opening), *keys, "--folder", str(folder)]) == 0


def test_an_earlier_log_is_exported_and_checked_by_its_name(
    log_cli: LogCli, environment: dict[str, str], database_url: str, tmp_path: Path, staff: dict[str, UUID]
) -> None:
    with signing(environment):
        until_signed(database_url, add(database_url, 3))
    assert log_cli("log", "receipts", "E-12345-67890", tmp_path / "receipts")[0] == 0
    assert log_cli("log", "begin-anew", "register.test/log/2", *AS_MANAGER)[0] == 0
    for command in (("export", tmp_path / "none", *AS_MANAGER), ("checkpoint",), ("keys",)):
        assert log_cli("log", *command, "--origin", "register.test/log/3")[0] == 1, "there is no such log"
    assert not (tmp_path / "none").exists()
    origin = ("--origin", "register.test/log")
    code, _, said = log_cli("log", "export", tmp_path / "before", *origin, *AS_MANAGER)
    assert (code, "3 entries of register.test/log" in said) == (0, True), said
    assert log_cli("log", "checkpoint", *origin)[1] == (tmp_path / "before" / "checkpoint").read_text()
    keys = [argument for key in log_cli("log", "keys", *origin)[1].split() for argument in ("--log-key", key)]
    kept = tmp_path / "receipts" / "E-12345-67890-1.tlog-proof"
    assert verify.main(["fsck", str(tmp_path / "before"), *keys, "--checkpoint", str(kept), "--deep"]) == 0
    (noted,) = entries_of(database_url, "log.exported")
    assert noted["reference"] == "register.test/log", "and which it was is recorded"
    assert log_cli("log", "export", tmp_path / "now", *AS_MANAGER)[0] == 0
    assert (tmp_path / "now" / "checkpoint").read_text().startswith("register.test/log/2\n")
    assert log_cli("log", "receipts", "E-12345-67890", tmp_path / "again")[0] == 0
    given = (tmp_path / "again" / kept.name).read_bytes()
    assert given == kept.read_bytes(), "whose entries are in the earlier log"
    code, _, said = log_cli("log", "check")
    assert (code, "2 trees" in said) == (0, True), said


@pytest.mark.parametrize(
    "breaks", ["before the tree", "before it is signed", "before the old keys", "before the new keys"]
)
def test_a_log_whose_new_beginning_broke_off_is_begun_by_the_same_command(
    log_cli: LogCli,
    environment: dict[str, str],
    database_url: str,
    staff: dict[str, UUID],
    monkeypatch: pytest.MonkeyPatch,
    breaks: str,
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
        elif breaks == "before it is signed":
            broke.setattr(Sequencer, "_sign", broken)
        else:
            broke.setattr(LogKeys, "set_aside", broken if breaks == "before the old keys" else old_alone)
        assert log_cli("log", "begin-anew", "register.test/log/2", *AS_MANAGER)[0] != 0
    code, _, said = log_cli("log", "begin-anew", "register.test/log/2", *AS_MANAGER)
    assert code == 0, said
    with signing(environment):
        until_signed(database_url, waiting)
    assert log_cli("log", "checkpoint")[1].startswith("register.test/log/2\n2\n")
    (begun,) = entries_of(database_url, "log.begun_anew")
    assert begun["professional_id"] == staff["sm-1"]
    assert asked(database_url, sequenced) == [begun["id"], *waiting]


def test_what_is_not_there_is_said_in_a_sentence(log_cli: LogCli, environment: dict[str, str]) -> None:
    for arguments in (("log", "keys"), ("log", "checkpoint"), ("log", "anchors")):
        code, out, said = log_cli(*arguments)
        assert (code, out, said.count("\n")) == (1, "", 1)
