"""The one place that turns errors into RFC 9457 problem documents, and records them where an enquirer is known.

Every document has a type from the fixed list below, a title and a sentence in fixed words, and the identifier of the
request. None repeats anything of what was asked: neither values nor the names of unknown fields.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from slowapi.errors import RateLimitExceeded
from starlette.exceptions import HTTPException

from auth.dpop import INSUFFICIENT, challenge
from auth.errors import CrossSite, InsufficientScope, NotAuthenticated, RefusalNotRecorded, SessionNotFound
from auth.staff.answers import instead_of_problem
from policies.access import RefusalReason
from policies.enquirer import Enquirer
from registry_api.access_log import store as access_log
from registry_api.access_log.particulars import of_enquirer
from registry_api.kernel import errors
from registry_api.kernel.clock import utc_now
from registry_api.kernel.limits import retry_after

MEDIA_TYPE = "application/problem+json"
_PREFIX = "urn:registry:problem:"
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Problem:
    """One type of problem: its code, HTTP status, title and the sentence that says what to do."""

    code: str
    status: int
    title: str
    detail: str


NOT_AUTHENTICATED = Problem(
    "not-authenticated",
    401,
    "Who is asking is not established",
    "Send a current access token with a proof of its key. A token names your organisation's system and you.",
)
INSUFFICIENT_SCOPE = Problem(
    "insufficient-scope", 403, "The token is for something else", "Ask for a token with the scope that this needs."
)
FORBIDDEN = Problem(
    "forbidden",
    403,
    "This is not permitted",
    "The refusal has been recorded. Your organisation's administrator can have the agreement or enrolment looked at.",
)
CROSS_SITE = Problem(
    "csrf",
    403,
    "The request does not come from a page of this service",
    "The refusal has been recorded. Send the token of the session as X-CSRF-Token, from a page of this service.",
)
NOT_FOUND = Problem("not-found", 404, "There is no such thing", "It does not exist, or it is not yours.")
METHOD = Problem("method-not-allowed", 405, "This method is not offered here", "See the API description.")
CONFLICT = Problem("conflict", 409, "It has been settled already", "Read it again to see how it stands.")
CHANGED = Problem(
    "precondition-failed", 412, "It has changed since you read it", "Read it again and decide on what it says now."
)
MALFORMED = Problem("malformed-json", 400, "The body is not JSON", "Send one JSON object in UTF-8.")
NOT_JSON = Problem(
    "unsupported-media-type", 415, "The body is of a kind that is not read here", "Send it as application/json."
)
INVALID = Problem(
    "invalid-request", 422, "Something in the request is not as it should be", "See what is listed under errors."
)
MORE_DETAILS = Problem(
    "more-details-needed",
    422,
    "More information is needed",
    "Too little was given to look for a child. The enquiry is recorded; send another with more of what is listed.",
)
KEY_REUSED = Problem(
    "idempotency-key-reused",
    422,
    "The idempotency key belongs to another request",
    "Use a fresh key for each new request; a key is kept for 24 hours.",
)
NOT_POSSIBLE = Problem(
    "not-possible", 422, "It cannot be as it is asked for", "Nothing was changed. See because, and the API description."
)
PRECONDITION_REQUIRED = Problem(
    "precondition-required", 428, "Say which version you decide on", "Send If-Match with the version that you read."
)
TOO_MANY = Problem(
    "too-many-requests", 429, "Too many requests", "Wait as long as Retry-After says. If it cannot wait, telephone."
)
INTERNAL = Problem(
    "internal-error", 500, "Something went wrong here", "Nothing was disclosed. If it cannot wait, telephone."
)
UNAVAILABLE = Problem(
    "not-recorded",
    503,
    "The service cannot record enquiries now, so it cannot answer",
    "Nothing was disclosed. Send the same request with the same idempotency key again; if it cannot wait, telephone.",
)
PROBLEMS = (
    NOT_AUTHENTICATED, INSUFFICIENT_SCOPE, FORBIDDEN, CROSS_SITE, NOT_FOUND, METHOD, CONFLICT, CHANGED, MALFORMED,
    NOT_JSON, INVALID, MORE_DETAILS, KEY_REUSED, NOT_POSSIBLE, PRECONDITION_REQUIRED, TOO_MANY, INTERNAL, UNAVAILABLE,
)  # fmt: skip

_BY_ERROR: Mapping[type[Exception], Problem] = {
    InsufficientScope: INSUFFICIENT_SCOPE,
    CrossSite: CROSS_SITE,
    SessionNotFound: NOT_FOUND,
    RefusalNotRecorded: UNAVAILABLE,
    errors.StoreUnavailable: UNAVAILABLE,
    errors.NotFound: NOT_FOUND,
    errors.Conflict: CONFLICT,
    errors.PreconditionFailed: CHANGED,
    errors.PreconditionRequired: PRECONDITION_REQUIRED,
    errors.IdempotencyKeyReused: KEY_REUSED,
}


def document(request: Request, problem: Problem, *, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """Return the problem as a response; ``more`` are its extension members (RFC 9457 §3.2).

    People who look at a page of ours get it as a page.
    """
    page = instead_of_problem(request, problem.title, problem.detail, problem.status)
    if page is not None:
        page.headers.update(headers or {})
        return page
    content = {
        "type": _PREFIX + problem.code,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "request_id": getattr(request.state, "request_id", None),
        **more,
    }
    return JSONResponse(content, problem.status, headers, MEDIA_TYPE)


async def _refused(
    request: Request,
    problem: Problem,
    *,
    headers: Mapping[str, str] | None = None,
    reason: str = "",
    child_ids: Sequence[UUID] = (),
    **more: Any,
) -> Response:
    """Record the refusal where it is known who was refused (ENQ-3), then answer; if it cannot be recorded, 503.

    ``child_ids``: who was asked for by id, for the record alone.
    """
    enquirer = getattr(request.state, "enquirer", None)
    if isinstance(enquirer, Enquirer) and problem is not UNAVAILABLE:
        entry = access_log.values(
            at=utc_now(),
            kind="request.refused",
            client_id=enquirer.client_id,
            organisation_id=enquirer.organisation_id,
            professional_id=enquirer.professional_id,
            reference=more.get("reference"),
            reason=reason or problem.code,
            child_ids=child_ids,
            particulars=of_enquirer(enquirer),
        )
        try:
            async with request.app.state.database.connection() as connection:
                await access_log.append(connection, entry)
        except (errors.StoreUnavailable, asyncpg.PostgresError):
            return document(request, UNAVAILABLE, headers={"Retry-After": "1"})
    return document(request, problem, headers=headers, **more)


def install(app: FastAPI) -> None:
    """Answer every error of ``app`` with a problem document."""

    async def known(request: Request, error: Exception) -> Response:
        problem = _BY_ERROR[type(error)]
        headers = {UNAVAILABLE: {"Retry-After": "1"}, INSUFFICIENT_SCOPE: {"WWW-Authenticate": INSUFFICIENT}}.get(
            problem
        )
        if problem is UNAVAILABLE:
            _log.error("not_recorded", request_id=getattr(request.state, "request_id", None))
        children = error.child_ids if isinstance(error, errors.NotFound) else ()
        return await _refused(request, problem, headers=headers, child_ids=children)

    for kind in _BY_ERROR:
        app.add_exception_handler(kind, known)

    @app.exception_handler(asyncpg.PostgresError)
    async def not_confirmed(request: Request, error: asyncpg.PostgresError) -> Response:
        # Whatever the database objects to, the write is not there, so there is no answer (ENQ-2). The type is kept for
        # whoever has to mend it; the text may quote the row.
        _log.error("not_recorded", error=type(error).__name__, request_id=getattr(request.state, "request_id", None))
        return document(request, UNAVAILABLE, headers={"Retry-After": "1"})

    @app.exception_handler(NotAuthenticated)
    async def not_authenticated(request: Request, error: NotAuthenticated) -> Response:
        return document(request, NOT_AUTHENTICATED, headers={"WWW-Authenticate": challenge(error)})

    @app.exception_handler(errors.Forbidden)
    async def forbidden(request: Request, error: errors.Forbidden) -> Response:
        more: dict[str, Any] = {"reference": error.reference} if error.reference else {}
        headers = {"WWW-Authenticate": INSUFFICIENT} if error.reason == RefusalReason.SCOPE_MISSING else None
        return await _refused(request, FORBIDDEN, headers=headers, reason=error.reason, because=error.reason, **more)

    @app.exception_handler(errors.MoreDetailsNeeded)
    async def more_details(request: Request, error: errors.MoreDetailsNeeded) -> Response:
        return await _refused(request, MORE_DETAILS, reference=error.reference, needed=list(error.missing))

    @app.exception_handler(errors.NotPossible)
    async def not_possible(request: Request, error: errors.NotPossible) -> Response:
        return await _refused(request, NOT_POSSIBLE, reason=error.reason, because=error.reason)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        faults = error.errors()
        if any(fault["type"] == "json_invalid" for fault in faults):
            return await _refused(request, MALFORMED)
        return await _refused(request, INVALID, errors=[_fault(fault) for fault in faults[:20]])

    @app.exception_handler(RateLimitExceeded)
    async def too_many(request: Request, error: RateLimitExceeded) -> Response:
        return await _refused(request, TOO_MANY, headers={"Retry-After": str(retry_after(request))})

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        problem = {404: NOT_FOUND, 405: METHOD, 400: MALFORMED, 415: NOT_JSON}.get(error.status_code, INTERNAL)
        return await _refused(request, problem, headers=error.headers)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        # The type and the place are enough to find the fault; the text of an error may carry what was asked.
        trace = error.__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        where = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else ""
        _log.error(
            "unexpected", error=type(error).__name__, where=where, request_id=getattr(request.state, "request_id", None)
        )
        return document(request, INTERNAL)


_FIXED_WORDS = {
    "missing": "Must be given.",
    "extra_forbidden": "Has a field that is not known here.",
    "idempotency_key": "Must be 8 to 128 printable ASCII characters.",
    "string_pattern_mismatch": "Has not the form that is wanted.",
    "string_too_long": "Is too long.",
    "string_too_short": "Must not be empty, and long enough to say something.",
    "enum": "Is none of the codes of the API description.",
    "date_from_datetime_parsing": "Must be a date that exists, as YYYY-MM-DD.",
    "date_parsing": "Must be a date that exists, as YYYY-MM-DD.",
    "date_type": "Must be a date, as YYYY-MM-DD.",
    "less_than": "Is too large.",
    "less_than_equal": "Is too large.",
    "greater_than_equal": "Is too small.",
    "uuid_parsing": "Must be a UUID.",
    "born_and_unborn": "Give a date of birth or an expected delivery date, not both.",
    "date_in_future": "A date of birth cannot lie in the future.",
    "not_a_child": "The register is of children: under 18 years.",
    "delivery_date_impossible": "The expected delivery date is not possible.",
    "born_or_unborn": "Give a date of birth or, for an unborn child, an expected delivery date.",
    "mother_missing": "Of an unborn child the mother's given and family name must be given.",
    "name_missing": "The child's given and family name must be given.",
    "plan_in_future": "A plan that has not begun cannot be transferred.",
    "move_date_impossible": "The date of the move is not possible.",
    "caller_unclear": "Give who is enrolled, or a name and a role, and not both.",
    "control_characters": "Must not contain control characters.",
}


def _fault(fault: Mapping[str, Any]) -> dict[str, str]:
    """Return where a fault is and what is wanted there, in fixed words; what was sent is not repeated."""
    kind = str(fault["type"])
    place: Sequence[Any] = fault.get("loc", ())
    if kind == "extra_forbidden":
        place = place[:-1]  # the name of an unknown field is the caller's own text
    return {
        "field": ".".join(str(part) for part in place),
        "code": kind,
        "message": _FIXED_WORDS.get(kind, "Is not of the kind that is wanted."),
    }
