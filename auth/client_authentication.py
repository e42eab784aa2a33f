"""How an organisation's system proves itself to the authorization server: ``private_key_jwt``, and in no other way.

One way for every endpoint (RFC 7523 section 2.2): an assertion that the client signs with an enrolled key, addressed to
us alone, which counts once wherever it is sent.
"""

import anyio
from anyio import from_thread, to_thread
from authlib.oauth2.rfc6749 import ClientMixin, InvalidClientError

from auth.assertions import Assertion, verify_assertion
from auth.client import ASSERTION_TYPE
from auth.compact import Compact, read_compact, text
from auth.errors import InvalidToken, Reason
from auth.oauth import EndpointRequest, refusal
from auth.protocols import Clock, Directory, RegisteredClient, SpentAssertions
from auth.tokens import SCOPES

AUTH_METHOD = "private_key_jwt"
_THREADS = 8


class Client(ClientMixin):  # type: ignore[misc]
    """A registered client as Authlib wants to see one."""

    def __init__(self, registered: RegisteredClient) -> None:
        self.registered = registered

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Return whether the method is the one that there is."""
        return method == AUTH_METHOD

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """Return the scope as it was asked for, or None, which makes Authlib refuse: never a part of it, never none."""
        wanted = (scope or "").split(" ")
        allowed = SCOPES & self.registered.scopes
        return scope if len(set(wanted)) == len(wanted) and allowed.issuperset(wanted) else None


class ClientAuthentication:
    """Authenticates the clients that the directory knows, and uses up what they sign.

    Its methods but ``established`` run in a worker thread of the event loop's, as Authlib's synchronous core does, and
    go back to the loop for what is stored.

    Args:
        audience: our issuer identifier, which every assertion must name.
        directory: who is enrolled.
        spent: the store of spent assertions, shared by all processes.
        clock: the time, aware and in UTC.
    """

    def __init__(self, audience: str, directory: Directory, spent: SpentAssertions, clock: Clock) -> None:
        self._audience = audience
        self._directory = directory
        self._spent = spent
        self._clock = clock
        # Of its own, so that a flood of requests cannot take the threads that others need.
        self.threads = anyio.CapacityLimiter(_THREADS)

    async def established(self, request: EndpointRequest) -> RegisteredClient:
        """Return the client that ``request`` comes from, for endpoints that are not Authlib's.

        Raises:
            InvalidClientError: there is none, or it is suspended; with the reason that is to be recorded.
            Exception: what the directory or the store of assertions raises.
        """
        client = await to_thread.run_sync(self.authenticate, request, limiter=self.threads)
        if client is None:
            raise refusal(InvalidClientError(), Reason.CLIENT_AUTHENTICATION)
        return client.registered

    def authenticate(self, request: EndpointRequest) -> Client | None:
        """Return the client that ``request`` proves to come from. None: it does not try to prove anything.

        Raises:
            InvalidClientError: as ``established``.
        """
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
            assertion = self.verify(compact, client)
            if assertion.subject != assertion.issuer:
                raise InvalidToken(Reason.SUBJECT)
            if request.fields.get("client_id", client.client_id) != client.client_id:
                raise InvalidToken(Reason.REQUEST)
            if not client.active:
                raise InvalidToken(Reason.CLIENT_SUSPENDED)
            self.spend(assertion)
        except InvalidToken as refused:
            raise refusal(InvalidClientError(), refused.reason) from None
        return Client(client)

    def verify(self, compact: Compact, client: RegisteredClient) -> Assertion:
        """Return what an assertion says that ``client`` signed; whether about itself is for the caller to judge.

        Raises:
            InvalidToken: as ``verify_assertion``.
        """
        return verify_assertion(compact, client.jwks, self._audience, self._clock())

    def spend(self, assertion: Assertion) -> None:
        """Use up an assertion, durably. Raises InvalidToken: REPLAYED."""
        first = from_thread.run(self._spent.spend, assertion.issuer, assertion.jti, assertion.remember_until)
        if not first:
            raise InvalidToken(Reason.REPLAYED)
