"""The one way to add to the access log: as a part of the statement whose effect it records, or on its own."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from registry_api.kernel.db import Connection
from registry_api.kernel.statement import Statement

APPEND = """
INSERT INTO access_entry (at, kind, client_id, organisation_id, professional_id, reference, reason, digest,
                          child_ids, sought, particulars)
VALUES (:log_at, :log_kind, :log_client_id, :log_organisation_id, :log_professional_id, :log_reference, :log_reason,
        :log_digest, :log_child_ids, :log_sought, :log_particulars)
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
    digest: bytes | None = None,
    child_ids: Sequence[UUID] = (),
    sought: bytes | None = None,
    particulars: Mapping[str, str] | None = None,
) -> dict[str, object]:
    """Return the named values of ``APPEND``: codes and identifiers only, never what was asked.

    ``digest``: SHA-256 of what is kept sealed beside the entry, so that the tree answers for that as well.
    ``child_ids``: whom it is about; by their keys it is found again in the tree.
    ``sought``: the digest of what the register may be looked through for against this entry.
    ``particulars``: who it was and on whose authority, as ``particulars`` makes them: a field each.
    """
    return {
        "log_at": at,
        "log_kind": kind,
        "log_client_id": client_id,
        "log_organisation_id": organisation_id,
        "log_professional_id": professional_id,
        "log_reference": reference,
        "log_reason": reason,
        "log_digest": digest,
        "log_child_ids": list(child_ids),
        "log_sought": sought,
        "log_particulars": None if particulars is None else json.dumps(particulars, sort_keys=True),
    }


async def append(connection: Connection, entry: dict[str, object]) -> int:
    """Add one entry on its own and return its number; durable then. Raises StoreUnavailable through the connection."""
    number: int = (await _APPEND_ALONE.fetchrow(connection, entry))["id"]
    return number
