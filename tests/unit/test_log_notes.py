"""Notes, checkpoints and receipts are those of the C2SP texts, and whatever is not quite one is refused."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.log_doubles import AT, ORIGIN, SIGNERS, leaves, receipt, signed

from registry_api.access_log import checkpoint, verify
from registry_api.access_log.checkpoint import Checkpoint
from registry_api.access_log.merkle import EMPTY_ROOT
from registry_api.access_log.note import Kind, Note, NoteError, Signature, Signer, Verifier
from registry_api.access_log.proof import Proof

# The example of golang.org/x/mod/sumdb/note, whose keys are published with it.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
EXAMPLE = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
"""The text of the example of tlog-checkpoint."""

ALL_KINDS = pytest.mark.parametrize("kind", list(Kind), ids=lambda kind: kind.name)


def test_go_and_this_sign_alike() -> None:
    signer = Signer.of(GO_SECRET)
    assert str(signer.verifier) == GO_KEY
    assert signer.secret_text() == GO_SECRET
    line = Signature.by(signer, signer.sign(GO_TEXT.encode()))
    assert str(line) == GO_LINE, "Ed25519 signs the same text the same way everywhere"
    assert bytes(Note(GO_TEXT, (line,))) == f"{GO_TEXT}\n{GO_LINE}".encode()
    assert Note.of(f"{GO_TEXT}\n{GO_LINE}".encode()) == Note(GO_TEXT, (line,))


@ALL_KINDS
def test_keys_keep_their_text(kind: Kind) -> None:
    signer = Signer.new("witness.test/w1", kind)
    again = Signer.of(signer.secret_text())
    assert again.verifier == signer.verifier == Verifier.of(str(signer.verifier))
    assert verify.Key.of(str(signer.verifier)).id == signer.verifier.id
    assert signer.secret_text().split("+")[-1] not in repr(signer)


@ALL_KINDS
def test_a_signature_holds_for_its_checkpoint_and_no_other(kind: Kind) -> None:
    signer = Signer.new("witness.test/w1", kind)
    (line,) = checkpoint.sign(EXAMPLE, [signer], AT)
    assert checkpoint.holds(line, signer.verifier, EXAMPLE)
    for text in (EXAMPLE.replace("163", "164"), EXAMPLE.replace("sofa", "sofas"), EXAMPLE.replace("Cs", "Ds")):
        assert not checkpoint.holds(line, signer.verifier, text)
    other = Signer.new("witness.test/w1", kind)
    assert not checkpoint.holds(line, other.verifier, EXAMPLE)
    for content in (line.content[:-1], line.content + b"\0", b"", line.content[:8]):
        assert not checkpoint.holds(Signature(line.name, line.key_id, content), signer.verifier, EXAMPLE)


@pytest.mark.parametrize("kind", [Kind.ED25519_COSIGNATURE, Kind.ML_DSA_44_COSIGNATURE], ids=lambda kind: kind.name)
def test_a_cosignature_covers_its_time(kind: Kind) -> None:
    signer = Signer.new("witness.test/w1", kind)
    (line,) = checkpoint.sign(EXAMPLE, [signer], datetime.fromtimestamp(1679315147, UTC))
    assert int.from_bytes(line.content[:8], "big") == 1679315147
    later = Signature(line.name, line.key_id, (1679315148).to_bytes(8, "big") + line.content[8:])
    assert not checkpoint.holds(later, signer.verifier, EXAMPLE)
    assert not checkpoint.holds(Signature(line.name, line.key_id, b"\xff" * 8 + line.content[8:]), signer.verifier, "")


def test_what_cosignatures_sign_is_laid_out_as_the_specification_says() -> None:
    """tlog-cosignature, Ed25519 signed message and ML-DSA-44 signed message."""
    head = verify.Head.of(EXAMPLE)
    stamp = (1679315147).to_bytes(8, "big")
    assert verify.signed_message(head, verify.ED25519_COSIGNATURE, "w", stamp) == (
        b"cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
        b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )
    laid_out = verify.signed_message(head, verify.ML_DSA_44, "witness.test/w1", stamp)
    assert laid_out == (
        b"subtree/v1\n\0" + b"\x0fwitness.test/w1" + stamp + b"\x1bexample.com/behind-the-sofa"
        + bytes(8) + (20852163).to_bytes(8, "big") + head.root
    )  # fmt: skip


def test_two_programs_agree_on_every_signature() -> None:
    note = signed(leaves(5))
    keys = [verify.Key.of(str(signer.verifier)) for signer in SIGNERS]
    assert verify.Trust(keys, [], 0).open(note).size == 5
    assert len(checkpoint.verified(Note.of(note), [signer.verifier for signer in SIGNERS])) == 2


def test_a_checkpoint_without_a_known_signature_is_not_believed() -> None:
    note = Note.of(signed(leaves(5)))
    stranger = Signer.new(ORIGIN, Kind.ED25519)
    with pytest.raises(NoteError, match="no known key"):
        checkpoint.verified(note, [stranger.verifier])
    forged = Signature(ORIGIN, SIGNERS[0].verifier.id, bytes(64))
    with pytest.raises(NoteError, match="does not hold"):
        checkpoint.verified(note.with_signatures([forged]), [SIGNERS[0].verifier])
    unknown = note.with_signatures(checkpoint.sign(note.text, [stranger], AT))
    assert len(checkpoint.verified(unknown, [SIGNERS[0].verifier])) == 1, "lines of strangers are passed over"


def test_whoever_asks_for_both_kinds_of_signature_gets_no_less() -> None:
    """Whoever breaks the one kind some day could otherwise simply leave the other out."""
    classical = signed(leaves(5), SIGNERS[:1])
    keys = [verify.Key.of(str(signer.verifier)) for signer in SIGNERS]
    assert verify.Trust(keys[:1], [], 0).open(classical)
    with pytest.raises(verify.DoesNotHold, match="has not signed"):
        verify.Trust(keys, [], 0).open(classical)


def _line(name: str = "a.test", content: str = "AAAAAAE=") -> str:
    return f"— {name} {content}\n"


MALFORMED = {
    "no signature": b"text\n",
    "no blank line": f"text\n{_line()}".encode(),
    "not ended": f"text\n\n{_line()}".encode()[:-1],
    "a control character": f"te\txt\n\n{_line()}".encode(),
    "carriage returns": f"text\r\n\n{_line()}".encode(),
    "not UTF-8": f"text\n\n{_line()}".encode() + b"\xff",
    "another dash": f"text\n\n- a.test {'AAAAAAE='}\n".encode(),
    "a plus in the name": f"text\n\n{_line('a+b')}".encode(),
    "a space in the name": f"text\n\n{_line('a b')}".encode(),
    "no-break space in the name": f"text\n\n{_line(chr(160))}".encode(),
    "no name": f"text\n\n{_line('')}".encode(),
    "loose base64": f"text\n\n{_line(content='AAAAAAF=')}".encode(),
    "base64 of the other alphabet": f"text\n\n{_line(content='____AAE=')}".encode(),
    "only a key id": f"text\n\n{_line(content='AAAAAA==')}".encode(),
    "too long": b"t" * (1 << 19) + f"\n\n{_line()}".encode(),
}


@pytest.mark.parametrize("note", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_note_is_refused(note: bytes) -> None:
    with pytest.raises(NoteError):
        Note.of(note)
    with pytest.raises(verify.DoesNotHold):
        verify.split_note(note)


def test_a_note_may_have_empty_lines_and_sixteen_signatures_but_not_hundreds() -> None:
    lines = "".join(_line(f"a{number}.test") for number in range(16))
    note = Note.of(f"one\n\ntwo\n\n{lines}".encode())
    assert note.text == "one\n\ntwo\n"
    assert len(note.signatures) == 16
    with pytest.raises(NoteError, match="more signatures"):
        Note.of(f"one\n\n{lines * 10}".encode())


ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
NO_CHECKPOINTS = [
    f"\n1\n{ROOT}\n",
    f"a.test\n01\n{ROOT}\n",
    f"a.test\n-1\n{ROOT}\n",
    f"a.test\n+1\n{ROOT}\n",
    f"a.test\n١\n{ROOT}\n",
    f"a.test\n{1 << 63}\n{ROOT}\n",
    f"a.test\n1\n{ROOT[:-1]}\n",
    "a.test\n1\nCsU=\n",
    "a.test\n1\n",
    f"a.test\n1\n{ROOT}\n\n",
    f"a.test\n1\n{ROOT}",
]


@pytest.mark.parametrize("text", NO_CHECKPOINTS)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.of(text)
    with pytest.raises(verify.DoesNotHold):
        verify.Head.of(text)


def test_an_empty_log_has_a_checkpoint_and_extensions_are_passed_over() -> None:
    assert Checkpoint.of(signed([]).decode().split("\n\n")[0] + "\n") == Checkpoint(ORIGIN, 0, EMPTY_ROOT)
    assert Checkpoint.of(EXAMPLE + "extension\n") == Checkpoint.of(EXAMPLE)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: key.replace("+", "-", 1),
        lambda key: key[:-4],
        lambda key: key.replace(ORIGIN, "other.test/log"),
        lambda key: f"{ORIGIN}+00000000+{key.split('+', 2)[2]}",
        lambda key: f"{ORIGIN}+{key.split('+')[1]}+",
        lambda key: "",
    ],
)
def test_what_is_no_key_is_refused(spoil: Callable[[str], str]) -> None:
    for kind in Kind:
        signer = Signer.new(ORIGIN, kind)
        with pytest.raises(NoteError):
            Verifier.of(spoil(str(signer.verifier)))
        with pytest.raises(verify.Misused):
            verify.Key.of(spoil(str(signer.verifier)))
        with pytest.raises(NoteError, match="not a signer key"):
            Signer.of(spoil(signer.secret_text()))


def test_a_receipt_is_one_file_that_leads_to_its_checkpoint() -> None:
    entries = leaves(9)
    for index in range(9):
        proof = receipt(entries, index)
        again = Proof.of(bytes(proof))
        assert again == proof
        assert again.leads_to_its_checkpoint()
        assert verify.Receipt.of(bytes(proof)).entry == entries[index]
    alone = receipt(entries[:1], 0)
    assert alone.path == ()
    assert Proof.of(bytes(alone)).leads_to_its_checkpoint()


def test_a_receipt_of_something_else_leads_nowhere() -> None:
    entries = leaves(9)
    proof = receipt(entries, 4)
    assert not Proof(entries[5], 4, proof.path, proof.checkpoint).leads_to_its_checkpoint()
    assert not Proof(entries[4], 5, proof.path, proof.checkpoint).leads_to_its_checkpoint()
    assert not Proof(entries[4], 4, proof.path[:-1], proof.checkpoint).leads_to_its_checkpoint()
    assert not Proof(entries[4], 4, proof.path, signed(entries[:8])).leads_to_its_checkpoint()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_altered_receipt_passes_for_one(data: st.DataObject) -> None:
    """Every byte of a receipt counts, but for those under which no key that is asked for has signed."""
    whole = bytes(receipt(leaves(9), 4))
    end = whole.index("\n\n— ".encode())  # what follows are signatures
    place = data.draw(st.integers(0, end))
    letter = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[place]))
    altered = whole[:place] + bytes([letter]) + whole[place + 1 :]
    with pytest.raises(verify.DoesNotHold):
        _check_there(altered)
    with pytest.raises(NoteError):
        _check_here(altered)


def _check_there(proof: bytes) -> None:
    found = verify.Receipt.of(proof)
    keys = [verify.Key.of(str(signer.verifier)) for signer in SIGNERS]
    verify.check_inclusion(found.entry, found.index, verify.Trust(keys, [], 0).open(found.note), found.path)


def _check_here(proof: bytes) -> None:
    found = Proof.of(proof)
    checkpoint.verified(Note.of(found.checkpoint), [signer.verifier for signer in SIGNERS])
    if not found.leads_to_its_checkpoint():
        raise NoteError
