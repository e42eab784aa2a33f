"""The token endpoint: OAuth 2.0 on Authlib, with two grants and one way for a client to prove itself.

A client authenticates with ``private_key_jwt`` (RFC 7523 section 2.2) and names the professional who is asking by an
ID token of its organisation's own sign-in service (RFC 8693) or, where there is none, by an assertion that it signs
(RFC 7523 section 2.1). There is no grant without an individual, so there is no token without
one, and none that is not bound to a key (``auth.possession``). Every refusal is recorded before it is answered
(ENQ-3); an answer repeats nothing that was sent.

Authlib supplies the dispatch, the registry of client authentication and the token response; ``auth.grants`` the grants
and ``auth.assertions`` and ``auth.exchange`` the judgement of what was signed.
"""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import anyio
from anyio import from_thread, to_thread
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    OAuth2Error,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc6750 import BearerTokenGenerator

from auth.assertions import Assertion, verify_assertion
from auth.client import ASSERTION_TYPE
from auth.compact import Compact, read_compact, text
from auth.errors import InvalidToken, Reason
from auth.exchange import Exchange
from auth.grants import (
    AUTH_METHOD,
    Author,
    Client,
    ExchangeGrant,
    Individual,
    NoOtherGrant,
    ProfessionalGrant,
    TokenRequest,
    refusal,
)
from auth.keys import SigningKeys
from auth.possession import Possession, Shown
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

_THREADS = 8

