"""Over HTTP: the token endpoint and the published keys, and how the application is given them.

``POST /oauth2/token`` reads a form body of at most 24 KiB and nothing else: a parameter in the URL would end up in
somebody's log. Errors are those of RFC 6749 section 5.2.
"""

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias
from urllib.parse import parse_qs

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from auth.claimed import note_outcome
from auth.client import ACCESS_TOKEN, ASSERTION_TYPE, EXCHANGE, GRANT_TYPE, ID_TOKEN
from auth.dependencies import AuthServices
from auth.dpop import ProofVerifier
from auth.errors import InsecureEnvironment, Reason
from auth.exchange import Exchange
from auth.keys import SigningKeys
from auth.nonces import NonceHeader, Nonces
from auth.possession import Possession
from auth.protocols import Clock, Directory, Presentations, RefusalRecord, SpentAssertions
from auth.server import TokenEndpoint
from auth.staff.sessions import Sessions
from auth.tokens import TokenVerifier

MAX_BODY_BYTES = 24 * 1024
"""An ID token has up to 16 KiB of them."""
_MAX_FIELDS = 16

_FORM = "application/x-www-form-urlencoded"

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

# Written out, for the form is parsed by hand: FastAPI would read a body of any size, and one of two equal parameters.
_ALWAYS = {
    "client_assertion_type": ASSERTION_TYPE,
    "client_assertion": "A JWT that proves the client, signed by the organisation.",
    "scope": "One or more of enquiry, transfer and casework, separated by spaces.",
}
_EXCHANGE = {
    "grant_type": EXCHANGE,
    "subject_token": "An ID token that names the professional, of the organisation's own sign-in service.",
    "subject_token_type": ID_TOKEN,
    **_ALWAYS,
}
_MAY_BE_SAID = {
    "requested_token_type": ACCESS_TOKEN,
    "resource": "The base URL of this service.",
    "audience": "The same.",
}
_ASSERTION = {
    "grant_type": GRANT_TYPE,
    "assertion": "A JWT that names the professional, signed by the organisation.",
    **_ALWAYS,
}


def _form_of(title: str, fields: Mapping[str, str], optional: Mapping[str, str]) -> dict[str, object]:
    properties = {name: {"type": "string", "description": is_} for name, is_ in {**fields, **optional}.items()}
    return {"title": title, "type": "object", "required": list(fields), "properties": properties}


_DOCUMENTED = {
    "parameters": [
        {
            "name": "DPoP",
            "in": "header",
            "required": True,
            "schema": {"type": "string"},
            "description": "A proof of the key that the token is to be bound to (RFC 9449).",
        }
    ],
    "requestBody": {
        "required": True,
        "content": {
            _FORM: {
                "schema": {
                    "oneOf": [
                        _form_of("Token exchange (RFC 8693)", _EXCHANGE, _MAY_BE_SAID),
                        _form_of("JWT bearer grant (RFC 7523)", _ASSERTION, {}),
                    ]
                }
            }
        },
    },
}


def refuse_insecure_environment() -> None:
    """Refuse to run with a safeguard switched off from outside.

    Raises:
        InsecureEnvironment: ``AUTHLIB_INSECURE_TRANSPORT`` is set, to whatever value.
    """
    if "AUTHLIB_INSECURE_TRANSPORT" in os.environ:
        raise InsecureEnvironment("AUTHLIB_INSECURE_TRANSPORT must not be set")


def build_services(
    *,
    issuer: str,
    audience: str,
    keys: SigningKeys,
    directory: Directory,
    spent: SpentAssertions,
    presentations: Presentations,
    refusals: RefusalRecord,
    nonce_key: bytes,
    clock: Clock,
    sessions: Sessions | None = None,
    exchange: Exchange | None = None,
    certificate_header: str | None = None,
) -> AuthServices:
    """Return the services of one process.

    Args:
        issuer: our identifier as an authorization server: the public base URL, without a trailing slash.
        audience: the identifier of the API, which tokens are issued for and accepted with.
        keys: the signing keys, the same in every process.
        directory: who is enrolled.
        spent: the store of spent assertions, shared by all processes.
        presentations: tokens and proofs that are presented, shared by all processes.
        refusals: where refusals are recorded.
        nonce_key: 32 secret bytes, the same in every process.
        clock: the time, aware and in UTC.
        sessions: of staff who sign in; None where they cannot.
        exchange: the sign-in services of organisations; None where they have none.
        certificate_header: the header in which a trusted proxy, and nobody else, can pass on the certificate of the
            caller's TLS connection (RFC 9440); None: no certificate counts.
    """
    public_jwks = keys.public_jwks()
    nonces = Nonces(nonce_key, clock)
    possession = Possession(ProofVerifier(issuer, nonces, clock), nonces, presentations, certificate_header)
    return AuthServices(
        endpoint=TokenEndpoint(
            issuer, audience, keys, directory, spent, refusals, possession, exchange or Exchange({}, clock), clock
        ),
        verifier=TokenVerifier(issuer, audience, public_jwks, clock),
        possession=possession,
        presentations=presentations,
        refusals=refusals,
        public_jwks=public_jwks,
        sessions=sessions,
    )


def configure(app: FastAPI, services: AuthServices, *, limited: Callable[[Endpoint], Endpoint]) -> None:
    """Give the application its services and the routes of this module.

    ``limited`` is applied to every route: how often one network address may ask is for the caller to say.

    Raises:
        InsecureEnvironment: see ``refuse_insecure_environment``.
    """
    refuse_insecure_environment()
    app.state.auth = services
    app.add_middleware(NonceHeader, nonces=services.possession.nonces)
    summary = "Obtain an access token for one professional"
    app.post("/oauth2/token", summary=summary, tags=["identity"], openapi_extra=_DOCUMENTED)(limited(issue_token))
    app.get("/.well-known/jwks.json", summary="The keys under which access tokens verify", tags=["identity"])(
        limited(published_keys)
    )


async def issue_token(request: Request) -> Response:
    """Issue an access token by token exchange (RFC 8693) or the JWT bearer grant (RFC 7523); the client authenticates
    with private_key_jwt, and the token is bound to the key of its DPoP proof (RFC 9449)."""
    status, headers, body = await _answer(request, request.app.state.auth)
    # A refusal, and no step on the way: the challenge to send the proof again with a nonce.
    note_outcome(request, failed=400 <= status < 500 and b'"use_dpop_nonce"' not in body)
    return Response(body, status, headers)


async def _answer(request: Request, services: AuthServices) -> tuple[int, Mapping[str, str], bytes]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return await services.endpoint.reject(Reason.REQUEST, 415)
    body = await _limited_body(request)
    if body is None:
        return await services.endpoint.reject(Reason.OVERSIZE, 413)
    try:
        form = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError:
        return await services.endpoint.reject(Reason.REQUEST)
    return await services.endpoint.respond(form, request.headers, services.possession.shown_by(request))


async def published_keys(request: Request) -> Response:
    """Return the public keys as a JWK set (RFC 7517)."""
    services: AuthServices = request.app.state.auth
    return JSONResponse(services.public_jwks, headers={"Cache-Control": "public, max-age=300"})


async def _limited_body(request: Request) -> bytes | None:
    """Return the body, or None as soon as it is longer than allowed, whatever Content-Length says."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)
