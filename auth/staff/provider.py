"""The provider at which staff sign in, as it is reached over HTTP by Authlib: metadata, keys, requests and codes.

What the provider says is taken with care: from its own address alone, without redirects, bounded in size and time, and
only a few calls at once, so that a provider that hangs cannot hold up enquiries.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from auth.algorithms import PublicKey
from auth.client import ASSERTION_TYPE
from auth.errors import InvalidToken, ProviderUnavailable, Reason
from auth.outside import BoundedTransport, answered_in_time, over_the_network
from auth.protocols import Clock
from auth.provider_keys import FollowedKeys, jwk_set
from auth.providers import IdentityInvalid, check_address
from auth.staff.configuration import ClientKey, ClientSecret, SignInProvider, signer_of

_METADATA_KEPT = timedelta(hours=1)
_SECONDS = 4.0
_CALLS = 4
"""At once; the next ones wait their turn, though not for long: each holds up one of the requests of this process."""
_TURN = 2


@dataclass(frozen=True, slots=True)
class Metadata:
    """What of the provider's metadata (OpenID Connect Discovery section 3) is of use here."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    pushed_authorization_request_endpoint: str | None
    end_session_endpoint: str | None
    names_itself: bool
    """``authorization_response_iss_parameter_supported`` (RFC 9207 section 3)."""


