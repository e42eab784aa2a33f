"""The verifier that stands alone: what it says of a sound log, of every log that was tampered with, and on misuse."""

import ast
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

import pytest
from unit.log_doubles import (
    KEYS,
    ORIGIN,
    SECRET,
    SIGNERS,
    an_entry,
    consistency,
    exported,
    leaves,
    receipt,
    signed,
)

from registry_api.access_log import checkpoint, verify
from registry_api.access_log.entry import salt, subject_key
from registry_api.access_log.note import Kind, Note, Signer

SIZE = 300
HOLDS, NOT, USAGE = 0, 1, 2


@pytest.fixture(scope="module")
def entries() -> list[bytes]:
    return leaves(SIZE)


@pytest.fixture
def folder(tmp_path: Path, entries: list[bytes]) -> Path:
    return exported(tmp_path / "log", entries)


@pytest.fixture
def outside(tmp_path: Path, entries: list[bytes]) -> str:
    """A checkpoint that was kept elsewhere, of some time ago."""
    (kept := tmp_path / "kept").write_bytes(signed(entries[:200]))
    return str(kept)


def run(*arguments: object) -> int:
    return verify.main([str(argument) for argument in arguments])


def test_a_sound_log_holds_and_the_warning_is_loud(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fsck", folder, *KEYS, "--deep") == HOLDS
    said = capsys.readouterr()
    assert f"HOLDS: {ORIGIN}, {SIZE} entries" in said.out
    assert "WARNING: no checkpoint from outside" in said.err


def test_with_a_checkpoint_from_outside_there_is_no_warning(
    folder: Path, outside: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("fsck", folder, *KEYS, "--checkpoint", outside) == HOLDS
    assert capsys.readouterr().err == ""


def test_it_runs_alone_as_one_file(folder: Path, tmp_path: Path) -> None:
    alone = shutil.copy(verify.__file__, tmp_path / "taken_away.py")
    ran = subprocess.run(
        [sys.executable, "-I", alone, "fsck", folder, *KEYS], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout.startswith("HOLDS")) == (HOLDS, True), ran.stderr
    assert "registry_api" not in Path(alone).read_text("utf-8")


def test_it_imports_nothing_but_the_standard_library_and_cryptography() -> None:
    tree = ast.parse(Path(verify.__file__).read_text("utf-8"))
    named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    named |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in named} <= sys.stdlib_module_names | {"cryptography"}


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257])
def test_logs_of_awkward_sizes_hold(tmp_path: Path, entries: list[bytes], size: int) -> None:
    assert run("fsck", exported(tmp_path / "log", entries[:size]), *KEYS, "--deep") == HOLDS


def _alter(path: Path, at: int = 40) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


ENTRIES = ["tile/entries/000", f"tile/entries/001.p/{SIZE - 256}"]
TILES = ["tile/0/000", f"tile/0/001.p/{SIZE - 256}", "tile/1/000.p/1"]


@pytest.mark.parametrize("path", [*ENTRIES, *TILES])
@pytest.mark.parametrize("how", ["altered", "shortened", "lengthened", "missing"])
def test_a_file_that_is_not_as_it_was_does_not_hold(folder: Path, path: str, how: str) -> None:
    target = folder / path
    match how:
        case "altered":
            _alter(target, at=20)
        case "shortened":
            target.write_bytes(target.read_bytes()[:-1])
        case "lengthened":
            target.write_bytes(target.read_bytes() + b"\0")
        case "missing":
            target.unlink()
    assert run("fsck", folder, *KEYS) == NOT


REWRITTEN = {
    "an entry altered": lambda entries: [*entries[:7], entries[7].replace(b"received", b"answered"), *entries[8:]],
    "two entries swapped": lambda entries: [*entries[:7], entries[8], entries[7], *entries[9:]],
    "an entry left out": lambda entries: [*entries[:7], *entries[8:]],
    "an entry slipped in": lambda entries: [*entries[:7], entries[9], *entries[7:]],
    "the end cut off": lambda entries: entries[:150],
}