Response = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body."""

_JSON_HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"}
_DESCRIPTIONS = {
    "invalid_request": "The request is malformed, repeats a parameter or lacks one.",
    "invalid_client": "The client did not authenticate with private_key_jwt.",
    "invalid_scope": "The scope is missing, unknown or not allowed for this client.",
    "invalid_target": "Tokens are for this service alone.",
    "unauthorized_client": "Of the two grants this organisation's configuration allows the other one.",
    "unsupported_grant_type": "Token exchange and the JWT bearer grant are offered: a token always names somebody.",
    "invalid_dpop_proof": "A token is bound to a key: send one DPoP proof for this very request (RFC 9449).",
    "use_dpop_nonce": "Send the proof again with the nonce of the DPoP-Nonce header.",
    "temporarily_unavailable": "The request could not be recorded. Try again.",
}
# Of the errors that Authlib raises by itself.
_REASONS = {
    "invalid_client": Reason.CLIENT_AUTHENTICATION,
    "invalid_scope": Reason.SCOPE,
}


class TokenServer(AuthorizationServer):  # type: ignore[misc]
    """Authlib's authorization server over our directory. Runs in a worker thread of the event loop's: the core is
    synchronous, and what is stored is reached by going back to the loop."""

    def __init__(
        self,
        issuer: TokenIssuer,
        audience: str,
        directory: Directory,
        spent: SpentAssertions,
        exchange: Exchange,
        resource: str,
        clock: Clock,
    ) -> None:
        super().__init__(scopes_supported=sorted(SCOPES))
        self.resource = resource
        self._audience = audience
        self.exchange = exchange
        self._directory = directory
        self._spent = spent
        self._clock = clock
        self.register_client_auth_method(AUTH_METHOD, self._authenticate_by_key)
        self.register_grant(ProfessionalGrant)
        self.register_grant(ExchangeGrant)
        self.register_grant(NoOtherGrant)

        def sign(client: Client, grant_type: str, user: Individual, scope: str) -> str:
            return issuer.issue(
                client.registered, user.professional, scope, user.binding, user.assurance, user.authenticated_at
            )

        self.register_token_generator("default", BearerTokenGenerator(sign, expires_generator=LIFETIME_SECONDS))

    def named_professional(self, request: TokenRequest) -> Individual:
        """Return the active professional whom the authenticated client's assertion names.

        Raises:
            InvalidRequestError: there is no assertion.
            UnauthorizedClientError: the organisation's own sign-in service names its professionals.
            InvalidGrantError: the assertion, or the individual, is not accepted.
        """
        if not request.fields.get("assertion"):
            raise refusal(InvalidRequestError(), Reason.INDIVIDUAL_MISSING)
        client: RegisteredClient = request.client.registered
        provider = self.exchange.provider_of(client)
        if provider is not None and not provider.also_assertions:
            raise refusal(UnauthorizedClientError(), Reason.GRANT_NOT_THEIRS)
        try:
            compact = read_compact(request.fields["assertion"])
            assertion = self._verify(compact, client)
            if assertion.issuer != client.client_id:
                raise InvalidToken(Reason.ISSUER)
            if assertion.subject == client.client_id:
                raise InvalidToken(Reason.INDIVIDUAL_MISSING)
            request.author.subject = assertion.subject
            self._spend(assertion)
            professional = self.enrolled(request, assertion.subject)
        except InvalidToken as refused:
            raise refusal(InvalidGrantError(), refused.reason) from None
        return Individual(professional, request.binding)

    def enrolled(self, request: TokenRequest, subject: str) -> RegisteredProfessional:
        """Return the active professional whom the authenticated client's organisation calls ``subject``, and leave with
        the request who it is. Raises InvalidToken: INDIVIDUAL_UNKNOWN or INDIVIDUAL_SUSPENDED."""
        client: RegisteredClient = request.client.registered
        request.author.subject = subject
        professional = from_thread.run(self._directory.professional, client.organisation_id, subject)
        if professional is None:
            raise InvalidToken(Reason.INDIVIDUAL_UNKNOWN)
        request.author.professional_id = professional.professional_id
        if not professional.active:
            raise InvalidToken(Reason.INDIVIDUAL_SUSPENDED)
        return professional

    def _authenticate_by_key(self, query_client: object, request: TokenRequest) -> Client | None:
        """Authenticate by ``private_key_jwt``. None: the request does not try to."""
        if "authorization" in request.headers:
            raise refusal(InvalidClientError(status_code=401), Reason.CLIENT_AUTHENTICATION)
        assertion_type = request.fields.get("client_assertion_type")
        if assertion_type != ASSERTION_TYPE or "client_assertion" not in request.fields:
            return None
        try:
            compact = read_compact(request.fields["client_assertion"])
            client = from_thread.run(self._directory.client, text(compact.claims, "iss"))
            if client is None:
                raise InvalidToken(Reason.CLIENT_UNKNOWN)
            request.author.client_id = client.client_id
            assertion = self._verify(compact, client)
            if assertion.subject != assertion.issuer:
                raise InvalidToken(Reason.SUBJECT)
            if request.fields.get("client_id", client.client_id) != client.client_id:
                raise InvalidToken(Reason.REQUEST)
            if not client.active:
                raise InvalidToken(Reason.CLIENT_SUSPENDED)
            self._spend(assertion)
        except InvalidToken as refused:
            raise refusal(InvalidClientError(), refused.reason) from None
        return Client(client)

    def _verify(self, compact: Compact, client: RegisteredClient) -> Assertion:
        return verify_assertion(compact, client.jwks, self._audience, self._clock())

    def _spend(self, assertion: Assertion) -> None:
        first = from_thread.run(self._spent.spend, assertion.issuer, assertion.jti, assertion.remember_until)
        if not first:
            raise InvalidToken(Reason.REPLAYED)

    # What Authlib leaves to a framework.

    def create_oauth2_request(self, request: TokenRequest) -> TokenRequest:
        """Return the request as it is: it was made for Authlib."""
        return request

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Do nothing: nobody listens."""

    def handle_response(self, status: int, body: Mapping[str, Any], headers: Iterable[tuple[str, str]]) -> Response:
        """Return the response as plain values."""
        return status, {**_JSON_HEADERS, **dict(headers)}, json.dumps(body).encode()

    def handle_error_response(self, request: TokenRequest, error: OAuth2Error) -> Response:
        """Return an error of RFC 6749 section 5.2 in fixed words, and leave its reason with the request."""
        reason = getattr(error, "reason", None) or _REASONS[error.error]
        request.author.reason = reason
        # Whoever gets this far is an authenticated organisation, which a plain reason helps; others learn nothing.
        plain = error.error in ("invalid_grant", "temporarily_unavailable")
        error.description = reason.value if plain else _DESCRIPTIONS[error.error]
        body = {"error": error.error, "error_description": error.description}
        return self.handle_response(error.status_code, body, error.get_headers())


