"""A witness signs that a log has only grown, refuses as tlog-witness says, and never signs two histories."""

import json
import threading
from base64 import b64encode
from http.server import ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from unit.log_doubles import KEYS, ORIGIN, SIGNERS, consistency, leaves, signed

from registry_api.access_log import checkpoint, verify
from registry_api.access_log.note import Kind, Note, Signer, Verifier

HOLDS, NOT, USAGE = 0, 1, 2


@pytest.fixture(scope="module")
def entries() -> list[bytes]:
    return leaves(300)


def run(*arguments: object) -> int:
    return verify.main([str(argument) for argument in arguments])


@pytest.fixture
def witness(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[verify.Witness, list[Verifier]]:
    """A witness of the log, with the keys it made itself."""
    keys = tmp_path / "witness.key"
    assert run("witness", "--key", keys, "--new-key", "witness.test/w1") == HOLDS
    assert keys.stat().st_mode & 0o077 == 0
    assert run("witness", "--key", keys, "--new-key", "witness.test/w1") == USAGE, "keys are never written over"
    shown = [Verifier.of(line) for line in capsys.readouterr().out.splitlines()]
    assert [key.kind for key in shown] == [Kind.ED25519_COSIGNATURE, Kind.ML_DSA_44_COSIGNATURE]
    return verify.Witness(keys, tmp_path / "state.json", verify.keys_of(KEYS[1::2])), shown


def request(old: int, entries: list[bytes], proof: str | None = None, note: bytes | None = None) -> bytes:
    """Return the body of an add-checkpoint request."""
    lines = consistency(entries, old) if proof is None and 0 < old < len(entries) else proof or ""
    return f"old {old}\n{lines}{chr(10) if lines else ''}\n".encode() + (note or signed(entries))


def refused(made: verify.Witness, body: bytes) -> tuple[int, str]:
    with pytest.raises(verify.Refusal) as raised:
        made.add_checkpoint(body)
    return raised.value.status, raised.value.body


def test_a_witness_signs_what_only_grows(
    witness: tuple[verify.Witness, list[Verifier]], entries: list[bytes], tmp_path: Path
) -> None:
    made, keys = witness
    for old, new in ((0, 0), (0, 5), (5, 5), (5, 200), (200, 300)):
        note = signed(entries[:new])
        lines = made.add_checkpoint(request(old, entries[:new], note=note))
        assert len(checkpoint.verified(Note.of(note + lines.encode()), keys)) == 2
        assert json.loads((tmp_path / "state.json").read_text())[ORIGIN][0] == new
    assert refused(made, request(0, entries[:5])) == (409, "300\n")


def test_a_witness_refuses_as_the_specification_says(
    witness: tuple[verify.Witness, list[Verifier]], entries: list[bytes]
) -> None:
    """tlog-witness, add-checkpoint."""
    made, _ = witness
    made.add_checkpoint(request(0, entries[:200]))
    strangers = [Signer.new(ORIGIN, signer.kind) for signer in SIGNERS]
    elsewhere = [Signer.new("other.test/log", signer.kind) for signer in SIGNERS]
    assert refused(made, request(200, entries, note=signed(entries, elsewhere, "other.test/log"))) == (404, "")
    assert refused(made, request(200, entries, note=signed(entries, strangers))) == (403, "")
    assert refused(made, request(300, entries[:200], proof="")) == (400, "")
    assert refused(made, request(199, entries)) == (409, "200\n")
    assert refused(made, request(200, entries[1:201], proof="")) == (409, "200\n")
    assert refused(made, request(200, entries, proof="")) == (422, "")
    assert refused(made, request(200, entries, proof=consistency(entries, 199))) == (422, "")
    assert refused(made, request(200, entries[:200], proof=consistency(entries, 200))) == (422, "")
    for malformed in (b"", b"old x\n\n", b"old 200\n" + b"AAAA\n" * 2 + b"\n" + signed(entries), b"\xff\n\n"):
        assert refused(made, malformed) == (400, "")
    made.add_checkpoint(request(200, entries))


def test_a_witness_answers_over_http_and_from_a_file(
    witness: tuple[verify.Witness, list[Verifier]], entries: list[bytes], tmp_path: Path
) -> None:
    made, _ = witness
    with ThreadingHTTPServer(("127.0.0.1", 0), made.handler()) as server, httpx2.Client() as client:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/add-checkpoint"
        answer = client.post(url, content=request(0, entries[:5]))
        assert (answer.status_code, answer.text.count("— witness.test/w1 ")) == (200, 2)
        answer = client.post(url, content=request(0, entries))
        assert (answer.status_code, answer.text) == (409, "5\n")
        assert answer.headers["Content-Type"] == "text/x.tlog.size"
        assert client.post(url.replace("add-", "sub-"), content=b"x").status_code == 404
        assert client.post(url, content=b"x" * (verify.LONGEST_NOTE + 1)).status_code == 413
        server.shutdown()
    arguments = ["witness", "--key", tmp_path / "witness.key", "--state", tmp_path / "state.json", *KEYS]
    (asked := tmp_path / "request").write_bytes(request(5, entries))
    assert run(*arguments, "--request", asked) == HOLDS
    assert run(*arguments, "--request", asked) == NOT


NAMES = ("a", "b", "c", "d")


@pytest.fixture(scope="module")
def cosigners() -> dict[str, verify.Key]:
    """Witnesses by their name in a policy."""
    made = {name: Signer.new(f"{name}.test/w", Kind.ED25519_COSIGNATURE) for name in NAMES}
    return {name: verify.Key.of(str(signer.verifier)) for name, signer in made.items()}


def policy(cosigners: dict[str, verify.Key], groups: str) -> verify.Policy:
    lines = [f"witness {name} {text}" for name, text in zip(NAMES, map(key_text, cosigners.values()), strict=True)]
    return verify.Policy.of("\n".join(["# whom we ask", *lines, groups]))


def key_text(key: verify.Key) -> str:
    raw = bytes([key.kind]) + key.public.public_bytes_raw()
    return f"{key.name}+{key.id.hex()}+{b64encode(raw).decode()}"


@pytest.mark.parametrize(
    ("groups", "enough", "too_few"),
    [
        ("quorum none", [""], []),
        ("quorum a", ["a", "ab"], ["", "b", "bcd"]),
        ("group g any a b\nquorum g", ["a", "b", "ab"], ["", "cd"]),
        ("group g all a b\nquorum g", ["ab", "abc"], ["a", "b", "cd"]),
        ("group g 2 a b c\nquorum g", ["ab", "ac", "abc"], ["a", "ad", "d"]),
        ("group x 1 a b\ngroup y all c d\ngroup z all x y\nquorum z", ["acd", "bcd"], ["cd", "ab", "acb"]),
    ],
)
def test_a_quorum_is_what_the_policy_says(
    cosigners: dict[str, verify.Key], groups: str, enough: list[str], too_few: list[str]
) -> None:
    """tlog-policy."""
    made = policy(cosigners, groups)
    for names, expected in [*((each, True) for each in enough), *((each, False) for each in too_few)]:
        assert made.is_met([cosigners[name] for name in names]) is expected, names


@pytest.mark.parametrize(
    "groups",
    [
        "",
        "quorum e",
        "quorum a\nquorum b",
        "group g 3 a b\nquorum g",
        "group g 0 a b\nquorum g",
        "group g any\nquorum g",
        "group g any a a\nquorum g",
        "group g any none\nquorum g",
        "group a any b\nquorum a",
        "group g any h\ngroup h any a\nquorum g",
        "witness a again\nquorum a",
        "nonsense\nquorum a",
    ],
)
def test_a_policy_that_is_not_understood_is_none(cosigners: dict[str, verify.Key], groups: str) -> None:
    with pytest.raises(verify.Misused):
        policy(cosigners, groups)
