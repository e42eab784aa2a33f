"""From a request to an Enquirer: who is asking, verified, and with the standing they have at this very moment.

The token says who; the directory says what they may be. Both are asked at every request, so that a suspension holds
from the next one on. A refusal whose author is known is recorded before the caller learns of it (ENQ-3).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Request

from auth.errors import InsufficientScope, InvalidToken, NotAuthenticated, Reason, RefusalNotRecorded
from auth.protocols import Directory, RefusalRecord
from auth.server import TokenEndpoint
from auth.tokens import SCOPES, TokenVerifier
from policies.enquirer import Enquirer

_SCHEME: Final = "bearer"


@dataclass(frozen=True, slots=True)
class AuthServices:
    """What the routes and dependencies of this package work with; kept as ``app.state.auth``.

    ``public_jwks`` is the JWK set under which issued tokens verify.
    """

    endpoint: TokenEndpoint
    verifier: TokenVerifier
    directory: Directory
    refusals: RefusalRecord
    public_jwks: dict[str, Any]


async def current_enquirer(request: Request) -> Enquirer:
    """Return who is asking, by the bearer token of the Authorization header and by no other way (RFC 6750 section 2.1).

    Also kept as ``request.state.enquirer``. Suspended clients and professionals are returned as such: whether they
    may do what they ask is for ``policies`` to decide, and for the caller to record.

    Raises:
        NotAuthenticated: no acceptable token, or its client and professional no longer belong together.
        RefusalNotRecorded: it should be NotAuthenticated, but that could not be written down.
    """
    services: AuthServices = request.app.state.auth
    try:
        token = services.verifier.verify(_bearer_token(request))
    except InvalidToken as refused:
        if refused.client_id is not None:
            await _record(services, refused.reason, refused.client_id, refused.professional_id)
        raise NotAuthenticated(refused.reason) from None
    enquirer = await services.directory.enquirer(token.client_id, token.professional_id)
    if enquirer is None:
        await _record(services, Reason.INDIVIDUAL_UNKNOWN, token.client_id, token.professional_id)
        raise NotAuthenticated(Reason.INDIVIDUAL_UNKNOWN)
    if enquirer.organisation_id != token.organisation_id:
        await _record(services, Reason.STANDING_CHANGED, token.client_id, token.professional_id)
        raise NotAuthenticated(Reason.STANDING_CHANGED)
    enquirer = replace(enquirer, scope=token.scope)
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


def _bearer_token(request: Request) -> str:
    headers = request.headers.getlist("authorization")
    if len(headers) != 1:
        raise InvalidToken(Reason.MISSING if not headers else Reason.REQUEST)
    scheme, _, token = headers[0].partition(" ")
    if scheme.lower() != _SCHEME:
        raise InvalidToken(Reason.MISSING)
    return token


async def _record(services: AuthServices, reason: Reason, client_id: str, professional_id: UUID | None) -> None:
    try:
        await services.refusals.refused(
            kind="access.refused", reason=reason.value, client_id=client_id, professional_id=professional_id
        )
    except Exception as error:
        raise RefusalNotRecorded(type(error).__name__) from error
