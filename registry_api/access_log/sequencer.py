"""Puts what waits into the tree, and signs the tree: two transactions, one sequencer at a time, any number of them.

The tree is committed before it is signed, so a crash cannot leave a signed head of a tree that is not there. Before
anything is signed, the head is held against the fence (``log_keys``), which the database's administrator cannot reach:
a database that was put back, or that has another history, is refused, and whoever waits for it is answered 503.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from policies.retention import Retention, month_after
from registry_api.access_log import checkpoint, signals_store, tree_store
from registry_api.access_log.checkpoint import Checkpoint
from registry_api.access_log.log_keys import LogKeys
from registry_api.access_log.merkle import EMPTY_ROOT, consistency_spans, leaf_hash, verify_consistency
from registry_api.access_log.note import Note, NoteError
from registry_api.access_log.sealing import SealedEntry, seal, subject_master
from registry_api.access_log.tiles import Edge, root_of_span, tiles_of
from registry_api.access_log.tree_store import Placed
from registry_api.kernel.clock import Clock
from registry_api.kernel.crypto import KeyProvider, Vault
from registry_api.kernel.db import Connection, Database

ROLLED_BACK: Final = "rolled_back"
"""The database has fewer entries than were signed: it was put back, or a replica that was behind took over."""
FORKED: Final = "forked"
"""The database has other entries than were signed."""
FENCE_MISSING: Final = "fence_missing"
"""Something was signed, and the fence that would say what is not there."""
FENCE_BEHIND: Final = "fence_behind"
"""Something was signed that the fence does not know: the keys are used elsewhere, or the fence was put back."""
OTHER_ORIGIN: Final = "other_origin"
"""The log in the database, or the one of the fence, is not the one of these keys."""
TREE_ALTERED: Final = "tree_altered"
"""What is stored of the tree does not hash to its root."""


_DEFAULT: Final = Retention()

First = Callable[[Connection, str], Awaitable[int]]
"""Adds the entry with which a tree begins, whose reference says what was before; returns its number."""


class LogRefused(Exception):
    """The log is not signed as it is; ``reason`` is a fixed code. A person has to look into it: docs/access-log.md."""

    def __init__(self, reason: str) -> None:
        """Carry the reason."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Tree:
    """A tree as it stands: which, its head, and how much of it was signed."""

    id: int
    size: int
    root: bytes
    signed: int | None


@dataclass(frozen=True, slots=True)
class Round:
    """What a round did: the new entries that it put in, under a signed head now; whether there may be more."""

    entries: Mapping[int, Placed]
    more: bool


