"""What the API description says beyond what FastAPI reads off the routes: who may call, and how a call can fail.

Every operation under ``/api/`` wants a token with a DPoP proof, or a session, and answers its faults with problem
documents (RFC 9457); the endpoints of OAuth with errors of its own. Bodies that a route reads by itself are described
from the same model that reads them.
"""

from collections.abc import Collection, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from pydantic.json_schema import models_json_schema

from auth.staff.sessions import COOKIE
from registry_api import problems
from registry_api.audit.schemas import AccessesRequest, DisclosureReportRequest, LogSearchRequest
from registry_api.directory import schemas as directory
from registry_api.enquiries.schemas import EnquiryRequest
from registry_api.enquiries.telephone_schemas import CallBackRequest, TelephoneEnquiryRequest
from registry_api.kernel.limits import limits_of
from registry_api.oversight.schemas import AlertDecisionRequest
from registry_api.routing.schemas import DecisionRequest
from registry_api.transfers.schemas import AllocationRequest, TransferInRequest

_REFERENCE = "#/components/schemas/{model}"
_BODIES_READ_BY_HAND = (
    EnquiryRequest,
    TelephoneEnquiryRequest,
    CallBackRequest,
    TransferInRequest,
    AllocationRequest,
    DecisionRequest,
    AlertDecisionRequest,
    LogSearchRequest,
    AccessesRequest,
    DisclosureReportRequest,
    directory.NewOrganisationRequest,
    directory.OrganisationRequest,
    directory.SuspensionRequest,
    directory.NewAgreementRequest,
    directory.AgreementRequest,
    directory.NewClientRequest,
    directory.ScopesRequest,
    directory.KeyRequest,
    directory.RetiredKeyRequest,
    directory.NewProfessionalRequest,
    directory.ProfessionalRequest,
    directory.SearchRequest,
    directory.NewAbsenceRequest,
    directory.AbsenceRequest,
)

_OF_A_SESSION = {"/sign-in/step-up", "/sign-out", "/session", "/sessions", "/sessions/{session_id}"}

_ENDS_OR_BEGINS = {
    "/sign-in": {"303"},
    "/sign-in/step-up": {"303"},
    "/sign-out": {"200"},
    "/sessions": {"204"},
    "/sessions/{session_id}": {"204"},
}
"""Where a cookie is set, and with what status."""

_ANYWHERE = {
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    500: "Something went wrong here; nothing was disclosed.",
    503: "It cannot be answered now; see Retry-After.",
}
_LIMITED = {429: "Too many requests; see Retry-After."}
_INVALID = {422: "Something in the request is not as it should be."}
_FOR_THE_KNOWN = {
    **_ANYWHERE,
    **_LIMITED,
    **_INVALID,
    400: "The body is not JSON.",
    401: "Who is asking is not established.",
    403: "It is not permitted; the refusal is recorded.",
    415: "The body is not sent as JSON.",
    503: "It cannot be recorded now, so it is not answered; see Retry-After.",
}
_ABOUT_ONE = {404: "It does not exist, or it is not yours."}
_FROM_A_CURSOR = {404: "There is no such page."}
_WITH_VERSION = {
    409: "It has been settled already.",
    412: "It has changed since you read it.",
    428: "If-Match is missing.",
}

_HEADERS = {
    "X-Request-Id": ("The identifier of the request: the caller's own where it is a UUID.", True),
    "Retry-After": ("The seconds after which to come again.", False),
    "WWW-Authenticate": ("How to authenticate, and what was wrong (RFC 9449 section 7.1).", False),
    "DPoP-Nonce": ("The nonce to put into the next proof (RFC 9449 section 8.2).", False),
    "ETag": ("The version, for If-Match.", False),
    "Idempotency-Replayed": ("``true``: this is the first answer again.", False),
    "Location": ("Where the browser goes on.", True),
    "Set-Cookie": ("Of the session, or of the attempt to sign in.", False),
}
"""The headers of answers, what they say, and whether an answer that can have them always does."""

_TOKEN = {
    "type": "http",
    "scheme": "DPoP",
    "description": "An access token, with a DPoP header that proves its key for this very request (RFC 9449). The "
    "first proof is answered with a nonce to put into the next. A token bound to a certificate is sent as Bearer.",
}

_SESSION = {
    "type": "apiKey",
    "in": "cookie",
    "name": COOKIE,
    "description": "The session of a member of staff who has signed in with a browser. What changes something takes "
    "its token as well, as X-CSRF-Token, and comes from a page of this service.",
}

