"""What is erased when its time is over: the secret of an entry, the row beside it, and what the entry answers for.

In this order. In one transaction it is written what is erased, in the log as well, and the secrets and rows go; what a
legal hold is on is wrapped under a later month instead. Once that entry is under a signed head, the key of the month is
destroyed, with which the same is erased in every backup. A run that breaks off is taken up by the next one.
"""

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from typing import Any, Final, Protocol
from uuid import UUID

import structlog

from policies.retention import Retention, month_after
from registry_api.access_log import keeping_store, store
from registry_api.access_log.sealing import open_reference, wrapped_anew
from registry_api.kernel.clock import Clock
from registry_api.kernel.crypto import EnvelopeError, Vault
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.expiry_keys import ExpiryKeys, kid_of

_AT_ONCE: Final = 500
_MOST_BATCHES: Final = 200
_log = structlog.get_logger()


class Content(Protocol):
    """What entries answer for and is not theirs: the question that was asked, the answer that was given."""

    async def still_open(self, connection: Connection, references: Sequence[str]) -> set[str]:
        """Return under which of these references somebody still has something to do: that is not erased yet."""
        ...

    async def erase(self, connection: Connection, references: Sequence[str], entries: Sequence[int]) -> None:
        """Erase what was asked and answered under these references, with all that only serves to follow it up; and
        what was noted of the use of these entries, by their numbers."""
        ...

    async def wrap_anew(self, connection: Connection, vault: Vault, until: Mapping[str, date | None]) -> None:
        """Put it, by reference, under the key of another month."""
        ...

    async def is_wrapped_by(self, connection: Connection, kid: bytes) -> bool:
        """Return whether any of it is wrapped under the key with this id."""
        ...


@dataclass(frozen=True, slots=True)
class Erased:
    """What a run did: how many entries were erased, how many kept because of a hold, which months' keys destroyed."""

    entries: int
    kept: int
    months: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class Erasure:
    """The erasing, over what it needs.

    ``covered``: returns when an entry of the log lies under a signed head. ``about``: the kind of the entry with which
    what it answers for is erased.
    """

    vault: Vault
    keys: ExpiryKeys
    retention: Retention
    clock: Clock
    covered: Callable[[int], Awaitable[object]]
    content: Content
    about: frozenset[str]

    async def run(self, database: Database) -> Erased:
        """Erase whatever is due, and put what was sealed before there were keys of months under one.

        Any process may, and several at once. Raises StoreUnavailable, OSError; what was done by then is whole.
        """
        entries = kept = 0
        for step in (self._adopt, self._batch):
            for _ in range(_MOST_BATCHES):
                async with database.transaction() as connection:
                    await keeping_store.lock(connection)
                    taken, erased = await step(connection)
                entries += erased
                kept += taken - erased if step == self._batch else 0
                if taken < _AT_ONCE:
                    break
        return Erased(entries, kept, await self._destroy_keys(database))

    def _today(self) -> date:
        return self.clock().date()

    async def _adopt(self, connection: Connection) -> tuple[int, int]:
        rows = await keeping_store.without_expiry(connection, _AT_ONCE)
        await self._carry(connection, {row["entry_id"]: (row, self._planned(row)) for row in rows})
        return len(rows), 0

    async def _batch(self, connection: Connection) -> tuple[int, int]:
        rows = await keeping_store.due(connection, self._today(), _AT_ONCE)
        if not rows:
            return 0, 0
        held = await keeping_store.held(connection, [row["id"] for row in rows])
        references = {row["reference"] for row in rows if row["kind"] in self.about}
        still_open = await self.content.still_open(connection, sorted(references))
        later = month_after(self._today() + timedelta(days=1))
        carried: dict[UUID, tuple[Any, date | None]] = {}
        erased = []
        for row in rows:
            planned = self._planned(row)
            if row["id"] in held or (row["kind"] in self.about and row["reference"] in still_open):
                carried[row["entry_id"]] = (row, later)
            elif planned is None or planned > self._today():  # the authority keeps them longer by now
                carried[row["entry_id"]] = (row, planned)
            else:
                erased.append(row)
        await self._carry(connection, carried)
        await self._erase(connection, erased)
        return len(rows), len(erased)

    def _planned(self, row: Mapping[str, Any]) -> date | None:
        return self.retention.expires_on(row["kind"], row["at"])

    async def _carry(
        self, connection: Connection, carried: Mapping[UUID, tuple[Mapping[str, Any], date | None]]
    ) -> None:
        """Put entries, and all that they answer for, under the keys of other months."""
        if not carried:
            return
        this_month = month_after(self._today())
        until = {
            entry_id: None if wanted is None else max(wanted, this_month) for entry_id, (_, wanted) in carried.items()
        }
        secrets = []
        for entry_id, (row, _) in carried.items():
            wrapped = row["wrapped"]
            # What does not open is left as it is, and found by the nightly check.
            with contextlib.suppress(EnvelopeError):
                wrapped = wrapped_anew(self.vault, entry_id, wrapped, until[entry_id])
            secrets.append((entry_id, wrapped, until[entry_id]))
        await keeping_store.wrap_anew(connection, secrets)
        by_number = {row["id"]: until[entry_id] for entry_id, (row, _) in carried.items()}
        for table in keeping_store.BESIDE:
            for beside in await keeping_store.sealed_beside(connection, table, list(by_number)):
                with contextlib.suppress(EnvelopeError):
                    until_then = by_number[beside["access_entry_id"]]
                    envelope = self.vault.wrap_anew(table, beside["id"], beside["data_key"], until_then)
                    await keeping_store.wrap_beside_anew(connection, table, beside["id"], envelope)
        about = {
            row["reference"]: until[entry_id] for entry_id, (row, _) in carried.items() if row["kind"] in self.about
        }
        await self.content.wrap_anew(connection, self.vault, about)

    async def _erase(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        if not rows:
            return
        digest = digest_of([row["entry_id"] for row in rows])
        erasure = await store.append(
            connection, store.values(at=self.clock(), kind=keeping_store.ERASED, reason="retention", digest=digest)
        )
        references = sorted({row["reference"] for row in rows if row["kind"] in self.about})
        # First it is written what is erased: only then do the rows let themselves be deleted.
        named = [(row["entry_id"], row["id"], open_reference(row)) for row in rows]
        await keeping_store.note_erased(connection, named, erasure)
        await self.content.erase(connection, references, [row["id"] for row in rows])
        await keeping_store.erase(connection, named)

    async def _destroy_keys(self, database: Database) -> tuple[date, ...]:
        due = self.keys.due(self._today())
        if not due:
            return ()
        async with database.connection() as connection:
            last = await keeping_store.last_erasure(connection)
        if last is not None:
            await self.covered(last)  # the erasure cannot be denied any more when the last copy goes
        destroyed = []
        async with database.transaction() as connection:
            await keeping_store.lock(connection)
            for until in due:
                kid = kid_of(until).to_bytes(2, "big")
                if await keeping_store.is_wrapped_by(connection, kid) or await self.content.is_wrapped_by(
                    connection, kid
                ):
                    _log.error("log_key_still_used", kind="expiry")
                    continue
                with contextlib.suppress(FileNotFoundError):
                    self.keys.destroy(until)
                    destroyed.append(until)
        return tuple(destroyed)


def digest_of(entry_ids: Sequence[UUID]) -> bytes:
    """Return what the entry of an erasure commits to: SHA-256 over the ids of all that was erased, in their order."""
    return sha256(b"".join(sorted(entry_id.bytes for entry_id in entry_ids))).digest()
