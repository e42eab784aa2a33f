"""The log for everybody to read (C2SP tlog-tiles): its checkpoint, tiles, entries, and proofs made of them.

They tell nothing of anybody.

A log that was begun anew has earlier ones, each under a prefix of its own: a receipt of one stays worth what it was.
"""

from base64 import b64encode
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response

from registry_api.access_log import reading
from registry_api.access_log.proof import base64_line
from registry_api.access_log.schemas import EarlierLog, EarlierLogs
from registry_api.kernel import limits
from registry_api.kernel.db import Connection, Database

router = APIRouter(prefix="/log", tags=["access log"])

_KEPT: Final = "public, max-age=3600"
"""Tiles never change, but for a log that is begun anew: then they are others, at the same place."""
_LARGEST: Final = 2**53 - 1
"""What every reader of JSON takes for the same number."""
Index = Annotated[int, Path(ge=0, le=_LARGEST, description="Where the entry stands in the log; the first is 0.")]
Size = Annotated[int, Path(ge=0, le=_LARGEST, description="How many entries the log had, as a checkpoint says.")]

Tile = Annotated[str, Path(max_length=40, description="Level or `entries`, number, and width where it is partial.")]
Number = Annotated[int, Path(ge=1, le=32_767, description="Which earlier log, as `/log/earlier` numbers them.")]


def _log(request: Request) -> AbstractAsyncContextManager[Connection]:
    database: Database = request.app.state.database
    return database.connection()


def _note(note: bytes) -> Response:
    return Response(note, media_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-cache"})


def _content(content: bytes) -> Response:
    return Response(content, media_type="application/octet-stream", headers={"Cache-Control": _KEPT})


def _growth(hashes: Iterable[bytes]) -> Response:
    content = "".join(map(base64_line, hashes))
    return Response(content, media_type="text/plain; charset=utf-8", headers={"Cache-Control": _KEPT})


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
    async with _log(request) as connection:
        return _note(await reading.last_checkpoint(connection))


@router.get(
    "/checkpoint.witnessed",
    summary="The last head of the access log that witnesses signed too",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, 404: {"description": "No witness has signed yet."}},
)
@limits.by_address
async def read_witnessed_checkpoint(request: Request) -> Response:
    """Return the last checkpoint with cosignatures (tlog-cosignature). The log may have grown since."""
    async with _log(request) as connection:
        return _note(await reading.witnessed_checkpoint(connection))


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
async def read_tile(request: Request, tile: Tile) -> Response:
    """Return hashes of the tree, or entries: commitments without what was committed to (tlog-tiles)."""
    async with _log(request) as connection:
        return _content(await reading.tile(connection, tile))


@router.get(
    "/proof/{index}",
    summary="The proof that an entry is in the access log",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, 404: {"description": "The signed log has no such entry."}},
)
@limits.by_address
async def read_proof(request: Request, index: Index) -> Response:
    """Return the proof of one entry under the last checkpoint (tlog-proof), the entry in it, as a receipt has it.

    Brings a receipt of long ago under a head of today. Whoever asks shows us which entry they care about: who would
    rather not takes tiles, of which the same proof can be computed.
    """
    async with _log(request) as connection:
        return _note(bytes(await reading.proof(connection, index)))


@router.get(
    "/consistency/{old}/{new}",
    summary="The proof that the access log has only grown",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, 404: {"description": "The signed log had no such sizes."}},
)
@limits.by_address
async def read_growth(request: Request, old: Size, new: Size) -> Response:
    """Return the consistency proof between two sizes of the log (RFC 6962, 2.1.2), a hash in base64 on each line."""
    async with _log(request) as connection:
        return _growth(await reading.growth(connection, old, new))


@router.get("/earlier", summary="The logs before the present access log")
@limits.by_address
async def list_earlier(request: Request) -> EarlierLogs:
    """Return the logs that came before, which were begun anew after the database had been put back: each is read below
    `/log/earlier/{number}` like the present one. One of which nothing was ever signed is not among them."""
    async with _log(request) as connection:
        before = (await reading.trees(connection))[:-1]
    return EarlierLogs(
        earlier=[
            EarlierLog(
                number=tree.id,
                origin=tree.origin,
                begun_at=tree.at,
                size=tree.signed.head.size,
                root=b64encode(tree.signed.head.root).decode(),
            )
            for tree in before
            if tree.signed is not None
        ]
    )


@router.get(
    "/earlier/{number}/checkpoint",
    summary="The last signed head of an earlier access log",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {}}},
        404: {"description": "Nothing was signed of such a log."},
    },
)
@limits.by_address
async def read_earlier_checkpoint(request: Request, number: Number) -> Response:
    """Return the last checkpoint of an earlier log (tlog-checkpoint), signed by the keys that were its own."""
    async with _log(request) as connection:
        return _note(await reading.last_checkpoint(connection, number))


@router.get(
    "/earlier/{number}/checkpoint.witnessed",
    summary="The last head of an earlier access log that witnesses signed too",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, 404: {"description": "No witness signed such a log."}},
)
@limits.by_address
async def read_earlier_witnessed_checkpoint(request: Request, number: Number) -> Response:
    """Return the last checkpoint of an earlier log with cosignatures (tlog-cosignature)."""
    async with _log(request) as connection:
        return _note(await reading.witnessed_checkpoint(connection, number))


@router.get(
    "/earlier/{number}/tile/{tile:path}",
    summary="A tile or a bundle of entries of an earlier access log",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {}}},
        404: {"description": "What was signed of such a log has no such tile."},
    },
)
@limits.by_address
async def read_earlier_tile(request: Request, number: Number, tile: Tile) -> Response:
    """Return hashes of an earlier tree, or its entries, as far as it was signed (tlog-tiles)."""
    async with _log(request) as connection:
        return _content(await reading.tile(connection, tile, number))


@router.get(
    "/earlier/{number}/proof/{index}",
    summary="The proof that an entry is in an earlier access log",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {}}},
        404: {"description": "What was signed of such a log has no such entry."},
    },
)
@limits.by_address
async def read_earlier_proof(request: Request, number: Number, index: Index) -> Response:
    """Return the proof of one entry under the last checkpoint of an earlier log (tlog-proof)."""
    async with _log(request) as connection:
        return _note(bytes(await reading.proof(connection, index, number)))


@router.get(
    "/earlier/{number}/consistency/{old}/{new}",
    summary="The proof that an earlier access log had only grown",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, 404: {"description": "Such a log had no such sizes."}},
)
@limits.by_address
async def read_earlier_growth(request: Request, number: Number, old: Size, new: Size) -> Response:
    """Return the consistency proof between two sizes of an earlier log (RFC 6962, 2.1.2)."""
    async with _log(request) as connection:
        return _growth(await reading.growth(connection, old, new, number))