_PROBLEM = {
    "type": "object",
    "description": "A problem document (RFC 9457). It repeats nothing of what was asked.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "The kind of problem, from a fixed list."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What to do, in fixed words."},
        "request_id": {"type": ["string", "null"]},
        "reference": {"type": "string", "description": "Of the enquiry that was recorded, where one was."},
        "because": {"type": "string", "description": "The code of a refusal, or of why it cannot be."},
        "needed": {"type": "array", "items": {"type": "string"}, "description": "The kinds of detail to add."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {name: {"type": "string"} for name in ("field", "code", "message")},
            },
        },
    },
}


def complete(app: FastAPI) -> None:
    """Have ``app.openapi()``, which ``/openapi.json`` serves, return the complete description."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        document = plain()  # the same object at each call until a route is added
        if "securitySchemes" not in document["components"]:
            _complete(document, _limited(app))
        return document

    app.openapi = described  # type: ignore[method-assign]


def _limited(app: FastAPI) -> set[tuple[str, str]]:
    """The path, as the description writes it, and method in small letters of each route that limits its calls."""
    return {
        (str(route.path).replace(":path}", "}"), method.lower())
        for route in iter_route_contexts(app.routes)
        if route.endpoint is not None and limits_of(route.endpoint)
        for method in route.methods or ()
    }


def _complete(document: dict[str, Any], limited: Collection[tuple[str, str]]) -> None:
    components = document["components"]
    components["securitySchemes"] = {"token": _TOKEN, "session": _SESSION}
    components["headers"] = {
        name: {"description": said, "required": always, "schema": {"type": "string"}}
        for name, (said, always) in _HEADERS.items()
    }
    schemas = components["schemas"]
    bodies = models_json_schema([(body, "validation") for body in _BODIES_READ_BY_HAND], ref_template=_REFERENCE)[1]
    schemas |= {"Problem": _PROBLEM, **bodies["$defs"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            responses = operation["responses"]
            responses.pop("422", None)  # FastAPI's own shape of a validation error, which is never sent here
            if path.startswith("/api/"):
                operation["security"] = [{"token": []}, {"session": []}]
            elif path in _OF_A_SESSION:
                operation["security"] = [{"session": []}]
            for status, response in responses.items():
                if int(status) >= 400 and "content" not in response:  # the route has its own words for it, no more
                    _add(responses, int(status), response["description"])
            for code, said in _faults(operation, known="security" in operation).items():
                _add(responses, code, said)
            if (path, method) in limited:
                _add(responses, 429, _LIMITED[429])
            operation["responses"] = {status: responses[status] for status in sorted(responses)}
            for status, response in responses.items():
                response["headers"] = {
                    name: {"$ref": f"#/components/headers/{name}"} for name in _headers(path, operation, status)
                }
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)


def _add(responses: dict[str, Any], status: int, said: str) -> None:
    """Add a problem that an answer can be; what the route itself says of it stands."""
    response = responses.setdefault(str(status), {"description": said})
    content = response.setdefault("content", {})
    content.setdefault(problems.MEDIA_TYPE, {"schema": {"$ref": _REFERENCE.format(model="Problem")}})


def _faults(operation: Mapping[str, Any], *, known: bool) -> dict[int, str]:
    """Return the problems that an operation can answer with. ``known``: it has to be known who asks."""
    parameters = operation.get("parameters", ())
    names = {parameter["name"].lower() for parameter in parameters}
    places = {parameter["in"] for parameter in parameters}
    faults = dict(_FOR_THE_KNOWN if known else _ANYWHERE)
    if places & {"path", "query"}:
        faults |= _INVALID
    if "cursor" in names:
        faults |= _FROM_A_CURSOR
    if "path" in places:
        faults |= _ABOUT_ONE
    if "if-match" in names:
        faults |= _WITH_VERSION
    return faults


def _headers(path: str, operation: Mapping[str, Any], status: str) -> list[str]:
    """Return the headers that an answer of an operation has or can have."""
    names = {parameter["name"].lower() for parameter in operation.get("parameters", ())}
    proven = path.startswith(("/api/", "/oauth2/"))
    can = {
        "X-Request-Id": True,
        "DPoP-Nonce": proven,
        "WWW-Authenticate": status in {"401", "403"},
        "Retry-After": status in {"429", "503"},
        "ETag": status in {"200", "201"} and ("if-match" in names or path.startswith("/api/v1/directory/")),
        "Idempotency-Replayed": status in {"200", "201"} and "idempotency-key" in names,
        "Location": status == "303",
        "Set-Cookie": status in _ENDS_OR_BEGINS.get(path, ()),
    }
    return [name for name, has in can.items() if has]
