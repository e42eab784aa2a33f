"""The routes of oversight: the alerts, and what was decided about them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from auth.dependencies import CurrentEnquirer
from registry_api.kernel import limits
from registry_api.kernel.body import Unread, described, json_body
from registry_api.kernel.versions import version_of
from registry_api.oversight.schemas import AlertDecisionRequest, Alerts, AlertShown
from registry_api.oversight.service import Oversight

router = APIRouter(prefix="/api/v1/alerts", tags=["oversight"])


def _oversight(request: Request) -> Oversight:
    service: Oversight = request.app.state.oversight
    return service


@router.get("", summary="Enquiries that look like misuse")
@limits.by_organisation
@limits.by_professional
async def read_alerts(
    request: Request,
    enquirer: CurrentEnquirer,
    open: Annotated[bool, Query(description="Only those that are not decided yet.")] = True,  # noqa: A002
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Alerts:
    """Return the alerts that are yours to decide, the newest first. The reading is recorded."""
    return await _oversight(request).alerts(enquirer, open_only=open, cursor=cursor, limit=limit)


@router.post("/{alert_id}/decision", summary="Decide an alert", openapi_extra=described(AlertDecisionRequest))
@limits.by_organisation
@limits.by_professional
async def decide(
    request: Request,
    response: Response,
    enquirer: CurrentEnquirer,
    alert_id: UUID,
    decision: Annotated[Unread[AlertDecisionRequest], Depends(json_body(AlertDecisionRequest))],
    if_match: Annotated[
        str | None, Header(description='The version you read, as an entity tag: ``"1"``.', max_length=20)
    ] = None,
) -> AlertShown:
    """Record what you took the enquiries for, and why. The version must be the one that you read."""
    version = version_of(if_match)
    shown = await _oversight(request).decide(enquirer, alert_id, decision.read(), version=version)
    response.headers["ETag"] = f'"{shown.version}"'
    return shown
