"""The queries of the inbox and of considerations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from policies.enquirer import Role
from registry_api.kernel.db import Connection
from registry_api.kernel.statement import Statement
from registry_api.routing.rules import DUTY, Recipient, WhyYou


class Kind(StrEnum):
    """What a notification is about."""

    CHILD_ENQUIRED_ABOUT = "child_enquired_about"
    MISSING_CHILD_ENQUIRED_ABOUT = "missing_child_enquired_about"
    ENQUIRY_AT_ADDRESS = "enquiry_at_address"
    MORE_INFORMATION_NEEDED = "more_information_needed"
    CONSIDERATION = "consideration"
    CONSIDERATION_PERHAPS = "consideration_perhaps"
    TRANSFER_IN = "transfer_in"
    ALLOCATED = "allocated"
    EARLIER_ENQUIRY = "earlier_enquiry"
    EARLIER_ENQUIRY_PERHAPS = "earlier_enquiry_perhaps"
    CALL_BACK_TO_OFFER = "call_back_to_offer"
    MISUSE_ALERT = "misuse_alert"
    ENQUIRY_AT_FORMER_ADDRESS = "enquiry_at_former_address"
    PERSON_AT_ADDRESS = "person_at_address"
    PERSON_FORMERLY_AT_ADDRESS = "person_formerly_at_address"


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification to be written."""

    kind: Kind
    urgency: str
    recipient: Recipient
    child_ids: tuple[UUID, ...] = ()
    person_ids: tuple[UUID, ...] = ()


def _tell(consideration: str) -> str:
    # One row for each recipient. The arrays run in parallel; child ids travel as text because arrays of arrays of
    # different lengths do not exist in SQL.
    return f"""
INSERT INTO notification (id, created_at, kind, urgency, recipient_id, recipient_role, why_you,
                          enquiry_id, transfer_id, consideration_id, alert_id, child_ids, person_ids)
SELECT n.id, :told_at, n.kind, n.urgency, n.person, n.role, n.why,
       :told_enquiry_id::uuid, :told_transfer_id::uuid, {consideration}, :told_alert_id::uuid,
       string_to_array(n.children, ',')::uuid[], string_to_array(n.people, ',')::uuid[]
FROM unnest(:told_ids::uuid[], :told_kinds::text[], :told_urgencies::text[], :told_persons::uuid[],
            :told_roles::text[], :told_whys::text[], :told_children::text[],
            :told_people::text[])
     AS n(id, kind, urgency, person, role, why, children, people)
RETURNING id
"""


TELL = _tell("NULL::uuid")
"""A part for ``Statement.of_parts``; its values come from ``told_values``."""


def told_values(
    notices: Sequence[Notice],
    *,
    at: datetime,
    enquiry_id: UUID | None = None,
    transfer_id: UUID | None = None,
    alert_id: UUID | None = None,
) -> dict[str, object]:
    """Return the named values of ``TELL`` and of the notifications among ``CONSIDER_AND_TELL``."""
    return {
        "told_at": at,
        "told_enquiry_id": enquiry_id,
        "told_transfer_id": transfer_id,
        "told_alert_id": alert_id,
        "told_ids": [uuid4() for _ in notices],
        "told_kinds": [notice.kind for notice in notices],
        "told_urgencies": [notice.urgency for notice in notices],
        "told_persons": [notice.recipient.person for notice in notices],
        "told_roles": [notice.recipient.role for notice in notices],
        "told_whys": [notice.recipient.why for notice in notices],
        "told_children": [",".join(map(str, notice.child_ids)) for notice in notices],
        "told_people": [",".join(map(str, notice.person_ids)) for notice in notices],
    }


# A consideration that is still open takes the new enquiry in, and has a new version by it: nobody decides on fewer
# enquiries than there are. One that was decided since it was looked up is left as it is, and another is opened. Both
# enquiries of a pair that arrived in the same instant may open one: twice considered is safe, not at all is not.
CONSIDER_AND_TELL = {
    "joined": """
UPDATE consideration SET version = version + 1 WHERE id = :consider_joins::uuid AND decided_at IS NULL
RETURNING id
""",
    "opened": """
INSERT INTO consideration (id, opened_at, due_on, calendar_version, owner_role, version)
SELECT :consideration_id::uuid, :consider_at, :consider_due::date, :consider_calendar, :consider_owner, 1
WHERE :considers::boolean AND NOT EXISTS (SELECT FROM joined)
RETURNING id
""",
    "considered": "SELECT id FROM joined UNION ALL SELECT id FROM opened",
    "considered_enquiries": """
INSERT INTO consideration_enquiry (consideration_id, enquiry_id)
SELECT considered.id, e FROM considered CROSS JOIN unnest(:consider_enquiries::uuid[]) AS e
ON CONFLICT DO NOTHING
RETURNING enquiry_id
""",
    "told": _tell("(SELECT id FROM considered)"),
}
"""Parts for ``Statement.of_parts``; their values come from ``consider_values`` and ``told_values``."""


