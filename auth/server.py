"""The token endpoint: OAuth 2.0 on Authlib, with one grant and one way for a client to prove itself.

A client authenticates with ``private_key_jwt`` (RFC 7523 section 2.2) and names the professional who is asking by an
assertion that it signs (RFC 7523 section 2.1). There is no grant without an individual, so there is no token without
one. Every refusal is recorded before it is answered (ENQ-3); an answer repeats nothing that was sent.

Authlib supplies the dispatch, the client-authentication registry, the scope rule and the token response. Its stock
JWT-bearer classes are not used: they accept RS256, ten-year assertions and expired ones, and write tokens to the debug
log. ``auth.assertions`` takes their place.
"""

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import anyio
from anyio import from_thread, to_thread
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    BaseGrant,
    ClientMixin,
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
    OAuth2Request,
    TokenEndpointMixin,
    UnsupportedGrantTypeError,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator

from auth.assertions import Assertion, verify_assertion
from auth.compact import Compact, read_compact, text
from auth.errors import InvalidToken, Reason
from auth.protocols import (
    Clock,
    Directory,
    RefusalRecord,
    RegisteredClient,
    RegisteredProfessional,
    SpentAssertions,
)
from auth.tokens import LIFETIME_SECONDS, SCOPES, TokenIssuer

log = logging.getLogger(__name__)

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
AUTH_METHOD = "private_key_jwt"
_THREADS = 8

Response = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body."""

_JSON_HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"}
_DESCRIPTIONS = {
    "invalid_request": "The request is malformed, repeats a parameter or lacks one.",
    "invalid_client": "The client did not authenticate with private_key_jwt.",
    "invalid_scope": "The scope is missing, unknown or not allowed for this client.",
    "unsupported_grant_type": "Only the JWT bearer grant is offered: a token always names a professional.",
    "temporarily_unavailable": "The request could not be recorded. Try again.",
}


class _Refusal(Exception):  # noqa: N818
    """Carries the reason of a refusal from where it is found to where Authlib's error is chosen."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class _Client(ClientMixin):  # type: ignore[misc]
    """A registered client as Authlib wants to see one."""

    def __init__(self, registered: RegisteredClient) -> None:
        self.registered = registered

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == AUTH_METHOD and endpoint == "token"

    def get_allowed_scope(self, scope: str | None) -> str | None:
        # None makes Authlib refuse. What must never be returned is an empty scope: Authlib would issue a token with it.
        wanted = (scope or "").split(" ")
        allowed = SCOPES & self.registered.scopes
        return scope if len(set(wanted)) == len(wanted) and allowed.issuperset(wanted) else None


class _TokenRequest(OAuth2Request):  # type: ignore[misc]
    """One token request, and what came to be known of its author: only what a signature vouches for or the directory
    holds."""

    def __init__(self, form: Mapping[str, str], headers: Mapping[str, str]) -> None:
        # Authlib judges the transport by this URL. Ours is the proxy's affair, so it is given a constant.
        super().__init__("POST", "https://localhost/oauth2/token", headers=headers)
        self.payload = BasicOAuth2Payload(form)
        self.fields = form
        self.reason: Reason | None = None
        self.client_id: str | None = None
        self.professional_id: UUID | None = None
        self.subject: str | None = None
