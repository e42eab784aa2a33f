"""The use-cases of follow-up: read one's inbox, pick something up, consider whether a child is in need."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from policies.access import Decision, may_consider, may_read_inbox
from policies.enquirer import Enquirer
from policies.profile import Profile
from registry_api.access_log.admitting import admit
from registry_api.directory import service as directory
from registry_api.directory import store as directory_store
from registry_api.kernel.clock import Clock
from registry_api.kernel.crypto import Vault
from registry_api.kernel.cursors import cursor_of, read_cursor
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.errors import Conflict, NotFound, PreconditionFailed
from registry_api.register.people import RiskNotification
from registry_api.routing import store, told
from registry_api.routing.schemas import (
    Acknowledged,
    ChildShown,
    ConsiderationDecision,
    Considerations,
    ConsiderationShown,
    DecisionRequest,
    Inbox,
    NotificationShown,
    PoliceContact,
    ProfessionalShown,
    RiskPersonShown,
    SubjectShown,
)
from registry_api.routing.store import Kind
from registry_api.routing.wording import MEANING

_OF_NEIGHBOURS = (Kind.ENQUIRY_AT_ADDRESS, Kind.ENQUIRY_AT_FORMER_ADDRESS)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a notification or consideration refers to, opened for whoever has to follow it up."""

    reference: str
    received_at: datetime
    by: UUID
    details: Mapping[str, Any]


Covered = Callable[[int], Awaitable[object]]
Describe = Callable[[Connection, Sequence[UUID]], Awaitable[Mapping[UUID, Subject]]]
"""Opens enquiries or transfers by id. Their rooms lie above this one, so the wiring supplies it."""


