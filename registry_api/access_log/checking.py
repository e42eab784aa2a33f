"""The full check from inside: does the log still say what was put into its trees, and is all of it there?

It knows what an auditor outside cannot: the rows that the entries were made of, and their secrets. It trusts the
database's signed heads; whether those are the ones that were handed out is for the verifier, with a checkpoint from
outside. A log that was begun anew has earlier trees as well: what was under their signed heads stands there for good.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Final

from registry_api.access_log import checking_store, keeping_store
from registry_api.access_log.checkpoint import Checkpoint
from registry_api.access_log.erasure import digest_of
from registry_api.access_log.merkle import leaf_hash
from registry_api.access_log.reading import Signed, trees
from registry_api.access_log.sealing import BEGUN_ANEW, is_of
from registry_api.access_log.tiles import Edge
from registry_api.kernel.crypto import EnvelopeError, Vault
from registry_api.kernel.db import Connection
from registry_api.kernel.errors import NotFound

_AT_ONCE: Final = 1_000


@dataclass(slots=True)
class Findings:
    """What is not as it was put in, by number of entries; all zero where the log is whole."""

    entries: int = 0
    trees: int = 0
    """That were ever signed."""
    altered: int = 0
    """The row, the leaf or the place of an entry says something else than a tree."""
    missing: int = 0
    """Neither in the present tree, nor under the signed head of an earlier one, and not waiting."""
    removed: int = 0
    """In a tree, and the row is gone, though nothing says that it was erased; or the entry itself."""
    shredded: int = 0
    """What opens it is gone, or it is said to have been erased, and no erasure in the log is of it."""
    tiles: int = 0
    """Stored tiles that are not what the leaves hash to: receipts are made of them, and would not hold."""
    altered_trees: list[str] = field(default_factory=list)
    """The names of the trees whose leaves together are not those of their signed head, or whose signed head is not one
    that the next tree can have begun with."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found."""
        found = (self.altered, self.missing, self.removed, self.shredded, self.tiles, self.altered_trees)
        return not any(found)


def _is_altered(row: Mapping[str, Any], vault: Vault, subjects: bytes) -> bool:
    if set(row["hashes"] or ()) - {leaf_hash(row["leaf"])}:
        return True
    if row["wrapped"] is None:
        return False  # counted by itself: nobody can tell any more what it said
    try:
        return not is_of(row, vault, subjects)
    except EnvelopeError:
        return True


async def check(connection: Connection, vault: Vault, subjects: bytes) -> Findings:
    """Compare every entry with its row and its places, and all places with the signed head of each tree.

    ``subjects``: the master of the subject keys. Raises NotFound where nothing is signed, StoreUnavailable.
    """
    begun = await trees(connection)
    signed = [tree.signed for tree in begun if tree.signed is not None]
    if not signed:
        raise NotFound
    # Nobody signs an earlier tree any more: what stands there beyond its signed head has to stand in a later one too.
    covers = [(tree.id, 0 if tree.signed is None else tree.signed.head.size) for tree in begun[:-1]]
    found, last = Findings(trees=len(signed)), 0
    while rows := await checking_store.rows(connection, [*covers, (begun[-1].id, None)], last, _AT_ONCE):
        last = rows[-1]["id"]
        found.entries += len(rows)
        found.missing += sum(not (row["stands"] or row["waits"]) for row in rows)
        found.shredded += sum(row["entry_id"] is not None and row["wrapped"] is None for row in rows)
        found.altered += sum(row["entry_id"] is not None and _is_altered(row, vault, subjects) for row in rows)
    found.removed = await checking_store.lost(connection)
    for erasure in await keeping_store.erasures(connection):
        said = (keeping_store.ERASED, digest_of(erasure["entry_ids"]))
        found.shredded += 0 if (erasure["kind"], erasure["digest"]) == said else len(erasure["entry_ids"])
    names = {tree.origin for tree in begun}
    for tree, after in zip_longest(begun, begun[1:]):
        if tree.signed is not None:
            as_signed = await _is_as_signed(connection, tree.signed, found)
            leaf = await checking_store.first(connection, after.id) if after else None
            if not as_signed or (after and not _can_follow(leaf, tree.signed.head, names)):
                found.altered_trees.append(tree.origin)
    return found


def _can_follow(leaf: bytes | None, head: Checkpoint, names: Collection[str]) -> bool:
    """Return whether a tree that begins with this entry can have been begun after this head.

    It names the last head that was signed. More may have been signed than the database has, and in a log of which it
    has nothing any more. Nobody who has the database alone adds a tree before another, or has one signed further.
    """
    try:
        entry = json.loads(leaf or b"")
        if entry["t"] != BEGUN_ANEW:
            return False
        origin, *named = entry["ref"].rsplit(":", 2)
        if origin != head.origin or not named:
            return origin == head.origin or origin not in names
        size, root = named
        return int(size) > head.size or (int(size), root) == (head.size, head.root.hex())
    except (ValueError, TypeError, KeyError, AttributeError):
        return False


async def _is_as_signed(connection: Connection, tree: Signed, found: Findings) -> bool:
    """Hash the leaves of a tree up to its signed head; count the tiles that are stored otherwise."""
    edge = Edge()
    for first in range(0, tree.head.size, _AT_ONCE):
        end = min(first + _AT_ONCE, tree.head.size)
        full = edge.append(await checking_store.leaf_hashes(connection, tree.id, first, end))
        found.tiles += await checking_store.differing_tiles(connection, tree.id, full)
    return edge.root() == tree.head.root
