"""The log for everybody to read (C2SP tlog-tiles): its checkpoint, tiles, entries, and proofs made of them.

They tell nothing of anybody.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response

from registry_api.access_log import reading
from registry_api.access_log.proof import base64_line
from registry_api.kernel import limits
from registry_api.kernel.db import Database

router = APIRouter(prefix="/log", tags=["access log"])

_KEPT: Final = "public, max-age=3600"
"""Tiles never change, but for a log that is begun anew: then they are others, at the same place."""
_LARGEST: Final = 2**53 - 1
"""What every reader of JSON takes for the same number."""
_Index = Annotated[int, Path(ge=0, le=_LARGEST, description="Where the entry stands in the log; the first is 0.")]
_Size = Annotated[int, Path(ge=0, le=_LARGEST, description="How many entries the log had, as a checkpoint says.")]


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


@router.get(
    "/proof/{index}",
    summary="The proof that an entry is in the access log",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, 404: {"description": "The signed log has no such entry."}},
)
@limits.by_address
async def read_proof(request: Request, index: _Index) -> Response:
    """Return the proof of one entry under the last checkpoint (tlog-proof), the entry in it, as a receipt has it.

    Brings a receipt of long ago under a head of today. Whoever asks shows us which entry they care about: who would
    rather not takes tiles, of which the same proof can be computed.
    """
    database: Database = request.app.state.database
    async with database.connection() as connection:
        proof = bytes(await reading.proof(connection, index))
    return Response(proof, media_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-cache"})


@router.get(
    "/consistency/{old}/{new}",
    summary="The proof that the access log has only grown",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, 404: {"description": "The signed log had no such sizes."}},
)
@limits.by_address
async def read_growth(request: Request, old: _Size, new: _Size) -> Response:
    """Return the consistency proof between two sizes of the log (RFC 6962, 2.1.2), a hash in base64 on each line."""
    database: Database = request.app.state.database
    async with database.connection() as connection:
        hashes = await reading.growth(connection, old, new)
    content = "".join(map(base64_line, hashes))
    return Response(content, media_type="text/plain; charset=utf-8", headers={"Cache-Control": _KEPT})
