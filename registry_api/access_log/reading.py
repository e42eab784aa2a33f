"""What is read out of the log: its checkpoint, tiles and entries, a receipt, an export, what opens one entry."""

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from registry_api.access_log import anchor_store, keeping_store, tree_store
from registry_api.access_log.checkpoint import Checkpoint
from registry_api.access_log.export import Writer
from registry_api.access_log.merkle import HASH_SIZE, consistency_spans, inclusion_spans
from registry_api.access_log.note import Note
from registry_api.access_log.proof import Proof
from registry_api.access_log.sealing import opening
from registry_api.access_log.tiles import WIDTH, Tile, bundle, path_of, root_of_span, tiles_of
from registry_api.kernel.crypto import EnvelopeError, Vault
from registry_api.kernel.db import Connection
from registry_api.kernel.errors import NotFound

_TILE: Final = re.compile(r"(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([0-9]{1,3}))?")


async def signed_head(connection: Connection) -> tuple[int, Checkpoint, bytes]:
    """Return the current tree's id, its last signed head and the note. Raises NotFound where nothing is signed."""
    state = await tree_store.state(connection)
    if state is None or state["note"] is None:
        raise NotFound
    return state["id"], Checkpoint.of(Note.of(state["note"]).text), state["note"]


async def receipt(connection: Connection, access_entry_id: int) -> Proof:
    """Return the receipt of an entry under the last signed head. Raises NotFound when it is not under one."""
    row = await tree_store.place(connection, access_entry_id)
    origin_id, head, note = await signed_head(connection)
    if row is None or row["idx"] >= head.size:
        raise NotFound
    return await _receipt(connection, origin_id, head, note, row)


async def _receipt(
    connection: Connection, origin_id: int, head: Checkpoint, note: bytes, row: Mapping[str, Any]
) -> Proof:
    spans = inclusion_spans(row["idx"], head.size)
    tiles = await tree_store.tiles(connection, origin_id, tiles_of(spans), head.size)
    return Proof(row["leaf"], row["idx"], tuple(root_of_span(span, tiles) for span in spans), note)


async def receipts(connection: Connection, reference: str) -> list[Proof]:
    """Return the receipts of the entries under a reference, the oldest first. Raises NotFound where there is none."""
    origin_id, head, note = await signed_head(connection)
    rows = await tree_store.placed(connection, origin_id, reference)
    found = [await _receipt(connection, origin_id, head, note, row) for row in rows if row["idx"] < head.size]
    if not found:
        raise NotFound
    return found


async def proof(connection: Connection, index: int) -> Proof:
    """Return the proof of the entry at an index under the last signed head, as witnesses signed it by now.

    Raises NotFound where the signed log has no such entry.
    """
    origin_id, head, note = await signed_head(connection)
    if not 0 <= index < head.size:
        raise NotFound
    (leaf,) = await tree_store.leaves(connection, origin_id, index, index + 1)
    note += await anchor_store.cosignatures(connection, origin_id, head.size)
    return await _receipt(connection, origin_id, head, note, {"leaf": leaf, "idx": index})


async def growth(connection: Connection, old: int, new: int) -> list[bytes]:
    """Return the hashes which prove that the log at one size begins with the log at another (RFC 6962, 2.1.2).

    None where ``old`` is 0 or both are the same. Raises NotFound unless the signed log had both sizes, in this order.
    """
    origin_id, head, _ = await signed_head(connection)
    if not 0 <= old <= new <= head.size:
        raise NotFound
    spans = consistency_spans(old, new)
    tiles = await tree_store.tiles(connection, origin_id, tiles_of(spans), new)
    return [root_of_span(span, tiles) for span in spans]


async def last_checkpoint(connection: Connection) -> bytes:
    """Return the last signed head, with what witnesses signed of it by now. Raises NotFound where nothing is signed."""
    origin_id, head, note = await signed_head(connection)
    return note + await anchor_store.cosignatures(connection, origin_id, head.size)


async def witnessed_checkpoint(connection: Connection) -> bytes:
    """Return the last head that a witness signed, with all that witnesses signed of it.

    It may be some entries behind the last head, which nobody waits for a witness to sign. Raises NotFound.
    """
    origin_id, _, _ = await signed_head(connection)
    row = await anchor_store.last_witnessed(connection, origin_id)
    if row is None:
        raise NotFound
    return bytes(row["note"]) + await anchor_store.cosignatures(connection, origin_id, row["size"])


async def tile(connection: Connection, path: str) -> bytes:
    """Return the tile or the bundle of entries at a path below ``tile/`` (tlog-tiles, Merkle Tree and Log entries).

    Of the signed tree only, and of a tile that has grown since as much as is asked for. Raises NotFound.
    """
    asked = _TILE.fullmatch(path)
    if asked is None:
        raise NotFound
    what, number, width = asked[1], int(re.sub("[x/]", "", asked[2])), int(asked[3] or WIDTH)
    place = Tile(0 if what == "entries" else int(what), number)
    if f"tile/{path}" != path_of(what if what == "entries" else place.level, number, width):
        raise NotFound
    origin_id, head, _ = await signed_head(connection)
    if not 0 < width <= place.width(head.size):
        raise NotFound
    if what == "entries":
        return bundle(await tree_store.leaves(connection, origin_id, number * WIDTH, number * WIDTH + width))
    stored = await tree_store.tiles(connection, origin_id, {place}, head.size)
    return stored[place][: width * HASH_SIZE]


async def openings(connection: Connection, vault: Vault, reference: str, names: list[str]) -> list[dict[str, Any]]:
    """Return what opens the entries under a reference, as ``verify.py open-entry`` reads it, the oldest first.

    ``names``: of the fields, none for all; an entry without such a field opens the others. One whose secret was
    destroyed, or does not open, is left out. Those of a tree before the present one open as well. Raises NotFound where
    there is no entry.
    """
    rows = await keeping_store.sealed_under(connection, reference)
    if not rows:
        raise NotFound
    opened = []
    for row in rows:
        if row["wrapped"] is not None:
            try:
                opened.append(opening(vault, row["entry_id"], row["wrapped"], row["sealed"], names))
            except EnvelopeError:
                continue
    return opened


async def export(connection: Connection, folder: Path) -> Checkpoint:
    """Write the log as the files of tlog-tiles, with what stands outside, and return its signed head.

    The entries are written as they stand in the database: that they are those of the head is for the verifier to see.
    Raises NotFound where nothing is signed, OSError.
    """
    origin_id, head, note = await signed_head(connection)
    writer = Writer(folder)
    for first in range(0, head.size, WIDTH):
        writer.add(await tree_store.leaves(connection, origin_id, first, min(first + WIDTH, head.size)))
    writer.finish(note + await anchor_store.cosignatures(connection, origin_id, head.size))
    with contextlib.suppress(NotFound):
        writer.add_beside("checkpoint.witnessed", await witnessed_checkpoint(connection))
    for row in await anchor_store.stamped(connection, origin_id):
        name = f"anchors/{row['day']}-{row['place'][:8]}"
        writer.add_beside(f"{name}.checkpoint", row["note"])
        writer.add_beside(f"{name}.tsr", row["token"])
    return head
