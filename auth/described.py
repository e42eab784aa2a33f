"""The endpoints of the authorization server as the API description shows them.

Written out, for their forms are parsed by hand: FastAPI would read a body of any size, and one of two equal parameters.
"""

from collections.abc import Mapping
from typing import Any

from auth.client import ACCESS_TOKEN, ASSERTION_TYPE, EXCHANGE, GRANT_TYPE, ID_TOKEN

FORM = "application/x-www-form-urlencoded"

_OF_A_CLIENT = {
    "client_assertion_type": ASSERTION_TYPE,
    "client_assertion": "A JWT that proves the client, signed by the organisation; accepted once.",
}
_OF_A_TOKEN = {"token": "The access token.", **_OF_A_CLIENT}
_HINT = {"token_type_hint": "Not needed: there is one kind of token."}
_PROOF = {
    "name": "DPoP",
    "in": "header",
    "required": True,
    "schema": {"type": "string"},
    "description": "A proof of the key that the token is to be bound to (RFC 9449). Not with a client certificate.",
}
_ERROR = {
    "type": "object",
    "description": "An error of RFC 6749 section 5.2. It repeats nothing of what was sent.",
    "required": ["error", "error_description"],
    "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
}
_BINDING = {
    "type": "object",
    "description": "The key that the token is bound to (RFC 9449, RFC 8705): whoever presents it has to show that key.",
    "properties": {"jkt": {"type": "string"}, "x5t#S256": {"type": "string"}},
}
_STANDING = {
    "type": "object",
    "description": "Whether the token is good now; if so, what it says (RFC 7662), in identifiers alone.",
    "required": ["active"],
    "properties": {
        "active": {"type": "boolean"},
        **{
            name: {"type": "string"}
            for name in ("iss", "aud", "sub", "client_id", "org", "scope", "token_type", "jti", "acr")
        },
        **{name: {"type": "integer"} for name in ("iat", "nbf", "exp", "auth_time")},
        "act": {"type": "object", "properties": {"sub": {"type": "string"}}},
        "cnf": _BINDING,
    },
}
_ISSUED = {
    "type": "object",
    "required": ["access_token", "token_type", "expires_in", "scope"],
    "properties": {
        "access_token": {"type": "string"},
        "token_type": {"type": "string", "enum": ["DPoP", "Bearer"]},
        "expires_in": {"type": "integer"},
        "scope": {"type": "string"},
        "issued_token_type": {"type": "string", "description": "After an exchange."},
    },
}
_PROBLEM = {"application/problem+json": {"schema": {"type": "object", "description": "A problem document (RFC 9457)."}}}
_REFUSED = {"application/json": {"schema": _ERROR}}
_FAULTS: dict[int, tuple[str, Mapping[str, Any]]] = {
    400: ("It is refused, and that is recorded.", _REFUSED),
    401: ("The client is not authenticated.", _REFUSED),
    408: ("The body did not arrive in time.", _PROBLEM),
    413: ("The body is too large.", {**_REFUSED, **_PROBLEM}),
    415: ("The body is no form.", _REFUSED),
    429: ("Too many requests; see Retry-After.", _PROBLEM),
    500: ("Something went wrong here.", _PROBLEM),
    503: ("It cannot be recorded or stored now, so it is not answered; see Retry-After.", {**_REFUSED, **_PROBLEM}),
}


def _form(required: Mapping[str, str], optional: Mapping[str, str], **more: str) -> dict[str, Any]:
    fields = {name: {"type": "string", "description": said} for name, said in {**required, **optional}.items()}
    return {**more, "type": "object", "required": list(required), "properties": fields}


def _operation(done: str, answer: Mapping[str, Any], form: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    responses = {"200": {"description": done, "content": {"application/json": {"schema": answer}}}}
    responses |= {str(status): {"description": said, "content": kinds} for status, (said, kinds) in _FAULTS.items()}
    return {"requestBody": {"required": True, "content": {FORM: {"schema": form}}}, "responses": responses, **more}


_SCOPE = {"scope": "One or more of enquiry, transfer, casework and directory, separated by spaces."}
_EXCHANGE = {
    "grant_type": EXCHANGE,
    "subject_token": "An ID token that names the professional, of the organisation's own sign-in service.",
    "subject_token_type": ID_TOKEN,
    **_OF_A_CLIENT,
    **_SCOPE,
}
_MAY_BE_SAID = {
    "requested_token_type": ACCESS_TOKEN,
    "resource": "The base URL of this service.",
    "audience": "The same.",
}
_ASSERTION = {
    "grant_type": GRANT_TYPE,
    "assertion": "A JWT that names the professional, signed by the organisation.",
    **_OF_A_CLIENT,
    **_SCOPE,
}
TOKEN = _operation(
    "A token, bound to the key that was shown.",
    _ISSUED,
    {
        "oneOf": [
            _form(_EXCHANGE, _MAY_BE_SAID, title="Token exchange (RFC 8693)"),
            _form(_ASSERTION, {}, title="JWT bearer grant (RFC 7523)"),
        ]
    },
    parameters=[_PROOF],
)
REVOCATION = _operation(
    "The token is good for nothing, from the next request on.", {"type": "object"}, _form(_OF_A_TOKEN, _HINT)
)
INTROSPECTION = _operation("What the token is worth at this moment.", _STANDING, _form(_OF_A_TOKEN, _HINT))
INTROSPECTION["responses"]["403"] = {
    "description": "The client is not enrolled for introspection.",
    "content": _REFUSED,
}
