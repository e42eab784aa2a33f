"""The use-cases of a move: another authority notifies, a temporary entry stands at once, a key worker is allocated."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from policies.access import Decision, may_allocate, may_notify_transfer
from policies.enquirer import Enquirer, Role
from policies.profile import Profile
from registry_api.access_log.admitting import admit
from registry_api.kernel.clock import Clock
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.errors import IdempotencyKeyReused, NotFound, StoreUnavailable
from registry_api.kernel.idempotency import KEY_KEPT
from registry_api.kernel.references import new_reference
from registry_api.kernel.statement import Statement
from registry_api.matching.token_keys import TokenKeys
from registry_api.register import loading
from registry_api.register.entry import ChildEntry
from registry_api.register.sealing import child_key, rows_of
from registry_api.routing.rules import SAFEGUARDING_MANAGER, Contact, Recipient, who_follows_up
from registry_api.routing.service import Subject
from registry_api.routing.store import TELL, Kind, Notice, told_values
from registry_api.transfers import store
from registry_api.transfers.finding import standing_entries
from registry_api.transfers.moved import moved_entry
from registry_api.transfers.rules import WHAT_IT_MEANS, PlacedAs, placed_as, shown_as, with_move
from registry_api.transfers.schemas import (
    Allocated,
    AllocationRequest,
    TransferInReceipt,
    TransferInRequest,
)

_TELL = Statement(TELL)
_URGENT = "urgent"

TURN_SECONDS = 5.0
"""How long a notification waits for those before it, in this process."""
MOST_AT_ONCE = 4
"""Notifications that are placed or wait, in this process. Each is one of the few requests that it handles at a time:
further ones are asked to come again, so that there is always room for enquiries (ENQ-1)."""


@dataclass(frozen=True, slots=True)
class _Notice:
    """One notification on its way. ``digest`` fingerprints who sent what."""

    enquirer: Enquirer
    decision: Decision
    request: TransferInRequest
    body: bytes
    digest: bytes
    idempotency_key: str | None
    now: datetime

    def repeats(self, before: Mapping[str, Any]) -> bool:
        """Whether this says nothing that the latest notice did not say, and has no key that must be kept."""
        return self.idempotency_key is None and hmac.compare_digest(before["request_digest"], self.digest)


@dataclass(frozen=True, slots=True)
class Transfers:
    """The use-cases, over what they need. ``digest_key``: 32 bytes under which requests are fingerprinted."""

    database: Database
    vault: Vault
    token_keys: TokenKeys
    digest_key: bytes
    profile: Profile
    clock: Clock
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1), init=False, repr=False)
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE), init=False, repr=False)

    async def notify_in(
        self, enquirer: Enquirer, request: TransferInRequest, *, idempotency_key: str | None
    ) -> TransferInReceipt:
        """Take in that a child on the asker's plan has moved here (TRF-1, TRF-2, TIME-2).

        The notification is recorded before the register is read. A temporary entry, the transfer case with the day by
        which the conference is due, and the notification of the safeguarding manager are one transaction. A child who
        stands on the register already keeps the one entry (REG-1).

        A notice that this authority sent before, with something new, brings the temporary entry up to date and leaves
        the day of the conference; the very same notice without a key of its own changes nothing.

        Raises Forbidden, IdempotencyKeyReused; StoreUnavailable also where the turn or a lock is too long in coming.
        Then nothing is placed.
        """
        async with self._in_turn(), self.database.connection() as connection:
            now = self.clock()
            decision = may_notify_transfer(enquirer, self.profile.today(now))
            await admit(connection, enquirer, decision, "transfer.received", at=now)
            body = request.model_dump_json(exclude_defaults=True).encode()
            digest = hmac.digest(self.digest_key, enquirer.professional_id.bytes + body, hashlib.sha256)
            notice = _Notice(enquirer, decision, request, body, digest, idempotency_key, now)
            try:
                async with connection.transaction():
                    await store.wait_for_turn(connection)
                    return await self._answered_before(connection, notice) or await self._place(connection, notice)
            except asyncpg.LockNotAvailableError as error:
                raise StoreUnavailable from error

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        # Waiting without a connection: those that wait in the database would hold the enquiries' connections.
        if self._room.locked():
            raise StoreUnavailable
        async with self._room:
            try:
                async with asyncio.timeout(TURN_SECONDS):
                    await self._turn.acquire()
            except TimeoutError as error:
                raise StoreUnavailable from error
            try:
                yield
            finally:
                self._turn.release()

    async def _answered_before(self, connection: Connection, notice: _Notice) -> TransferInReceipt | None:
        if notice.idempotency_key is None:
            return None
        kept = await store.by_idempotency_key(connection, notice.enquirer.client_id, notice.idempotency_key)
        if kept is None:
            return None
        if notice.now - kept["received_at"] > KEY_KEPT or not hmac.compare_digest(
            kept["request_digest"], notice.digest
        ):
            raise IdempotencyKeyReused
        return self._receipt(kept, PlacedAs(kept["placed_as"]))

    async def _place(self, connection: Connection, notice: _Notice) -> TransferInReceipt:
        enquirer, request, now = notice.enquirer, notice.request, notice.now
        moved = moved_entry(request, enquirer.organisation_id, self.profile.today(now))
        found = await standing_entries(connection, moved, enquirer.organisation_id, self.vault, self.token_keys)
        entries = await store.lock_children(connection, found)
        place, before, told_here = PlacedAs.TEMPORARY_ENTRY, None, tuple[Recipient, ...]()
        if not entries:
            child_id = uuid4()
            await loading.insert(connection, [rows_of(moved, child_id, self.vault, self.token_keys, now)])
        else:
            # A child who was entered twice is on a plan if either entry is.
            standing = max(entries, key=lambda entry: (entry["plan_kind"] is not None, entry["plan_kind"] == "full"))
            child_id = standing["id"]
            before = await store.open_case(connection, child_id, enquirer.organisation_id)
            place = placed_as(standing["plan_kind"], notified_by_same_authority=before is not None)
            if before is not None and notice.repeats(before):
                return self._receipt(before, shown_as(place, restricted=_any_restricted(entries)))
            await self._join(connection, standing, moved, place, notice)
            told_here = await self._who_follows_up(connection, child_id, now)
        await loading.note_load(connection, now, "transfer", added=int(not entries), changed=int(bool(entries)))

        shown = shown_as(place, restricted=_any_restricted(entries))
        case = self._case(notice, child_id, shown, before)
        await store.add_case(connection, case)
        await admit(
            connection,
            enquirer,
            notice.decision,
            "register.changed",
            at=now,
            reference=case["reference"],
            child_ids=[child_id],
        )
        told = [
            Notice(Kind.TRANSFER_IN, _URGENT, recipient, (child_id,))
            for recipient in (SAFEGUARDING_MANAGER, *told_here)
        ]
        await _TELL.fetch(connection, told_values(told, at=now, transfer_id=case["id"]))
        return self._receipt(case, shown)

    async def _join(
        self, connection: Connection, standing: Any, moved: ChildEntry, place: PlacedAs, notice: _Notice
    ) -> None:
        entry = await loading.read_entry(connection, standing["id"], self.vault)
        assert entry is not None
        merged = with_move(
            entry, moved, moved_on=notice.request.moved_on, today=self.profile.today(notice.now), place=place
        )
        key = child_key(standing, self.vault)
        rows = rows_of(merged, standing["id"], self.vault, self.token_keys, notice.now, key=key)
        await loading.replace(connection, [rows], self.vault, self.token_keys)

    def _case(self, notice: _Notice, child_id: UUID, shown: PlacedAs, before: Any) -> dict[str, Any]:
        transfer_id, due = uuid4(), self.profile.conference_due(notice.now)
        key = self.vault.new_key("transfer_case", transfer_id)
        return {
            "id": transfer_id,
            "reference": new_reference("T"),
            "received_at": notice.now,
            "client_id": notice.enquirer.client_id,
            "professional_id": notice.enquirer.professional_id,
            "originating_organisation_id": notice.enquirer.organisation_id,
            "idempotency_key": notice.idempotency_key,
            "request_digest": notice.digest,
            "child_id": child_id,
            "placed_as": shown,
            "moved_on": notice.request.moved_on,
            # TIME-2 counts from the first notification; to notify again gains no time.
            "conference_due": before["conference_due"] if before else due.day,
            "calendar_version": before["calendar_version"] if before else due.calendar_version,
            "data_key": key.wrapped,
            "sealed_notice": key.seal("notice", notice.body),
        }

    async def _who_follows_up(self, connection: Connection, child_id: UUID, now: datetime) -> tuple[Recipient, ...]:
        """Return who is told for the child's open case (ENQ-10, ENQ-11): nobody where there is none."""
        row = await store.follow_up(connection, child_id, now)
        return who_follows_up(_contact(row, "key_worker"), _contact(row, "team_manager")) if row else ()

    async def allocate(self, enquirer: Enquirer, reference: str, request: AllocationRequest) -> Allocated:
        """Give a child who was transferred in a local key worker, and tell them (TRF-2: both key workers are shown).

        Raises Forbidden, NotFound when there is no such transfer or no such member of staff.
        """
        now = self.clock()
        today = self.profile.today(now)
        async with self.database.transaction() as connection:
            decision = may_allocate(enquirer, today)
            case = await store.by_reference(connection, reference)
            children = [case["child_id"]] if case else []
            await admit(
                connection, enquirer, decision, "transfer.allocated", at=now, reference=reference, child_ids=children
            )
            worker = await store.staff(connection, request.key_worker, [Role.KEY_WORKER])
            manager = None
            if request.team_manager is not None:
                manager = await store.staff(connection, request.team_manager, [Role.TEAM_MANAGER])
            if case is None or worker is None or (request.team_manager is not None and manager is None):
                raise NotFound
            await store.allocate(connection, case["child_id"], key_worker=worker, team_manager=manager, opened_on=today)
            recipients = await self._who_follows_up(connection, case["child_id"], now)
            told = [Notice(Kind.ALLOCATED, _URGENT, recipient, (case["child_id"],)) for recipient in recipients]
            await _TELL.fetch(connection, told_values(told, at=now, transfer_id=case["id"]))
        return Allocated(reference=reference, key_worker_id=worker)

    async def describe(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Subject]:
        """Open these transfer cases for whoever has to follow them up (``routing.service.Describe``)."""
        if not ids:
            return {}
        described = {}
        for row in await store.cases(connection, ids):
            notice = self.vault.key("transfer_case", row["id"], row["data_key"]).open("notice", row["sealed_notice"])
            details = {
                **json.loads(notice),
                "originating_authority": row["originating_name"],
                "conference_due": row["conference_due"].isoformat(),
                "placed_as": row["placed_as"],
            }
            described[row["id"]] = Subject(row["reference"], row["received_at"], row["professional_id"], details)
        return described

    def _receipt(self, case: Mapping[str, Any], place: PlacedAs) -> TransferInReceipt:
        return TransferInReceipt(
            reference=str(case["reference"]),
            received_at=case["received_at"],
            placed_as=place,
            what_it_means=WHAT_IT_MEANS[place],
            conference_due=case["conference_due"],
            rule=f"TIME-2: within {self.profile.transfer_in_working_days} working days of the notification",
            calendar=str(case["calendar_version"]),
            responsible_until_then="Your authority stays responsible until the transfer-in conference has decided.",
        )


def _any_restricted(entries: Sequence[Mapping[str, Any]]) -> bool:
    return any(entry["restricted"] for entry in entries)


def _contact(row: Mapping[str, Any], who: str) -> Contact | None:
    if row[f"{who}_id"] is None:
        return None
    return Contact(row[f"{who}_id"], row[f"{who}_away"], row[f"{who}_cover"], row[f"{who}_cover_away"])
