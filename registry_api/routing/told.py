"""The names of children for those who were told of them, and for nobody else: handed out by the database itself.

The role that answers requests cannot read who a child is. It asks against the entry of the log that says whose inbox is
read, which has to be committed, and is given the children of notifications that are that person's or their role's.
"""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Connection
from registry_api.kernel.roles import Definer, Role
from registry_api.kernel.statement import Statement
from registry_api.register.service import ChildName, name_of

INBOX_READ: Final = "inbox.read"

# An entry of the transaction's own could still be rolled back, and nobody would know of the reading: so there must be
# nothing yet that this transaction has written.
TOLD: Final = Definer(
    "read_told_children",
    {"entry": "bigint", "notifications": "uuid[]"},
    "TABLE (id uuid, data_key bytea, sealed_identity bytea)",
    f"""
BEGIN
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
        RAISE EXCEPTION 'the reading has to be recorded first' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN QUERY
    SELECT c.id, c.data_key, c.sealed_identity FROM child c WHERE c.id IN (
        SELECT unnest(n.child_ids) FROM notification n
        JOIN access_entry a ON a.id = given_entry AND a.kind = '{INBOX_READ}'
        JOIN professional p ON p.id = a.professional_id
        WHERE n.id = ANY(given_notifications) AND (n.recipient_id = p.id OR n.recipient_role = p.role)
    );
END""",
    (Role.API,),
)
_TOLD = Statement(TOLD.call)


async def names(
    connection: Connection, vault: Vault, *, entry: int, notifications: Collection[UUID]
) -> dict[UUID, ChildName]:
    """Return the principal name and date of the children of these notifications, by id.

    ``entry``: the committed entry by which their recipient reads the inbox.
    """
    if not notifications:
        return {}
    rows = await _TOLD.fetch(connection, {"entry": entry, "notifications": [*notifications]})
    return {row["id"]: name_of(row, vault) for row in rows}
