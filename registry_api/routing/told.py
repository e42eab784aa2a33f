"""Who the children and people of a notification are, for whoever was told of them: handed out by the database itself.

The role that answers requests cannot read who anybody is. It asks against the entry of the log that says whose inbox is
read, which has to be committed, and is given those of notifications that are that person's or their role's.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
import structlog

from registry_api.kernel.crypto import EnvelopeError, Vault
from registry_api.kernel.db import Connection
from registry_api.kernel.roles import Definer, Role
from registry_api.kernel.statement import Statement
from registry_api.register.people import RiskNotification, notification_of
from registry_api.register.service import ChildName, name_of

INBOX_READ: Final = "inbox.read"
T = TypeVar("T")
_log = structlog.get_logger()

# An entry of the transaction's own could still be rolled back, and nobody would know of the reading: so there must be
# nothing yet that this transaction has written.
_ONLY_RECORDED = """
BEGIN
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
        RAISE EXCEPTION 'the reading has to be recorded first' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN QUERY
    {rows} IN (
        SELECT unnest(n.{named}) FROM notification n
        JOIN access_entry a ON a.id = given_entry AND a.kind = '{kind}'
        JOIN professional p ON p.id = a.professional_id
        WHERE n.id = ANY(given_notifications) AND (n.recipient_id = p.id OR n.recipient_role = p.role)
    );
END"""
_ARGUMENTS = {"entry": "bigint", "notifications": "uuid[]"}

TOLD_CHILDREN: Final = Definer(
    "read_told_children",
    _ARGUMENTS,
    "TABLE (id uuid, data_key bytea, sealed_identity bytea)",
    _ONLY_RECORDED.format(
        rows="SELECT c.id, c.data_key, c.sealed_identity FROM child c WHERE c.id", named="child_ids", kind=INBOX_READ
    ),
    (Role.API,),
)
TOLD_PEOPLE: Final = Definer(
    "read_told_people",
    _ARGUMENTS,
    "TABLE (id uuid, data_key bytea, sealed_notification bytea)",
    _ONLY_RECORDED.format(
        rows="SELECT r.id, r.data_key, r.sealed_notification FROM risk_person r WHERE r.id",
        named="person_ids",
        kind=INBOX_READ,
    ),
    (Role.API,),
)
_CHILDREN, _PEOPLE = Statement(TOLD_CHILDREN.call), Statement(TOLD_PEOPLE.call)


async def names(
    connection: Connection, vault: Vault, *, entry: int, notifications: Collection[UUID]
) -> dict[UUID, ChildName]:
    """Return the principal name and date of the children of these notifications, by id.

    ``entry``: the committed entry by which their recipient reads the inbox.
    """
    if not notifications:
        return {}
    rows = await _CHILDREN.fetch(connection, {"entry": entry, "notifications": [*notifications]})
    return _opened(rows, lambda row: name_of(row, vault))


async def people(
    connection: Connection, vault: Vault, *, entry: int, notifications: Collection[UUID]
) -> dict[UUID, RiskNotification]:
    """Return what was notified of the people who may pose a risk, of these notifications, by id (CUS-1).

    ``entry``: as of ``names``.
    """
    if not notifications:
        return {}
    rows = await _PEOPLE.fetch(connection, {"entry": entry, "notifications": [*notifications]})
    return _opened(rows, lambda row: notification_of(row, vault))


def _opened(rows: Iterable[Any], opening: Callable[[Any], T]) -> dict[UUID, T]:
    # Who cannot be opened is left out: the notification stands, and so do all the others of the inbox.
    opened = {}
    for row in rows:
        try:
            opened[row["id"]] = opening(row)
        except (EnvelopeError, msgspec.DecodeError) as error:
            _log.error("record_not_read", error=type(error).__name__)
    return opened
