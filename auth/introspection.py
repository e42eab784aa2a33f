"""Introspection (RFC 7662): a resource server of the authority asks what a token is worth at this very moment.

The answer is that of the API itself: a token is active only while nobody and nothing that it rests on is suspended, and
an agreement is in force. It holds identifiers, and nothing else about anybody.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

from auth.client_authentication import ClientAuthentication
from auth.client_endpoint import ClientEndpoint
from auth.errors import InvalidToken, Reason
from auth.oauth import Author, Response, answer
from auth.protocols import Presentations, RefusalRecord, RegisteredClient
from auth.tokens import TokenVerifier, VerifiedToken
from auth.withdrawal import withdrawn
from policies.access import Permitted, stands

SCOPE = "introspection"
"""What a client has to be enrolled for. It is no scope of a token: nobody asks for it at the token endpoint."""


class IntrospectionEndpoint(ClientEndpoint):
    """The introspection endpoint: ``active``, and if so, what the token says (section 2.2).

    Args:
        clients: authenticates who asks.
        refusals: where refusals are recorded.
        issuer: our identifier as an authorization server.
        audience: the identifier of the API that tokens are for.
        verifier: of our access tokens.
        presentations: tells the live standing of whom a token names.
        today: the authority's local day, by which agreements begin and end.
    """

    kind = "introspection.refused"
    unauthenticated_status = 401
    """RFC 7662 section 2.3."""

    def __init__(
        self,
        clients: ClientAuthentication,
        refusals: RefusalRecord,
        *,
        issuer: str,
        audience: str,
        verifier: TokenVerifier,
        presentations: Presentations,
        today: Callable[[], date],
    ) -> None:
        super().__init__(clients, refusals)
        self._issuer, self._audience = issuer, audience
        self._verifier = verifier
        self._presentations = presentations
        self._today = today

    async def answer_to(self, client: RegisteredClient, token: str | None, author: Author) -> Response:
        """Say what the token is worth, to a client that is enrolled for being told."""
        if SCOPE not in client.scopes:
            return await self.refuse(author, Reason.SCOPE, "unauthorized_client", 403)
        if token is None:
            return await self.refuse(author, Reason.REQUEST, "invalid_request")
        return answer(200, await self._judge(token))

    async def _judge(self, presented: str) -> dict[str, Any]:
        inactive = {"active": False}
        try:
            token = self._verifier.verify(presented)
        except InvalidToken:
            return inactive
        known = await self._presentations.present(token.client_id, token.professional_id, token.jti, None)
        if withdrawn(token, known) is not None or known.enquirer is None:
            return inactive
        scope = token.scope & known.enquirer.scope
        if not scope or not isinstance(stands(known.enquirer, self._today()), Permitted):
            return inactive
        return {"active": True, **self._claims(token, scope)}

    def _claims(self, token: VerifiedToken, scope: frozenset[str]) -> dict[str, Any]:
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(token.professional_id),
            "client_id": token.client_id,
            "act": {"sub": token.client_id},
            "org": str(token.organisation_id),
            "scope": " ".join(sorted(scope)),
            "token_type": token.binding.token_type,
            "cnf": token.binding.claim,
            "jti": token.jti,
            "iat": token.issued_at,
            "nbf": token.issued_at,
            "exp": token.expires_at,
        }
        if token.assurance:
            claims["acr"] = token.assurance.name.lower()
        if token.authenticated_at is not None:
            claims["auth_time"] = token.authenticated_at
        return claims
