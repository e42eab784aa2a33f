"""The routes of follow-up: the inbox, and the considerations of the safeguarding manager."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from auth.dependencies import CurrentEnquirer
from registry_api.kernel import limits
from registry_api.kernel.body import Unread, described, json_body
from registry_api.kernel.versions import version_of
from registry_api.routing.schemas import Acknowledged, Considerations, ConsiderationShown, DecisionRequest, Inbox
from registry_api.routing.service import Routing

router = APIRouter(prefix="/api/v1", tags=["follow-up"])


def _routing(request: Request) -> Routing:
    service: Routing = request.app.state.routing
    return service


@router.get("/notifications", summary="What waits for you and your role")
@limits.by_organisation
@limits.by_professional
async def read_inbox(
    request: Request,
    enquirer: CurrentEnquirer,
    waiting: Annotated[bool, Query(description="Only what nobody has picked up yet.")] = True,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Inbox:
    """Return your notifications, the newest first. The reading is recorded."""
    return await _routing(request).inbox(enquirer, waiting_only=waiting, cursor=cursor, limit=limit)


@router.post("/notifications/{notification_id}/acknowledge", summary="Pick up a notification")
@limits.by_organisation
@limits.by_professional
async def acknowledge(request: Request, enquirer: CurrentEnquirer, notification_id: UUID) -> Acknowledged:
    """Say that you have picked this up. Doing it twice changes nothing."""
    return await _routing(request).acknowledge(enquirer, notification_id)


@router.get("/considerations", summary="Children who were asked about twice and are not known")
@limits.by_organisation
@limits.by_professional
async def read_considerations(
    request: Request,
    enquirer: CurrentEnquirer,
    open: Annotated[bool, Query(description="Only those that are not decided yet.")] = True,  # noqa: A002
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Considerations:
    """Return the child-in-need considerations that await a decision (ENQ-7)."""
    return await _routing(request).considerations(enquirer, open_only=open, limit=limit)


@router.post(
    "/considerations/{consideration_id}/decision",
    summary="Decide a consideration",
    openapi_extra=described(DecisionRequest),
)
@limits.by_organisation
@limits.by_professional
async def decide(
    request: Request,
    response: Response,
    enquirer: CurrentEnquirer,
    consideration_id: UUID,
    decision: Annotated[Unread[DecisionRequest], Depends(json_body(DecisionRequest))],
    if_match: Annotated[
        str | None, Header(description='The version you read, as an entity tag: ``"1"``.', max_length=20)
    ] = None,
) -> ConsiderationShown:
    """Record the decision and its reason. The version must be the one that you read."""
    version = version_of(if_match)
    shown = await _routing(request).decide(enquirer, consideration_id, decision.read(), version=version)
    response.headers["ETag"] = f'"{shown.version}"'
    return shown
