"""Revocation (RFC 7009): an organisation's system ends one of its own tokens before it expires."""

from auth.client_authentication import ClientAuthentication
from auth.client_endpoint import ClientEndpoint
from auth.errors import InvalidToken, Reason
from auth.oauth import Author, Response, answer
from auth.protocols import RefusalRecord, RegisteredClient, Revocations
from auth.tokens import TokenVerifier


class RevocationEndpoint(ClientEndpoint):
    """The revocation endpoint: 200 once a token is good for nothing, be it that it never was (section 2.2).

    Args:
        clients: authenticates who asks.
        refusals: where refusals are recorded.
        verifier: of our access tokens.
        revocations: where revoked tokens are kept.
    """

    kind = "revocation.refused"

    def __init__(
        self,
        clients: ClientAuthentication,
        refusals: RefusalRecord,
        verifier: TokenVerifier,
        revocations: Revocations,
    ) -> None:
        super().__init__(clients, refusals)
        self._verifier = verifier
        self._revocations = revocations

    async def answer_to(self, client: RegisteredClient, token: str | None, author: Author) -> Response:
        """Revoke the token if it is one of the client's own; that is durable before it is said."""
        if token is None:
            return await self.refuse(author, Reason.REQUEST, "invalid_request")
        try:
            verified = self._verifier.verify(token)
        except InvalidToken:  # expired, damaged, or no token of ours: nothing is left to revoke
            return answer(200, {})
        if verified.client_id != client.client_id:
            # Whose a token is can be read in it by everybody, so this tells nothing; but "done" would be a lie.
            return await self.refuse(author, Reason.OTHER_CLIENT, "invalid_grant")
        await self._revocations.revoke(verified.jti, verified.expires_at, verified.client_id, verified.professional_id)
        return answer(200, {})
