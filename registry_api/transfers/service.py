"""The use-cases of a move: another authority notifies, a temporary entry stands at once, a key worker is allocated."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from policies.access import Decision, Refused, may_allocate, may_notify_transfer
from policies.enquirer import Enquirer, Role
from policies.profile import Profile
from registry_api.access_log import store as access_log
from registry_api.kernel.clock import Clock
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.errors import Forbidden, IdempotencyKeyReused, NotFound
from registry_api.kernel.idempotency import KEY_KEPT
from registry_api.kernel.references import new_reference
from registry_api.kernel.statement import Statement
from registry_api.matching.bands import best_match
from registry_api.matching.person import Name
from registry_api.matching.record import record_of
from registry_api.matching.tokens import LEAST_SHARE, LEAST_WEIGHT, RETRIEVAL_LIMIT, TokenKeys, query_tokens
from registry_api.register import loading
from registry_api.register.entry import ChildEntry, ChildPlan, Identity, OtherKeyWorker, PlanKind, Residence
from registry_api.register.sealing import Source, child_key, open_record, rows_of
from registry_api.routing.rules import SAFEGUARDING_MANAGER, Recipient, WhyYou
from registry_api.routing.service import Subject
from registry_api.routing.store import TELL, Kind, Notice, told_values
from registry_api.transfers import store
from registry_api.transfers.rules import WHAT_IT_MEANS, PlacedAs, placed_as, with_move
from registry_api.transfers.schemas import (
    Allocated,
    AllocationRequest,
    MovedAddress,
    TransferInReceipt,
    TransferInRequest,
)

_TELL = Statement(TELL)
_URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class Transfers:
    """The use-cases, over what they need. ``digest_key``: 32 bytes under which requests are fingerprinted."""

    database: Database
    vault: Vault
    token_keys: TokenKeys
    digest_key: bytes
    profile: Profile
    clock: Clock

    async def notify_in(
        self, enquirer: Enquirer, request: TransferInRequest, *, idempotency_key: str | None
    ) -> TransferInReceipt:
        """Take in that a child on the asker's plan has moved here (TRF-1, TRF-2, TIME-2).

        The notification is recorded before the register is read. A temporary entry, the transfer case with the day by
        which the conference is due, and the notification of the safeguarding manager are one transaction. A child who
        stands on the register already keeps the one entry (REG-1).

        Raises Forbidden, IdempotencyKeyReused, StoreUnavailable.
        """
        now = self.clock()
        async with self.database.connection() as connection:
            await self._admit(
                connection, enquirer, may_notify_transfer(enquirer, self.profile.today(now)), "transfer.received"
            )
            body = request.model_dump_json(exclude_defaults=True).encode()
            digest = hmac.digest(self.digest_key, enquirer.professional_id.bytes + body, hashlib.sha256)
            async with connection.transaction():
                # One move at a time: two systems that notify the same child together must not make two entries.
                await connection.execute("SELECT pg_advisory_xact_lock(hashtext('transfer in'))")
                if idempotency_key is not None:
                    kept = await store.by_idempotency_key(connection, enquirer.client_id, idempotency_key)
                    if kept is not None:
                        stale = now - kept["received_at"] > KEY_KEPT
                        if stale or not hmac.compare_digest(kept["request_digest"], digest):
                            raise IdempotencyKeyReused
                        return self._receipt(kept, PlacedAs(kept["placed_as"]))
                return await self._place(connection, enquirer, request, now, digest, body, idempotency_key)

    async def _place(
        self,
        connection: Connection,
        enquirer: Enquirer,
        request: TransferInRequest,
        now: datetime,
        digest: bytes,
        body: bytes,
        idempotency_key: str | None,
    ) -> TransferInReceipt:
        moved = _entry(request, enquirer.organisation_id)
        child_id = await self._find(connection, moved)
        place, case_worker = PlacedAs.TEMPORARY_ENTRY, None
        if child_id is None:
            child_id = uuid4()
            await loading.insert(connection, [rows_of(moved, child_id, self.vault, self.token_keys, now)])
        else:
            standing = await store.lock_child(connection, child_id)
            before = await store.open_case(connection, child_id, enquirer.organisation_id)
            place = placed_as(standing["plan_kind"], notified_by_same_authority=before is not None)
            if place is PlacedAs.ALREADY_NOTIFIED:
                return self._receipt(before, place)
            entry = await loading.read_entry(connection, child_id, self.vault)
            assert entry is not None
            case_worker = next((case.key_worker_id for case in entry.cases if case.closed_on is None), None)
            if place is PlacedAs.TEMPORARY_ENTRY:
                source = Source(standing["source_tag"], standing["source_digest"]) if standing["source_tag"] else None
                key = child_key(standing, self.vault)
                merged = with_move(entry, moved, request.moved_on)
                rows = rows_of(merged, child_id, self.vault, self.token_keys, now, key=key, source=source)
                await loading.replace(connection, [rows], self.vault, self.token_keys)
        await loading.note_load(connection, now, "transfer", added=1)

        transfer_id, due = uuid4(), self.profile.conference_due(now)
        key = self.vault.new_key("transfer_case", transfer_id)
        case = {
            "id": transfer_id,
            "reference": new_reference("T"),
            "received_at": now,
            "client_id": enquirer.client_id,
            "professional_id": enquirer.professional_id,
            "originating_organisation_id": enquirer.organisation_id,
            "idempotency_key": idempotency_key,
            "request_digest": digest,
            "child_id": child_id,
            "placed_as": place,
            "moved_on": request.moved_on,
            "conference_due": due.day,
            "calendar_version": due.calendar_version,
            "data_key": key.wrapped,
            "sealed_notice": key.seal("notice", body),
        }
        await store.add_case(connection, case)
        told = [Notice(Kind.TRANSFER_IN, _URGENT, SAFEGUARDING_MANAGER, (child_id,))]
        if case_worker is not None:
            told.append(Notice(Kind.TRANSFER_IN, _URGENT, Recipient(WhyYou.KEY_WORKER, case_worker), (child_id,)))
        await _TELL.fetch(connection, told_values(told, at=now, transfer_id=transfer_id))
        return self._receipt(case, place)

    async def allocate(self, enquirer: Enquirer, reference: str, request: AllocationRequest) -> Allocated:
        """Give a child who was transferred in a local key worker, and tell them (TRF-2: both key workers are shown).

        Raises Forbidden, NotFound when there is no such transfer or no such member of staff.
        """
        now = self.clock()
        today = self.profile.today(now)
        async with self.database.transaction() as connection:
            await self._admit(connection, enquirer, may_allocate(enquirer, today), "transfer.allocated", reference)
            case = await store.by_reference(connection, reference)
            worker = await store.staff(connection, request.key_worker, [Role.KEY_WORKER])
            manager = None
            if request.team_manager is not None:
                manager = await store.staff(connection, request.team_manager, [Role.TEAM_MANAGER])
            if case is None or worker is None or (request.team_manager is not None and manager is None):
                raise NotFound
            await store.allocate(connection, case["child_id"], key_worker=worker, team_manager=manager, opened_on=today)
            told = [Notice(Kind.ALLOCATED, _URGENT, Recipient(WhyYou.KEY_WORKER, worker), (case["child_id"],))]
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

    async def _find(self, connection: Connection, moved: ChildEntry) -> UUID | None:
        """Return the child's standing entry, if it is certain which one it is.

        A possible entry is not taken for the child: a second entry can be joined later, two children made into one
        cannot be told apart again.
        """
        question = record_of(moved.person())
        query = query_tokens(question, self.token_keys)
        rows = await store.candidates(
            connection,
            {
                "tokens": query.tokens,
                "weights": query.weights,
                "least_weight": LEAST_WEIGHT,
                "least_share": LEAST_SHARE,
                "most_candidates": RETRIEVAL_LIMIT,
            },
        )
        return best_match(question, [(row["id"], open_record(row, self.vault)) for row in rows]).candidate

    async def _admit(
        self, connection: Connection, enquirer: Enquirer, decision: Decision, kind: str, reference: str | None = None
    ) -> None:
        if isinstance(decision, Refused):
            raise Forbidden(decision.reason)
        entry = access_log.values(
            at=self.clock(),
            kind=kind,
            client_id=enquirer.client_id,
            organisation_id=enquirer.organisation_id,
            professional_id=enquirer.professional_id,
            reference=reference,
        )
        await access_log.append(connection, entry)

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


def _entry(request: TransferInRequest, originating: UUID) -> ChildEntry:
    child = request.child
    principal = (Name(child.given_names, child.family_name),) if child.given_names or child.family_name else ()
    mother = child.mother
    return ChildEntry(
        identity=Identity(
            names=principal + tuple(Name(name.given_names, name.family_name) for name in child.other_names),
            date_of_birth=child.date_of_birth,
            expected_delivery=child.expected_delivery_date,
            sex={None: "", "female": "f", "male": "m"}[child.sex],
            mother=(Name(mother.given_names, mother.family_name),) if mother else (),
            mother_date_of_birth=mother.date_of_birth if mother else None,
            nhs_number=child.nhs_number.replace(" ", ""),
        ),
        residences=(
            _residence(child.address_here, request.moved_on, None),
            *(_residence(address, None, request.moved_on) for address in child.previous_addresses),
        ),
        plans=(
            ChildPlan(
                kind=PlanKind.TEMPORARY,
                categories=request.plan.categories,
                started_on=request.plan.started_on,
                responsible_organisation_id=originating,
                other_key_worker=OtherKeyWorker(request.key_worker.name, request.key_worker.phone),
            ),
        ),
        looked_after=child.looked_after,
    )


def _residence(address: MovedAddress, valid_from: date | None, valid_to: date | None) -> Residence:
    return Residence(
        lines=address.lines, postcode=address.postcode, uprn=address.uprn, valid_from=valid_from, valid_to=valid_to
    )
