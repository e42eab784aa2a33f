"""Over HTTP: how staff sign in, prove themselves anew and sign out, and what they see of their own sessions.

Pages need no script. What changes something takes the session's own token, as a form field or as ``X-CSRF-Token``,
and comes from a page of ours (``auth.staff.sessions``). Nothing leads out of the service but to the provider.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Any
from urllib.parse import parse_qs, urlencode
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from pydantic import BaseModel

from auth.claimed import note_outcome
from auth.dependencies import current_session
from auth.errors import InvalidToken, NotAuthenticated, ProviderUnavailable, SessionNotFound, SignInRefused
from auth.staff import answers
from auth.staff.answers import ACCOUNT, EVERYWHERE, SIGN_IN, SIGN_OUT, STEP_UP
from auth.staff.configuration import CALLBACK
from auth.staff.sessions import (
    COOKIE,
    Session,
    Sessions,
    cookies,
    digest_of,
    form_field,
    is_identifier,
    set_cookie,
)
from auth.staff.sign_in import ATTEMPT, SignIn
from policies.enquirer import Role

ATTEMPT_COOKIE = "__Host-registry-sign-in"
_SEGMENT = "[A-Za-z0-9_~][A-Za-z0-9_~.-]*"
_LOCAL_PATH = re.compile(rf"/({_SEGMENT}(/{_SEGMENT})*/?)?(\?[A-Za-z0-9_~=&.-]*)?")
"""A path of ours: single slashes, no backslash, no dots alone, nothing that a browser or a proxy could unfold."""
_MAX_FIELDS = 16
_log = structlog.get_logger()

CurrentSession = Annotated[Session, Depends(current_session)]


@dataclass(frozen=True, slots=True)
class StaffServices:
    """What the routes of this module work with; kept as ``app.state.staff``.

    ``base_url`` is where we are reached, ``zone`` the one in which times are shown to people.
    """

    sign_in: SignIn
    sessions: Sessions
    base_url: str
    zone: tzinfo = UTC


class SessionShown(BaseModel):
    """The session of the one who asks."""

    subject: str
    """As the authority's directory names them."""
    role: Role
    assurance: int
    stepped_up_until: datetime | None
    idle_until: datetime
    expires_at: datetime
    csrf_token: str


class OpenSession(BaseModel):
    """One of one's own open sessions."""

    id: UUID
    started_at: datetime
    last_used_at: datetime
    expires_at: datetime
    this_one: bool


class OpenSessions(BaseModel):
    """One's own open sessions, the latest first."""

    sessions: list[OpenSession]


def configure(app: FastAPI, staff: StaffServices, *, limited: Callable[[Any], Any]) -> None:
    """Give the application its services and the routes of this module; ``limited`` is applied to every one."""
    app.state.staff = staff
    router = APIRouter(tags=["sign-in"])
    to_provider: dict[str, Any] = {
        "status_code": 303,
        "response_class": RedirectResponse,
        "responses": {503: {"description": "The provider cannot be reached.", "content": {"text/html": {}}}},
    }
    router.get(SIGN_IN, summary="Sign in", **to_provider)(limited(begin))
    router.get(STEP_UP, summary="Prove yourself anew", **to_provider)(limited(begin_step_up))
    # Out of the description: its parameters are between the provider and us.
    router.get(CALLBACK, summary="End a sign-in", include_in_schema=False, response_class=HTMLResponse)(limited(finish))
    router.post("/sign-in/back-channel", summary="End sessions from the provider's side", include_in_schema=False)(
        limited(end_by_provider)
    )
    router.get(
        ACCOUNT,
        summary="The page of one's own session",
        response_class=HTMLResponse,
        responses={401: {"description": "Nobody is signed in here.", "content": {"text/html": {}}}},
    )(limited(account))
    router.post(SIGN_OUT, summary="Sign out", response_class=HTMLResponse)(limited(sign_out))
    router.get("/session", summary="One's own session")(limited(session_shown))
    router.get("/sessions", summary="One's own open sessions")(limited(open_sessions))
    router.delete("/sessions", summary="End all of one's own sessions", status_code=204)(limited(end_all))
    router.delete("/sessions/{session_id}", summary="End one of one's own sessions", status_code=204)(limited(end_one))
    app.include_router(router)


def local_path(given: str | None) -> str:
    """Return a path of ours to end at: ``given`` if it is one, else the page of one's own session."""
    return given if given is not None and _LOCAL_PATH.fullmatch(given) else ACCOUNT


_ReturnTo = Annotated[str | None, Query(max_length=200, description="A path of this service to end at.")]


async def begin(request: Request, return_to: _ReturnTo = None) -> Response:
    """Send the browser to the provider. It comes back to us, and from there to ``return_to``."""
    held = cookies(request, COOKIE)
    session = digest_of(held[0]) if len(held) == 1 and is_identifier(held[0]) else None
    return await _begin(request, return_to, session)


async def begin_step_up(request: Request, session: CurrentSession, return_to: _ReturnTo = None) -> Response:
    """Send the browser to the provider, for whoever has the session to prove themselves anew with two factors."""
    return await _begin(request, return_to, session.row.digest, step_up=True)


async def _begin(request: Request, return_to: str | None, session: bytes | None, *, step_up: bool = False) -> Response:
    staff: StaffServices = request.app.state.staff
    held = cookies(request, ATTEMPT_COOKIE)
    browser = held[0] if len(held) == 1 else None
    try:
        begun = await staff.sign_in.begin(local_path(return_to), browser, session, step_up=step_up)
    except ProviderUnavailable as unavailable:
        return _unavailable(staff, unavailable)
    answer = RedirectResponse(begun.url, 303)
    set_cookie(answer, ATTEMPT_COOKIE, begun.browser, seconds=int(ATTEMPT.total_seconds()), lax=True)
    return answer


