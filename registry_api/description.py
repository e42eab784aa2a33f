"""What the API description says beyond what FastAPI reads off the routes: who may call, and how a call can fail.

Every operation under ``/api/`` wants a token with a DPoP proof, or a session, and answers its faults with problem
documents (RFC 9457). Bodies that a route reads by itself are described from the same model that reads them.
"""

from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from auth.staff.sessions import COOKIE
from registry_api import problems
from registry_api.directory import schemas as directory
from registry_api.enquiries.schemas import EnquiryRequest
from registry_api.enquiries.telephone_schemas import CallBackRequest, TelephoneEnquiryRequest
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

_ALWAYS = {
    400: "The body is not JSON.",
    401: "Who is asking is not established.",
    403: "It is not permitted; the refusal is recorded.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The body is not sent as JSON.",
    422: "Something in the request is not as it should be.",
    429: "Too many requests; see Retry-After.",
    500: "Something went wrong here; nothing was disclosed.",
    503: "It cannot be recorded now, so it is not answered; see Retry-After.",
}
_WITH_PATH_PARAMETER = {404: "It does not exist, or it is not yours."}
_WITH_VERSION = {
    409: "It has been settled already.",
    412: "It has changed since you read it.",
    428: "If-Match is missing.",
}

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
            _complete(document)
        return document

    app.openapi = described  # type: ignore[method-assign]


def _complete(document: dict[str, Any]) -> None:
    components = document["components"]
    components["securitySchemes"] = {"token": _TOKEN, "session": _SESSION}
    schemas = components["schemas"]
    bodies = models_json_schema([(body, "validation") for body in _BODIES_READ_BY_HAND], ref_template=_REFERENCE)[1]
    schemas |= {"Problem": _PROBLEM, **bodies["$defs"]}
    for path, operations in document["paths"].items():
        if path.startswith("/api/"):
            for operation in operations.values():
                operation["security"] = [{"token": []}, {"session": []}]
                operation["responses"] |= _faults(operation.get("parameters", ()))
        elif path in _OF_A_SESSION:
            for operation in operations.values():
                operation["security"] = [{"session": []}]
                operation["responses"] |= _faults(operation.get("parameters", ()))
        else:
            for operation in operations.values():
                if "422" in operation["responses"]:
                    operation["responses"]["422"] = _fault(_ALWAYS[422])
    # FastAPI's own shape of a validation error, which is never sent here.
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)


def _faults(parameters: Any) -> dict[str, Any]:
    faults = dict(_ALWAYS)
    if any(parameter["in"] == "path" for parameter in parameters):
        faults |= _WITH_PATH_PARAMETER
    if any(parameter["name"] == "if-match" for parameter in parameters):
        faults |= _WITH_VERSION
    return {str(status): _fault(said) for status, said in sorted(faults.items())}


def _fault(said: str) -> dict[str, Any]:
    content = {problems.MEDIA_TYPE: {"schema": {"$ref": _REFERENCE.format(model="Problem")}}}
    return {"description": said, "content": content}
