"""A log without a database: entries, its keys, and its export, made by the service's own code."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from registry_api.access_log import checkpoint
from registry_api.access_log.checkpoint import Checkpoint
from registry_api.access_log.entry import Entry
from registry_api.access_log.export import Writer
from registry_api.access_log.merkle import consistency_spans, inclusion_spans, leaf_hash, root_of
from registry_api.access_log.note import Kind, Note, Signer
from registry_api.access_log.proof import Proof
from registry_api.access_log.tiles import Tile, root_of_span, tiles_in

ORIGIN = "register.test/log"
AT = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
SECRET = bytes(range(32))
SIGNERS = tuple(Signer.new(ORIGIN, kind) for kind in (Kind.ED25519, Kind.ML_DSA_44_COSIGNATURE))
KEYS = [argument for signer in SIGNERS for argument in ("--log-key", str(signer.verifier))]


def an_entry(number: int, *, kind: str = "enquiry.received", subjects: Sequence[bytes] = ()) -> Entry:
    """Return an entry, another for each number."""
    fields = {"who": f"Testperson {number}", "asked": "Quillon Demo-Larch", "organisation": "Test Hospital"}
    return Entry(UUID(int=number), kind, AT + timedelta(seconds=number), fields, f"E-{number // 2}", subjects)


def leaves(count: int) -> list[bytes]:
    """Return the leaves of a log."""
    return [an_entry(number).leaf(SECRET) for number in range(count)]


def signed(entries: Sequence[bytes], signers: Sequence[Signer] = SIGNERS, origin: str = ORIGIN) -> bytes:
    """Return the checkpoint of a log of these entries."""
    text = Checkpoint(origin, len(entries), root_of([leaf_hash(entry) for entry in entries])).text
    return bytes(Note(text, tuple(checkpoint.sign(text, signers, AT))))


def exported(folder: Path, entries: Sequence[bytes], note: bytes | None = None) -> Path:
    """Write the export of a log, with a checkpoint of its own unless one is given."""
    writer = Writer(folder)
    writer.add(entries)
    writer.finish(note or signed(entries))
    return folder


def tiles_over(hashes: Sequence[bytes]) -> dict[Tile, bytes]:
    """Return every tile of a tree, straight from the definition (tlog-tiles, Merkle Tree)."""
    tiles = {}
    for tile in tiles_in(len(hashes)):
        under = 256**tile.level
        starts = [(tile.number * 256 + place) * under for place in range(tile.width(len(hashes)))]
        tiles[tile] = b"".join(root_of(hashes[start : start + under]) for start in starts)
    return tiles


def receipt(entries: Sequence[bytes], index: int) -> Proof:
    """Return the receipt of one entry."""
    tiles = tiles_over([leaf_hash(entry) for entry in entries])
    path = tuple(root_of_span(span, tiles) for span in inclusion_spans(index, len(entries)))
    return Proof(entries[index], index, path, signed(entries))


def consistency(entries: Sequence[bytes], old: int) -> str:
    """Return the proof that a log of these entries began with the first ``old``, a hash on each line."""
    tiles = tiles_over([leaf_hash(entry) for entry in entries])
    return "\n".join(b64encode(root_of_span(span, tiles)).decode() for span in consistency_spans(old, len(entries)))
