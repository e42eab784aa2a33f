"""What the endpoints of the authorization server have in common: a request, its author, and how each is answered.

Errors are those of RFC 6749 section 5.2, in fixed words that repeat nothing of what was sent. Every refusal is recorded
before it is answered (ENQ-3).
"""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from authlib.oauth2.rfc6749 import OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

from auth.errors import Reason
from auth.protocols import RefusalRecord

log = logging.getLogger(__name__)

Response = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body."""

_JSON_HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"}
_DESCRIPTIONS = {
    "invalid_request": "The request is malformed, repeats a parameter or lacks one.",
    "invalid_client": "The client did not authenticate with private_key_jwt.",
    "invalid_scope": "The scope is missing, unknown or not allowed for this client.",
    "invalid_target": "Tokens are for this service alone.",
    "unsupported_grant_type": "Token exchange and the JWT bearer grant are offered: a token always names somebody.",
    "invalid_dpop_proof": "A token is bound to a key: send one DPoP proof for this very request (RFC 9449).",
    "use_dpop_nonce": "Send the proof again with the nonce of the DPoP-Nonce header.",
    "invalid_grant": "The token was issued to another client.",
    "unauthorized_client": "The enrolment or the configuration of this organisation does not allow it.",
    "temporarily_unavailable": "The request could not be recorded. Try again.",
}
# Of the errors that Authlib raises by itself.
_REASONS = {
    "invalid_client": Reason.CLIENT_AUTHENTICATION,
    "invalid_scope": Reason.SCOPE,
}


@dataclass(slots=True)
class Author:
    """What came to be known of the one who asks, and the reason if refused: what a record of the refusal may hold."""

    client_id: str | None = None
    professional_id: UUID | None = None
    subject: str | None = None
    reason: Reason | None = None


class EndpointRequest(OAuth2Request):  # type: ignore[misc]
    """One request of a client to the authorization server. ``fields`` are the form's parameters, none repeated."""

    def __init__(self, fields: Mapping[str, str], headers: Mapping[str, str]) -> None:
        # Authlib judges the transport by this URL. TLS ends at the proxy, which this process cannot see: a constant.
        super().__init__("POST", "https://localhost/oauth2", headers=headers)
        self.payload = BasicOAuth2Payload(fields)
        self.fields = fields
        self.author = Author()


def single(form: Mapping[str, Sequence[str]]) -> dict[str, str] | None:
    """Return the parameters of a form, empty ones left out; None when one is repeated (RFC 6749 section 3.2)."""
    if any(len(values) != 1 for values in form.values()):
        return None
    return {name: values[0] for name, values in form.items() if values[0]}


def refusal(error: OAuth2Error, reason: Reason) -> OAuth2Error:
    """Return ``error`` with the reason that is recorded for it, which Authlib's own fields have no room for."""
    error.reason = reason
    return error


def answer(status: int, body: Mapping[str, Any], headers: Iterable[tuple[str, str]] = ()) -> Response:
    """Return a JSON response that no cache may keep."""
    return status, {**_JSON_HEADERS, **dict(headers)}, json.dumps(body).encode()


def error_answer(error: str, status: int = 400, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """Return an error of that code in its fixed words."""
    return answer(status, {"error": error, "error_description": _DESCRIPTIONS[error]}, headers)


def refused_answer(request: EndpointRequest, error: OAuth2Error) -> Response:
    """Return what Authlib or a grant raised as an answer, and leave its reason with the request."""
    reason = getattr(error, "reason", None) or _REASONS[error.error]
    request.author.reason = reason
    # Whoever gets as far as a grant is an authenticated organisation, which a plain reason helps; others learn nothing.
    plain = error.error in ("invalid_grant", "temporarily_unavailable")
    said = reason.value if plain else _DESCRIPTIONS[error.error]
    return answer(error.status_code, {"error": error.error, "error_description": said}, error.get_headers())


async def recorded(refusals: RefusalRecord, kind: str, author: Author, response: Response) -> Response:
    """Return ``response`` once the refusal is recorded; 503 when it could not be. Without a reason it was none.

    Args:
        refusals: where refusals are recorded.
        kind: of the record, such as ``token.refused``.
        author: who was refused, and why.
        response: what they are to be told.
    """
    if author.reason is None:
        return response
    try:
        await refusals.refused(
            kind=kind,
            reason=author.reason.value,
            client_id=author.client_id,
            professional_id=author.professional_id,
            subject=author.subject,
        )
    except Exception as error:
        # By type alone: the text of a database error may quote the row.
        log.error("refusal not recorded: %s", type(error).__name__)
        return error_answer("temporarily_unavailable", 503, [("Retry-After", "1")])
    return response
