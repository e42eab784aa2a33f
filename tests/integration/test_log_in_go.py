"""A program that nobody here wrote accepts an exported log and a receipt, and refuses what was tampered with.

Go's golang.org/x/mod/sumdb comes from Debian: golang-go and golang-golang-x-mod-dev. ``.ci/run`` installs both.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from unit.log_doubles import SIGNERS, exported, leaves, receipt

_SOURCES = Path("/usr/share/gocode")
_THERE = shutil.which("go") and (_SOURCES / "src/golang.org/x/mod/sumdb").is_dir()
SIZE = 700

pytestmark = [
    pytest.mark.skipif(
        not _THERE and os.environ.get("REQUIRE_GO") != "1",
        reason="needs Go and golang.org/x/mod: apt-get install golang-go golang-golang-x-mod-dev",
    ),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go program, built without any network."""
    assert _THERE, "Go is required here and is not installed"
    built = tmp_path_factory.mktemp("go") / "check"
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": str(_SOURCES),
        "GOCACHE": str(built.parent / "cache"),
        "CGO_ENABLED": "0",
    }
    source = Path(__file__).parent / "log_in_go" / "main.go"
    subprocess.run(["go", "build", "-o", built, source], env=environment, check=True, timeout=240)
    return built


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return exported(tmp_path / "log", leaves(SIZE))


def accepts(program: Path, folder: Path, *more: Path) -> bool:
    key = str(SIGNERS[0].verifier)
    ran = subprocess.run([program, folder, key, *more], capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode == 0) == (ran.stdout == f"{SIZE} entries\n"), ran.stderr
    return ran.returncode == 0


def test_go_accepts_the_export_and_a_receipt(program: Path, folder: Path, tmp_path: Path) -> None:
    (given := tmp_path / "receipt").write_bytes(bytes(receipt(leaves(SIZE), 300)))
    assert accepts(program, folder, given)


@pytest.mark.parametrize("path", ["tile/entries/001", "tile/0/000", f"tile/0/002.p/{SIZE - 512}", "tile/1/000.p/2"])
def test_go_refuses_what_was_altered(program: Path, folder: Path, path: str) -> None:
    content = bytearray((folder / path).read_bytes())
    content[40] ^= 1
    (folder / path).write_bytes(content)
    assert not accepts(program, folder)


def test_go_refuses_a_receipt_of_another_entry(program: Path, folder: Path, tmp_path: Path) -> None:
    proof = bytes(receipt(leaves(SIZE), 300)).replace(b"\nindex 300\n", b"\nindex 301\n")
    (given := tmp_path / "receipt").write_bytes(proof)
    assert not accepts(program, folder, given)
