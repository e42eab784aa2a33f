"""What other rooms may know of a child: a name and a date, for their own key worker."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from registry_api.kernel.crypto import Vault
from registry_api.register.sealing import Row, open_identity


@dataclass(frozen=True, slots=True)
class ChildName:
    """A child as their own key worker knows them."""

    id: UUID
    name: str
    date_of_birth: date | None
    expected_delivery: date | None


def name_of(row: Row, vault: Vault) -> ChildName:
    """Return the principal name and date of a child. Raises EnvelopeError."""
    identity = open_identity(row, vault)
    name = f"{identity.names[0].given} {identity.names[0].family}".strip() if identity.names else "Unborn child"
    return ChildName(row["id"], name, identity.date_of_birth, identity.expected_delivery)