class TokenEndpoint:
    """The token endpoint in plain values, so that it can be served by anything.

    Args:
        issuer: our identifier as an authorization server, a URL without a trailing slash.
        audience: the identifier of the API that the tokens are for.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        keys: SigningKeys,
        directory: Directory,
        spent: SpentAssertions,
        refusals: RefusalRecord,
        possession: Possession,
        exchange: Exchange,
        clock: Clock,
    ) -> None:
        token_issuer = TokenIssuer(issuer, audience, keys, clock)
        self._server = TokenServer(token_issuer, issuer, directory, spent, exchange, audience, clock)
        self._refusals = refusals
        self._possession = possession
        # Of its own, so that a flood of token requests cannot take the threads that others need.
        self._threads = anyio.CapacityLimiter(_THREADS)

    async def respond(self, form: Mapping[str, Sequence[str]], headers: Mapping[str, str], shown: Shown) -> Response:
        """Answer one token request (RFC 6749 section 5).

        The key is looked at first: a proof that only lacks a nonce costs its sender no assertion.

        Args:
            form: the parameters of the body, each with all its values. Empty ones count as absent.
            headers: by lower-case name.
            shown: what the request shows of its sender's key.

        Returns:
            Status, headers and JSON body: 200 with a token; 400 or 401 with an error, once the refusal is recorded;
            503 when it could not be.

        Raises:
            Exception: what the directory or the stores of assertions and proofs raise. No token is issued then.
        """
        if any(len(values) != 1 for values in form.values()):
            return await self.reject(Reason.REQUEST)
        try:
            binding = await self._possession.establish(shown)
        except InvalidToken as refused:
            if refused.reason is Reason.NONCE:  # a step on the way and no refusal
                return self._error("use_dpop_nonce", 400)
            wrong = "invalid_request" if refused.reason is Reason.CERTIFICATE else "invalid_dpop_proof"
            return await self._refuse(refused.reason, wrong, 400)
        request = TokenRequest({name: values[0] for name, values in form.items() if values[0]}, headers, binding)
        response: Response = await to_thread.run_sync(
            self._server.create_token_response, request, limiter=self._threads
        )
        return await self._recorded(request.author, response)

    async def reject(self, reason: Reason, status: int = 400) -> Response:
        """Refuse a request that is not even a form, with ``invalid_request``; recorded like any other refusal."""
        return await self._refuse(reason, "invalid_request", status)

    async def _refuse(self, reason: Reason, error: str, status: int) -> Response:
        return await self._recorded(Author(reason=reason), self._error(error, status))

    def _error(self, error: str, status: int, headers: Iterable[tuple[str, str]] = ()) -> Response:
        body = {"error": error, "error_description": _DESCRIPTIONS[error]}
        return self._server.handle_response(status, body, headers)

    async def _recorded(self, author: Author, response: Response) -> Response:
        if author.reason is None:
            return response
        try:
            await self._refusals.refused(
                kind="token.refused",
                reason=author.reason.value,
                client_id=author.client_id,
                professional_id=author.professional_id,
                subject=author.subject,
            )
        except Exception as error:
            # By type alone: the text of a database error may quote the row.
            log.error("refusal not recorded: %s", type(error).__name__)
            return self._error("temporarily_unavailable", 503, [("Retry-After", "1")])
        return response
