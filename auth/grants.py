"""What the token endpoint grants, in Authlib's terms: two grants that name a professional, and a refusal of all others.

Authlib's own JWT-bearer classes are not used: they accept RS256, ten-year assertions and expired ones, and write tokens
to the debug log.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anyio import from_thread
from authlib.oauth2.rfc6749 import (
    BaseGrant,
    InvalidGrantError,
    InvalidRequestError,
    OAuth2Error,
    TokenEndpointMixin,
    UnauthorizedClientError,
    UnsupportedGrantTypeError,
)

from auth.binding import Binding
from auth.client import ACCESS_TOKEN, EXCHANGE, GRANT_TYPE, ID_TOKEN
from auth.client_authentication import AUTH_METHOD
from auth.errors import InvalidToken, ProviderUnavailable, Reason
from auth.exchange import Exchange
from auth.oauth import EndpointRequest, refusal
from auth.protocols import RegisteredClient, RegisteredProfessional
from policies.enquirer import Assurance

_ACTOR = frozenset({"actor_token", "actor_token_type"})


class InvalidTarget(OAuth2Error):  # type: ignore[misc]
    """A token is asked for that is not for this service (RFC 8693 section 2.2.2)."""

    error = "invalid_target"


class TryAgain(OAuth2Error):  # type: ignore[misc]
    """The request cannot be judged now."""

    error = "temporarily_unavailable"
    status_code = 503

    def get_headers(self) -> list[tuple[str, str]]:
        """Return the headers, with when to try again."""
        return [*super().get_headers(), ("Retry-After", "10")]


@dataclass(frozen=True, slots=True)
class Individual:
    """Whom a token is for, the key that it is bound to, and how surely their organisation knows that it is they.

    ``authenticated_at`` is when they signed in at their organisation, where that is known.
    """

    professional: RegisteredProfessional
    binding: Binding
    assurance: Assurance = Assurance.STATED
    authenticated_at: datetime | None = None


class TokenRequest(EndpointRequest):
    """One token request. ``binding`` is the key that its sender holds, and that the token will be bound to."""

    def __init__(self, fields: Mapping[str, str], headers: Mapping[str, str], binding: Binding) -> None:
        super().__init__(fields, headers)
        self.binding = binding


class ProfessionalGrant(BaseGrant, TokenEndpointMixin):  # type: ignore[misc]
    """A professional, named by an assertion of the authenticated organisation (RFC 7523)."""

    GRANT_TYPE = GRANT_TYPE
    TOKEN_ENDPOINT_AUTH_METHODS = (AUTH_METHOD,)

    def validate_token_request(self) -> None:
        """Establish the organisation first, then the individual; raise an OAuth2Error for either."""
        self.request.client = self.authenticate_token_endpoint_client()
        self.request.user = self.server.named_professional(self.request)

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """Return status, body and headers of a successful response (RFC 6749 section 5.1)."""
        scope = self.request.payload.scope
        token = self.generate_token(user=self.request.user, scope=scope, include_refresh_token=False)
        token["token_type"] = self.request.binding.token_type
        return 200, token, self.TOKEN_RESPONSE_HEADER


class ExchangeGrant(ProfessionalGrant):
    """A professional, named by an ID token of the authenticated organisation's own sign-in service (RFC 8693).

    The client is the actor, for it has proven itself: an ``actor_token`` is refused.
    """

    GRANT_TYPE = EXCHANGE

    def validate_token_request(self) -> None:
        """Establish the organisation first, then the individual; raise an OAuth2Error for either."""
        self.request.client = self.authenticate_token_endpoint_client()
        self._check_parameters(self.request.fields)
        self.request.user = self._vouched_individual()

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """Return status, body and headers of a successful response (RFC 8693 section 2.2.1)."""
        status, token, headers = super().create_token_response()
        return status, {**token, "issued_token_type": ACCESS_TOKEN}, headers

    def _vouched_individual(self) -> Individual:
        client: RegisteredClient = self.request.client.registered
        exchange: Exchange = self.server.exchange
        provider = exchange.provider_of(client)
        if provider is None:
            raise refusal(UnauthorizedClientError(), Reason.GRANT_NOT_THEIRS)
        try:
            vouched = from_thread.run(exchange.vouched, client, provider, self.request.fields["subject_token"])
            professional = self.server.enrolled(self.request, vouched.subject)
            vouched.check_role(professional)
        except InvalidToken as refused:
            raise refusal(InvalidGrantError(), refused.reason) from None
        except ProviderUnavailable:
            raise refusal(TryAgain(), Reason.PROVIDER_UNAVAILABLE) from None
        return Individual(professional, self.request.binding, vouched.assurance, vouched.authenticated_at)

    def _check_parameters(self, fields: Mapping[str, str]) -> None:
        if "subject_token" not in fields:
            raise refusal(InvalidRequestError(), Reason.INDIVIDUAL_MISSING)
        kinds = (fields.get("subject_token_type"), fields.get("requested_token_type", ACCESS_TOKEN))
        if kinds != (ID_TOKEN, ACCESS_TOKEN) or not _ACTOR.isdisjoint(fields):
            raise refusal(InvalidRequestError(), Reason.REQUEST)
        if any(fields.get(name, self.server.resource) != self.server.resource for name in ("resource", "audience")):
            raise refusal(InvalidTarget(), Reason.RESOURCE)


class NoOtherGrant(BaseGrant, TokenEndpointMixin):  # type: ignore[misc]
    """Every other grant type is refused, client credentials above all: its token would name nobody."""

    TOKEN_ENDPOINT_AUTH_METHODS = (AUTH_METHOD,)

    @classmethod
    def check_token_endpoint(cls, request: TokenRequest) -> bool:
        """Take every request that no grant before this one took."""
        return True

    def validate_token_request(self) -> None:
        """Raise UnsupportedGrantTypeError, or InvalidRequestError when no grant type is given at all."""
        if self.request.payload.grant_type is None:
            raise refusal(InvalidRequestError(), Reason.REQUEST)
        # Only so that the record can name the organisation that tried.
        with suppress(OAuth2Error):
            self.authenticate_token_endpoint_client()
        raise refusal(UnsupportedGrantTypeError(None), Reason.GRANT_TYPE)
