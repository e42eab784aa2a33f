"""The token endpoint: OAuth 2.0 on Authlib, with two grants and one way for a client to prove itself.

A client authenticates with ``private_key_jwt`` (RFC 7523 section 2.2) and names the professional who is asking by an
ID token of its organisation's own sign-in service (RFC 8693) or, where there is none, by an assertion that it signs
(RFC 7523 section 2.1). There is no grant without an individual, so there is no token without
one, and none that is not bound to a key (``auth.possession``). Every refusal is recorded before it is answered
(ENQ-3); an answer repeats nothing that was sent.

Authlib supplies the dispatch, the registry of client authentication and the token response; ``auth.grants`` the grants,
``auth.client_authentication``, ``auth.assertions`` and ``auth.exchange`` the judgement of what was signed.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from anyio import from_thread, to_thread
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    InvalidGrantError,
    InvalidRequestError,
    OAuth2Error,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc6750 import BearerTokenGenerator

from auth.client_authentication import AUTH_METHOD, Client, ClientAuthentication
from auth.compact import read_compact
from auth.errors import InvalidToken, Reason
from auth.exchange import Exchange
from auth.grants import ExchangeGrant, Individual, NoOtherGrant, ProfessionalGrant, TokenRequest
from auth.oauth import Author, Response, answer, error_answer, recorded, refusal, refused_answer, single
from auth.possession import Possession, Shown
from auth.protocols import Directory, RefusalRecord, RegisteredClient, RegisteredProfessional
from auth.tokens import LIFETIME_SECONDS, SCOPES, TokenIssuer

_REFUSED = "token.refused"


class TokenServer(AuthorizationServer):  # type: ignore[misc]
    """Authlib's authorization server over our directory. Runs in a worker thread of the event loop's: the core is
    synchronous, and what is stored is reached by going back to the loop."""

    def __init__(
        self,
        issuer: TokenIssuer,
        directory: Directory,
        clients: ClientAuthentication,
        exchange: Exchange,
        resource: str,
    ) -> None:
        super().__init__(scopes_supported=sorted(SCOPES))
        self.resource = resource
        self.exchange = exchange
        self._directory = directory
        self._clients = clients
        self.register_client_auth_method(AUTH_METHOD, lambda _, request: clients.authenticate(request))
        self.register_grant(ProfessionalGrant)
        self.register_grant(ExchangeGrant)
        self.register_grant(NoOtherGrant)

        def sign(client: Client, grant_type: str, user: Individual, scope: str) -> str:
            return issuer.issue(
                client.registered, user.professional, scope, user.binding, user.assurance, user.authenticated_at
            )

        self.register_token_generator("default", BearerTokenGenerator(sign, expires_generator=LIFETIME_SECONDS))

    @property
    def grant_types(self) -> list[str]:
        """What is granted, by its name in a request; exchange only where an organisation has a sign-in service."""
        granted = [grant.GRANT_TYPE for grant, _ in self._token_grants if grant.GRANT_TYPE]
        return [name for name in granted if name != ExchangeGrant.GRANT_TYPE or self.exchange.providers]

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
            assertion = self._clients.verify(read_compact(request.fields["assertion"]), client)
            if assertion.issuer != client.client_id:
                raise InvalidToken(Reason.ISSUER)
            if assertion.subject == client.client_id:
                raise InvalidToken(Reason.INDIVIDUAL_MISSING)
            request.author.subject = assertion.subject
            self._clients.spend(assertion)
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

    # What Authlib leaves to a framework.

    def create_oauth2_request(self, request: TokenRequest) -> TokenRequest:
        """Return the request as it is: it was made for Authlib."""
        return request

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Do nothing: nobody listens."""

    def handle_response(self, status: int, body: Mapping[str, Any], headers: Iterable[tuple[str, str]]) -> Response:
        """Return the response as plain values."""
        return answer(status, body, headers)

    def handle_error_response(self, request: TokenRequest, error: OAuth2Error) -> Response:
        """Return an error of RFC 6749 section 5.2 in fixed words, and leave its reason with the request."""
        return refused_answer(request, error)


class TokenEndpoint:
    """The token endpoint in plain values, so that it can be served by anything.

    Args:
        issuer: signs what is granted.
        directory: who is enrolled.
        clients: authenticates who asks.
        refusals: where refusals are recorded.
        possession: establishes the key that a token is to be bound to.
        exchange: the sign-in services of organisations.
        resource: the identifier of the API that the tokens are for.
    """

    def __init__(
        self,
        issuer: TokenIssuer,
        directory: Directory,
        clients: ClientAuthentication,
        refusals: RefusalRecord,
        possession: Possession,
        exchange: Exchange,
        resource: str,
    ) -> None:
        self._server = TokenServer(issuer, directory, clients, exchange, resource)
        self._clients = clients
        self._refusals = refusals
        self._possession = possession

    @property
    def grant_types(self) -> list[str]:
        """What is granted, by its name in a request."""
        return self._server.grant_types

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
        fields = single(form)
        if fields is None:
            return await self.reject(Reason.REQUEST)
        try:
            binding = await self._possession.establish(shown)
        except InvalidToken as refused:
            if refused.reason is Reason.NONCE:  # a step on the way and no refusal
                return error_answer("use_dpop_nonce")
            wrong = "invalid_request" if refused.reason is Reason.CERTIFICATE else "invalid_dpop_proof"
            return await self._refuse(refused.reason, wrong, 400)
        request = TokenRequest(fields, headers, binding)
        response: Response = await to_thread.run_sync(
            self._server.create_token_response, request, limiter=self._clients.threads
        )
        return await recorded(self._refusals, _REFUSED, request.author, response)

    async def reject(self, reason: Reason, status: int = 400) -> Response:
        """Refuse a request that is not even a form, with ``invalid_request``; recorded like any other refusal."""
        return await self._refuse(reason, "invalid_request", status)

    async def _refuse(self, reason: Reason, error: str, status: int) -> Response:
        return await recorded(self._refusals, _REFUSED, Author(reason=reason), error_answer(error, status))
