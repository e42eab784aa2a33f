"""Bodies that do not arrive: given up in time, and their connections closed, whichever way HTTP is parsed."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from registry_api.kernel.guards import Guards

HEADER = b"POST / HTTP/1.1\r\nHost: registry.example\r\nContent-Length: 3\r\n\r\n"


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    body = (await receive())["body"]
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def _connected(http: Any) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    guards = Guards(_answer, body_limit_bytes=64, body_seconds=0.2, requests_in_flight=1, queue_seconds=1)
    server = uvicorn.Server(uvicorn.Config(guards, http=http, lifespan="off", log_config=None))
    listening = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve([listening]))
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    async with asyncio.timeout(5):
        yield reader, writer
    writer.close()
    server.should_exit = True
    await serving


@pytest.mark.parametrize("http", ["httptools", "h11"])
async def test_a_body_that_does_not_arrive_in_time_is_given_up_and_its_connection_closed(http: Any) -> None:
    async with _connected(http) as (reader, writer):
        writer.write(HEADER + b"{")
        answer = await reader.read()  # to the end of the connection
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"urn:registry:problem:request-timeout" in answer
    assert b"cache-control: no-store" in answer


@pytest.mark.parametrize("http", ["httptools", "h11"])
async def test_a_body_that_comes_in_pieces_and_in_time_is_read_whole(http: Any) -> None:
    async with _connected(http) as (reader, writer):
        for piece in (HEADER, b"a", b"b", b"c"):
            writer.write(piece)
            await asyncio.sleep(0.01)
        answer = await reader.readuntil(b"abc")
    assert answer.startswith(b"HTTP/1.1 200 ")
