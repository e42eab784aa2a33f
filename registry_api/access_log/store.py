"""The one way to add to the access log: as a part of the statement whose effect it records, or on its own."""

from datetime import datetime
from uuid import UUID

from registry_api.kernel.db import Connection
from registry_api.kernel.statement import Statement

APPEND = """
INSERT INTO access_entry (at, kind, client_id, organisation_id, professional_id, reference, reason)
VALUES (:log_at, :log_kind, :log_client_id, :log_organisation_id, :log_professional_id, :log_reference, :log_reason)
RETURNING id
"""
"""A part for ``Statement.of_parts``; its values come from ``values``."""

_APPEND_ALONE = Statement(APPEND)


def values(
    *,
    at: datetime,
    kind: str,
    client_id: str | None = None,
    organisation_id: UUID | None = None,
    professional_id: UUID | None = None,
    reference: str | None = None,
    reason: str | None = None,
) -> dict[str, object]:
    """Return the named values of ``APPEND``: codes and identifiers only, never what was asked."""
    return {
        "log_at": at,
        "log_kind": kind,
        "log_client_id": client_id,
        "log_organisation_id": organisation_id,
        "log_professional_id": professional_id,
        "log_reference": reference,
        "log_reason": reason,
    }


async def append(connection: Connection, entry: dict[str, object]) -> None:
    """Add one entry on its own; durable when this returns. Raises StoreUnavailable through the connection."""
    await _APPEND_ALONE.fetch(connection, entry)
