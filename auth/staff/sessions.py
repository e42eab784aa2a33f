"""Sessions of staff: a random identifier in a cookie that no other site's request carries and no script reads.

Kept by its SHA-256, limited by idleness and absolutely, and asked about with its owner's standing at every request. A
request that changes something must also show that it comes from a page of ours: by a token of the session's own, and
by what the browser says of where it comes from (OWASP: synchroniser token, Fetch Metadata).
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from fastapi import Request, Response

from auth.errors import CrossSite, InvalidToken, Reason
from auth.protocols import Clock
from auth.staff.protocols import USE_NOTED, SessionRow, SessionStore
from policies.enquirer import CONSOLE, Assurance, Enquirer

COOKIE = "__Host-registry-session"
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf_token"
SCOPES = frozenset({"enquiry", "casework", "directory"})
"""What whoever has signed in may ask for; what they may do is decided by their role."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{43}")
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Session:
    """The session of the present request. ``csrf_token`` is what a form or a script of ours has to send with it."""

    row: SessionRow
    enquirer: Enquirer
    staff_subject: str
    csrf_token: str


def new_identifier() -> str:
    """Return 256 random bits as base64url."""
    return secrets.token_urlsafe(32)


def digest_of(identifier: str) -> bytes:
    """Return the SHA-256 under which an identifier is kept."""
    return hashlib.sha256(identifier.encode()).digest()


def is_identifier(text: str | None) -> bool:
    """Return whether a text has the form of an identifier."""
    return text is not None and _IDENTIFIER.fullmatch(text) is not None


def set_cookie(response: Response, name: str, value: str, *, seconds: int | None = None, lax: bool = False) -> None:
    """Set one of our cookies: of this host alone, for its whole path, over TLS, out of reach of scripts.

    ``lax``: also sent when another site leads here. Without ``seconds`` it goes when the browser is closed; 0 removes
    it.
    """
    response.set_cookie(
        name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax" if lax else "strict"
    )


def origin_of(url: str) -> str:
    """Return the origin of an address as a browser writes it (RFC 6454 section 6.2)."""
    parts = urlsplit(url.lower())
    usual = {"http": ":80", "https": ":443"}[parts.scheme]
    return f"{parts.scheme}://{parts.netloc.removesuffix(usual)}"


class Sessions:
    """Verifies sessions.

    Args:
        store: where they are kept.
        csrf_key: 32 secret bytes, the same in every process.
        base_url: where callers reach the service.
        clock: the time, aware and in UTC.
        idle: the longest pause between two requests.
        stepped_up: how long having proven oneself anew counts.
    """

    def __init__(
        self,
        store: SessionStore,
        csrf_key: bytes,
        base_url: str,
        clock: Clock,
        *,
        idle: timedelta,
        stepped_up: timedelta,
    ) -> None:
        self.store = store
        self.idle = idle
        self._csrf_key = csrf_key
        self._origin = origin_of(base_url)
        self._clock = clock
        self._stepped_up = stepped_up

    async def verify(self, request: Request) -> Session:
        """Return the session that a request comes with.

        Raises:
            InvalidToken: MISSING, SESSION_UNKNOWN, SESSION_ENDED, SESSION_EXPIRED, INDIVIDUAL_SUSPENDED or REQUEST
                (more than one), with its owner where that is known.
        """
        identifiers = cookies(request, COOKIE)
        if not identifiers:
            raise InvalidToken(Reason.MISSING)
        if len(identifiers) > 1:
            raise InvalidToken(Reason.REQUEST)
        if not is_identifier(identifiers[0]):
            raise InvalidToken(Reason.SESSION_UNKNOWN)
        now = self._clock()
        known = await self.store.use(digest_of(identifiers[0]), now, now - self.idle)
        if known is None:
            raise InvalidToken(Reason.SESSION_UNKNOWN)
        row, enquirer = known.row, known.enquirer
        if (reason := self._over(row, enquirer)) is not None:
            if reason is Reason.INDIVIDUAL_SUSPENDED:  # and does not come back when the suspension is lifted
                await self.store.end(row.professional_id, row.digest, None, reason)
            raise InvalidToken(reason, client_id=CONSOLE, professional_id=row.professional_id)
        if now - row.last_used_at >= USE_NOTED:
            row = replace(row, last_used_at=now)
        stepped_up = self.stepped_up_until(row) is not None
        asks = replace(enquirer, scope=SCOPES, assurance=row.assurance, stepped_up=stepped_up)
        return Session(row, asks, known.staff_subject, self.csrf_token(identifiers[0]))

    def stepped_up_until(self, row: SessionRow) -> datetime | None:
        """Return until when a session counts as stepped up; None where it does not, or no longer."""
        if row.stepped_up_at is None or row.assurance < Assurance.AAL2:
            return None
        until = row.stepped_up_at + self._stepped_up
        return until if self._clock() < until else None

    async def open_sessions(self, professional_id: UUID) -> Sequence[SessionRow]:
        """Return somebody's open sessions, the latest first."""
        now = self._clock()
        return await self.store.sessions_of(professional_id, now, now - self.idle)

    def csrf_token(self, identifier: str) -> str:
        """Return the token of a session's own pages: nobody can make it who does not have both keys to it."""
        made = hmac.digest(self._csrf_key, identifier.encode(), "sha256")
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()

    async def check_origin(self, request: Request, session: Session) -> None:
        """Check that a request that changes something comes from a page of ours. Raises CrossSite."""
        if request.method in _SAFE:
            return
        sites, origins = request.headers.getlist("sec-fetch-site"), request.headers.getlist("origin")
        if not sites and not origins:
            raise CrossSite
        if any(site != "same-origin" for site in sites) or any(origin != self._origin for origin in origins):
            raise CrossSite
        shown = request.headers.getlist(CSRF_HEADER) or await form_field(request, CSRF_FIELD)
        if len(shown) != 1 or not hmac.compare_digest(shown[0].encode(), session.csrf_token.encode()):
            raise CrossSite

    def _over(self, row: SessionRow, enquirer: Enquirer) -> Reason | None:
        now = self._clock()
        if row.ended_at is not None:
            return Reason.SESSION_ENDED
        if now >= row.expires_at or now > row.last_used_at + self.idle:
            return Reason.SESSION_EXPIRED
        if enquirer.professional_suspended or enquirer.organisation_suspended:
            return Reason.INDIVIDUAL_SUSPENDED
        return None


def cookies(request: Request, name: str) -> list[str]:
    """Return every cookie of that name. Read here, since the framework keeps but one of two equal names."""
    pairs = [part.strip().partition("=") for header in request.headers.getlist("cookie") for part in header.split(";")]
    return [value for named, _, value in pairs if named == name]


async def form_field(request: Request, name: str) -> list[str]:
    """Return the values of a field of the form that a request brings; none where it brings no form."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return []
    try:
        form = parse_qs((await request.body()).decode("ascii"), max_num_fields=100)
    except ValueError:
        return []
    return form.get(name, [])
