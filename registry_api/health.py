"""Whether a worker is alive and can answer, for whoever sends it requests; and what it answers, as a document."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from registry_api.kernel import limits
from registry_api.kernel.limits import Limits
from registry_api.kernel.readiness import Readiness

PATHS = ("/livez", "/readyz")
"""Answered however much is going on."""
router = APIRouter(tags=["health"])


@router.get("/livez", summary="Is this process alive?")
@limits.by_worker
async def livez(request: Request) -> JSONResponse:
    """Answer as long as the process handles requests at all."""
    return JSONResponse({"status": "ok"})


@router.get(
    "/readyz",
    summary="Can this process answer enquiries?",
    responses={503: {"description": "Not now.", "content": {"application/json": {}}}},
)
@limits.by_worker
async def readyz(request: Request) -> Response:
    """Answer 200 when the database is reached, stands at this release's schema and was filled under the keys here, when
    the access log is signed and requests can be counted."""
    readiness: Readiness = request.app.state.readiness
    counting: Limits = request.app.state.limits
    ready = counting.storage.check() and await readiness()
    return JSONResponse({"status": "ready" if ready else "not ready"}, 200 if ready else 503)


@router.get("/openapi.json", include_in_schema=False)
@limits.by_address
async def description_of_the_api(request: Request) -> JSONResponse:
    """Return the description of the API (OpenAPI)."""
    return JSONResponse(request.app.openapi())