def consider_values(
    enquiries: Sequence[UUID], *, considers: bool, joins: UUID | None, at: datetime, due: date, calendar: str
) -> dict[str, object]:
    """Return the named values of the consideration among ``CONSIDER_AND_TELL``.

    ``considers``: whether there is anything to consider at all; ``joins``: the consideration that looks open.
    """
    return {
        "considers": considers,
        "consider_joins": joins if considers else None,
        "consideration_id": uuid4(),
        "consider_at": at,
        "consider_due": due,
        "consider_calendar": calendar,
        "consider_owner": Role.SAFEGUARDING_MANAGER,
        "consider_enquiries": list(enquiries),
    }


# What somebody was told only for their return had another owner from the beginning. The entry is written with the
# change, and by one worker of several: the others find that the notification has no person any more.
_HAND_ON = Statement.of_parts(
    {
        "handed_on": """
UPDATE notification n SET recipient_id = NULL, recipient_role = :duty_role, why_you = :duty_why
FROM professional p
WHERE p.id = n.recipient_id AND p.suspended_at IS NOT NULL
  AND n.acknowledged_at IS NULL AND n.why_you <> :return_why
RETURNING n.id
""",
        "logged": """
INSERT INTO access_entry (at, kind, reference, reason)
SELECT :at, 'notification.handed_on', id::text, 'recipient_suspended' FROM handed_on
""",
    },
    "SELECT id FROM handed_on",
)


async def hand_on_from_suspended(connection: Connection, at: datetime) -> int:
    """Give the duty social worker what waits for somebody who was suspended (ENQ-10, ENQ-11); return how much it was.

    Each is recorded in the access log at ``at``.
    """
    values = {"duty_role": DUTY.role, "duty_why": DUTY.why, "return_why": WhyYou.FOR_YOUR_RETURN, "at": at}
    return len(await _HAND_ON.fetch(connection, values))


_MINE = "(n.recipient_id = $1 OR n.recipient_role = $2)"


async def inbox(
    connection: Connection,
    person: UUID,
    role: Role,
    *,
    waiting_only: bool,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Return the newest notifications of one person and their role."""
    rows = await connection.fetch(
        f"SELECT n.* FROM notification n WHERE {_MINE} "
        "AND (NOT $3 OR n.acknowledged_at IS NULL) "
        "AND ($4::timestamptz IS NULL OR (n.created_at, n.id) < ($4, $5::uuid)) "
        "ORDER BY n.created_at DESC, n.id DESC LIMIT $6",
        person,
        role,
        waiting_only,
        before[0] if before else None,
        before[1] if before else None,
        limit,
    )
    return [dict(row) for row in rows]


async def acknowledge(connection: Connection, notification: UUID, person: UUID, role: Role, at: datetime) -> str | None:
    """Acknowledge a notification of this person or role; return ``done`` or ``before``, None when it is not theirs."""
    row = await connection.fetchrow(
        "WITH mine AS (SELECT id, acknowledged_at FROM notification n WHERE n.id = $3 AND " + _MINE + " FOR UPDATE), "
        "done AS (UPDATE notification SET acknowledged_at = $4, acknowledged_by = $1 FROM mine "
        "WHERE notification.id = mine.id AND mine.acknowledged_at IS NULL RETURNING notification.id) "
        "SELECT EXISTS (SELECT FROM mine) AS is_mine, EXISTS (SELECT FROM done) AS is_done",
        person,
        role,
        notification,
        at,
    )
    if row is None or not row["is_mine"]:
        return None
    return "done" if row["is_done"] else "before"


async def considerations(connection: Connection, role: Role, *, open_only: bool, limit: int) -> list[dict[str, Any]]:
    """Return considerations whose owner is ``role``, the one that is due first first."""
    rows = await connection.fetch(
        "SELECT * FROM consideration WHERE owner_role = $1 AND (NOT $2 OR decided_at IS NULL) "
        "ORDER BY decided_at IS NOT NULL, due_on, opened_at, id LIMIT $3",
        role,
        open_only,
        limit,
    )
    return [dict(row) for row in rows]


async def considered_enquiries(connection: Connection, considerations: Sequence[UUID]) -> list[tuple[UUID, UUID]]:
    """Return the pairs of consideration and enquiry of these considerations."""
    rows = await connection.fetch(
        "SELECT consideration_id, enquiry_id FROM consideration_enquiry WHERE consideration_id = ANY($1)",
        list(considerations),
    )
    return [(row["consideration_id"], row["enquiry_id"]) for row in rows]


async def consideration(connection: Connection, consideration_id: UUID, role: Role) -> dict[str, Any] | None:
    """Return one consideration whose owner is ``role``, locked until the transaction ends."""
    row = await connection.fetchrow(
        "SELECT * FROM consideration WHERE id = $1 AND owner_role = $2 FOR UPDATE", consideration_id, role
    )
    return dict(row) if row else None


async def decide(
    connection: Connection,
    consideration_id: UUID,
    *,
    decision: str,
    by: UUID,
    at: datetime,
    data_key: bytes,
    sealed_reason: bytes,
) -> None:
    """Record the decision on a consideration."""
    await connection.execute(
        "UPDATE consideration SET decision = $2, decided_by = $3, decided_at = $4, data_key = $5, sealed_reason = $6, "
        "version = version + 1 WHERE id = $1",
        consideration_id,
        decision,
        by,
        at,
        data_key,
        sealed_reason,
    )
