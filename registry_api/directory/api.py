"""The routes of the directory: organisations, their agreements, and the history of every change."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from auth.dependencies import CurrentEnquirer
from registry_api.directory.partners import Partners
from registry_api.directory.recording import What
from registry_api.directory.routes import PREFIX, THERE_ALREADY, Cursor, Limit, added, tagged
from registry_api.directory.schemas import (
    AgreementRequest,
    Agreements,
    AgreementShown,
    History,
    NewAgreementRequest,
    NewOrganisationRequest,
    OrganisationRequest,
    Organisations,
    OrganisationShown,
    SuspensionRequest,
)
from registry_api.kernel import limits
from registry_api.kernel.body import Unread, described, json_body
from registry_api.kernel.versions import IfMatch, tag_of

router = APIRouter(prefix=PREFIX, tags=["directory"])


def _partners(request: Request) -> Partners:
    return Partners(request.app.state.directory)


@router.get("/organisations", summary="Who takes part")
@limits.by_organisation
@limits.by_professional
async def read_organisations(
    request: Request, enquirer: CurrentEnquirer, cursor: Cursor = None, limit: Limit = 50
) -> Organisations:
    """Return one page of the organisations by code. The reading is recorded, as at every route here."""
    return await _partners(request).organisations(enquirer, cursor=cursor, limit=limit)


@router.post(
    "/organisations",
    summary="Have an organisation take part",
    openapi_extra=described(NewOrganisationRequest),
    status_code=201,
    responses=THERE_ALREADY,
)
@limits.by_organisation
@limits.by_professional
async def add_organisation(
    request: Request,
    response: Response,
    enquirer: CurrentEnquirer,
    body: Annotated[Unread[NewOrganisationRequest], Depends(json_body(NewOrganisationRequest))],
) -> OrganisationShown:
    """Add an organisation. It can do nothing before it has an agreement, a system and professionals."""
    return added(response, *await _partners(request).add_organisation(enquirer, body.read()))


@router.get("/organisations/{organisation_id}", summary="An organisation")
@limits.by_organisation
@limits.by_professional
async def read_organisation(
    request: Request, response: Response, enquirer: CurrentEnquirer, organisation_id: UUID
) -> OrganisationShown:
    """Return an organisation as it is now."""
    return tagged(response, await _partners(request).organisation(enquirer, organisation_id))


@router.put(
    "/organisations/{organisation_id}", summary="Change an organisation", openapi_extra=described(OrganisationRequest)
)
@limits.by_organisation
@limits.by_professional
async def change_organisation(
    request: Request,
    response: Response,
    enquirer: CurrentEnquirer,
    organisation_id: UUID,
    body: Annotated[Unread[OrganisationRequest], Depends(json_body(OrganisationRequest))],
    if_match: IfMatch = None,
) -> OrganisationShown:
    """Have an organisation be called, be and be reached like this."""
    read = tag_of(if_match)
    return tagged(
        response, await _partners(request).change_organisation(enquirer, organisation_id, body.read(), read=read)
    )


@router.put(
    "/organisations/{organisation_id}/suspension",
    summary="Suspend an organisation or readmit it",
    openapi_extra=described(SuspensionRequest),
)
@limits.by_organisation
@limits.by_professional
async def suspend_organisation(
    request: Request,
    response: Response,
    enquirer: CurrentEnquirer,
    organisation_id: UUID,
    body: Annotated[Unread[SuspensionRequest], Depends(json_body(SuspensionRequest))],
    if_match: IfMatch = None,
) -> OrganisationShown:
    """Keep all of an organisation out from the next request on, or readmit it. Never the authority itself."""
    read = tag_of(if_match)
    return tagged(
        response, await _partners(request).suspend_organisation(enquirer, organisation_id, body.read(), read=read)
    )


@router.get("/organisations/{organisation_id}/agreements", summary="What an organisation may use the service for")
@limits.by_organisation
@limits.by_professional
async def read_agreements(request: Request, enquirer: CurrentEnquirer, organisation_id: UUID) -> Agreements:
    """Return the agreements with an organisation, the latest first."""
    return await _partners(request).agreements(enquirer, organisation_id)


@router.post(
    "/organisations/{organisation_id}/agreements",
    summary="Make an agreement",
    openapi_extra=described(NewAgreementRequest),
    status_code=201,
    responses=THERE_ALREADY,
)
@limits.by_organisation
@limits.by_professional
async def add_agreement(
    request: Request,
    response: Response,
    enquirer: CurrentEnquirer,
    organisation_id: UUID,
    body: Annotated[Unread[NewAgreementRequest], Depends(json_body(NewAgreementRequest))],
) -> AgreementShown:
    """Add an agreement: for which purposes, between which days, and how much is told (ENQ-3)."""
    return added(response, *await _partners(request).add_agreement(enquirer, organisation_id, body.read()))


@router.get("/organisations/{organisation_id}/agreements/{agreement_id}", summary="An agreement")
@limits.by_organisation
@limits.by_professional
async def read_agreement(
    request: Request, response: Response, enquirer: CurrentEnquirer, organisation_id: UUID, agreement_id: UUID
) -> AgreementShown:
    """Return an agreement as it is now, with the day by which it has to be reviewed."""
    return tagged(response, await _partners(request).agreement(enquirer, organisation_id, agreement_id))


@router.put(
    "/organisations/{organisation_id}/agreements/{agreement_id}",
    summary="Prolong, review or end an agreement",
    openapi_extra=described(AgreementRequest),
)
@limits.by_organisation
@limits.by_professional
async def change_agreement(
    request: Request,
    response: Response,
    enquirer: CurrentEnquirer,
    organisation_id: UUID,
    agreement_id: UUID,
    body: Annotated[Unread[AgreementRequest], Depends(json_body(AgreementRequest))],
    if_match: IfMatch = None,
) -> AgreementShown:
    """Have an agreement end, have been reviewed and disclose like this."""
    read = tag_of(if_match)
    return tagged(
        response,
        await _partners(request).change_agreement(enquirer, organisation_id, agreement_id, body.read(), read=read),
    )


@router.put(
    "/organisations/{organisation_id}/agreements/{agreement_id}/suspension",
    summary="Suspend an agreement or restore it",
    openapi_extra=described(SuspensionRequest),
)
@limits.by_organisation
@limits.by_professional
async def suspend_agreement(
    request: Request,
    response: Response,
    enquirer: CurrentEnquirer,
    organisation_id: UUID,
    agreement_id: UUID,
    body: Annotated[Unread[SuspensionRequest], Depends(json_body(SuspensionRequest))],
    if_match: IfMatch = None,
) -> AgreementShown:
    """Have nothing be done under an agreement from the next request on, or have it stand again."""
    read = tag_of(if_match)
    return tagged(
        response,
        await _partners(request).suspend_agreement(enquirer, organisation_id, agreement_id, body.read(), read=read),
    )


@router.get("/reviews", summary="Agreements that fall due for review")
@limits.by_organisation
@limits.by_professional
async def read_reviews(
    request: Request,
    enquirer: CurrentEnquirer,
    days: Annotated[int, Query(ge=0, le=1000, description="Within how many days.")] = 60,
) -> Agreements:
    """Return the agreements in force that have to be reviewed within so many days, the overdue included."""
    return await _partners(request).due_for_review(enquirer, days=days)


@router.get("/changes", summary="Who changed what, and why")
@limits.by_organisation
@limits.by_professional
async def read_changes(
    request: Request,
    enquirer: CurrentEnquirer,
    organisation_id: UUID | None = None,
    what: What | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> History:
    """Return one page of the directory's history, the newest first: of all, or of one organisation or kind of entry."""
    return await _partners(request).history(
        enquirer, organisation_id=organisation_id, what=what, cursor=cursor, limit=limit
    )
