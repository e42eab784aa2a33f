"""The routes of the directory: the systems of organisations, and their keys."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response

from auth.dependencies import CurrentEnquirer
from registry_api.directory.enrolled import Enrolled
from registry_api.directory.given import CODE
from registry_api.directory.routes import PREFIX, THERE_ALREADY, added, tagged
from registry_api.directory.schemas import (
    Clients,
    ClientShown,
    KeyRequest,
    NewClientRequest,
    RetiredKeyRequest,
    ScopesRequest,
    SuspensionRequest,
)
from registry_api.kernel import limits
from registry_api.kernel.body import Unread, described, json_body
from registry_api.kernel.versions import IfMatch, tag_of

router = APIRouter(prefix=PREFIX, tags=["directory"])
ClientId = Annotated[str, Path(pattern=CODE)]
"""Of a system, and never of a person."""


def _enrolled(request: Request) -> Enrolled:
    return Enrolled(request.app.state.directory)


@router.get("/organisations/{organisation_id}/clients", summary="The systems of an organisation")
@limits.by_organisation
@limits.by_professional
async def read_clients(request: Request, enquirer: CurrentEnquirer, organisation_id: UUID) -> Clients:
    """Return the systems of an organisation with the public halves of their keys."""
    return await _enrolled(request).clients(enquirer, organisation_id)


@router.post(
    "/organisations/{organisation_id}/clients",
    summary="Enrol a system",
    openapi_extra=described(NewClientRequest),
    status_code=201,
    responses=THERE_ALREADY,
)
@limits.by_organisation
@limits.by_professional
async def add_client(
    request: Request,
    response: Response,
    enquirer: CurrentEnquirer,
    organisation_id: UUID,
    body: Annotated[Unread[NewClientRequest], Depends(json_body(NewClientRequest))],
) -> ClientShown:
    """Add a system with its public keys, and what its tokens may be for."""
    return added(response, *await _enrolled(request).add_client(enquirer, organisation_id, body.read()))


@router.get("/organisations/{organisation_id}/clients/{client_id}", summary="A system")
@limits.by_organisation
@limits.by_professional
async def read_client(
    request: Request, response: Response, enquirer: CurrentEnquirer, organisation_id: UUID, client_id: ClientId
) -> ClientShown:
    """Return a system as it is now."""
    return tagged(response, await _enrolled(request).client(enquirer, organisation_id, client_id))


@router.put(
    "/organisations/{organisation_id}/clients/{client_id}/scopes",
    summary="Change what a system is for",
    openapi_extra=described(ScopesRequest),
)
@limits.by_organisation
@limits.by_professional
async def change_scopes(
    request: Request,
    response: Response,
    enquirer: CurrentEnquirer,
    organisation_id: UUID,
    client_id: ClientId,
    body: Annotated[Unread[ScopesRequest], Depends(json_body(ScopesRequest))],
    if_match: IfMatch = None,
) -> ClientShown:
    """Have the tokens of a system be for these scopes at most; not of the system you come by."""
    read = tag_of(if_match)
    return tagged(
        response, await _enrolled(request).change_scopes(enquirer, organisation_id, client_id, body.read(), read=read)
    )


@router.post(
    "/organisations/{organisation_id}/clients/{client_id}/keys",
    summary="Add a key to a system",
    openapi_extra=described(KeyRequest),
)
@limits.by_organisation
@limits.by_professional
async def add_key(
    request: Request,
    response: Response,
    enquirer: CurrentEnquirer,
    organisation_id: UUID,
    client_id: ClientId,
    body: Annotated[Unread[KeyRequest], Depends(json_body(KeyRequest))],
    if_match: IfMatch = None,
) -> ClientShown:
    """Have a system be believed by this key too. Then let it sign with the new one, and retire the old one."""
    read = tag_of(if_match)
    return tagged(
        response, await _enrolled(request).add_key(enquirer, organisation_id, client_id, body.read(), read=read)
    )


@router.post(
    "/organisations/{organisation_id}/clients/{client_id}/retired-keys",
    summary="Retire a key of a system",
    openapi_extra=described(RetiredKeyRequest),
)
@limits.by_organisation
@limits.by_professional
async def retire_key(
    request: Request,
    response: Response,
    enquirer: CurrentEnquirer,
    organisation_id: UUID,
    client_id: ClientId,
    body: Annotated[Unread[RetiredKeyRequest], Depends(json_body(RetiredKeyRequest))],
    if_match: IfMatch = None,
) -> ClientShown:
    """Have a system be believed by this key no longer. The last key of a system stays."""
    read = tag_of(if_match)
    return tagged(
        response, await _enrolled(request).retire_key(enquirer, organisation_id, client_id, body.read(), read=read)
    )


@router.put(
    "/organisations/{organisation_id}/clients/{client_id}/suspension",
    summary="Suspend a system or readmit it",
    openapi_extra=described(SuspensionRequest),
)
@limits.by_organisation
@limits.by_professional
async def suspend_client(
    request: Request,
    response: Response,
    enquirer: CurrentEnquirer,
    organisation_id: UUID,
    client_id: ClientId,
    body: Annotated[Unread[SuspensionRequest], Depends(json_body(SuspensionRequest))],
    if_match: IfMatch = None,
) -> ClientShown:
    """Keep a system out from its next request on, or readmit it; not the system you come by."""
    read = tag_of(if_match)
    return tagged(
        response, await _enrolled(request).suspend_client(enquirer, organisation_id, client_id, body.read(), read=read)
    )
