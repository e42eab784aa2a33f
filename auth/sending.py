"""Sends requests to the service as a professional, with httpx2: token, proofs and nonces are seen to.

Kept from ``auth.client`` because it needs an HTTP client, which a worker of the service has no use for.
"""

from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta

import httpx2

from auth.client import OrganisationSigner, utc_now
from auth.metadata import metadata_address
from auth.protocols import Clock

_TOKEN_KEPT = timedelta(seconds=200)
"""A token is good for 300; it should not run out on the way."""
_ATTEMPTS = 3

Whom = str | Callable[[], str]
"""A professional: the organisation's own identifier of them, as enrolled, or what gives an ID token that was issued
for them by the organisation's sign-in service. It is called for each access token, and should give a fresh one."""


class NoToken(Exception):
    """The token endpoint issued none. ``response`` is its answer."""

    def __init__(self, response: httpx2.Response) -> None:
        super().__init__(f"no token was issued: {response.status_code}")
        self.response = response


class OtherIssuer(Exception):
    """Who answers at the service's address says that they are somebody else, or does not say where tokens are issued:
    nothing is signed for them (RFC 8414 section 3.3)."""


class AsProfessional(httpx2.Auth):
    """Sends the requests of an httpx2 client as one professional: with a token, obtained when there is none that lasts,
    and with a proof of its key, made again when the server wants another nonce.

    Raises from within a request NoToken when no token is issued, and OtherIssuer before one is asked for.

    Args:
        signer: of their organisation's system.
        base_url: of the service, without a slash at the end.
        whom: the professional.
        scope: one or more of ``enquiry``, ``transfer`` and ``casework``, separated by spaces.
        clock: the time, aware and in UTC.
    """

    requires_response_body = True

    def __init__(
        self, signer: OrganisationSigner, base_url: str, whom: Whom, scope: str, *, clock: Clock = utc_now
    ) -> None:
        self._signer = signer
        self._base_url = base_url
        self._whom, self._scope = whom, scope
        self._clock = clock
        self._token = ""
        self._good_until = datetime.min.replace(tzinfo=UTC)

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Add the headers to a request; what has to be sent before it, or again, is sent by whoever drives this."""
        token = yield from self._obtain()
        request.headers["Authorization"] = f"DPoP {token}"
        yield from self._proven(request, token)

    def token(self, http: httpx2.Client) -> str:
        """Return a token that lasts for a while yet, sending for it with ``http`` where need be."""
        obtaining = self._obtain()
        try:
            request = next(obtaining)
            while True:
                request = obtaining.send(http.send(request))
        except StopIteration as obtained:
            return str(obtained.value)

    async def token_async(self, http: httpx2.AsyncClient) -> str:
        """Return a token as ``token`` does."""
        obtaining = self._obtain()
        try:
            request = next(obtaining)
            while True:
                request = obtaining.send(await http.send(request))
        except StopIteration as obtained:
            return str(obtained.value)

    def headers(self, method: str, url: str, token: str) -> dict[str, str]:
        """Return the headers with which another HTTP client can make one request within a minute."""
        return {"Authorization": f"DPoP {token}", "DPoP": self._signer.proofs.proof(method, url, token)}

    def _obtain(self) -> Generator[httpx2.Request, httpx2.Response, str]:
        if self._clock() >= self._good_until:
            url = self._signer.token_endpoint or (yield from self._discover())
            begun = self._clock()
            # Made anew for each attempt, though a server that wants another nonce has used up no assertion yet.
            answer = yield from self._proven(httpx2.Request("POST", url, data=self._form()))
            if answer.status_code != 200:
                raise NoToken(answer)
            self._token = answer.json()["access_token"]
            self._good_until = begun + _TOKEN_KEPT
        return self._token

    def _discover(self) -> Generator[httpx2.Request, httpx2.Response, str]:
        """Read where tokens are issued from what the issuer says of itself (FAPI 2.0 section 5.3.3.1)."""
        answer = yield httpx2.Request("GET", metadata_address(self._base_url))
        if answer.status_code != 200:
            raise NoToken(answer)
        try:
            said = answer.json()
            issuer, endpoint = said["issuer"], said["token_endpoint"]
        except (ValueError, KeyError, TypeError):
            raise OtherIssuer from None
        if issuer != self._base_url or not isinstance(endpoint, str):
            raise OtherIssuer
        self._signer.token_endpoint = endpoint
        return endpoint

    def _form(self) -> dict[str, str]:
        if isinstance(self._whom, str):
            return self._signer.token_form(self._whom, self._scope)
        return self._signer.exchange_form(self._whom(), self._scope)

    def _proven(
        self, request: httpx2.Request, token: str | None = None
    ) -> Generator[httpx2.Request, httpx2.Response, httpx2.Response]:
        """Send with a proof, and once or twice more with the nonce that the server answers with."""
        proofs = self._signer.proofs
        for _ in range(_ATTEMPTS):
            request.headers["DPoP"] = proofs.proof(request.method, str(request.url), token)
            response = yield request
            proofs.nonce = response.headers.get("DPoP-Nonce", proofs.nonce)
            if not _wants_another_nonce(response):
                break
        return response


def _wants_another_nonce(response: httpx2.Response) -> bool:
    if response.status_code == 401:
        return 'error="use_dpop_nonce"' in response.headers.get("WWW-Authenticate", "")
    return response.status_code == 400 and b'"use_dpop_nonce"' in response.content
