"""What sign-in and sessions need stored. Nothing here is a secret that a thief of the store could use.

Identifiers of sessions and of attempts are kept as SHA-256 alone; whoever starts the service supplies the store, and
tests supply it from memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from auth.protocols import RegisteredProfessional
from policies.enquirer import Assurance, Enquirer

USE_NOTED = timedelta(minutes=1)
"""How often the use of a session is written down: at every request it would cost a write each."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that was begun. It is ended once, by the browser that began it, before ``expires_at``.

    ``session_digest`` is of the session that the browser had; it ends with the next one. ``step_up``: whoever has that
    session is to prove themselves anew.
    """

    state_digest: bytes
    browser_digest: bytes
    nonce: str
    code_verifier: str
    return_to: str
    session_digest: bytes | None
    step_up: bool
    started_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as it is kept.

    ``issuer``, ``subject`` and ``sid`` are the provider's names of itself, of the person and of the person's session
    there. ``expires_at`` is the absolute end.
    """

    digest: bytes
    professional_id: UUID
    issuer: str
    subject: str
    sid: str | None
    assurance: Assurance
    authenticated_at: datetime
    stepped_up_at: datetime | None
    started_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None

    @property
    def handle(self) -> UUID:
        """What its owner may call it in a list: a part of the digest, from which nobody gets to the identifier."""
        return UUID(bytes=self.digest[:16])


@dataclass(frozen=True, slots=True)
class KnownSession:
    """A session with the standing that its owner has at this moment.

    ``enquirer`` is without scope and assurance; ``staff_subject`` is how the authority's directory names them.
    """

    row: SessionRow
    enquirer: Enquirer
    staff_subject: str


class SessionStore(Protocol):
    """Attempts and sessions, shared by all processes. Each method is one transaction and durable when it returns.

    What begins, rotates or ends a session is recorded with it. Errors of the store come through.
    """

    async def begin(self, attempt: Attempt) -> None:
        """Keep an attempt."""
        ...

    async def take(self, state_digest: bytes, browser_digest: bytes, now: datetime) -> Attempt | None:
        """Remove and return the unexpired attempt of this state and this browser; of concurrent calls one gets it."""
        ...

    async def staff(self, subject: str) -> RegisteredProfessional | None:
        """Return the authority's own professional of that name, ``active`` only if the authority is so as well."""
        ...

    async def open(self, row: SessionRow, attempt: Attempt) -> bool:
        """Begin the session that came of ``attempt``, and end the one that the browser had.

        What the same browser has begun besides, in another window, is from now on about the new session: to be
        replaced by a sign-in, and after a step-up to be stepped up as well.

        False, and nothing done: it was a step-up, and the one to be replaced is no longer open.
        """
        ...

    async def session(self, digest: bytes) -> KnownSession | None:
        """Return a session, ended and expired ones included, without noting a use."""
        ...

    async def use(self, digest: bytes, now: datetime, idle_since: datetime) -> KnownSession | None:
        """Return a session as it was before this use, which is noted once in ``USE_NOTED``.

        No use of a session that has ended, or expired, or was last used before ``idle_since`` is noted. One statement.
        """
        ...

    async def sessions_of(self, professional_id: UUID, now: datetime, idle_since: datetime) -> Sequence[SessionRow]:
        """Return somebody's open sessions, the latest first."""
        ...

    async def end(self, professional_id: UUID, digest: bytes | None, handle: UUID | None, reason: str) -> int:
        """End somebody's session of that digest or handle, or with neither all of theirs; return how many ended."""
        ...

    async def end_by_provider(
        self, issuer: str, jti: str, expires_at: datetime, subject: str | None, sid: str | None
    ) -> bool:
        """End the sessions that a provider names, by ``subject``, ``sid`` or both, and use up its logout token.

        Named by both, a session of the subject whose ``sid`` was never told ends as well: it may be the one.
        False, and nothing done: the token was used before.
        """
        ...
