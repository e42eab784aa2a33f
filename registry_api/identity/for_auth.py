"""What ``auth`` needs stored, over the tables of this room and of the directory (``auth.protocols``)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth.protocols import RegisteredClient, RegisteredProfessional
from policies.enquirer import Enquirer
from registry_api.access_log import store as access_log
from registry_api.directory import store as directory
from registry_api.identity import store
from registry_api.kernel.clock import Clock
from registry_api.kernel.db import Database


@dataclass(frozen=True, slots=True)
class StoredIdentity:
    """Directory, spent assertions and refusal record in one: see the protocols of ``auth`` for the promises."""

    database: Database
    clock: Clock

    async def client(self, client_id: str) -> RegisteredClient | None:
        """Return the client of that identifier, suspended ones included, or None."""
        async with self.database.connection() as connection:
            row = await directory.client(connection, client_id)
        if row is None:
            return None
        return RegisteredClient(row["id"], row["organisation_id"], row["jwks"], frozenset(row["scopes"]), row["active"])

    async def professional(self, organisation_id: UUID, subject: str) -> RegisteredProfessional | None:
        """Return the professional whom the organisation itself calls ``subject``, or None."""
        async with self.database.connection() as connection:
            row = await directory.professional(connection, organisation_id, subject)
        return RegisteredProfessional(row["id"], row["active"]) if row else None

    async def enquirer(self, client_id: str, professional_id: UUID) -> Enquirer | None:
        """Return the live standing of both; None when they do not belong together."""
        async with self.database.connection() as connection:
            return await directory.enquirer(connection, client_id, professional_id)

    async def spend(self, issuer: str, jti: str, expires_at: datetime) -> bool:
        """Use up one assertion and return whether this was its first use."""
        async with self.database.connection() as connection:
            return await store.spend_assertion(connection, issuer, jti, expires_at)

    async def refused(
        self,
        *,
        kind: str,
        reason: str,
        client_id: str | None,
        professional_id: UUID | None = None,
        subject: str | None = None,
    ) -> None:
        """Record one refusal durably before returning (ENQ-3). Raises StoreUnavailable when that is not possible.

        The organisation's own identifier of the individual is left out: it may be a person's name or number.
        """
        async with self.database.connection() as connection:
            entry = access_log.values(
                at=self.clock(), kind=kind, client_id=client_id, professional_id=professional_id, reason=reason
            )
            await access_log.append(connection, entry)
