"""The routes of the directory: the professionals of organisations, and the absences of own staff."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from auth.dependencies import CurrentEnquirer
from registry_api.directory.enrolled import Enrolled
from registry_api.directory.routes import PREFIX, THERE_ALREADY, Cursor, Limit, added, tagged
from registry_api.directory.schemas import (
    AbsenceRequest,
    Absences,
    AbsenceShown,
    NewAbsenceRequest,
    NewProfessionalRequest,
    ProfessionalRequest,
    Professionals,
    ProfessionalShown,
    SearchRequest,
    SuspensionRequest,
)
from registry_api.kernel import limits
from registry_api.kernel.body import Unread, described, json_body
from registry_api.kernel.versions import IfMatch, tag_of

router = APIRouter(prefix=PREFIX, tags=["directory"])


def _enrolled(request: Request) -> Enrolled:
    return Enrolled(request.app.state.directory)


@router.get("/organisations/{organisation_id}/professionals", summary="The professionals of an organisation")
@limits.by_organisation
@limits.by_professional
async def read_professionals(
    request: Request, enquirer: CurrentEnquirer, organisation_id: UUID, cursor: Cursor = None, limit: Limit = 50
) -> Professionals:
    """Return one page of an organisation's professionals, in the order of its own identifiers."""
    return await _enrolled(request).professionals(enquirer, organisation_id, cursor=cursor, limit=limit)


@router.post(
    "/organisations/{organisation_id}/professionals",
    summary="Enrol a professional",
    openapi_extra=described(NewProfessionalRequest),
    status_code=201,
    responses=THERE_ALREADY,
)
@limits.by_organisation
@limits.by_professional
async def add_professional(
    request: Request,
    response: Response,
    enquirer: CurrentEnquirer,
    organisation_id: UUID,
    body: Annotated[Unread[NewProfessionalRequest], Depends(json_body(NewProfessionalRequest))],
) -> ProfessionalShown:
    """Add an individual, who is known from now on by their organisation's identifier of them (ENQ-2)."""
    return added(response, *await _enrolled(request).add_professional(enquirer, organisation_id, body.read()))


@router.post(
    "/organisations/{organisation_id}/professionals/search",
    summary="Look for a professional",
    openapi_extra=described(SearchRequest),
)
@limits.by_organisation
@limits.by_professional
async def search_professionals(
    request: Request,
    enquirer: CurrentEnquirer,
    organisation_id: UUID,
    body: Annotated[Unread[SearchRequest], Depends(json_body(SearchRequest))],
) -> Professionals:
    """Return who has this identifier, or a name with words that begin so; fifty at the most."""
    return await _enrolled(request).search(enquirer, organisation_id, body.read())


@router.get("/organisations/{organisation_id}/professionals/{professional_id}", summary="A professional")
@limits.by_organisation
@limits.by_professional
async def read_professional(
    request: Request, response: Response, enquirer: CurrentEnquirer, organisation_id: UUID, professional_id: UUID
) -> ProfessionalShown:
    """Return a professional as they are now."""
    return tagged(response, await _enrolled(request).professional(enquirer, organisation_id, professional_id))


@router.put(
    "/organisations/{organisation_id}/professionals/{professional_id}",
    summary="Change a professional",
    openapi_extra=described(ProfessionalRequest),
)
@limits.by_organisation
@limits.by_professional
async def change_professional(
    request: Request,
    response: Response,
    enquirer: CurrentEnquirer,
    organisation_id: UUID,
    professional_id: UUID,
    body: Annotated[Unread[ProfessionalRequest], Depends(json_body(ProfessionalRequest))],
    if_match: IfMatch = None,
) -> ProfessionalShown:
    """Have somebody be known with this role, name and number. Nobody changes their own entry."""
    read = tag_of(if_match)
    return tagged(
        response,
        await _enrolled(request).change_professional(
            enquirer, organisation_id, professional_id, body.read(), read=read
        ),
    )


@router.put(
    "/organisations/{organisation_id}/professionals/{professional_id}/suspension",
    summary="Suspend a professional or readmit them",
    openapi_extra=described(SuspensionRequest),
)
@limits.by_organisation
@limits.by_professional
async def suspend_professional(
    request: Request,
    response: Response,
    enquirer: CurrentEnquirer,
    organisation_id: UUID,
    professional_id: UUID,
    body: Annotated[Unread[SuspensionRequest], Depends(json_body(SuspensionRequest))],
    if_match: IfMatch = None,
) -> ProfessionalShown:
    """Keep somebody out from their next request on, or readmit them; never oneself."""
    read = tag_of(if_match)
    return tagged(
        response,
        await _enrolled(request).suspend_professional(
            enquirer, organisation_id, professional_id, body.read(), read=read
        ),
    )


@router.get("/absences", summary="Who of the authority is away")
@limits.by_organisation
@limits.by_professional
async def read_absences(
    request: Request, enquirer: CurrentEnquirer, cursor: Cursor = None, limit: Limit = 50
) -> Absences:
    """Return one page of the absences that have not ended, the latest to begin first (ENQ-11)."""
    return await _enrolled(request).absences(enquirer, cursor=cursor, limit=limit)


@router.post(
    "/organisations/{organisation_id}/professionals/{professional_id}/absences",
    summary="Record an absence",
    openapi_extra=described(NewAbsenceRequest),
    status_code=201,
    responses=THERE_ALREADY,
)
@limits.by_organisation
@limits.by_professional
async def add_absence(
    request: Request,
    response: Response,
    enquirer: CurrentEnquirer,
    organisation_id: UUID,
    professional_id: UUID,
    body: Annotated[Unread[NewAbsenceRequest], Depends(json_body(NewAbsenceRequest))],
) -> AbsenceShown:
    """Have one of the authority's own be away; what comes for them goes to whoever stands in (ENQ-11)."""
    return added(
        response, *await _enrolled(request).add_absence(enquirer, organisation_id, professional_id, body.read())
    )


@router.get("/absences/{absence_id}", summary="An absence")
@limits.by_organisation
@limits.by_professional
async def read_absence(
    request: Request, response: Response, enquirer: CurrentEnquirer, absence_id: UUID
) -> AbsenceShown:
    """Return an absence as it is now."""
    return tagged(response, await _enrolled(request).absence(enquirer, absence_id))


@router.put("/absences/{absence_id}", summary="Change or end an absence", openapi_extra=described(AbsenceRequest))
@limits.by_organisation
@limits.by_professional
async def change_absence(
    request: Request,
    response: Response,
    enquirer: CurrentEnquirer,
    absence_id: UUID,
    body: Annotated[Unread[AbsenceRequest], Depends(json_body(AbsenceRequest))],
    if_match: IfMatch = None,
) -> AbsenceShown:
    """Have an absence be covered and end like this."""
    read = tag_of(if_match)
    return tagged(response, await _enrolled(request).change_absence(enquirer, absence_id, body.read(), read=read))
