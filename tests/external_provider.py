"""A sign-in service outside, as an authority may have one: a real HTTP server with keys and a discovery of its own.

Written from the standards (OpenID Connect Core and Discovery, RFC 7636, 9126, 9207, 7523) and with nothing of the
service's own code but what it is told of its client. It can be made to misbehave in any way that a provider, or whoever
stands between, could.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwk as jose_keys
from joserfc import jws

CLIENT_ID = "register-console"
SECRET = "Demo+secret/with:signs&of=all%kinds"
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True)
class Given:
    """An answer in place of the right one. ``cut``: the connection is closed instead."""

    status: int = 200
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    delay: float = 0.0
    cut: bool = False


def new_key(kid: str, kind: str = "EC") -> jose_keys.ECKey | jose_keys.RSAKey:
    parameters = {"kid": kid, "use": "sig"}
    if kind == "RSA":
        return jose_keys.RSAKey.generate_key(2048, parameters, private=True)
    return jose_keys.ECKey.generate_key("P-256", parameters, private=True)


@dataclass
class ExternalProvider:
    """The service. Tests set its fields, also while it runs."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    authentication: str = "private_key_jwt"
    client_key: Mapping[str, Any] = field(default_factory=dict)
    """Public, of its client."""
    pushes: bool = True
    names_itself: bool = True
    checks_pkce: bool = True
    algorithm: str = "ES256"
    signing: Any = field(default_factory=lambda: new_key("first"))
    published: list[Any] = field(default_factory=list)
    person: str = "kw-1"
    said: dict[str, Any] = field(default_factory=lambda: {"acr": "two-factor"})
    """Further claims of ID tokens; None leaves one out that would be there."""
    header: dict[str, Any] = field(default_factory=dict)
    instead: dict[str, Given] = field(default_factory=dict)
    """By path: what is answered in place of the right answer."""
    metadata: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, str | None] = field(default_factory=dict)
    """Changes to the parameters with which browsers are sent back."""
    received: list[Received] = field(default_factory=list)
    origin: str = ""
    _pushed: dict[str, dict[str, str]] = field(default_factory=dict)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    @property
    def issuer(self) -> str:
        return f"{self.origin}/realm"

    def paths(self, path: str) -> list[Received]:
        """The requests to one of its endpoints."""
        return [request for request in self.received if request.path == f"/realm{path}"]

    def seconds(self) -> int:
        return int(self.clock().timestamp())

    # -- what it signs

    def sign(self, claims: Mapping[str, Any], **header: Any) -> str:
        """Sign claims as they are; a header of None is left out."""
        full = {"alg": self.algorithm, "kid": self.signing.kid, "typ": "JWT"} | self.header | header
        kept = {name: value for name, value in full.items() if value is not None}
        return sign(kept, claims, self.signing)

    def id_token(self, asked: Mapping[str, str], **changes: Any) -> str:
        now = self.seconds()
        claims = {
            "iss": self.issuer,
            "sub": f"person {self.person}",
            "staff": self.person,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "nonce": asked.get("nonce"),
            "sid": f"session of {self.person}",
            **self.said,
            **changes,
        }
        return self.sign({name: value for name, value in claims.items() if value is not None})

    def logout_token(self, *, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
        now = self.seconds()
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_hex(8),
            "events": {LOGOUT_EVENT: {}},
            "sid": f"session of {self.person}",
            **changes,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        return self.sign(kept, **{"typ": "logout+jwt", **(header or {})})

    # -- what it answers

    def handle(self, request: Received) -> Given:
        if (given := self.instead.get(request.path.removeprefix("/realm"))) is not None:
            return given
        match request.method, request.path.removeprefix("/realm"):
            case "GET", "/.well-known/openid-configuration":
                return _json(self._discovery() | self.metadata)
            case "GET", "/keys":
                keys = [key.as_dict(private=False) for key in (self.published or [self.signing])]
                return _json({"keys": keys})
            case "POST", "/par":
                return self._push(request)
            case "GET", "/authorize":
                return self._authorize(request)
            case "POST", "/token":
                return self._redeem(request)
        return _json({}, 404)

    def _discovery(self) -> dict[str, Any]:
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "end_session_endpoint": f"{self.issuer}/end",
            "id_token_signing_alg_values_supported": ["none", "HS256", "RS256"],  # which nobody is to believe
            "authorization_response_iss_parameter_supported": self.names_itself,
        }
        return document | ({"pushed_authorization_request_endpoint": f"{self.issuer}/par"} if self.pushes else {})

    def _push(self, request: Received) -> Given:
        if not self._knows(request, "/par"):
            return _json({"error": "invalid_client"}, 401)
        uri = f"urn:ietf:params:oauth:request_uri:{secrets.token_hex(16)}"
        self._pushed[uri] = request.form
        return _json({"request_uri": uri, "expires_in": 60}, 201)

    def _authorize(self, request: Received) -> Given:
        asked = self._pushed.pop(request.query.get("request_uri", ""), None) if self.pushes else request.query
        if asked is None or asked.get("client_id") != CLIENT_ID or asked.get("code_challenge_method") != "S256":
            return _json({"error": "invalid_request"}, 400)
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        back = {"code": code, "state": asked["state"], **({"iss": self.issuer} if self.names_itself else {})}
        kept = {name: value for name, value in (back | self.answer).items() if value is not None}
        return Given(303, b"", (("Location", f"{asked['redirect_uri']}?{urlencode(kept)}"),))

    def _redeem(self, request: Received) -> Given:
        if not self._knows(request, "/token"):
            return _json({"error": "invalid_client"}, 401)
        asked = self._codes.pop(request.form.get("code", ""), None)
        digest = hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        redirect_uri = request.form.get("redirect_uri")
        proven = not self.checks_pkce or (asked or {}).get("code_challenge") == challenge
        if asked is None or asked["redirect_uri"] != redirect_uri or not proven:
            return _json({"error": "invalid_grant"}, 400)
        return _json({
            "access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "id_token": self.id_token(asked),
        })  # fmt: skip

    def _knows(self, request: Received, endpoint: str) -> bool:
        """Whether a request comes from its client, by the one means that was agreed."""
        form, header = request.form, request.headers.get("authorization", "")
        if self.authentication == "client_secret_post":
            return (form.get("client_id"), form.get("client_secret"), header) == (CLIENT_ID, SECRET, "")
        if self.authentication == "client_secret_basic":
            name, _, secret = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
            return (unquote(name), unquote(secret)) == (CLIENT_ID, SECRET) and "client_secret" not in form
        if form.get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
            return False
        key = jose_keys.import_key(dict(self.client_key))
        read = jws.deserialize_compact(form["client_assertion"], key, algorithms=["ES256", "PS256"])
        claims = json.loads(read.payload)
        good = claims["iss"] == claims["sub"] == CLIENT_ID == form.get("client_id") and not header
        fresh = (
            claims["iat"] <= self.seconds() < claims["exp"] <= claims["iat"] + 60 and claims["jti"] not in self._seen
        )
        self._seen.add(claims["jti"])
        return good and fresh and claims["aud"] in (self.issuer, f"{self.issuer}{endpoint}")


