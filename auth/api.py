"""Over HTTP: the endpoints of the authorization server, what it publishes, and how the application is given them.

Tokens are issued, revoked and introspected by a form in the body, of at most 24 KiB, and nothing else: a parameter in
the URL would end up in somebody's log. Errors are those of RFC 6749 section 5.2.
"""

import os
from collections.abc import Awaitable, Callable
from datetime import date
from typing import TypeAlias
from urllib.parse import parse_qs

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from auth import described
from auth.claimed import note_outcome
from auth.client_authentication import ClientAuthentication
from auth.client_endpoint import ClientEndpoint
from auth.dependencies import AuthServices
from auth.dpop import ProofVerifier
from auth.errors import InsecureEnvironment, Reason
from auth.exchange import Exchange
from auth.introspection import IntrospectionEndpoint
from auth.keys import KeySource
from auth.metadata import INTROSPECTION, JWKS, REVOCATION, TOKEN, metadata, well_known_paths
from auth.nonces import NonceHeader, Nonces
from auth.oauth import Response as Answer
from auth.possession import Possession
from auth.protocols import Clock, Directory, Presentations, RefusalRecord, Revocations, SpentAssertions
from auth.revocation import RevocationEndpoint
from auth.rotation import PUBLISHED_SECONDS
from auth.server import TokenEndpoint
from auth.staff.sessions import Sessions
from auth.tokens import TokenIssuer, TokenVerifier

MAX_BODY_BYTES = 24 * 1024
"""An ID token has up to 16 KiB of them."""
_MAX_FIELDS = 16

