"""What every request passes before the application sees it, and every answer on its way out.

One layer of pure ASGI, because each layer costs on the way of an enquiry. It gives the request an identifier, reads
the body within a bound of size and of time, lets in no more requests at once than the worker can answer in good time
(past that point the slowest answers take fifty times longer, so what cannot be served soon is told so), and puts the
fixed headers on the answer. Put it outermost, around the framework's own handling of errors, or a 500 goes out without
them.
"""

import asyncio
import json
import math
import re
from collections.abc import Collection
from typing import TypeAlias
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

FIXED_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
"""On every answer, except where the application has set the header itself (a page that needs its own style sheet)."""

_REQUEST_ID = b"x-request-id"
_UUID = re.compile(rb"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

_Problem: TypeAlias = dict[str, str | int]
_TOO_LARGE: _Problem = {
    "type": "urn:registry:problem:body-too-large",
    "title": "The request is too large",
    "status": 413,
    "detail": "The body of the request is larger than this service accepts. Nothing of it was kept.",
}
_TOO_SLOW: _Problem = {
    "type": "urn:registry:problem:request-timeout",
    "title": "The request did not arrive in time",
    "status": 408,
    "detail": "The body of the request took too long to arrive. Nothing of it was kept: send it again.",
}
_BUSY: _Problem = {
    "type": "urn:registry:problem:busy",
    "title": "The service is busy",
    "status": 503,
    "detail": "The request was not begun. Send it again shortly; if it cannot wait, telephone.",
}


class Guards:
    """ASGI middleware: request identifier, bounded body, bounded requests in flight, fixed headers.

    The application finds the identifier, a UUID as text, in ``scope["state"]["request_id"]``.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        body_limit_bytes: int,
        body_seconds: float,
        requests_in_flight: int,
        queue_seconds: float,
        unqueued_paths: Collection[str] = frozenset(),
    ) -> None:
        """Guard ``app``.

        Args:
            app: the application.
            body_limit_bytes: the largest body, in bytes, that is read; a larger one is answered with 413.
            body_seconds: how long a body may take to arrive before it is answered with 408 and the connection closed.
            requests_in_flight: how many requests the application handles at once, in this worker.
            queue_seconds: how long the next one waits for its turn before it is answered with 503.
            unqueued_paths: exact paths that never wait, so that a busy worker still says that it is alive.
        """
        self._app = app
        self._body_limit = body_limit_bytes
        self._body_seconds = body_seconds
        self._turns = asyncio.Semaphore(requests_in_flight)
        self._queue_seconds = queue_seconds
        self._unqueued = frozenset(unqueued_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection; anything but HTTP (the lifespan) goes straight through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, declared_length = _read_headers(scope)
        scope.setdefault("state", {})["request_id"] = request_id.decode()
        send = _with_fixed_headers(send, request_id)

        # Read before waiting for a turn: whoever sends slowly holds nobody up.
        try:
            async with asyncio.timeout(self._body_seconds):
                body = None if declared_length > self._body_limit else await self._read(receive)
        except TimeoutError:
            # Closed, since the rest of the body may come for ever (RFC 9110 section 15.5.9).
            await _send_problem(send, _TOO_SLOW, request_id, (b"connection", b"close"))
            return
        if body is None:
            await _send_problem(send, _TOO_LARGE, request_id)
        elif body["type"] == "http.disconnect":
            return
        elif scope["path"] in self._unqueued:
            await self._app(scope, _replay(body, receive), send)
        elif not await self._turn():
            await _send_problem(send, _BUSY, request_id, (b"retry-after", str(math.ceil(self._queue_seconds)).encode()))
        else:
            try:
                await self._app(scope, _replay(body, receive), send)
            finally:
                self._turns.release()

    async def _read(self, receive: Receive) -> Message | None:
        """Return the whole body as one message, a disconnect in its place, or None once it passes the limit."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return message
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self._body_limit:
                return None
            if not message.get("more_body"):
                return {"type": "http.request", "body": b"".join(parts)}

    async def _turn(self) -> bool:
        """Take a turn, in the order of arrival. False: there was none within ``queue_seconds``."""
        if not self._turns.locked():
            return await self._turns.acquire()
        try:
            async with asyncio.timeout(self._queue_seconds):
                return await self._turns.acquire()
        except TimeoutError:
            return False


def _read_headers(scope: Scope) -> tuple[bytes, int]:
    """Return the request's identifier, the caller's own if it is a UUID, and the declared length of its body.

    A length that is absent or no number counts as 0: it only spares reading, the bytes are counted anyway.
    """
    request_id, length = b"", 0
    for name, value in scope["headers"]:
        if name == _REQUEST_ID and _UUID.fullmatch(value):
            request_id = value
        elif name == b"content-length" and value.isdigit() and len(value) < 20:
            length = int(value)
    return request_id or str(uuid4()).encode(), length


def _replay(body: Message, receive: Receive) -> Receive:
    """Return a ``receive`` that gives the body already read, and then whatever the server has to say."""
    read = False

    async def replay() -> Message:
        nonlocal read
        if read:
            return await receive()
        read = True
        return body

    return replay


def _with_fixed_headers(send: Send, request_id: bytes) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [header for header in message.get("headers", ()) if header[0].lower() != _REQUEST_ID]
            present = {name.lower() for name, _ in headers}
            headers.extend(header for header in FIXED_HEADERS if header[0] not in present)
            headers.append((_REQUEST_ID, request_id))
            message = {**message, "headers": headers}
        await send(message)

    return send_with_headers


async def _send_problem(send: Send, problem: _Problem, request_id: bytes, *more: tuple[bytes, bytes]) -> None:
    """Answer with a problem document (RFC 9457) in fixed words; ``more`` are further headers."""
    body = json.dumps({**problem, "request_id": request_id.decode()}).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode()), *more]
    await send({"type": "http.response.start", "status": problem["status"], "headers": headers})
    await send({"type": "http.response.body", "body": body})
