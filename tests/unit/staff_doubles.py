"""A sign-in desk: the real sign-in and sessions of one process over stores in memory, and a provider over real HTTP.

The stores keep what ``auth.staff.protocols`` promises. ``tests/integration`` has the same over PostgreSQL.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx2
from auth_doubles import Clock
from external_provider import CLIENT_ID, SECRET, ExternalProvider, running

from auth.client import generate_client_key
from auth.errors import SignInRefused
from auth.protocols import RegisteredProfessional
from auth.providers import AssuranceTable
from auth.staff.configuration import CALLBACK, ClientKey, ClientSecret, SignInProvider
from auth.staff.protocols import USE_NOTED, Attempt, KnownSession, SessionRow
from auth.staff.provider import OpenIdProvider
from auth.staff.sessions import Sessions, digest_of
from auth.staff.sign_in import Finished, SignIn
from policies.enquirer import CONSOLE, Enquirer, Role

BASE_URL = "https://register.test"
PRIVATE, PUBLIC = generate_client_key()
LONGEST, IDLE, STEPPED_UP = timedelta(hours=10), timedelta(minutes=20), timedelta(minutes=10)


def enquirer(professional_id: UUID, **changes: Any) -> Enquirer:
    standing = Enquirer(
        client_id=CONSOLE,
        client_suspended=False,
        organisation_id=UUID(int=1),
        organisation_suspended=False,
        own_authority=True,
        professional_id=professional_id,
        professional_suspended=False,
        role=Role.KEY_WORKER,
        agreements=(),
    )
    return replace(standing, **changes)


@dataclass
class MemorySessions:
    """Attempts, sessions and the record of refusals."""

    clock: Clock
    people: dict[str, RegisteredProfessional] = field(default_factory=dict)
    standing: dict[UUID, Enquirer] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    rows: dict[bytes, SessionRow] = field(default_factory=dict)
    ended: list[tuple[UUID, str]] = field(default_factory=list)
    used_up: set[tuple[str, str]] = field(default_factory=set)
    refusals: list[dict[str, Any]] = field(default_factory=list)
    recording_fails: bool = False

    def enrol(self, subject: str) -> UUID:
        professional = RegisteredProfessional(uuid4(), True)
        self.people[subject] = professional
        self.standing[professional.professional_id] = enquirer(professional.professional_id)
        return professional.professional_id

    async def begin(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)

    async def take(self, state_digest: bytes, browser_digest: bytes, now: datetime) -> Attempt | None:
        for attempt in self.attempts:
            of_both = (attempt.state_digest, attempt.browser_digest) == (state_digest, browser_digest)
            if of_both and attempt.expires_at > now:
                self.attempts.remove(attempt)
                return attempt
        return None

    async def staff(self, subject: str) -> RegisteredProfessional | None:
        return self.people.get(subject)

    async def open(self, row: SessionRow, attempt: Attempt) -> bool:
        before = self.rows.get(attempt.session_digest or b"")
        if before is not None and self._is_open(before):
            self._end(before, "step_up" if attempt.step_up else "replaced")
        elif attempt.step_up:
            return False
        self.rows[row.digest] = row
        self.attempts = [
            replace(other, session_digest=row.digest)
            if other.browser_digest == attempt.browser_digest
            and other.session_digest == attempt.session_digest
            and (attempt.step_up or not other.step_up)
            else other
            for other in self.attempts
        ]
        return True

    async def session(self, digest: bytes) -> KnownSession | None:
        row = self.rows.get(digest)
        return KnownSession(row, self.standing[row.professional_id], "kw-1") if row else None

    async def use(self, digest: bytes, now: datetime, idle_since: datetime) -> KnownSession | None:
        known = await self.session(digest)
        is_open = known is not None and known.row.ended_at is None and known.row.expires_at > now
        if known and is_open and idle_since <= known.row.last_used_at <= now - USE_NOTED:
            self.rows[digest] = replace(known.row, last_used_at=now)
        return known

    async def sessions_of(self, professional_id: UUID, now: datetime, idle_since: datetime) -> Sequence[SessionRow]:
        mine = [row for row in self.rows.values() if row.professional_id == professional_id and self._is_open(row)]
        return [row for row in mine if row.last_used_at >= idle_since]

    async def end(self, professional_id: UUID, digest: bytes | None, handle: UUID | None, reason: str) -> int:
        found = [
            row
            for row in self.rows.values()
            if self._is_open(row)
            and row.professional_id == professional_id
            and digest in (None, row.digest)
            and handle in (None, row.handle)
        ]
        for row in found:
            self._end(row, reason)
        return len(found)

    async def end_by_provider(
        self, issuer: str, jti: str, expires_at: datetime, subject: str | None, sid: str | None
    ) -> bool:
        if (issuer, jti) in self.used_up:
            return False
        self.used_up.add((issuer, jti))
        for row in list(self.rows.values()):
            told = sid is None or row.sid == sid or (row.sid is None and subject is not None)
            if self._is_open(row) and row.issuer == issuer and subject in (None, row.subject) and told:
                self._end(row, "ended_by_provider")
        return True

    async def refused(self, **refusal: Any) -> None:
        if self.recording_fails:
            raise ConnectionError("the row (kw-1) could not be written")
        self.refusals.append(refusal)

    def _is_open(self, row: SessionRow) -> bool:
        return row.ended_at is None and row.expires_at > self.clock()

    def _end(self, row: SessionRow, reason: str) -> None:
        self.rows[row.digest] = replace(row, ended_at=self.clock())
        self.ended.append((row.professional_id, reason))


@dataclass
class Window:
    """A window of a browser that is on its way to sign in: where it was sent, and the cookie it has."""

    url: str
    browser: str


class Desk:
    """Sign-in and sessions, with the provider at which people sign in."""

    def __init__(self, outside: ExternalProvider, clock: Clock, **settings: Any) -> None:
        self.outside, self.clock = outside, clock
        self.store = MemorySessions(clock)
        self.professional_id = self.store.enrol("kw-1")
        authentication: ClientKey | ClientSecret = ClientKey(PRIVATE)
        if outside.authentication != "private_key_jwt":
            authentication = ClientSecret(SECRET, basic=outside.authentication == "client_secret_basic")
        chosen = {
            "issuer": outside.issuer,
            "client_id": CLIENT_ID,
            "authentication": authentication,
            "algorithms": frozenset({"ES256", "RS256"}),
            "assurance": AssuranceTable("acr", {"one-factor": "aal1", "two-factor": "aal2"}),
            "staff_claim": "staff",
            "step_up": {"acr_values": "two-factor"},
            "development": True,
            **settings,
        }
        self.provider = OpenIdProvider(SignInProvider(**chosen), BASE_URL + CALLBACK, clock)
        self.sign_in = SignIn(self.provider, self.store, self.store, clock, longest=LONGEST)
        self.sessions = Sessions(self.store, b"k" * 32, BASE_URL, clock, idle=IDLE, stepped_up=STEPPED_UP)

    async def begin(self, browser: str | None = None, session: str | None = None, *, step_up: bool = False) -> Window:
        held = digest_of(session) if session else None
        begun = await self.sign_in.begin("/account", browser, held, step_up=step_up)
        return Window(begun.url, begun.browser)

    async def visit(self, window: Window) -> dict[str, list[str]]:
        """Go where a window was sent, and return the parameters with which the provider sends it back."""
        async with httpx2.AsyncClient(trust_env=False) as http:
            answer = await http.get(window.url)
        assert answer.status_code == 303, answer.text
        return parse_qs(urlsplit(answer.headers["location"]).query, keep_blank_values=True)

    async def finish(self, window: Window, **changes: list[str] | None) -> Finished:
        answer = {**await self.visit(window), **changes}
        kept = {name: values for name, values in answer.items() if values is not None}
        return await self.sign_in.finish(kept, window.browser)

    async def signed_in(self) -> tuple[str, Window]:
        """Sign in and return the session's identifier, and the window it was done in."""
        window = await self.begin()
        return (await self.finish(window)).identifier, window

    async def refusal(self, window: Window, **changes: list[str] | None) -> str:
        """Come back to be refused, and return the reason that is recorded, once."""
        before = len(self.store.refusals)
        try:
            await self.finish(window, **changes)
        except SignInRefused:
            (recorded,) = self.store.refusals[before:]
            assert recorded["kind"] == "sign_in.refused"
            assert recorded["client_id"] == CONSOLE
            assert not recorded.keys() - {"kind", "client_id", "reason", "professional_id"}
            return str(recorded["reason"])
        raise AssertionError("it was let in")


@contextmanager
def desk(provider: ExternalProvider | None = None, **settings: Any) -> Iterator[Desk]:
    """A desk whose provider runs. Whoever uses it closes ``provider`` where they mind their warnings."""
    clock = Clock()
    outside = provider or ExternalProvider()
    outside.clock, outside.client_key = clock, json.loads(json.dumps(PUBLIC))
    with running(outside):
        yield Desk(outside, clock, **settings)