@pytest.mark.parametrize("rewrite", REWRITTEN.values(), ids=REWRITTEN.keys())
def test_history_rewritten_with_the_keys_comes_out_against_what_was_kept_elsewhere(
    tmp_path: Path, entries: list[bytes], outside: str, rewrite, capsys: pytest.CaptureFixture[str]
) -> None:  # type: ignore[no-untyped-def]
    other = exported(tmp_path / "other", rewrite(entries))
    assert run("fsck", other, *KEYS) == HOLDS, "nothing inside it can show it"
    assert "WARNING" in capsys.readouterr().err
    assert run("fsck", other, *KEYS, "--checkpoint", outside) == NOT
    (kept := tmp_path / "receipt").write_bytes(bytes(receipt(entries[:200], 7)))
    assert run("fsck", other, *KEYS, "--checkpoint", kept) == NOT, "every receipt is a checkpoint from outside"


def test_history_rewritten_without_the_keys_comes_out_at_once(tmp_path: Path, entries: list[bytes]) -> None:
    stranger = [Signer.new(ORIGIN, signer.kind) for signer in SIGNERS]
    other = exported(tmp_path / "other", entries[:7], signed(entries[:7], stranger))
    assert run("fsck", other, *KEYS) == NOT


def test_entries_that_no_tree_can_excuse(tmp_path: Path, entries: list[bytes]) -> None:
    twice = exported(tmp_path / "twice", [*entries[:7], entries[3]])
    assert run("fsck", twice, *KEYS, "--deep") == NOT
    formless = exported(tmp_path / "formless", [*entries[:7], b"whatever"])
    assert run("fsck", formless, *KEYS, "--deep") == NOT


def test_receipts(tmp_path: Path, entries: list[bytes], capsys: pytest.CaptureFixture[str]) -> None:
    given = tmp_path / "mine.tlog-proof"
    given.write_bytes(bytes(receipt(entries, 7)))
    assert run("verify-inclusion", given, *KEYS) == HOLDS
    assert entries[7].decode() in capsys.readouterr().out
    (other := tmp_path / "entry").write_bytes(entries[8])
    assert run("verify-inclusion", given, *KEYS, "--entry", other) == NOT
    bare = [line for line in given.read_text().split("\n") if not line.startswith("extra ")]
    given.write_text("\n".join(bare))
    assert run("verify-inclusion", given, *KEYS) == USAGE
    assert run("verify-inclusion", given, *KEYS, "--entry", other) == NOT
    other.write_bytes(entries[7])
    assert run("verify-inclusion", given, *KEYS, "--entry", other) == HOLDS


def test_consistency(tmp_path: Path, folder: Path, entries: list[bytes], outside: str) -> None:
    new, proof = folder / "checkpoint", tmp_path / "proof"
    proof.write_text(consistency(entries, 200))
    assert run("verify-consistency", outside, new, *KEYS, "--folder", folder) == HOLDS
    assert run("verify-consistency", outside, new, *KEYS, "--proof", proof) == HOLDS
    assert run("verify-consistency", new, outside, *KEYS, "--proof", proof) == NOT
    assert run("verify-consistency", new, outside, *KEYS, "--folder", folder) == NOT
    assert run("verify-consistency", outside, new, *KEYS) == NOT
    (fork := tmp_path / "fork").write_bytes(signed([*entries[:9], b"another"]))
    assert run("verify-consistency", fork, new, *KEYS, "--folder", folder) == NOT
    assert run("verify-consistency", fork, fork, *KEYS) == HOLDS


def test_who_has_signed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    note = Note.of((folder / "checkpoint").read_bytes())
    witnesses = [Signer.new(f"witness.test/{number}", Kind.ED25519_COSIGNATURE) for number in range(3)]
    at = checkpoint.sign(note.text, witnesses[:2], an_entry(0).at)
    (folder / "checkpoint").write_bytes(bytes(note.with_signatures(at)))
    asked = [argument for witness in witnesses for argument in ("--witness-key", str(witness.verifier))]
    assert run("verify-checkpoint", folder / "checkpoint", *KEYS, *asked) == NOT
    assert run("verify-checkpoint", folder / "checkpoint", *KEYS, *asked, "--quorum", 2) == HOLDS
    said = capsys.readouterr().out
    assert "signed by witness.test/1" in said
    assert "at 2026-03-04T10:00:00Z by its clock" in said
    assert "witness.test/2" not in said


