"""The log for everybody to read (C2SP tlog-tiles): its checkpoint, tiles and entries. They tell nothing of anybody."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response

from registry_api.access_log import reading
from registry_api.kernel import limits
from registry_api.kernel.db import Database

router = APIRouter(prefix="/log", tags=["access log"])

_KEPT: Final = "public, max-age=3600"
"""Tiles never change, but for a log that is begun anew: then they are others, at the same place."""


@router.get(
    "/checkpoint",
    summary="The signed head of the access log",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, 404: {"description": "Nothing is signed yet."}},
)
@limits.by_address
async def read_checkpoint(request: Request) -> Response:
    """Return the last checkpoint (tlog-checkpoint), with what witnesses signed of it by now. Keep it: what it covers
    cannot be changed any more unseen."""
    database: Database = request.app.state.database
    async with database.connection() as connection:
        note = await reading.last_checkpoint(connection)
    return Response(note, media_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-cache"})


@router.get(
    "/checkpoint.witnessed",
    summary="The last head of the access log that witnesses signed too",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, 404: {"description": "No witness has signed yet."}},
)
@limits.by_address
async def read_witnessed_checkpoint(request: Request) -> Response:
    """Return the last checkpoint with cosignatures (tlog-cosignature). The log may have grown since."""
    database: Database = request.app.state.database
    async with database.connection() as connection:
        note = await reading.witnessed_checkpoint(connection)
    return Response(note, media_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-cache"})


@router.get(
    "/tile/{tile:path}",
    summary="A tile or a bundle of entries of the access log",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {}}},
        404: {"description": "The signed log has no such tile."},
    },
)
@limits.by_address
async def read_tile(
    request: Request,
    tile: Annotated[str, Path(max_length=40, description="Level or `entries`, number, and width where it is partial.")],
) -> Response:
    """Return hashes of the tree, or entries: commitments without what was committed to (tlog-tiles)."""
    database: Database = request.app.state.database
    async with database.connection() as connection:
        content = await reading.tile(connection, tile)
    return Response(content, media_type="application/octet-stream", headers={"Cache-Control": _KEPT})
