"""The full check from inside: does the log still say what was put into its tree, and is all of it there?

It knows what an auditor outside cannot: the rows that the entries were made of, and their secrets. It trusts the
database's signed head; whether that is the one that was handed out is for the verifier, with a checkpoint from outside.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from registry_api.access_log import keeping_store, tree_store
from registry_api.access_log.erasure import digest_of
from registry_api.access_log.merkle import leaf_hash
from registry_api.access_log.reading import signed_head
from registry_api.access_log.sealing import is_of
from registry_api.access_log.tiles import Edge
from registry_api.kernel.crypto import EnvelopeError, Vault
from registry_api.kernel.db import Connection

_AT_ONCE: Final = 1_000


@dataclass(slots=True)
class Findings:
    """What is not as it was put in, by number of entries; all zero where the log is whole."""

    entries: int = 0
    altered: int = 0
    """The row, the leaf or the place of an entry says something else than the tree."""
    missing: int = 0
    """In no tree, and not waiting for it."""
    removed: int = 0
    """In the tree, and the row is gone, though nothing says that it was erased."""
    shredded: int = 0
    """What opens it is gone, or it is said to have been erased, and no erasure in the log is of it."""
    tiles: int = 0
    """Stored tiles that are not what the leaves hash to: receipts are made of them, and would not hold."""
    other_root: bool = False
    """The leaves together are not those of the signed head."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found."""
        found = (self.altered, self.missing, self.removed, self.shredded, self.tiles, self.other_root)
        return not any(found)


def _is_altered(row: Mapping[str, Any], vault: Vault, subjects: bytes) -> bool:
    if row["leaf_hash"] is not None and leaf_hash(row["leaf"]) != row["leaf_hash"]:
        return True
    if row["wrapped"] is None:
        return False  # counted by itself: nobody can tell any more what it said
    try:
        return not is_of(row, vault, subjects)
    except EnvelopeError:
        return True


async def check(connection: Connection, vault: Vault, subjects: bytes) -> Findings:
    """Compare every entry with its row and its place, and all places with the signed head.

    ``subjects``: the master of the subject keys. Raises NotFound where nothing is signed, StoreUnavailable.
    """
    origin_id, head, _ = await signed_head(connection)
    found, last = Findings(), 0
    while rows := await tree_store.rows_with_entries(connection, origin_id, last, _AT_ONCE):
        last = rows[-1]["id"]
        found.entries += len(rows)
        found.missing += sum(row["entry_id"] is None and not row["waits"] for row in rows)
        found.shredded += sum(row["entry_id"] is not None and row["wrapped"] is None for row in rows)
        found.altered += sum(row["entry_id"] is not None and _is_altered(row, vault, subjects) for row in rows)
    found.removed = await tree_store.entries_without_rows(connection)
    for erasure in await keeping_store.erasures(connection):
        said = (keeping_store.ERASED, digest_of(erasure["entry_ids"]))
        found.shredded += 0 if (erasure["kind"], erasure["digest"]) == said else len(erasure["entry_ids"])
    edge = Edge()
    for first in range(0, head.size, _AT_ONCE):
        end = min(first + _AT_ONCE, head.size)
        full = edge.append(await tree_store.leaf_hashes(connection, origin_id, first, end))
        found.tiles += await tree_store.differing_tiles(connection, origin_id, full)
    found.other_root = edge.root() != head.root
    return found
