"""What revocation and introspection have in common: a client authenticates, and sends one token in a form."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from authlib.oauth2.rfc6749 import InvalidClientError, OAuth2Error

from auth.client_authentication import ClientAuthentication
from auth.errors import Reason
from auth.oauth import Author, EndpointRequest, Response, error_answer, recorded, refused_answer, single
from auth.protocols import RefusalRecord, RegisteredClient


class ClientEndpoint(ABC):
    """An endpoint in plain values.

    ``kind`` is that of its refusals in the record, and ``unauthenticated_status`` what a client is answered that does
    not prove to be one.
    """

    kind: ClassVar[str]
    unauthenticated_status: ClassVar[int] = 400

    def __init__(self, clients: ClientAuthentication, refusals: RefusalRecord) -> None:
        self._clients = clients
        self._refusals = refusals

    async def respond(self, form: Mapping[str, Sequence[str]], headers: Mapping[str, str]) -> Response:
        """Answer one request.

        ``token_type_hint`` is not looked at: there is one kind of token, and it is told by its form.

        Args:
            form: the parameters of the body, each with all its values. Empty ones count as absent.
            headers: by lower-case name.

        Returns:
            Status, headers and JSON body: 200, or an error of RFC 6749 section 5.2 once the refusal is recorded; 503
            when it could not be.

        Raises:
            Exception: what the stores raise. Nothing is confirmed and nothing told then.
        """
        fields = single(form)
        if fields is None:
            return await self.reject(Reason.REQUEST)
        request = EndpointRequest(fields, headers)
        try:
            client = await self._clients.established(request)
        except OAuth2Error as error:
            if isinstance(error, InvalidClientError):
                error.status_code = max(error.status_code, self.unauthenticated_status)
            return await recorded(self._refusals, self.kind, request.author, refused_answer(request, error))
        return await self.answer_to(client, fields.get("token"), request.author)

    @abstractmethod
    async def answer_to(self, client: RegisteredClient, token: str | None, author: Author) -> Response:
        """Answer an authenticated client; ``token`` is None where it sent none, and ``author`` who a refusal names."""

    async def reject(self, reason: Reason, status: int = 400) -> Response:
        """Refuse a request that is not even a form, with ``invalid_request``; recorded like any other refusal."""
        return await self.refuse(Author(), reason, "invalid_request", status)

    async def refuse(self, author: Author, reason: Reason, error: str, status: int = 400) -> Response:
        """Refuse a request for ``reason`` with an error, once that is recorded."""
        author.reason = reason
        return await recorded(self._refusals, self.kind, author, error_answer(error, status))
