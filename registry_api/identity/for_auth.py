"""What ``auth`` needs stored, over the tables of this room and of the directory (``auth.protocols``)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from auth.protocols import Presented, RegisteredClient, RegisteredProfessional, Spending, UsedProof
from policies.enquirer import Role
from registry_api.access_log import store as access_log
from registry_api.directory import store as directory
from registry_api.identity import store
from registry_api.kernel.clock import Clock
from registry_api.kernel.db import Database

_CLOCKS_APART = timedelta(seconds=10)
"""How much the clocks of the machines may differ without a proof being taken twice after a crash of the database."""


@dataclass(frozen=True, slots=True)
class StoredIdentity:
    """Directory, spent assertions, presentations, revocations and record of refusals: see ``auth.protocols``."""

    database: Database
    clock: Clock

    async def client(self, client_id: str) -> RegisteredClient | None:
        """Return the client of that identifier, suspended ones included, or None."""
        async with self.database.connection() as connection:
            row = await directory.client(connection, client_id)
        if row is None:
            return None
        return RegisteredClient(
            client_id=row["id"],
            organisation_id=row["organisation_id"],
            jwks=row["jwks"],
            scopes=frozenset(row["scopes"]),
            active=row["active"],
            organisation_code=row["organisation_code"],
        )

    async def professional(self, organisation_id: UUID, subject: str) -> RegisteredProfessional | None:
        """Return the professional whom the organisation itself calls ``subject``, or None."""
        async with self.database.connection() as connection:
            row = await directory.professional(connection, organisation_id, subject)
        return RegisteredProfessional(row["id"], row["active"], Role(row["role"])) if row else None

    async def present(self, client_id: str, professional_id: UUID, token_id: str, proof: UsedProof | None) -> Presented:
        """Return the standing of both and of the token, and use up the proof, in one round trip."""
        async with self.database.connection() as connection:
            return await store.present(connection, client_id, professional_id, token_id, proof)

    async def spend_proof(self, proof: UsedProof) -> Spending:
        """Use up a proof that comes without a token."""
        async with self.database.connection() as connection:
            return await store.spend_proof(connection, proof)

    async def proofs_since(self) -> datetime:
        """Return from when on proofs are remembered: from a little after now, where nothing is remembered any more."""
        async with self.database.connection() as connection:
            return await store.proofs_since(connection, self.clock() + _CLOCKS_APART)

    async def spend(self, issuer: str, jti: str, expires_at: datetime) -> bool:
        """Use up one assertion and return whether this was its first use."""
        async with self.database.connection() as connection:
            return await store.spend_assertion(connection, issuer, jti, expires_at)

    async def revoke(self, token_id: str, expires_at: int, client_id: str, professional_id: UUID) -> None:
        """Keep a token as revoked and record that, in one transaction. Raises StoreUnavailable."""
        async with self.database.transaction() as connection:
            if await store.revoke(connection, token_id, datetime.fromtimestamp(expires_at, UTC)):
                entry = access_log.values(
                    at=self.clock(),
                    kind="token.revoked",
                    client_id=client_id,
                    professional_id=professional_id,
                    reference=token_id,
                )
                await access_log.append(connection, entry)

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