class OpenIdProvider:
    """Talks to one provider for one process.

    Args:
        settings: what we know of it.
        redirect_uri: where it sends people back to.
        clock: the time, aware and in UTC.
        transport: how it is reached; over the network where none is given.
    """

    def __init__(
        self,
        settings: SignInProvider,
        redirect_uri: str,
        clock: Clock,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.settings = settings
        self._redirect_uri = redirect_uri
        self._clock = clock
        method = "private_key_jwt"
        secret = None
        if not isinstance(settings.authentication, ClientKey):
            method = "client_secret_basic" if settings.authentication.basic else "client_secret_post"
            secret = settings.authentication.secret
        self._http = AsyncOAuth2Client(
            settings.client_id,
            secret,
            token_endpoint_auth_method=method,
            redirect_uri=redirect_uri,
            scope=settings.scope,
            code_challenge_method="S256",
            transport=BoundedTransport(transport or over_the_network(settings.ca_file, settings.proxy)),
            timeout=_SECONDS,
            follow_redirects=False,
            trust_env=False,  # neither proxies nor certificates that the environment names
        )
        self._http.register_client_auth_method(("private_key_jwt", self._prove_by_key))
        self._turns = asyncio.Semaphore(_CALLS)
        self._keys = FollowedKeys(self._fetch_keys, clock)
        self._metadata: tuple[Metadata, datetime] | None = None

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def metadata(self) -> Metadata:
        """Return the provider's metadata, at most an hour old. Raises ProviderUnavailable."""
        if self._metadata is None or self._clock() >= self._metadata[1] + _METADATA_KEPT:
            document = await self._get(f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration")
            self._metadata = self._checked(document), self._clock()
        return self._metadata[0]

    async def authorization_url(self, *, state: str, nonce: str, code_verifier: str, step_up: bool) -> str:
        """Return where to send the browser (RFC 6749 section 4.1.1, RFC 7636), having pushed what it asks for where
        the provider takes that (RFC 9126).

        Raises:
            ProviderUnavailable: it does not answer, or not to the point.
        """
        metadata = await self.metadata()
        asked = {"nonce": nonce}
        if step_up:
            # Both say the same: some providers know but one of them.
            asked |= {**self.settings.step_up, "max_age": "0", "prompt": "login"}
        elif self.settings.max_age is not None:
            asked["max_age"] = str(int(self.settings.max_age.total_seconds()))
        pushed_to = metadata.pushed_authorization_request_endpoint
        if pushed_to is None:
            url, _ = self._http.create_authorization_url(
                metadata.authorization_endpoint, state=state, code_verifier=code_verifier, **asked
            )
            return str(url)
        form = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": self.settings.scope,
            "state": state,
            "code_challenge": create_s256_code_challenge(code_verifier),
            "code_challenge_method": "S256",
            **asked,
        }
        if isinstance(self.settings.authentication, ClientSecret) and not self.settings.authentication.basic:
            del form["client_id"]  # Authlib adds it, and no parameter may come twice (RFC 6749 section 3.1)
        async with self._call():
            authentication = self._http.client_auth(self._http.token_endpoint_auth_method)
            answer = await self._http.post(pushed_to, data=form, auth=authentication)
            request_uri = answer.json().get("request_uri") if answer.status_code in {200, 201} else None
        if not isinstance(request_uri, str):
            raise ProviderUnavailable("request_not_taken")
        query = urlencode({"client_id": self.settings.client_id, "request_uri": request_uri})
        return f"{metadata.authorization_endpoint}?{query}"

    async def redeem(self, code: str, code_verifier: str) -> str:
        """Return the ID token that a code stands for.

        Raises:
            InvalidToken: PROVIDER_REFUSED.
            ProviderUnavailable: it does not answer, or not to the point, or does not know us any more.
        """
        endpoint = (await self.metadata()).token_endpoint
        async with self._call():
            try:
                answer = await self._http.fetch_token(
                    endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=code_verifier,
                    redirect_uri=self._redirect_uri,
                )
            except OAuthError as refused:
                if refused.error in ("invalid_client", "unauthorized_client"):  # nothing that the person could mend
                    raise ProviderUnavailable("client_refused") from None
                raise InvalidToken(Reason.PROVIDER_REFUSED) from None
            finally:
                self._http.token = None  # their access token, which is of no use to us
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise ProviderUnavailable("no_id_token")
        return token

    async def key(self, kid: str, algorithm: str) -> PublicKey:
        """Return the provider's key of that ``kid``; its keys are fetched anew when there is none, though not often.

        Raises:
            InvalidToken: KEY.
            ProviderUnavailable: the keys cannot be had.
        """
        return await self._keys.key(kid, algorithm)

    def _prove_by_key(self, _: object, __: str, uri: str, headers: Any, body: bytes) -> tuple[str, Any, str]:
        """Add a client assertion to a request (RFC 7523), with a fresh ``jti`` and for a minute.

        Not Authlib's PrivateKeyJWT, whose assertions are good for an hour, by a clock of its own.
        """
        key = self.settings.authentication
        assert isinstance(key, ClientKey)
        audience = uri if key.at_token_endpoint else self.settings.issuer
        assertion = signer_of(self.settings, key, audience, clock=self._clock).client_assertion()
        proof = urlencode({"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion})
        named = "" if b"client_id=" in body else f"&client_id={self.settings.client_id}"
        return uri, headers, f"{body.decode()}{named}&{proof}"

    def _checked(self, document: Mapping[str, Any]) -> Metadata:
        """Return the metadata if it is of this provider (OpenID Connect Discovery section 4.3)."""
        if document.get("issuer") != self.settings.issuer:
            raise ProviderUnavailable("metadata_of_another_issuer")
        return Metadata(
            authorization_endpoint=self._address(document, "authorization_endpoint"),
            token_endpoint=self._address(document, "token_endpoint"),
            jwks_uri=self._address(document, "jwks_uri"),
            pushed_authorization_request_endpoint=self._optional(document, "pushed_authorization_request_endpoint"),
            end_session_endpoint=self._optional(document, "end_session_endpoint"),
            names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        )

    def _optional(self, document: Mapping[str, Any], name: str) -> str | None:
        return self._address(document, name) if name in document else None

    def _address(self, document: Mapping[str, Any], name: str) -> str:
        value = document.get(name)
        if not isinstance(value, str):
            raise ProviderUnavailable("metadata_unusable")
        try:
            return check_address(value, name, development=self.settings.development)
        except IdentityInvalid:
            raise ProviderUnavailable("metadata_unusable") from None

    async def _fetch_keys(self) -> Mapping[str, Any]:
        return jwk_set(await self._get((await self.metadata()).jwks_uri))

    async def _get(self, url: str) -> Mapping[str, Any]:
        async with self._call():
            answer = await self._http.request("GET", url, headers={"Accept": "application/json"}, withhold_token=True)
            document = answer.json() if answer.status_code == 200 else None
        if not isinstance(document, dict):
            raise ProviderUnavailable
        return document

    @asynccontextmanager
    async def _call(self) -> AsyncIterator[None]:
        """Wait for a turn and make a call; whatever goes wrong on the way is ProviderUnavailable."""
        try:
            async with asyncio.timeout(_TURN):
                await self._turns.acquire()
        except TimeoutError:
            raise ProviderUnavailable from None
        try:
            async with answered_in_time():
                yield
        finally:
            self._turns.release()
