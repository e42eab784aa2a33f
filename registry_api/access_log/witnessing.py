"""Cosignatures taken (C2SP tlog-witness, tlog-cosignature): others sign that they saw the log only grow.

Nobody's answer waits for a witness: what they sign is put beside the checkpoint afterwards.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from registry_api.access_log import anchor_store, tree_store
from registry_api.access_log.checkpoint import Checkpoint, holds, size_of
from registry_api.access_log.merkle import consistency_spans
from registry_api.access_log.note import Kind, Note, NoteError, Signature, Verifier
from registry_api.access_log.proof import base64_line
from registry_api.access_log.tiles import root_of_span, tiles_of
from registry_api.kernel.clock import Clock
from registry_api.kernel.db import Connection

_SIZE_TYPE: Final = "text/x.tlog.size"
_COSIGNS: Final = (Kind.ED25519_COSIGNATURE, Kind.ML_DSA_44_COSIGNATURE)


class NotWitnessed(Exception):
    """A witness did not sign. ``reason`` is a fixed code; ``ahead``: it has seen more than there is."""

    def __init__(self, reason: str) -> None:
        """Carry the reason."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Witness:
    """One of those who sign: by which key, and where it is asked."""

    key: Verifier
    url: str


def read_policy(path: Path) -> list[Witness]:
    """Return the witnesses of a policy file (C2SP tlog-policy) that say where they are asked.

    Raises OSError, NoteError for a line that is not understood or a witness's key that makes no cosignatures.
    """
    found = []
    for line in path.read_text("utf-8").splitlines():
        words = line.split()
        if not words or words[0].startswith("#") or words[0] in ("log", "group", "quorum"):
            continue
        if words[0] != "witness" or len(words) not in (3, 4):
            raise NoteError("not a line of a policy")
        key = Verifier.of(words[2])
        if key.kind not in _COSIGNS:
            raise NoteError("a witness signs with a key for cosignatures")
        if len(words) == 4:
            if not words[3].startswith(("https://", "http://")):
                raise NoteError("not the address of a witness")
            found.append(Witness(key, words[3].rstrip("/")))
    return found


async def cosign(
    connection: Connection,
    http: httpx2.AsyncClient,
    witness: Witness,
    clock: Clock,
    origin_id: int,
    note: bytes,
) -> bool:
    """Have a witness sign the head in a note and keep what it signed; False where it has done so before.

    ``connection``: not within a transaction, for a witness may take its time. Raises NotWitnessed, httpx2.HTTPError,
    StoreUnavailable through the connection.
    """
    head = Checkpoint.of(Note.of(note).text)
    kept = await anchor_store.witnessed_size(connection, origin_id, str(witness.key))
    if kept == head.size:
        return False
    answer = await _ask(connection, http, witness, origin_id, kept or 0, head, note)
    if answer.status_code == 409:
        # It has seen another head than we know of: once more, from there on.
        if (seen := _size(answer)) > head.size:
            raise NotWitnessed("ahead")
        answer = await _ask(connection, http, witness, origin_id, seen, head, note)
    if answer.status_code != 200:
        raise NotWitnessed(f"status_{answer.status_code}")
    lines = _held(answer.content, witness.key, head)
    await anchor_store.add_cosignature(connection, origin_id, head.size, str(witness.key), clock(), lines)
    return True


def _size(answer: httpx2.Response) -> int:
    if answer.headers.get("content-type", "").partition(";")[0] != _SIZE_TYPE:
        raise NotWitnessed("conflict")
    try:
        return size_of(answer.text.removesuffix("\n"))
    except NoteError:
        raise NotWitnessed("conflict") from None


async def _ask(
    connection: Connection,
    http: httpx2.AsyncClient,
    witness: Witness,
    origin_id: int,
    old: int,
    head: Checkpoint,
    note: bytes,
) -> httpx2.Response:
    """Send a request (tlog-witness, add-checkpoint): from where, how the log grew since, and the head."""
    spans = consistency_spans(old, head.size) if 0 < old < head.size else []
    tiles = await tree_store.tiles(connection, origin_id, tiles_of(spans), head.size)
    try:
        proof = [base64_line(root_of_span(span, tiles)) for span in spans]
    except (KeyError, ValueError):
        raise NotWitnessed("tree_altered") from None
    asked = "".join((f"old {old}\n", *proof, "\n")).encode() + note
    return await http.post(f"{witness.url}/add-checkpoint", content=asked)


def _held(content: bytes, key: Verifier, head: Checkpoint) -> bytes:
    """Return those of a witness's lines that are its signature on the head; lines of other keys are passed over."""
    held = []
    try:
        for line in content.decode().removesuffix("\n").split("\n"):
            signature = Signature.of(line)
            if (signature.name, signature.key_id) == (key.name, key.id):
                if not holds(signature, key, head.text):
                    raise NotWitnessed("signature")
                held.append(str(signature))
    except (UnicodeDecodeError, NoteError):
        raise NotWitnessed("answer") from None
    if not held:
        raise NotWitnessed("signature")
    return "".join(held).encode()
