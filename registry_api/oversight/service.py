"""The use-cases of oversight: read what looked like misuse, and decide what it was. Nobody has a part in their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from policies.access import Refused, may_decide_alerts
from policies.enquirer import Enquirer, Role
from policies.profile import Profile
from registry_api.access_log.admitting import admit
from registry_api.directory import service as directory
from registry_api.kernel.clock import Clock
from registry_api.kernel.crypto import Vault
from registry_api.kernel.cursors import cursor_of, read_cursor
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.errors import Conflict, NotFound, PreconditionFailed
from registry_api.oversight import store
from registry_api.oversight.rules import AlertKind, may_see
from registry_api.oversight.schemas import (
    AlertDecision,
    AlertDecisionRequest,
    Alerts,
    AlertShown,
    AskerShown,
    EnquiryBehind,
)

_MOST_SHOWN = 50
_EXPLANATION = {
    AlertKind.UNUSUAL_VOLUME: (
        "{many} came close together: more than this authority takes for usual. It may be a busy night, or somebody who "
        "asks for others."
    ),
    AlertKind.SAME_CHILD_AGAIN: (
        "{many} within days about one and the same child. It may be a team that follows the child up."
    ),
    AlertKind.TRYING_OUT: (
        "{many} that said the same of a child but for one detail, which took value after value as if to find out which "
        "is right. It may be somebody who was told little."
    ),
    AlertKind.OWN_ADDRESS: (
        "{many} about a child at the enquirer's own home address. Concern for that child is a colleague's to take up."
    ),
    AlertKind.OWN_SURNAME: (
        "{many} about a child whose family has the enquirer's own surname, which is not a common one. It may be chance."
    ),
}


@dataclass(frozen=True, slots=True)
class Oversight:
    """The use-cases, over what they need."""

    database: Database
    vault: Vault
    profile: Profile
    clock: Clock

    async def alerts(self, enquirer: Enquirer, *, open_only: bool, cursor: str | None, limit: int) -> Alerts:
        """Return the alerts that the asker may see, the newest first. The reading is recorded before it is done.

        The safeguarding manager sees those they own, the information governance officer all; neither sees any about
        themselves. Raises Forbidden, NotFound for a cursor that is none of ours, StoreUnavailable.
        """
        async with self.database.connection() as connection:
            await self._admit(connection, enquirer, "alerts.read")
            rows = await store.alerts(
                connection,
                None if enquirer.role is Role.INFORMATION_GOVERNANCE_OFFICER else enquirer.role,
                enquirer.professional_id,
                open_only=open_only,
                before=read_cursor(cursor) if cursor else None,
                limit=limit + 1,
            )
            page = rows[:limit]
            shown = await self._shown(connection, page)
        return Alerts(
            alerts=shown, next=cursor_of(page[-1]["raised_at"], page[-1]["id"]) if len(rows) > limit else None
        )

    async def decide(
        self, enquirer: Enquirer, alert_id: UUID, request: AlertDecisionRequest, *, version: int
    ) -> AlertShown:
        """Record what the asker took the enquiries of an alert for, having read its ``version``.

        Raises NotFound where there is none, or none of theirs: the two look alike; PreconditionFailed when it has
        changed since it was read, Conflict when it is decided already. Raises Forbidden.
        """
        async with self.database.transaction() as connection:
            await self._admit(connection, enquirer, "alert.decided", str(alert_id))
            await store.lock_alert(connection, alert_id)
            row = await store.alert(connection, alert_id)
            if row is None or not self._is_theirs(enquirer, row):
                raise NotFound
            if row["decided_at"] is not None:
                raise Conflict
            if row["version"] != version:
                raise PreconditionFailed
            key = self.vault.new_key("alert", alert_id)
            await store.decide(
                connection,
                alert_id,
                decision=request.decision,
                by=enquirer.professional_id,
                at=self.clock(),
                data_key=key.wrapped,
                sealed_reason=key.seal("reason", request.reason.encode()),
            )
            decided = await store.alert(connection, alert_id)
            assert decided is not None
            (shown,) = await self._shown(connection, [decided])
        return shown

    def _is_theirs(self, enquirer: Enquirer, row: Mapping[str, Any]) -> bool:
        today, about = self.profile.today(self.clock()), row["professional_id"]
        may = not isinstance(may_decide_alerts(enquirer, today, about=about), Refused)
        return may and may_see(enquirer.role, Role(row["owner_role"]))

    async def _admit(self, connection: Connection, enquirer: Enquirer, kind: str, reference: str | None = None) -> None:
        now = self.clock()
        decision = may_decide_alerts(enquirer, self.profile.today(now))
        await admit(connection, enquirer, decision, kind, at=now, reference=reference)

    async def _shown(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> tuple[AlertShown, ...]:
        behind = await store.enquiries_behind(connection, [row["id"] for row in rows], _MOST_SHOWN)
        whom = {row["professional_id"] for row in (*rows, *behind)} - {None}
        people = await directory.people(connection, self.vault, whom)
        return tuple(
            AlertShown(
                id=row["id"],
                raised_at=row["raised_at"],
                kind=AlertKind(row["kind"]),
                explanation=_EXPLANATION[AlertKind(row["kind"])].format(many=_times(row["how_many"])),
                about=_about(row, people),
                how_many=row["how_many"],
                since=row["since"],
                until=row["until"],
                enquiries=tuple(
                    EnquiryBehind(
                        reference=one["reference"],
                        received_at=one["received_at"],
                        by=people[one["professional_id"]].name,
                    )
                    for one in behind
                    if one["alert_id"] == row["id"]
                ),
                owner=Role(row["owner_role"]),
                version=row["version"],
                decision=AlertDecision(row["decision"]) if row["decision"] else None,
                decided_at=row["decided_at"],
                reason=self._reason(row),
            )
            for row in rows
        )

    def _reason(self, row: Mapping[str, Any]) -> str | None:
        if row["sealed_reason"] is None:
            return None
        return self.vault.key("alert", row["id"], row["data_key"]).open("reason", row["sealed_reason"]).decode()


def _times(how_many: int) -> str:
    return "One enquiry" if how_many == 1 else f"{how_many} enquiries"


def _about(row: Mapping[str, Any], people: Mapping[UUID, directory.Person]) -> AskerShown:
    person = people.get(row["professional_id"])
    if person is None:
        return AskerShown(organisation=row["organisation"])
    return AskerShown(name=person.name, role=person.role, organisation=person.organisation)
