"""The routes of who looked. What is searched for stands in bodies and never in a URL."""

import asyncio
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from auth.dependencies import CurrentEnquirer
from registry_api.audit import as_csv
from registry_api.audit.children import AboutChildren
from registry_api.audit.schemas import (
    Accesses,
    AccessesRequest,
    DisclosureReport,
    DisclosureReportRequest,
    LogFound,
    LogSearchRequest,
)
from registry_api.audit.service import Audit
from registry_api.kernel import limits
from registry_api.kernel.body import Unread, described, json_body

router = APIRouter(prefix="/api/v1/access-log", tags=["access log"])
_NOT_YOURS: Final[dict[int | str, dict[str, Any]]] = {
    404: {"description": "There is no such child, or it is not yours. The refusal is recorded, with the child's id."}
}


def _audit(request: Request) -> Audit:
    service: Audit = request.app.state.audit
    return service


def _children(request: Request) -> AboutChildren:
    service: AboutChildren = request.app.state.about_children
    return service


@router.post("/search", summary="Who looked, or was refused", openapi_extra=described(LogSearchRequest))
@limits.by_organisation
@limits.by_professional
async def search(
    request: Request,
    enquirer: CurrentEnquirer,
    wanted: Annotated[Unread[LogSearchRequest], Depends(json_body(LogSearchRequest))],
) -> LogFound:
    """Return the newest entries about a child, of an organisation or of a professional. The search is recorded first.

    Your own entries are not shown: a search for yourself is refused, and elsewhere they are marked as withheld.
    """
    return await _audit(request).search(enquirer, wanted.read())


@router.get("/searches/{search_id}", summary="A further page of a search")
@limits.by_organisation
@limits.by_professional
async def read_page(
    request: Request,
    enquirer: CurrentEnquirer,
    search_id: UUID,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> LogFound:
    """Return a page of a search that you made, over the log as it was then. The reading is recorded."""
    return await _audit(request).page(enquirer, search_id, cursor)


@router.get(
    "/searches/{search_id}/audit-events",
    summary="A search as FHIR R4 AuditEvents",
    response_class=Response,
    responses={200: {"content": {"application/fhir+ndjson": {"schema": {"type": "string"}}}}},
)
@limits.by_organisation
@limits.by_professional
async def read_audit_events(request: Request, enquirer: CurrentEnquirer, search_id: UUID) -> Response:
    """Return what a search of yours finds, at most 10,000 entries, an AuditEvent a line. The export is recorded."""
    lines = await _audit(request).audit_events(enquirer, search_id)
    return Response(lines, media_type="application/fhir+ndjson")


@router.post(
    "/accesses",
    summary="Who last looked at a child",
    openapi_extra=described(AccessesRequest),
    responses=_NOT_YOURS,
)
@limits.by_organisation
@limits.by_professional
async def read_accesses(
    request: Request,
    enquirer: CurrentEnquirer,
    wanted: Annotated[Unread[AccessesRequest], Depends(json_body(AccessesRequest))],
) -> Accesses:
    """Return the last 25 accesses of a child whom you work with. The reading is recorded, and is one of them.

    Your own are not shown: each is marked as withheld in its place, and is a colleague's to look at.
    """
    return await _children(request).accesses(enquirer, wanted.read())


@router.post(
    "/disclosure-report",
    summary="What was told about a child",
    openapi_extra=described(DisclosureReportRequest),
    response_model=DisclosureReport,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **_NOT_YOURS},
)
@limits.by_organisation
@limits.by_professional
async def report(
    request: Request,
    enquirer: CurrentEnquirer,
    wanted: Annotated[Unread[DisclosureReportRequest], Depends(json_body(DisclosureReportRequest))],
) -> Response:
    """Return the whole report for a subject-access request, as JSON or CSV, however long it is.

    It is recorded, with what was left out of it.
    """
    asked = wanted.read()
    made = await _children(request).report(enquirer, asked)
    # Elsewhere, and not through the framework, which checks it once more: whoever else asks this worker must not wait.
    if asked.format == "csv":
        return Response(await asyncio.to_thread(as_csv.written, made), media_type="text/csv")
    return Response(await asyncio.to_thread(made.model_dump_json), media_type="application/json")