def sign(header: Mapping[str, Any], claims: Mapping[str, Any] | bytes, key: Any) -> str:
    """Sign anything with any header; without a key there is no signature."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    signing_input = f"{_b64(json.dumps(header).encode())}.{_b64(payload)}"
    named = header["alg"] if isinstance(header["alg"], str) else "ES256"
    algorithm = jws.JWSRegistry(algorithms=[named]).get_alg(named) if key else None
    return f"{signing_input}.{_b64(algorithm.sign(signing_input.encode(), key)) if algorithm else ''}"


@contextmanager
def running(provider: ExternalProvider) -> Iterator[ExternalProvider]:
    """Serve it on a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Received(self.command, parts.path, _flat(parts.query), _flat(body), headers)
            provider.received.append(request)
            given = provider.handle(request)
            time.sleep(given.delay)
            if given.cut:
                self.close_connection = True
                return
            self.send_response(given.status)
            for name, value in given.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()
            self.wfile.write(given.body)

        do_GET = do_POST = _answer

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    provider.origin = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _json(document: Any, status: int = 200) -> Given:
    return Given(status, json.dumps(document).encode())


def _flat(encoded: str) -> dict[str, str]:
    read = parse_qs(encoded, keep_blank_values=True)
    assert all(len(values) == 1 for values in read.values()), "a parameter came twice"
    return {name: values[0] for name, values in read.items()}


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