async def finish(request: Request) -> Response:
    """End a sign-in with the provider's answer, and give the browser its session.

    A page and no redirect: a browser that comes from another site takes no strict cookie along, however often it is
    redirected; on the way from a page of ours it does.
    """
    staff: StaffServices = request.app.state.staff
    held = cookies(request, ATTEMPT_COOKIE)
    try:
        answer = parse_qs(request.url.query, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
        finished = await staff.sign_in.finish(answer, held[0] if len(held) == 1 else None)
    except ProviderUnavailable as unavailable:
        return _unavailable(staff, unavailable)
    except (ValueError, SignInRefused) as refused:
        note_outcome(request, failed=True)
        return answers.refused(staff.base_url, person=isinstance(refused, SignInRefused) and refused.person)
    shown = answers.signed_in(staff.base_url + finished.return_to)
    # The cookie of the attempt stays for its minutes: another window may be on its way to the same end.
    set_cookie(shown, COOKIE, finished.identifier)
    return shown


async def end_by_provider(request: Request) -> Response:
    """Take a logout token and end the sessions that it names (OpenID Connect Back-Channel Logout 1.0)."""
    staff: StaffServices = request.app.state.staff
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        form = parse_qs((await request.body()).decode("ascii"), max_num_fields=_MAX_FIELDS)
        tokens = form.get("logout_token", ())
        if content_type != "application/x-www-form-urlencoded" or len(tokens) != 1:
            raise ValueError
        await staff.sign_in.end_by_provider(tokens[0])
    except (ValueError, InvalidToken):
        note_outcome(request, failed=True)
        return JSONResponse({"error": "invalid_request"}, 400)
    except ProviderUnavailable as unavailable:
        _log.error("provider_unavailable", error=unavailable.fault)
        return JSONResponse({"error": "temporarily_unavailable"}, 503, {"Retry-After": "30"})
    return Response(status_code=200)


async def account(request: Request) -> Response:
    """Show whoever has signed in how they are known here, with the ways to prove themselves anew and to sign out."""
    staff: StaffServices = request.app.state.staff
    try:
        session = await current_session(request)
    except NotAuthenticated:
        note_outcome(request, failed=bool(cookies(request, COOKIE)))  # who has not signed in yet has failed at nothing
        return answers.not_signed_in(staff.base_url)
    others = await staff.sessions.open_sessions(session.row.professional_id)
    return answers.account(
        staff.base_url,
        session,
        stepped_up_until=staff.sessions.stepped_up_until(session.row),
        idle=staff.sessions.idle,
        elsewhere=sum(row.digest != session.row.digest for row in others),
        zone=staff.zone,
    )


async def sign_out(request: Request, session: CurrentSession) -> Response:
    """End the session, or with the field ``everywhere`` all that its owner has. The provider's own goes on: the page
    leads there."""
    staff: StaffServices = request.app.state.staff
    everywhere = bool(await form_field(request, EVERYWHERE))
    digest = None if everywhere else session.row.digest
    await staff.sessions.store.end(session.row.professional_id, digest, None, "signed_out")
    at_provider = await staff.sign_in.provider_sign_out()
    if at_provider is not None:
        at_provider += "?" + urlencode({"client_id": staff.sign_in.provider.settings.client_id})
    return _without_session(answers.signed_out(staff.base_url, at_provider))


async def session_shown(request: Request, session: CurrentSession) -> SessionShown:
    """Tell who has signed in, until when, and the token that requests which change something have to bring."""
    sessions: Sessions = request.app.state.staff.sessions
    return SessionShown(
        subject=session.staff_subject,
        role=session.enquirer.role,
        assurance=session.row.assurance,
        stepped_up_until=sessions.stepped_up_until(session.row),
        idle_until=min(session.row.last_used_at + sessions.idle, session.row.expires_at),
        expires_at=session.row.expires_at,
        csrf_token=session.csrf_token,
    )


async def open_sessions(request: Request, session: CurrentSession) -> OpenSessions:
    """List the open sessions of the one who asks."""
    sessions: Sessions = request.app.state.staff.sessions
    rows = await sessions.open_sessions(session.row.professional_id)
    return OpenSessions(
        sessions=[
            OpenSession(
                id=row.handle,
                started_at=row.started_at,
                last_used_at=row.last_used_at,
                expires_at=row.expires_at,
                this_one=row.digest == session.row.digest,
            )
            for row in rows
        ]
    )


async def end_one(request: Request, session_id: UUID, session: CurrentSession) -> Response:
    """End one of the sessions of the one who asks. Somebody else's is none: 404."""
    sessions: Sessions = request.app.state.staff.sessions
    if not await sessions.store.end(session.row.professional_id, None, session_id, "ended_by_owner"):
        raise SessionNotFound
    ended = Response(status_code=204)
    return _without_session(ended) if session_id == session.row.handle else ended


async def end_all(request: Request, session: CurrentSession) -> Response:
    """End every session of the one who asks, this one too."""
    sessions: Sessions = request.app.state.staff.sessions
    await sessions.store.end(session.row.professional_id, None, None, "ended_by_owner")
    return _without_session(Response(status_code=204))


def _without_session(answer: Response) -> Response:
    set_cookie(answer, COOKIE, "", seconds=0)
    set_cookie(answer, ATTEMPT_COOKIE, "", seconds=0, lax=True)
    return answer


def _unavailable(staff: StaffServices, unavailable: ProviderUnavailable) -> Response:
    _log.error("provider_unavailable", error=unavailable.fault)
    return answers.unavailable(staff.base_url)
