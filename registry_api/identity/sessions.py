"""Attempts to sign in and sessions of staff, kept with the promises of ``auth.staff.protocols``."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth.protocols import RegisteredProfessional
from auth.staff.protocols import Attempt, KnownSession, SessionRow
from policies.enquirer import CONSOLE
from registry_api.access_log import store as access_log
from registry_api.identity import session_store as store
from registry_api.identity.store import spend_assertion
from registry_api.kernel.clock import Clock
from registry_api.kernel.db import Connection, Database


@dataclass(frozen=True, slots=True)
class StoredSessions:
    """The sessions of one register. Whatever begins or ends one is recorded in the same transaction."""

    database: Database
    clock: Clock

    async def begin(self, attempt: Attempt) -> None:
        """Keep an attempt."""
        async with self.database.connection() as connection:
            await store.begin(connection, attempt)

    async def take(self, state_digest: bytes, browser_digest: bytes, now: datetime) -> Attempt | None:
        """Remove and return the unexpired attempt of this state and this browser."""
        async with self.database.connection() as connection:
            return await store.take(connection, state_digest, browser_digest, now)

    async def staff(self, subject: str) -> RegisteredProfessional | None:
        """Return the authority's own professional of that name."""
        async with self.database.connection() as connection:
            row = await store.staff(connection, subject)
        return RegisteredProfessional(row["id"], row["active"]) if row else None

    async def enrolled_staff(self) -> Sequence[tuple[str, str]]:
        """Return name and role of each of the authority's own who may sign in."""
        async with self.database.connection() as connection:
            return await store.enrolled_staff(connection)

    async def open(self, row: SessionRow, attempt: Attempt) -> bool:
        """Begin the session that came of ``attempt``, and end the one that the browser had."""
        now, before = self.clock(), attempt.session_digest
        async with self.database.transaction() as connection:
            ended: list[UUID] = []
            if before is not None:
                ended = await store.end(connection, now, digest=before, handle=None, professional_id=None)
            if attempt.step_up and not ended:
                return False
            if not attempt.step_up:
                await self._record(connection, "session.ended", ended, "replaced")
            await store.insert(connection, row)
            await store.hand_on(connection, attempt, row.digest)
            how = "step_up" if attempt.step_up else None
            await self._record(connection, "session.opened", [row.professional_id], how)
        return True

    async def session(self, digest: bytes) -> KnownSession | None:
        """Return a session, ended and expired ones included, without noting a use."""
        async with self.database.connection() as connection:
            return await store.session(connection, digest)

    async def use(self, digest: bytes, now: datetime, idle_since: datetime) -> KnownSession | None:
        """Return a session as it was before this use, which is noted once in ``USE_NOTED``."""
        async with self.database.connection() as connection:
            return await store.use(connection, digest, now, idle_since)

    async def sessions_of(self, professional_id: UUID, now: datetime, idle_since: datetime) -> Sequence[SessionRow]:
        """Return somebody's open sessions, the latest first."""
        async with self.database.connection() as connection:
            return await store.sessions_of(connection, professional_id, now, idle_since)

    async def end(self, professional_id: UUID, digest: bytes | None, handle: UUID | None, reason: str) -> int:
        """End somebody's session of that digest or handle, or with neither all of theirs; return how many ended."""
        async with self.database.transaction() as connection:
            ended = await store.end(
                connection,
                self.clock(),
                digest=digest,
                handle=handle.bytes if handle else None,
                professional_id=professional_id,
            )
            await self._record(connection, "session.ended", ended, reason)
        return len(ended)

    async def end_by_provider(
        self, issuer: str, jti: str, expires_at: datetime, subject: str | None, sid: str | None
    ) -> bool:
        """End the sessions that a provider names, and use up its logout token."""
        async with self.database.transaction() as connection:
            # The store of assertions is shared: a jti of the one kind must not use up one of another.
            if not await spend_assertion(connection, f"logout {issuer}", jti, expires_at):
                return False
            ended = await store.end_by_provider(connection, self.clock(), issuer, subject, sid)
            await self._record(connection, "session.ended", ended, "ended_by_provider")
        return True

    async def _record(self, connection: Connection, kind: str, whose: Iterable[UUID], reason: str | None) -> None:
        for professional_id in whose:
            entry = access_log.values(
                at=self.clock(), kind=kind, client_id=CONSOLE, professional_id=professional_id, reason=reason
            )
            await access_log.append(connection, entry)