_KEPT_FOR_A_WHILE = {"Cache-Control": f"public, max-age={PUBLISHED_SECONDS}"}

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


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
    keys: KeySource,
    directory: Directory,
    spent: SpentAssertions,
    presentations: Presentations,
    revocations: Revocations,
    refusals: RefusalRecord,
    nonce_key: bytes,
    clock: Clock,
    today: Callable[[], date],
    sessions: Sessions | None = None,
    exchange: Exchange | None = None,
    certificate_header: str | None = None,
    certificate_url: str | None = None,
) -> AuthServices:
    """Return the services of one process.

    Args:
        issuer: our identifier as an authorization server: the public base URL, without a trailing slash.
        audience: the identifier of the API, which tokens are issued for and accepted with.
        keys: the signing keys, the same for every process.
        directory: who is enrolled.
        spent: the store of spent assertions, shared by all processes.
        presentations: tokens and proofs that are presented, shared by all processes.
        revocations: tokens that are revoked, shared by all processes.
        refusals: where refusals are recorded.
        nonce_key: 32 secret bytes, the same in every process.
        clock: the time, aware and in UTC.
        today: the authority's local day.
        sessions: of staff who sign in; None where they cannot.
        exchange: the sign-in services of organisations; None where they have none.
        certificate_header: the header in which a trusted proxy, and nobody else, can pass on the certificate of the
            caller's TLS connection (RFC 9440); None: no certificate counts.
        certificate_url: the base URL at which clients show certificates; None where it is the issuer itself.
    """
    nonces = Nonces(nonce_key, clock)
    possession = Possession(ProofVerifier(issuer, nonces, clock), nonces, presentations, certificate_header)
    clients = ClientAuthentication(issuer, directory, spent, clock)
    verifier = TokenVerifier(issuer, audience, keys, clock)
    endpoint = TokenEndpoint(
        TokenIssuer(issuer, audience, keys, clock),
        directory,
        clients,
        refusals,
        possession,
        exchange or Exchange({}, clock),
        audience,
    )
    return AuthServices(
        endpoint=endpoint,
        revocation=RevocationEndpoint(clients, refusals, verifier, revocations),
        introspection=IntrospectionEndpoint(
            clients,
            refusals,
            issuer=issuer,
            audience=audience,
            verifier=verifier,
            presentations=presentations,
            today=today,
        ),
        verifier=verifier,
        possession=possession,
        presentations=presentations,
        refusals=refusals,
        published=lambda: keys().public_jwks(int(clock().timestamp())),
        metadata=metadata(
            issuer,
            grant_types=endpoint.grant_types,
            certificates=certificate_header is not None,
            certificate_url=certificate_url,
        ),
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
    for path, endpoint, summary, operation in (
        (TOKEN, issue_token, "Obtain an access token for one professional", described.TOKEN),
        (REVOCATION, revoke_token, "End a token before it expires", described.REVOCATION),
        (INTROSPECTION, introspect_token, "Ask what a token is worth now", described.INTROSPECTION),
    ):
        app.post(path, summary=summary, tags=["identity"], openapi_extra=operation)(limited(endpoint))
    app.get(JWKS, summary="The keys under which access tokens verify", tags=["identity"])(limited(published_keys))
    for path in well_known_paths(services.metadata["issuer"]):
        app.get(path, summary="What the authorization server offers, and where", tags=["identity"])(
            limited(published_metadata)
        )


async def issue_token(request: Request) -> Response:
    """Issue an access token by token exchange (RFC 8693) or the JWT bearer grant (RFC 7523); the client authenticates
    with private_key_jwt, and the token is bound to the key of its DPoP proof (RFC 9449)."""
    services: AuthServices = request.app.state.auth
    shown = services.possession.shown_by(request)
    return await _answer(
        request, services.endpoint, lambda form: services.endpoint.respond(form, request.headers, shown)
    )


async def revoke_token(request: Request) -> Response:
    """Revoke one of the client's own tokens (RFC 7009); what is no token, or none any more, is answered in the same
    way. The client authenticates with private_key_jwt; a DPoP proof is not needed."""
    services: AuthServices = request.app.state.auth
    return await _of_client(request, services.revocation)


async def introspect_token(request: Request) -> Response:
    """Say whether a token is good at this moment, and what it says (RFC 7662), to a system of the authority that is
    enrolled for it. It authenticates with private_key_jwt; a DPoP proof is not needed."""
    services: AuthServices = request.app.state.auth
    return await _of_client(request, services.introspection)


async def _of_client(request: Request, endpoint: ClientEndpoint) -> Response:
    return await _answer(request, endpoint, lambda form: endpoint.respond(form, request.headers))


async def published_keys(request: Request) -> Response:
    """Return the public keys as a JWK set (RFC 7517): those that sign, those that will, and those that did until a
    moment ago."""
    services: AuthServices = request.app.state.auth
    return JSONResponse(services.published(), headers=_KEPT_FOR_A_WHILE)


async def published_metadata(request: Request) -> Response:
    """Return the metadata of the authorization server (RFC 8414)."""
    services: AuthServices = request.app.state.auth
    return JSONResponse(services.metadata, headers=_KEPT_FOR_A_WHILE)


async def _answer(
    request: Request,
    endpoint: TokenEndpoint | ClientEndpoint,
    respond: Callable[[dict[str, list[str]]], Awaitable[Answer]],
) -> Response:
    form = await _form(request)
    status, headers, body = await endpoint.reject(*form) if isinstance(form, tuple) else await respond(form)
    # A refusal, and no step on the way: the challenge to send the proof again with a nonce.
    note_outcome(request, failed=400 <= status < 500 and b'"use_dpop_nonce"' not in body)
    return Response(body, status, headers)


async def _form(request: Request) -> dict[str, list[str]] | tuple[Reason, int]:
    """Return the parameters of the body; where it holds none, why not and the status that says so."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != described.FORM:
        return Reason.REQUEST, 415
    body = await _limited_body(request)
    if body is None:
        return Reason.OVERSIZE, 413
    try:
        return parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError:
        return Reason.REQUEST, 400


async def _limited_body(request: Request) -> bytes | None:
    """Return the body, or None as soon as it is longer than allowed, whatever Content-Length says."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)