def test_fields_are_opened_one_at_a_time(
    tmp_path: Path, folder: Path, entries: list[bytes], outside: str, capsys: pytest.CaptureFixture[str]
) -> None:
    entry, opening = an_entry(7), tmp_path / "opening.json"
    who = {"salt": salt(SECRET, "who").hex(), "value": entry.fields["who"]}
    (given := tmp_path / "receipt").write_bytes(bytes(receipt(entries, 7)))
    places = [("--folder", folder, "--checkpoint", outside), ("--receipt", given)]
    for place in places:
        opening.write_text(json.dumps({"id": str(entry.id), "fields": {"who": who}}))
        assert run("open-entry", opening, *KEYS, *place) == HOLDS
        assert "who: Testperson 7" in capsys.readouterr().out
        for wrong in (
            {"id": str(entry.id), "fields": {"who": {**who, "value": "Testperson 8"}}},
            {"id": str(entry.id), "fields": {"asked": who}},
            {"id": str(an_entry(8).id), "fields": {"who": who}},
            {"id": str(uuid4()), "fields": {"who": who}},
        ):
            opening.write_text(json.dumps(wrong))
            assert run("open-entry", opening, *KEYS, *place) == NOT
    opening.write_text("{}")
    assert run("open-entry", opening, *KEYS, "--receipt", given) == USAGE


def test_every_entry_about_a_child_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine, other = (subject_key(SECRET, uuid4()) for _ in range(2))
    about = {3: [mine], 5: [mine, other], 8: [other]}
    made = [an_entry(number, subjects=about.get(number, [])).leaf(SECRET) for number in range(10)]
    folder = exported(tmp_path / "log", made)
    (key := tmp_path / "key").write_text(mine.hex() + "\n")
    assert run("find-subject", folder, *KEYS, "--key", key) == HOLDS
    said = capsys.readouterr()
    assert "2 of 10 entries are about this child" in said.out
    assert [line.split()[1] for line in said.out.splitlines() if line.startswith("* ")] == ["3", "5"]
    assert [line.split()[0] for line in said.out.splitlines() if line.startswith("  ")] == ["2", "4"], (
        "the same enquiry"
    )
    assert "WARNING" in said.err
    key.write_text(mine.hex()[2:])
    assert run("find-subject", folder, *KEYS, "--key", key) == USAGE


@pytest.mark.parametrize(
    "arguments",
    [
        ["fsck", "FOLDER", "--log-key", "no key at all"],
        ["fsck", "FOLDER", "--log-key", f"{ORIGIN}+00000000+AAAA"],
        ["fsck", "FOLDER", *KEYS, "--checkpoint", "not-there"],
        ["verify-inclusion", "not-there", *KEYS],
        ["export", "file:///etc", "FOLDER", *KEYS],
        ["witness", "--key", "not-there", "--state", "state", *KEYS],
    ],
)
def test_what_cannot_be_carried_out_is_told_from_what_does_not_hold(folder: Path, arguments: list[str]) -> None:
    assert run(*[str(folder) if argument == "FOLDER" else argument for argument in arguments]) == USAGE


@pytest.mark.parametrize("arguments", [[], ["fsck"], ["nonsense"]])
def test_a_command_line_that_is_none_is_usage(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        run(*arguments)
    assert raised.value.code == USAGE


def test_without_a_key_of_the_log_nothing_is_checked(folder: Path) -> None:
    assert run("fsck", folder) == USAGE


@pytest.fixture
def served(folder: Path) -> Iterator[str]:
    """The exported log behind a plain web server."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_log_is_fetched_and_checked_and_later_only_what_is_new(
    tmp_path: Path, folder: Path, served: str, entries: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    exported(folder, entries[:200])
    assert run("export", served, copy, *KEYS) == HOLDS
    assert "WARNING" in capsys.readouterr().err
    exported(folder, entries)
    assert run("export", served, copy, *KEYS) == HOLDS
    assert "WARNING" not in capsys.readouterr().err, "what was fetched before is the checkpoint from outside"
    assert run("fsck", copy, *KEYS) == HOLDS
    exported(folder, [*entries[:150], *entries[151:], *entries[:10]])
    assert run("export", served, copy, *KEYS) == NOT


def test_a_rewritten_log_does_not_hold_when_it_is_fetched_again(
    tmp_path: Path, folder: Path, served: str, entries: list[bytes]
) -> None:
    honest, copy = exported(folder, entries[:20]) / "checkpoint", tmp_path / "copy"
    assert run("export", served, copy, *KEYS) == HOLDS
    kept = honest.read_bytes()
    exported(folder, [*entries[:7], *entries[8:30]])
    for _ in range(3):
        assert run("export", served, copy, *KEYS) == NOT
        assert (copy / "checkpoint.before").read_bytes() == kept, "what shows it is kept"
