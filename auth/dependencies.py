"""From a request to an Enquirer: who is asking, verified, and with the standing they have at this very moment.

The token says who, a proof shows that it is in the hands that it was issued to, and the directory says what they may
be. All are asked at every request, so that a suspension holds from the next one on. A refusal whose author is known is
recorded before the caller learns of it (ENQ-3).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Request

from auth.errors import InsufficientScope, InvalidToken, NotAuthenticated, Reason, RefusalNotRecorded
from auth.introspection import IntrospectionEndpoint
from auth.possession import Possession
from auth.protocols import Presentations, RefusalRecord
from auth.revocation import RevocationEndpoint
from auth.server import TokenEndpoint
from auth.staff.sessions import COOKIE, Session, Sessions, cookies
from auth.tokens import SCOPES, TokenVerifier
from auth.withdrawal import withdrawn
from policies.enquirer import Enquirer

_SCHEMES: Final = frozenset({"dpop", "bearer"})
"""Bearer is what a token is called that is bound to a certificate (RFC 8705 section 3); never one bound to nothing."""


@dataclass(frozen=True, slots=True)
class AuthServices:
    """What the routes and dependencies of this package work with; kept as ``app.state.auth``.

    ``published`` returns the JWK set under which issued tokens verify now; ``metadata`` is what the authorization
    server says of itself.
    """

    endpoint: TokenEndpoint
    revocation: RevocationEndpoint
    introspection: IntrospectionEndpoint
    verifier: TokenVerifier
    possession: Possession
    presentations: Presentations
    refusals: RefusalRecord
    published: Callable[[], dict[str, Any]]
    metadata: Mapping[str, Any]
    sessions: Sessions | None = None


async def current_session(request: Request) -> Session:
    """Return the session of a member of staff that the request comes with; its owner is ``request.state.enquirer``.

    Raises:
        NotAuthenticated: no session that is open, or a token as well: then it is not clear who asks.
        CrossSite: the request changes something and does not come from a page of ours.
        RefusalNotRecorded: it should be NotAuthenticated, but that could not be written down.
    """
    services: AuthServices = request.app.state.auth
    try:
        if services.sessions is None or not cookies(request, COOKIE):
            raise InvalidToken(Reason.MISSING)
        if "authorization" in request.headers:
            raise InvalidToken(Reason.REQUEST)
        session = await services.sessions.verify(request)
    except InvalidToken as refused:
        if refused.client_id is not None:
            await _record(services, refused.reason, refused.client_id, refused.professional_id)
        raise NotAuthenticated(refused.reason) from None
    request.state.enquirer = session.enquirer
    await services.sessions.check_origin(request, session)
    return session


async def current_enquirer(request: Request) -> Enquirer:
    """Return who is asking, by the token of the Authorization header (RFC 9449 section 7.1) or by a session.

    A token must come with proof of the key that it is bound to. Also kept as ``request.state.enquirer``. Suspended
    clients and professionals are returned as such: whether they may do what they ask is for ``policies`` to decide, and
    for the caller to record.

    Raises:
        NotAuthenticated: no acceptable token or proof, or its client and professional no longer belong together; or as
            ``current_session``.
        CrossSite: as ``current_session``.
        RefusalNotRecorded: it should be NotAuthenticated, but that could not be written down.
    """
    services: AuthServices = request.app.state.auth
    if services.sessions is not None and cookies(request, COOKIE):
        return (await current_session(request)).enquirer
    try:
        scheme, presented = _authorization(request)
        token = services.verifier.verify(presented)
    except InvalidToken as refused:
        if refused.client_id is not None:
            await _record(services, refused.reason, refused.client_id, refused.professional_id)
        raise NotAuthenticated(refused.reason) from None
    try:
        proof = services.possession.check(services.possession.shown_by(request), presented, scheme, token.binding)
        known = await services.presentations.present(token.client_id, token.professional_id, token.jti, proof)
        await services.possession.settle(known.proof)
    except InvalidToken as refused:
        if refused.reason is Reason.NONCE:  # a step on the way and no refusal
            raise NotAuthenticated(refused.reason, "use_dpop_nonce") from None
        await _record(services, refused.reason, token.client_id, token.professional_id)
        wrong = "invalid_dpop_proof" if token.binding.method == "jkt" else "invalid_token"
        raise NotAuthenticated(refused.reason, wrong) from None
    if (reason := withdrawn(token, known)) is not None:
        await _record(services, reason, token.client_id, token.professional_id)
        raise NotAuthenticated(reason)
    assert known.enquirer is not None
    # A scope that was taken from the client is of no use to a token that was issued with it.
    enquirer = replace(known.enquirer, scope=token.scope & known.enquirer.scope, assurance=token.assurance)
    request.state.enquirer = enquirer
    return enquirer


CurrentEnquirer = Annotated[Enquirer, Depends(current_enquirer)]


def require_scope(scope: str) -> Callable[[Request, Enquirer], Awaitable[Enquirer]]:
    """Return a dependency that gives the enquirer if their token was issued for ``scope``.

    Its errors are those of ``current_enquirer`` and InsufficientScope, which is recorded too.
    """
    if scope not in SCOPES:
        raise ValueError(f"unknown scope: {scope}")

    async def enquirer_with_scope(request: Request, enquirer: CurrentEnquirer) -> Enquirer:
        if scope not in enquirer.scope:
            await _record(request.app.state.auth, Reason.SCOPE, enquirer.client_id, enquirer.professional_id)
            raise InsufficientScope(scope)
        return enquirer

    return enquirer_with_scope


def _authorization(request: Request) -> tuple[str, str]:
    headers = request.headers.getlist("authorization")
    if len(headers) != 1:
        raise InvalidToken(Reason.MISSING if not headers else Reason.REQUEST)
    scheme, _, token = headers[0].partition(" ")
    if scheme.lower() not in _SCHEMES:
        raise InvalidToken(Reason.MISSING)
    return scheme.lower(), token


async def _record(services: AuthServices, reason: Reason, client_id: str, professional_id: UUID | None) -> None:
    try:
        await services.refusals.refused(
            kind="access.refused", reason=reason.value, client_id=client_id, professional_id=professional_id
        )
    except Exception as error:
        raise RefusalNotRecorded(type(error).__name__) from error
