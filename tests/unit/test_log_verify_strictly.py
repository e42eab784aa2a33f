"""What the verifier must not let pass: openings that can be read in two ways, and checkpoints that nobody looked at."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from unit.log_doubles import AT, KEYS, SECRET, exported, leaves, receipt

from registry_api.access_log import checkpoint, verify
from registry_api.access_log.entry import Entry, salt
from registry_api.access_log.note import Kind, Note, Signer

HOLDS, NOT, USAGE = 0, 1, 2


def run(*arguments: object) -> int:
    return verify.main([str(argument) for argument in arguments])


def test_a_field_opens_to_one_value_alone(tmp_path: Path) -> None:
    """Whoever writes the log could have put a second reading into a value, behind what looks like its name."""
    name, shown = "organisation", "Test Hospital"
    value = f"Test Police{chr(len(name))}{name}{shown}"
    entry = Entry(entry_id := uuid4(), "enquiry.received", AT, {name: value})
    folder = exported(tmp_path / "log", [entry.leaf(SECRET)])
    first = salt(SECRET, name)
    longer = first + bytes([len(name)]) + name.encode() + b"Test Police"
    opening = tmp_path / "opening.json"
    for given, said, expected in ((first, value, HOLDS), (longer, shown, NOT)):
        fields = {name: {"salt": given.hex(), "value": said}}
        opening.write_text(json.dumps({"id": str(entry_id), "fields": fields}))
        assert run("open-entry", opening, *KEYS, "--folder", folder) == expected


def test_an_opening_without_a_checkpoint_from_outside_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = leaves(9)
    folder = exported(tmp_path / "log", entries)
    (opening := tmp_path / "opening.json").write_text(json.dumps({"id": json.loads(entries[3])["id"], "fields": {}}))
    (kept := tmp_path / "kept").write_bytes(bytes(receipt(entries, 7)))
    assert run("open-entry", opening, *KEYS, "--folder", folder) == HOLDS
    assert "WARNING" in capsys.readouterr().err
    assert run("open-entry", opening, *KEYS, "--folder", folder, "--checkpoint", kept) == HOLDS
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("command", ["verify-inclusion", "verify-checkpoint"])
def test_a_checkpoint_that_would_not_be_looked_at_is_not_taken(tmp_path: Path, command: str) -> None:
    (given := tmp_path / "mine.tlog-proof").write_bytes(bytes(receipt(leaves(9), 7)))
    (fork := tmp_path / "fork").write_bytes(bytes(receipt(leaves(9)[::-1], 7)))
    assert run(command, given, *KEYS) == HOLDS
    with pytest.raises(SystemExit) as raised:
        run(command, given, *KEYS, "--checkpoint", fork)
    assert raised.value.code == USAGE


def test_a_receipt_that_opens_an_entry_is_not_said_to_agree_with_a_checkpoint(tmp_path: Path) -> None:
    entries = leaves(9)
    (given := tmp_path / "mine.tlog-proof").write_bytes(bytes(receipt(entries, 7)))
    (fork := tmp_path / "fork").write_bytes(bytes(receipt(entries[::-1], 7)))
    (opening := tmp_path / "opening.json").write_text(json.dumps({"id": json.loads(entries[7])["id"], "fields": {}}))
    assert run("open-entry", opening, *KEYS, "--receipt", given) == HOLDS
    assert run("open-entry", opening, *KEYS, "--receipt", given, "--checkpoint", fork) == USAGE


def test_an_opening_that_is_no_text_is_usage(tmp_path: Path) -> None:
    entries = leaves(9)
    (given := tmp_path / "mine.tlog-proof").write_bytes(bytes(receipt(entries, 7)))
    fields = {"who": {"salt": "00" * 32, "value": "\ud800"}}
    (opening := tmp_path / "opening.json").write_text(
        json.dumps({"id": json.loads(entries[7])["id"], "fields": fields})
    )
    assert run("open-entry", opening, *KEYS, "--receipt", given) == USAGE


def test_the_witnesses_of_a_policy_and_those_named_beside_it_are_counted_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A signature of the policy's must not stand in for one that was asked for besides."""
    named, north = (Signer.new(f"{name}.test/w", Kind.ED25519_COSIGNATURE) for name in ("named", "north"))
    (policy := tmp_path / "policy").write_text(f"witness north {north.verifier}\nquorum north\n")
    folder = exported(tmp_path / "log", leaves(9))
    note = Note.of((folder / "checkpoint").read_bytes())
    asked = ("--witness-key", named.verifier, "--policy", policy)
    signed = tmp_path / "signed"
    for signers, expected in (([north], NOT), ([named], NOT), ([named, north], HOLDS)):
        signed.write_bytes(bytes(note.with_signatures(checkpoint.sign(note.text, signers, AT))))
        assert run("verify-checkpoint", signed, *KEYS, *asked) == expected, signers
    said = capsys.readouterr().out
    assert "signed by north.test/w" in said
    assert "signed by named.test/w" in said


@pytest.mark.parametrize("quorum", [-1, 2])
def test_a_quorum_that_nobody_could_meet_or_miss_is_usage(tmp_path: Path, quorum: int) -> None:
    witness = Signer.new("witness.test/w", Kind.ED25519_COSIGNATURE)
    folder = exported(tmp_path / "log", leaves(9))
    asked = ("--witness-key", witness.verifier, "--quorum", quorum)
    assert run("verify-checkpoint", folder / "checkpoint", *KEYS, *asked) == USAGE


@pytest.mark.parametrize("option", ["--log-key", "--witness-key", "--policy"])
def test_a_file_of_keys_that_is_no_text_is_usage(tmp_path: Path, option: str) -> None:
    (other := tmp_path / "other").write_bytes(b"\xff\xfe" + bytes(9))
    folder = exported(tmp_path / "log", leaves(9))
    assert run("fsck", folder, *KEYS, option, other) == USAGE


def test_a_key_of_a_child_that_is_no_text_is_usage(tmp_path: Path) -> None:
    (other := tmp_path / "other").write_bytes(b"\xff" * 32)
    folder = exported(tmp_path / "log", leaves(9))
    assert run("find-subject", folder, "--key", other, *KEYS) == USAGE
