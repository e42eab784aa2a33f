"""What other rooms may know of a child: names for their own key worker, and who might be the same child."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Connection
from registry_api.register import store
from registry_api.register.sealing import open_identity


@dataclass(frozen=True, slots=True)
class ChildName:
    """A child as their own key worker knows them."""

    id: UUID
    name: str
    date_of_birth: date | None
    expected_delivery: date | None


async def names(connection: Connection, vault: Vault, ids: Collection[UUID]) -> dict[UUID, ChildName]:
    """Return the principal name and date of these children, by id. The caller has recorded the reading."""
    if not ids:
        return {}
    known = {}
    for row in await store.identities(connection, ids):
        identity = open_identity(row, vault)
        name = f"{identity.names[0].given} {identity.names[0].family}".strip() if identity.names else "Unborn child"
        known[row["id"]] = ChildName(row["id"], name, identity.date_of_birth, identity.expected_delivery)
    return known
