"""A provider inside the service that believes anybody: for development and demonstration, and for nothing else.

It speaks OpenID Connect as real ones do – discovery, pushed requests, PKCE, ID tokens, levels, sign-out – but in place
of a password it asks whom one would like to be. It refuses to be made outside development. It keeps nothing: requests
and codes are tokens of its own, so that any process takes what another gave.
"""

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit
from uuid import uuid4

import httpx2
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from joserfc import jwt
from joserfc.errors import JoseError

from auth.api import Endpoint
from auth.errors import InsecureEnvironment
from auth.keys import SigningKey
from auth.protocols import Clock, SpentAssertions
from auth.providers import AssuranceTable
from auth.staff import pages
from auth.staff.configuration import CALLBACK, ClientSecret, SignInProvider
from auth.staff.sessions import origin_of

PATH = "/development/provider"
LEVELS = ("aal2", "aal1", "aal3")
_CLIENT_ID = "console"
_TAKEN_SECONDS = 600
_TOKEN_SECONDS = 300
_ASKED = ("client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "acr_values")

Staff = Callable[[], Awaitable[Sequence[tuple[str, str]]]]
"""Returns who may be chosen: the name by which they are enrolled, and their role."""


class _Refused(Exception):
    """A request that is not in order; the message is an error code of RFC 6749."""


@dataclass(frozen=True, slots=True)
class DevelopmentProvider:
    """The provider of one service, ``issuer`` being where it is reached and ``redirect_uri`` its only client's.

    Raises:
        InsecureEnvironment: this is no ``development``.
    """

    issuer: str
    redirect_uri: str
    secret: str
    key: SigningKey
    staff: Staff
    spent: SpentAssertions
    clock: Clock
    development: bool

    def __post_init__(self) -> None:
        if not self.development:
            raise InsecureEnvironment("the development provider believes anybody: it runs in development alone")

    @property
    def settings(self) -> SignInProvider:
        """What its client is to know of it."""
        return SignInProvider(
            issuer=self.issuer,
            client_id=_CLIENT_ID,
            authentication=ClientSecret(self.secret, basic=True),
            algorithms=frozenset({"ES256"}),
            assurance=AssuranceTable("acr", {"aal1": "aal1", "aal2": "aal2", "aal3": "aal3"}),
            step_up={"acr_values": "aal2"},
            development=True,
        )

    def transport(self) -> httpx2.AsyncBaseTransport:
        """Return the way to it from within its own service: no socket, and none of its turns taken."""
        app = FastAPI(openapi_url=None)
        configure(app, self, limited=lambda endpoint: endpoint, prefix=urlsplit(self.issuer).path)
        return httpx2.ASGITransport(app=app)

    def sign(self, claims: Mapping[str, Any], typ: str, seconds: int) -> str:
        """Return a token of its own that is good for so long."""
        now = int(self.clock().timestamp())
        body = {"iss": self.issuer, "iat": now, "exp": now + seconds, "jti": str(uuid4()), **claims}
        return jwt.encode({"alg": "ES256", "typ": typ, "kid": self.key.kid}, body, self.key.key, algorithms=["ES256"])

    async def read(self, token: str, typ: str, *, once: bool = False) -> dict[str, Any]:
        """Return what a token of its own says. Raises _Refused."""
        try:
            read = jwt.decode(token, self.key.key, algorithms=["ES256"])
        except (JoseError, ValueError):
            raise _Refused("invalid_grant") from None
        claims: dict[str, Any] = read.claims
        if read.header.get("typ") != typ or claims["exp"] <= self.clock().timestamp():
            raise _Refused("invalid_grant")
        if once and not await self.spent.spend(self.issuer, claims["jti"], self.clock()):
            raise _Refused("invalid_grant")
        return claims


def configure(
    app: FastAPI, provider: DevelopmentProvider, *, limited: Callable[[Endpoint], Endpoint], prefix: str = PATH
) -> None:
    """Give an application the provider, below ``prefix``."""
    app.state.development_provider = provider
    router = APIRouter(prefix=prefix, tags=["development"], include_in_schema=False)
    router.get("/.well-known/openid-configuration", summary="Metadata")(limited(metadata))
    router.get("/jwks.json", summary="Keys")(limited(jwks))
    router.post("/par", summary="Push a request")(limited(push))
    router.get("/authorize", summary="Choose whom to be")(limited(choose))
    router.post("/authorize", summary="Be somebody")(limited(chosen))
    router.post("/token", summary="Redeem a code")(limited(redeem))
    router.get("/end-session", summary="Sign out of the provider")(limited(end_session))
    app.include_router(router)


async def metadata(request: Request) -> Response:
    """Return the provider's metadata (OpenID Connect Discovery)."""
    issuer = _provider(request).issuer
    return JSONResponse({
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "pushed_authorization_request_endpoint": f"{issuer}/par",
        "jwks_uri": f"{issuer}/jwks.json",
        "end_session_endpoint": f"{issuer}/end-session",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "acr_values_supported": list(LEVELS),
        "authorization_response_iss_parameter_supported": True,
    })  # fmt: skip


async def jwks(request: Request) -> Response:
    """Return the key under which its tokens verify."""
    return JSONResponse({"keys": [_provider(request).key.public()]})


async def push(request: Request) -> Response:
    """Take a request beforehand (RFC 9126)."""
    provider = _provider(request)
    try:
        form = _parameters((await request.body()).decode("ascii"))
        _check_client(provider, request)
        asked = _checked(provider, form)
    except (ValueError, _Refused) as error:
        return _error(error)
    return JSONResponse({"request_uri": provider.sign(asked, "request+jwt", 60), "expires_in": 60}, 201)


async def choose(request: Request) -> Response:
    """Show whom one may be."""
    provider = _provider(request)
    try:
        asked = _parameters(request.url.query)
        if "request_uri" in asked:
            asked = _checked(provider, await provider.read(asked["request_uri"], "request+jwt", once=True))
        asked = _checked(provider, asked)
    except (ValueError, _Refused) as error:
        return _error(error)
    wanted = asked.get("acr_values")
    levels = "".join(f"<option{' selected' if level == wanted else ''}>{escape(level)}</option>" for level in LEVELS)
    people = "".join(
        f'<p><button type="submit" name="subject" value="{escape(subject)}">{escape(subject)}</button> '
        f"{escape(role.replace('_', ' '))}</p>"
        for subject, role in await provider.staff()
    )
    form = (
        f'<form method="post" action="{escape(provider.issuer)}/authorize">'
        f'<input type="hidden" name="asked" value="{escape(provider.sign(asked, "asked+jwt", _TAKEN_SECONDS))}">'
        f'<p><label>How surely: <select name="acr">{levels}</select></label></p>{people}</form>'
    )
    warning = pages.paragraph("DEVELOPMENT ONLY. This page asks for no password and lets anybody be anybody.")
    form_action = f"'self' {origin_of(provider.redirect_uri)}"
    return pages.page("Whom would you like to be?", warning, form, form_action=form_action)


async def chosen(request: Request) -> Response:
    """Answer the request for whoever was chosen."""
    provider = _provider(request)
    try:
        form = _parameters((await request.body()).decode("ascii"))
        asked = await provider.read(form.get("asked", ""), "asked+jwt")
        if form.get("acr") not in LEVELS or "subject" not in form:
            raise _Refused("invalid_request")
    except (ValueError, _Refused) as error:
        return _error(error)
    about = {"sub": form["subject"], "acr": form["acr"], "auth_time": int(provider.clock().timestamp())}
    code = provider.sign({**_checked(provider, asked), **about}, "code+jwt", 60)
    answer = urlencode({"code": code, "state": asked["state"], "iss": provider.issuer})
    return RedirectResponse(f"{provider.redirect_uri}?{answer}", 303)


async def redeem(request: Request) -> Response:
    """Give an ID token for a code, once."""
    provider = _provider(request)
    try:
        form = _parameters((await request.body()).decode("ascii"))
        _check_client(provider, request)
        if form.get("grant_type") != "authorization_code" or form.get("redirect_uri") != provider.redirect_uri:
            raise _Refused("invalid_request")
        code = await provider.read(form.get("code", ""), "code+jwt", once=True)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != code["code_challenge"]:
            raise _Refused("invalid_grant")
    except (ValueError, _Refused) as error:
        return _error(error)
    said = {name: code[name] for name in ("sub", "acr", "auth_time", "nonce")}
    id_token = provider.sign({**said, "aud": _CLIENT_ID, "sid": code["jti"]}, "JWT", _TOKEN_SECONDS)
    return JSONResponse({
        "access_token": str(uuid4()), "token_type": "Bearer", "expires_in": _TOKEN_SECONDS, "id_token": id_token,
    })  # fmt: skip


async def end_session(request: Request) -> Response:
    """Say that there is nothing to end: whoever comes here chooses anew each time."""
    return pages.page("You are signed out of the development provider")


def _provider(request: Request) -> DevelopmentProvider:
    provider: DevelopmentProvider = request.app.state.development_provider
    return provider


def _parameters(encoded: str) -> dict[str, str]:
    read = parse_qs(encoded, keep_blank_values=True, max_num_fields=20)
    if any(len(values) > 1 for values in read.values()):
        raise _Refused("invalid_request")
    return {name: values[0] for name, values in read.items()}


def _checked(provider: DevelopmentProvider, asked: Mapping[str, Any]) -> dict[str, str]:
    """Return what of a request counts, if it is one of its client's."""
    kept = {name: str(asked[name]) for name in _ASKED if name in asked}
    if kept.get("client_id") != _CLIENT_ID or kept.get("redirect_uri") != provider.redirect_uri:
        raise _Refused("invalid_client")
    if not {"scope", "state", "nonce", "code_challenge"} <= kept.keys():
        raise _Refused("invalid_request")
    return kept


def _check_client(provider: DevelopmentProvider, request: Request) -> None:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    try:
        name, _, secret = base64.b64decode(credentials).decode().partition(":")
    except ValueError:
        raise _Refused("invalid_client") from None
    good = hmac.compare_digest(unquote_plus(secret).encode(), provider.secret.encode())
    if scheme.lower() != "basic" or name != _CLIENT_ID or not good:
        raise _Refused("invalid_client")


def _error(error: Exception) -> Response:
    return JSONResponse({"error": str(error) if isinstance(error, _Refused) else "invalid_request"}, 400)


def provider_for(
    base_url: str, secret: bytes, key: SigningKey, staff: Staff, spent: SpentAssertions, clock: Clock, *,
    development: bool,
) -> DevelopmentProvider:  # fmt: skip
    """Return the provider of the service at ``base_url``. Raises InsecureEnvironment outside ``development``."""
    return DevelopmentProvider(
        f"{base_url}{PATH}", base_url + CALLBACK, secret.hex(), key, staff, spent, clock, development
    )
