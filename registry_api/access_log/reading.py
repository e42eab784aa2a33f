"""What is read out of the log: its checkpoint, tiles and entries, a receipt, an export, what opens one entry.

Of the tree that is being added to, and of every earlier one that was signed: what was handed out of it is still to be
checked when the log has been begun anew.
"""

import contextlib
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

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


class Signed(NamedTuple):
    """A tree under its last signed head: its number, that head, and the note as it was signed."""

    id: int
    head: Checkpoint
    note: bytes


class Begun(NamedTuple):
    """A tree that was begun: its number, its name, when; and ``signed``, None where it never was."""

    id: int
    origin: str
    at: datetime
    signed: Signed | None


def _signed(row: Mapping[str, Any]) -> Signed | None:
    note = row["note"]
    return None if note is None else Signed(row["id"], Checkpoint.of(Note.of(note).text), note)


async def trees(connection: Connection) -> list[Begun]:
    """Return every tree, the oldest first; the last is the one that is being added to."""
    rows = await tree_store.trees(connection)
    return [Begun(row["id"], row["origin"], row["begun_at"], _signed(row)) for row in rows]


async def number_of(connection: Connection, name: str) -> int | None:
    """Return the number of the earlier tree of a name, None for the present one. Raises NotFound for nobody's name."""
    begun = await trees(connection)
    found = next((tree for tree in begun if tree.origin == name), None)
    if found is None:
        raise NotFound
    return None if found is begun[-1] else found.id


async def signed_head(connection: Connection, earlier: int | None = None) -> Signed:
    """Return the present tree under its last signed head, or the ``earlier`` one of that number.

    Raises NotFound where there is none, or nothing of it is signed; the present tree is no earlier one.
    """
    if earlier is None:
        state = await tree_store.state(connection)
        found = state and _signed(state)
    else:
        found = next((tree.signed for tree in (await trees(connection))[:-1] if tree.id == earlier), None)
    if found is None:
        raise NotFound
    return found


async def receipt(connection: Connection, access_entry_id: int) -> Proof:
    """Return the receipt of an entry under the last signed head. Raises NotFound when it is not under one."""
    row = await tree_store.place(connection, access_entry_id)
    tree = row and _signed(row)
    if tree is None or row["idx"] >= tree.head.size:
        raise NotFound
    return await _receipt(connection, tree, row)


async def _receipt(connection: Connection, tree: Signed, row: Mapping[str, Any]) -> Proof:
    spans = inclusion_spans(row["idx"], tree.head.size)
    tiles = await tree_store.tiles(connection, tree.id, tiles_of(spans), tree.head.size)
    return Proof(row["leaf"], row["idx"], tuple(root_of_span(span, tiles) for span in spans), tree.note)


async def receipts(connection: Connection, reference: str) -> list[Proof]:
    """Return the receipts of the entries under a reference, the oldest first, each under the head of its own tree.

    Raises NotFound where there is none.
    """
    found = []
    for tree in await trees(connection):
        if tree.signed is not None:
            rows = await tree_store.placed(connection, tree.id, reference)
            signed = [row for row in rows if row["idx"] < tree.signed.head.size]
            found += [await _receipt(connection, tree.signed, row) for row in signed]
    if not found:
        raise NotFound
    return found


async def proof(connection: Connection, index: int, earlier: int | None = None) -> Proof:
    """Return the proof of the entry at an index under the last signed head, as witnesses signed it by now.

    Raises NotFound where the signed log has no such entry.
    """
    tree = await signed_head(connection, earlier)
    if not 0 <= index < tree.head.size:
        raise NotFound
    (leaf,) = await tree_store.leaves(connection, tree.id, index, index + 1)
    cosignatures = await anchor_store.cosignatures(connection, tree.id, tree.head.size)
    return await _receipt(connection, tree._replace(note=tree.note + cosignatures), {"leaf": leaf, "idx": index})


async def growth(connection: Connection, old: int, new: int, earlier: int | None = None) -> list[bytes]:
    """Return the hashes which prove that the log at one size begins with the log at another (RFC 6962, 2.1.2).

    None where ``old`` is 0 or both are the same. Raises NotFound unless the signed log had both sizes, in this order.
    """
    tree = await signed_head(connection, earlier)
    if not 0 <= old <= new <= tree.head.size:
        raise NotFound
    spans = consistency_spans(old, new)
    tiles = await tree_store.tiles(connection, tree.id, tiles_of(spans), new)
    return [root_of_span(span, tiles) for span in spans]


async def last_checkpoint(connection: Connection, earlier: int | None = None) -> bytes:
    """Return the last signed head, with what witnesses signed of it by now. Raises NotFound where nothing is signed."""
    tree = await signed_head(connection, earlier)
    return tree.note + await anchor_store.cosignatures(connection, tree.id, tree.head.size)


async def witnessed_checkpoint(connection: Connection, earlier: int | None = None) -> bytes:
    """Return the last head that a witness signed, with all that witnesses signed of it.

    It may be some entries behind the last head, which nobody waits for a witness to sign. Raises NotFound.
    """
    tree = await signed_head(connection, earlier)
    row = await anchor_store.last_witnessed(connection, tree.id)
    if row is None:
        raise NotFound
    return bytes(row["note"]) + await anchor_store.cosignatures(connection, tree.id, row["size"])


async def tile(connection: Connection, path: str, earlier: int | None = None) -> bytes:
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
    tree = await signed_head(connection, earlier)
    if not 0 < width <= place.width(tree.head.size):
        raise NotFound
    if what == "entries":
        return bundle(await tree_store.leaves(connection, tree.id, number * WIDTH, number * WIDTH + width))
    stored = await tree_store.tiles(connection, tree.id, {place}, tree.head.size)
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


async def export(connection: Connection, folder: Path, earlier: int | None = None) -> Checkpoint:
    """Write the log as the files of tlog-tiles, with what stands outside, and return its signed head.

    The entries are written as they stand in the database: that they are those of the head is for the verifier to see.
    ``earlier``: the number of the tree, where it is not the present one. Raises NotFound where nothing is signed,
    OSError.
    """
    tree = await signed_head(connection, earlier)
    writer = Writer(folder)
    for first in range(0, tree.head.size, WIDTH):
        writer.add(await tree_store.leaves(connection, tree.id, first, min(first + WIDTH, tree.head.size)))
    writer.finish(tree.note + await anchor_store.cosignatures(connection, tree.id, tree.head.size))
    with contextlib.suppress(NotFound):
        writer.add_beside("checkpoint.witnessed", await witnessed_checkpoint(connection, earlier))
    for row in await anchor_store.stamped(connection, tree.id):
        name = f"anchors/{row['day']}-{row['place'][:8]}"
        writer.add_beside(f"{name}.checkpoint", row["note"])
        writer.add_beside(f"{name}.tsr", row["token"])
    return tree.head