@dataclass(frozen=True, slots=True)
class Routing:
    """The use-cases, over what they need. ``covered`` returns when an entry lies under a signed head."""

    database: Database
    vault: Vault
    profile: Profile
    clock: Clock
    describe_enquiries: Describe
    describe_transfers: Describe
    covered: Covered

    async def inbox(self, enquirer: Enquirer, *, waiting_only: bool, cursor: str | None, limit: int) -> Inbox:
        """Return the asker's notifications: their own and those of their role (ENQ-4, ENQ-5, ENQ-12).

        The reading is in the log, under a signed head, before anything is read. Raises Forbidden, NotFound for a cursor
        that is none of ours, StoreUnavailable.
        """
        # No connection is held while the log is waited for: whoever else waits for one would wait with it.
        async with self.database.connection() as connection:
            entry = await self._admit(connection, enquirer, may_read_inbox, told.INBOX_READ)
        await self.covered(entry)
        async with self.database.connection() as connection:
            rows = await store.inbox(
                connection,
                enquirer.professional_id,
                enquirer.role,
                waiting_only=waiting_only,
                before=read_cursor(cursor) if cursor else None,
                limit=limit + 1,
            )
            page = rows[:limit]
            subjects = {
                **await self.describe_enquiries(connection, [r["enquiry_id"] for r in page if r["enquiry_id"]]),
                **await self.describe_transfers(connection, [r["transfer_id"] for r in page if r["transfer_id"]]),
            }
            staff = await directory.people(connection, self.vault, {subject.by for subject in subjects.values()})
            turned_up = any(row["kind"] == Kind.MISSING_CHILD_ENQUIRED_ABOUT for row in page)
            police = tuple(
                PoliceContact(name=name, phone=phone)
                for name, phone in (await directory_store.police_contacts(connection) if turned_up else ())
            )
            known = await told.read(connection, self.vault, entry=entry, notifications=[row["id"] for row in page])
        return Inbox(
            notifications=tuple(
                NotificationShown(
                    id=row["id"],
                    created_at=row["created_at"],
                    kind=Kind(row["kind"]),
                    what_it_means=MEANING[Kind(row["kind"])],
                    urgency=row["urgency"],
                    why_you=row["why_you"],
                    children=tuple(
                        ChildShown(
                            id=child.id,
                            name=child.name,
                            date_of_birth=child.date_of_birth,
                            expected_delivery_date=child.expected_delivery,
                        )
                        for child in (known.children[id_] for id_ in row["child_ids"] if id_ in known.children)
                    ),
                    about=_shown(
                        subjects.get(row["enquiry_id"] or row["transfer_id"]),
                        staff,
                        # How another child stands is no business of a neighbour's key worker (ENQ-5).
                        without={"outcome"} if row["kind"] in _OF_NEIGHBOURS else set(),
                    ),
                    people=tuple(_risk(id_, known.people[id_]) for id_ in row["person_ids"] if id_ in known.people),
                    police=police if row["kind"] == Kind.MISSING_CHILD_ENQUIRED_ABOUT else (),
                    consideration_id=row["consideration_id"],
                    alert_id=row["alert_id"],
                    acknowledged_at=row["acknowledged_at"],
                )
                for row in page
            ),
            next=cursor_of(page[-1]["created_at"], page[-1]["id"]) if len(rows) > limit else None,
        )

    async def acknowledge(self, enquirer: Enquirer, notification: UUID) -> Acknowledged:
        """Pick up a notification of the asker's own or of their role.

        Raises NotFound when there is none, or it is somebody else's: the two look alike. Raises Forbidden.
        """
        async with self.database.transaction() as connection:
            await self._admit(connection, enquirer, may_read_inbox, "notification.acknowledged", str(notification))
            done = await store.acknowledge(
                connection, notification, enquirer.professional_id, enquirer.role, self.clock()
            )
            if done is None:
                raise NotFound
        return Acknowledged(id=notification, already=done == "before")

    async def considerations(self, enquirer: Enquirer, *, open_only: bool, limit: int) -> Considerations:
        """Return the child-in-need considerations, with the enquiries behind each (ENQ-7)."""
        async with self.database.connection() as connection:
            await self._admit(connection, enquirer, may_consider, "considerations.read")
            rows = await store.considerations(connection, enquirer.role, open_only=open_only, limit=limit)
            shown = await self._shown_considerations(connection, rows)
        return Considerations(considerations=shown)

    async def decide(
        self, enquirer: Enquirer, consideration_id: UUID, request: DecisionRequest, *, version: int
    ) -> ConsiderationShown:
        """Record the decision on a consideration, made on its ``version``.

        Raises NotFound, PreconditionFailed when it has changed since it was read, Conflict when it is decided already.
        """
        async with self.database.transaction() as connection:
            await self._admit(connection, enquirer, may_consider, "consideration.decided", str(consideration_id))
            row = await store.consideration(connection, consideration_id, enquirer.role)
            if row is None:
                raise NotFound
            if row["decided_at"] is not None:
                raise Conflict
            if row["version"] != version:
                raise PreconditionFailed
            key = self.vault.new_key("consideration", consideration_id)
            await store.decide(
                connection,
                consideration_id,
                decision=request.decision,
                by=enquirer.professional_id,
                at=self.clock(),
                data_key=key.wrapped,
                sealed_reason=key.seal("reason", request.reason.encode()),
            )
            decided = await store.consideration(connection, consideration_id, enquirer.role)
            assert decided is not None
            (shown,) = await self._shown_considerations(connection, [decided])
        return shown

    async def _admit(
        self,
        connection: Connection,
        enquirer: Enquirer,
        may: Callable[[Enquirer, Any], Decision],
        kind: str,
        reference: str | None = None,
    ) -> int:
        now = self.clock()
        decision = may(enquirer, self.profile.today(now))
        return await admit(connection, enquirer, decision, kind, at=now, reference=reference)

    async def _shown_considerations(
        self, connection: Connection, rows: Sequence[Mapping[str, Any]]
    ) -> tuple[ConsiderationShown, ...]:
        pairs = await store.considered_enquiries(connection, [row["id"] for row in rows])
        subjects = await self.describe_enquiries(connection, [enquiry for _, enquiry in pairs])
        people = await directory.people(connection, self.vault, {subject.by for subject in subjects.values()})
        today = self.profile.today(self.clock())
        return tuple(
            ConsiderationShown(
                id=row["id"],
                opened_at=row["opened_at"],
                due_on=row["due_on"],
                calendar=row["calendar_version"],
                overdue=row["decided_at"] is None and row["due_on"] < today,
                version=row["version"],
                enquiries=tuple(
                    shown
                    for subject in sorted(
                        (subjects[enquiry] for owner, enquiry in pairs if owner == row["id"] and enquiry in subjects),
                        key=lambda subject: subject.received_at,
                    )
                    if (shown := _shown(subject, people))
                ),
                decision=ConsiderationDecision(row["decision"]) if row["decision"] else None,
                decided_at=row["decided_at"],
                reason=self._reason(row),
            )
            for row in rows
        )

    def _reason(self, row: Mapping[str, Any]) -> str | None:
        if row["sealed_reason"] is None:
            return None
        return self.vault.key("consideration", row["id"], row["data_key"]).open("reason", row["sealed_reason"]).decode()


def _risk(id_: UUID, known: RiskNotification) -> RiskPersonShown:
    return RiskPersonShown(
        id=id_,
        name=known.name,
        date_of_birth=known.date_of_birth,
        concern=known.concern,
        notified_by=known.notified_by,
        notified_on=known.notified_on,
    )


def _shown(
    subject: Subject | None, people: Mapping[UUID, directory.Person], *, without: Collection[str] = ()
) -> SubjectShown | None:
    if subject is None:
        return None
    by = people[subject.by]
    return SubjectShown(
        reference=subject.reference,
        received_at=subject.received_at,
        by=ProfessionalShown(name=by.name, phone=by.phone, role=by.role, organisation=by.organisation),
        details={name: detail for name, detail in subject.details.items() if name not in without},
    )
