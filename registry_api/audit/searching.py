"""What somebody asks of the log: it is recorded, and kept sealed for as long as its entry, before anything is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID, uuid4

from pydantic import BaseModel

from policies.access import Decision
from policies.enquirer import Enquirer
from policies.retention import Retention
from registry_api.access_log.admitting import admit
from registry_api.audit import store
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Database

_TABLE: Final = "log_search"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A search that is recorded: its id, the number of its entry, and of the last entry that was there before it."""

    id: UUID
    entry: int
    up_to: int


async def record(
    database: Database,
    vault: Vault,
    retention: Retention,
    enquirer: Enquirer,
    may: Decision,
    kind: str,
    request: BaseModel,
    *,
    at: datetime,
    reason: str | None = None,
    child_ids: Sequence[UUID] = (),
) -> Recorded:
    """Record what somebody asks of the log, and keep it sealed under the key of the month in which its entry expires.

    Nothing may be shown before the entry is under a signed head. Raises Forbidden where they may not, StoreUnavailable.
    """
    search = uuid4()
    key = vault.new_key(_TABLE, search, until=retention.expires_on(kind, at))
    sealed = key.seal("criteria", request.model_dump_json().encode())
    async with database.transaction() as connection:
        up_to = await store.last_entry(connection)
        entry = await admit(
            connection,
            enquirer,
            may,
            kind,
            at=at,
            reference=str(search),
            reason=reason,
            digest=sha256(sealed).digest(),
            child_ids=child_ids,
        )
        await store.add_search(
            connection,
            search,
            entry=entry,
            at=at,
            by=enquirer.professional_id,
            up_to=up_to,
            data_key=key.wrapped,
            sealed=sealed,
        )
    return Recorded(search, entry, up_to)


def criteria(vault: Vault, search: UUID, data_key: bytes, sealed: bytes) -> bytes:
    """Return what was asked of the log, as JSON. Raises EnvelopeError."""
    return vault.key(_TABLE, search, data_key).open("criteria", sealed)