class Sequencer:
    """One of those who put entries into the tree and sign it."""

    def __init__(
        self,
        *,
        database: Database,
        local: KeyProvider,
        keys: LogKeys,
        clock: Clock,
        retention: Retention = _DEFAULT,
    ) -> None:
        """``database``: connections of its own, which no request waits for. ``local``: seals entries, and ``keys``,
        with their fence, sign. ``retention``: how long what is sealed opens.
        """
        self._retention = retention
        self._database, self._keys, self._clock = database, keys, clock
        self._vault, self._subjects = Vault(local), subject_master(local)
        self._edge: Edge | None = None
        """Of the tree after the last group that was put in here, while that is the head."""
        self._grown_from: Checkpoint | None = None
        """What the edge was before that group."""

    async def round(self) -> Round:
        """Put a group of what waits into the tree and sign it.

        Raises:
            LogRefused: the database is not the one that was signed before; nothing is signed.
            StoreUnavailable: the database was lost on the way, or the fence could not be moved. What was put in stays
                so, and is signed another time.
        """
        async with self._database.connection() as connection:
            taken, made = await self._put_in(connection)
            await self._sign(connection)
        entries = {number: Placed(entry.id, entry.wrapped) for number, entry in made.items()}
        return Round(entries, taken == tree_store.MOST_IN_A_GROUP)

    async def _put_in(self, connection: Connection) -> tuple[int, dict[int, SealedEntry]]:
        async with connection.transaction():
            await tree_store.lock(connection)
            tree = await self._tree(connection)
            self._hold_against_fence(tree)
            rows = await tree_store.take_pending(connection)
            if not rows:
                return 0, {}
            edge = await self._edge_of(connection, tree)
            self._edge = None  # until it is committed
            made = {row["id"]: self._sealed(row) for row in rows if row["entry_id"] is None}
            leaves = [
                (entry.id, leaf_hash(entry.leaf))
                if (entry := made.get(row["id"]))
                else (row["entry_id"], leaf_hash(row["leaf"]))
                for row in rows
            ]
            full = edge.append([hash_ for _, hash_ in leaves])
            root = edge.root()
            await tree_store.grow(connection, tree.id, tree.size, leaves, full, root, list(made.values()))
        self._edge, self._grown_from = edge, Checkpoint(self._keys.origin, tree.size, tree.root)
        return len(rows), made

    def _sealed(self, row: Mapping[str, Any]) -> SealedEntry:
        expires_on = self._retention.expires_on(row["kind"], row["at"])
        if expires_on is not None:  # what lay somewhere for too long is not put under a key that was destroyed
            expires_on = max(expires_on, month_after(self._clock().date()))
        return seal(row, self._vault, self._subjects, expires_on)

    async def _tree(self, connection: Connection) -> _Tree:
        state = await tree_store.state(connection)
        if state is None:
            if self._keys.fence.read() is not None:
                raise LogRefused(ROLLED_BACK)
            return _Tree(await tree_store.begin(connection, self._keys.origin, self._clock()), 0, EMPTY_ROOT, None)
        if state["origin"] != self._keys.origin:
            raise LogRefused(OTHER_ORIGIN)
        if state["size"] is None:
            return _Tree(state["id"], 0, EMPTY_ROOT, state["signed_size"])
        return _Tree(state["id"], state["size"], state["root"], state["signed_size"])

    def _is_ours(self, tree: _Tree) -> bool:
        """Whether the head is that of the edge which was kept."""
        return self._edge is not None and (self._edge.size, self._edge.root()) == (tree.size, tree.root)

    async def _edge_of(self, connection: Connection, tree: _Tree) -> Edge:
        if self._edge is not None and self._is_ours(tree):
            return self._edge
        try:
            edge = await tree_store.edge(connection, tree.id, tree.size)
        except ValueError:
            raise LogRefused(TREE_ALTERED) from None
        if edge.root() != tree.root:
            raise LogRefused(TREE_ALTERED)
        return edge

    def _hold_against_fence(self, tree: _Tree) -> Checkpoint | None:
        """Return the last signed head. Raises LogRefused when the tree cannot have grown out of it."""
        signed = self._keys.fence.read()
        if signed is not None:
            if signed.origin != self._keys.origin:
                raise LogRefused(OTHER_ORIGIN)
            if signed.size > tree.size:
                raise LogRefused(ROLLED_BACK)
            if signed.size == tree.size and signed.root != tree.root:
                raise LogRefused(FORKED)
        return signed

    async def _sign(self, connection: Connection) -> None:
        async with connection.transaction():
            await tree_store.lock(connection)
            tree = await self._tree(connection)
            # First, and also where a checkpoint stands already: it may have come with the database that was put back.
            fence = self._hold_against_fence(tree)
            if tree.signed is not None:
                if fence is None:
                    raise LogRefused(FENCE_MISSING)
                if tree.signed > fence.size:
                    raise LogRefused(FENCE_BEHIND)
                if tree.signed == tree.size:
                    return
            # A group that was put in here is known to have been added to what was signed; anything else has to show it.
            if fence is not None and not (fence == self._grown_from and self._is_ours(tree)):
                await self._show_growth(connection, fence, tree)
            note = await asyncio.to_thread(self._signed, Checkpoint(self._keys.origin, tree.size, tree.root))
            await tree_store.add_checkpoint(connection, tree.id, tree.size, note, signals_store.SIGNED)

    def _signed(self, head: Checkpoint) -> bytes:
        """Move the fence, then sign. Blocks for as long as a disk takes, and for a millisecond of computing."""
        self._keys.fence.move(head)
        return bytes(Note(head.text, tuple(checkpoint.sign(head.text, self._keys.signers, self._clock()))))

    async def _show_growth(self, connection: Connection, signed: Checkpoint, tree: _Tree) -> None:
        """Raise LogRefused unless the stored tree begins with the one that was signed last."""
        spans = consistency_spans(signed.size, tree.size)
        tiles = await tree_store.tiles(connection, tree.id, tiles_of(spans), tree.size)
        try:
            path = [root_of_span(span, tiles) for span in spans]
        except (KeyError, ValueError):
            raise LogRefused(TREE_ALTERED) from None
        if not verify_consistency(signed.size, signed.root, tree.size, tree.root, path):
            raise LogRefused(FORKED)

    async def begin_anew(self, keys: LogKeys, first: First) -> str:
        """Begin another tree under fresh ``keys``, whose first entry names the last head that was signed.

        For a database that was put back or has another history. What is in it and not under a signed head goes into the
        new tree, after the ``first`` entry, which says who began it and why: nobody can be asked to wait for a head
        that the old keys sign. Returns what its reference says. Raises asyncpg.UniqueViolationError when there was a
        log of that name, LogRefused when the keys have signed already.
        """
        if keys.fence.read() is not None:
            raise LogRefused(OTHER_ORIGIN)
        async with self._database.transaction() as connection:
            await tree_store.lock(connection)
            old = await tree_store.state(connection)
            if old is not None:
                await tree_store.requeue_unsigned(connection, old["id"], old["signed_size"] or 0)
            last = self._last_signed(old and old["note"])
            said = f"{last.origin}:{last.size}:{last.root.hex()}" if last else self._keys.origin
            new = await tree_store.begin(connection, keys.origin, self._clock())
            sealed = self._sealed(await tree_store.take(connection, await first(connection, said)))
            edge = Edge()
            edge.append([hash_ := leaf_hash(sealed.leaf)])
            await tree_store.grow(connection, new, 0, [(sealed.id, hash_)], [], edge.root(), [sealed])
        self._keys, self._edge = keys, None
        async with self._database.connection() as connection:
            await self._sign(connection)
        return said

    def _last_signed(self, note: bytes | None) -> Checkpoint | None:
        """Return the last head that the keys signed, by the fence or the ``note`` in the database, whichever has more:
        the fence may be what was lost."""
        known = [head] if (head := self._keys.fence.read()) else []
        if note is not None:
            with contextlib.suppress(NoteError):
                checkpoint.verified(stored := Note.of(note), [signer.verifier for signer in self._keys.signers])
                known.append(Checkpoint.of(stored.text))
        return max(known, key=lambda head: head.size, default=None)
