"""Who the children and people of a notification are, for whoever was told of them: handed out by the database itself.

The role that answers requests cannot read who anybody is. It asks against the entry of the log that says whose inbox is
read, once that lies under a signed head, and is given those of notifications that are that person's or their role's:
once for an entry, and soon after it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
import structlog

from registry_api.access_log.gating import SIGNED, refusal
from registry_api.kernel.crypto import EnvelopeError, Vault
from registry_api.kernel.db import Connection
from registry_api.kernel.roles import Definer, Role
from registry_api.kernel.statement import Statement
from registry_api.register.models import NO_ENQUIRY
from registry_api.register.people import RiskNotification, notification_of
from registry_api.register.service import ChildName, name_of

INBOX_READ: Final = "inbox.read"
MOST_SINCE: Final = 10_000
"""How many entries may have come into the tree after one by which an inbox is read. It is used within seconds, in which
no log grows by as much; and the database knows no time of an entry but what whoever added it said."""
T = TypeVar("T")
_log = structlog.get_logger()

# The use is noted as that of an enquiry's entry is (enquiries.gate), and without waiting for the disk likewise. Who was
# handed out is not: of nobody in the inbox may it be asked against this entry how they stand.
TOLD: Final = Definer(
    "read_told",
    {"entry": "bigint", "notifications": "uuid[]"},
    "TABLE (id uuid, data_key bytea, sealed_identity bytea, sealed_notification bytea)",
    f"""
DECLARE
    reader record;
BEGIN
    SELECT p.id, p.role INTO reader FROM access_entry a {SIGNED} JOIN professional p ON p.id = a.professional_id
    WHERE a.id = given_entry AND a.kind = '{INBOX_READ}'
      AND l.idx >= (SELECT max(c.size) FROM log_checkpoint c WHERE c.origin_id = l.origin_id) - {MOST_SINCE};
    IF NOT FOUND THEN
        {refusal("no recent entry that an inbox is read lies under a signed head")};
    END IF;
    PERFORM set_config('synchronous_commit', 'off', true);
    INSERT INTO register_opened (access_entry_id, enquiry_id, child_ids, homes)
    VALUES (given_entry, '{NO_ENQUIRY}', '{{}}', '{{}}') ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        {refusal("its entry has been used")};
    END IF;
    RETURN QUERY
    WITH told AS (
        SELECT n.child_ids, n.person_ids FROM notification n
        WHERE n.id = ANY(given_notifications) AND (n.recipient_id = reader.id OR n.recipient_role = reader.role)
    )
    SELECT c.id, c.data_key, c.sealed_identity, NULL::bytea FROM child c
    WHERE c.id IN (SELECT unnest(told.child_ids) FROM told)
    UNION ALL
    SELECT r.id, r.data_key, NULL::bytea, r.sealed_notification FROM risk_person r
    WHERE r.id IN (SELECT unnest(told.person_ids) FROM told);
END""",
    (Role.API,),
)
_TOLD = Statement(TOLD.call)


@dataclass(frozen=True, slots=True)
class Told:
    """Who is who in an inbox, by their ids: children by principal name and date, and what was notified of people who
    may pose a risk (CUS-1). Who could not be opened is missing."""

    children: Mapping[UUID, ChildName]
    people: Mapping[UUID, RiskNotification]


async def read(connection: Connection, vault: Vault, *, entry: int, notifications: Collection[UUID]) -> Told:
    """Return who the children and people of these notifications are.

    ``entry``: by which their recipient reads the inbox, under a signed head. This uses it up, and so it is to be called
    where there are no notifications too: else an entry would be left by which somebody could read the inbox later.
    Raises asyncpg.InsufficientPrivilegeError for any other entry.
    """
    rows = await _TOLD.fetch(connection, {"entry": entry, "notifications": [*notifications]})
    children = (row for row in rows if row["sealed_identity"] is not None)
    people = (row for row in rows if row["sealed_notification"] is not None)
    return Told(
        _opened(children, lambda row: name_of(row, vault)), _opened(people, lambda row: notification_of(row, vault))
    )


def _opened(rows: Iterable[Any], opening: Callable[[Any], T]) -> dict[UUID, T]:
    # Who cannot be opened is left out: the notification stands, and so do all the others of the inbox.
    opened = {}
    for row in rows:
        try:
            opened[row["id"]] = opening(row)
        except (EnvelopeError, msgspec.DecodeError) as error:
            _log.error("record_not_read", error=type(error).__name__)
    return opened
