"""The guards in front of the application: bounded bodies, bounded requests in flight, identifiers, fixed headers."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx2
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from registry_api.kernel.guards import FIXED_HEADERS, Guards

LIMIT = 64 * 1024
REQUEST_ID = "6f1c7d1e-95a5-4b8e-9d5f-0d9a4f1d2c3b"


class App:
    """Answers with the number of bytes that it was sent; held back while ``gate`` is closed."""

    def __init__(self) -> None:
        self.calls = self.running = self.most_at_once = 0
        self.request_ids: list[str] = []
        self.headers: list[tuple[bytes, bytes]] = []
        self.begun = asyncio.Semaphore(0)
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return
        self.calls += 1
        self.running += 1
        self.begun.release()
        self.most_at_once = max(self.most_at_once, self.running)
        self.request_ids.append(scope["state"]["request_id"])
        size = len((await receive())["body"])
        await self.gate.wait()
        self.running -= 1
        if scope["path"] == "/fails":
            raise RuntimeError("of the application")
        body = json.dumps({"size": size}).encode()
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length, *self.headers]})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def app() -> App:
    return App()


def guarded(app: App, in_flight: int = 4, queue_seconds: float = 5.0) -> Guards:
    return Guards(
        app,
        body_limit_bytes=LIMIT,
        body_seconds=5.0,
        requests_in_flight=in_flight,
        queue_seconds=queue_seconds,
        unqueued_paths={"/alive"},
    )


def client_of(guards: Guards) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(guards), base_url="https://registry.example")


async def megabytes(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 1_000_000


async def answer_to(guards: Guards, receive: Receive, *headers: tuple[bytes, bytes]) -> list[Message]:
    """Send one request as a server would; return what the server is told to send."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await guards({"type": "http", "path": "/", "headers": headers}, receive, send)
    return sent


def assert_problem(response: httpx2.Response, status: int, kind: str) -> None:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["type"] == f"urn:registry:problem:{kind}"
    assert problem["status"] == status
    assert problem["request_id"] == response.headers["x-request-id"]
    for name, value in FIXED_HEADERS:
        assert response.headers[name.decode()] == value.decode()


async def test_a_body_up_to_the_limit_passes_whole_and_one_byte_more_does_not(app: App) -> None:
    async with client_of(guarded(app)) as client:
        assert (await client.post("/", content=b"x" * LIMIT)).json() == {"size": LIMIT}
        assert_problem(await client.post("/", content=b"x" * (LIMIT + 1)), 413, "body-too-large")
    assert app.calls == 1


async def test_a_declared_length_over_the_limit_is_refused_unread(app: App) -> None:
    async def unread() -> Message:
        raise AssertionError("the body must not be read")

    sent = await answer_to(guarded(app), unread, (b"content-length", b"10485760"))
    assert sent[0]["status"] == 413


@pytest.mark.parametrize("declared", [None, b"7", b"-1", b"soon", b"9" * 5000])
async def test_a_stream_is_cut_off_at_the_limit_whatever_length_it_declares(app: App, declared: bytes | None) -> None:
    given_out = 0

    async def endless() -> Message:
        nonlocal given_out
        given_out += 1000
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    headers = [] if declared is None else [(b"content-length", declared)]
    sent = await answer_to(guarded(app), endless, *headers)
    assert sent[0]["status"] == 413
    assert LIMIT < given_out <= LIMIT + 1000
    assert app.calls == 0


@given(parts=st.lists(st.binary(max_size=200), min_size=1, max_size=8), limit=st.integers(0, 600))
def test_the_application_gets_exactly_what_was_sent_or_nothing(parts: list[bytes], limit: int) -> None:
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(await receive())
        seen.append(await receive())

    waiting = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    waiting[-1]["more_body"] = False
    waiting.append({"type": "http.disconnect"})

    async def receive() -> Message:
        return waiting.pop(0)

    guards = Guards(app, body_limit_bytes=limit, body_seconds=1, requests_in_flight=1, queue_seconds=1)
    sent = asyncio.run(answer_to(guards, receive))
    whole = b"".join(parts)
    if len(whole) > limit:
        assert (seen, sent[0]["status"]) == ([], 413)
    else:
        assert seen == [{"type": "http.request", "body": whole}, {"type": "http.disconnect"}]
        assert sent == []


async def test_a_caller_who_hangs_up_half_way_reaches_nothing(app: App) -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b"half", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    assert await answer_to(guarded(app), receive) == []
    assert app.calls == 0


@pytest.mark.parametrize("http", ["httptools", "h11"])
async def test_ten_megabytes_over_a_real_socket_leave_the_connection_usable(app: App, http: Any) -> None:
    server = uvicorn.Server(uvicorn.Config(guarded(app), http=http, lifespan="off", log_config=None))
    listening = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve([listening]))
    port = listening.getsockname()[1]
    limits = httpx2.Limits(max_connections=1)
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits) as client:
        answers = [
            await client.post("/", content=b"x" * 10_000_000),
            await client.post("/", content=megabytes(10)),
            await client.post("/", content=b"abc"),
        ]
        connections = {answer.extensions["network_stream"].get_extra_info("client_addr") for answer in answers}
    assert_problem(answers[0], 413, "body-too-large")
    assert_problem(answers[1], 413, "body-too-large")
    assert answers[2].json() == {"size": 3}
    assert len(connections) == 1
    server.should_exit = True
    await serving


async def test_no_more_requests_than_allowed_run_at_once_and_the_others_wait_their_turn(app: App) -> None:
    async with client_of(guarded(app, in_flight=2)) as client:
        app.gate.clear()
        asked = [asyncio.create_task(client.get("/")) for _ in range(6)]
        await app.begun.acquire()
        await app.begun.acquire()
        app.gate.set()
        assert [response.status_code for response in await asyncio.gather(*asked)] == [200] * 6
    assert app.most_at_once == 2


async def test_who_waits_too_long_is_turned_away_and_told_when_to_return(app: App) -> None:
    async with client_of(guarded(app, in_flight=1, queue_seconds=0.02)) as client:
        app.gate.clear()
        served = asyncio.create_task(client.get("/"))
        await app.begun.acquire()
        turned_away = await client.get("/")
        assert_problem(turned_away, 503, "busy")
        assert turned_away.headers["retry-after"] == "1"
        assert app.calls == 1

        alive = asyncio.create_task(client.get("/alive"))
        await app.begun.acquire()
        app.gate.set()
        assert (await alive).status_code == (await served).status_code == 200
        assert (await client.get("/")).status_code == 200


async def test_a_slow_sender_holds_no_turn(app: App) -> None:
    more = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"a"
        await more.wait()
        yield b"b"

    guards = guarded(app, in_flight=1)
    messages = slowly()

    async def receive() -> Message:
        try:
            return {"type": "http.request", "body": await anext(messages), "more_body": True}
        except StopAsyncIteration:
            return {"type": "http.request"}

    slow = asyncio.create_task(answer_to(guards, receive))
    async with client_of(guards) as client:
        assert (await client.get("/")).status_code == 200
    assert not slow.done()
    more.set()
    assert json.loads((await slow)[1]["body"]) == {"size": 2}


async def test_a_turn_is_given_back_when_the_application_fails_or_the_request_is_cancelled(app: App) -> None:
    async with client_of(guarded(app, in_flight=1)) as client:
        with pytest.raises(RuntimeError, match="of the application"):
            await client.get("/fails")
        await app.begun.acquire()
        app.gate.clear()
        cancelled = asyncio.create_task(client.get("/"))
        await app.begun.acquire()
        waiting = asyncio.create_task(client.get("/"))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.wait([cancelled])
        app.gate.set()
        assert (await waiting).status_code == 200


@pytest.mark.parametrize("given_id", [REQUEST_ID, REQUEST_ID.upper()])
async def test_the_caller_s_request_id_is_taken_and_echoed(app: App, given_id: str) -> None:
    async with client_of(guarded(app)) as client:
        response = await client.get("/", headers={"X-Request-ID": given_id})
    assert response.headers["x-request-id"] == given_id
    assert app.request_ids == [given_id]


@pytest.mark.parametrize(
    "bad", [None, "", "1", REQUEST_ID + "\t1", "{" + REQUEST_ID + "}", REQUEST_ID.replace("-", "")]
)
async def test_any_other_request_id_is_replaced_by_a_fresh_one(app: App, bad: str | None) -> None:
    async with client_of(guarded(app)) as client:
        responses = [await client.get("/", headers={"X-Request-ID": bad} if bad is not None else {}) for _ in range(2)]
    fresh = [response.headers["x-request-id"] for response in responses]
    assert app.request_ids == fresh
    assert len({UUID(each) for each in fresh}) == 2
    assert bad not in fresh


async def test_every_answer_carries_the_fixed_headers_once(app: App) -> None:
    app.headers = [(b"Content-Security-Policy", b"default-src 'self'"), (b"x-request-id", b"of the application")]
    async with client_of(guarded(app)) as client:
        response = await client.get("/")
    assert response.headers.get_list("cache-control") == ["no-store"]
    assert response.headers.get_list("x-content-type-options") == ["nosniff"]
    assert response.headers.get_list("referrer-policy") == ["no-referrer"]
    assert response.headers.get_list("content-security-policy") == ["default-src 'self'"]
    assert [UUID(each) for each in response.headers.get_list("x-request-id")]


async def test_what_is_not_http_passes_untouched() -> None:
    seen: list[Any] = []

    async def app(*connection: Any) -> None:
        seen.append(connection)

    connection: Any = ({"type": "lifespan"}, object(), object())
    await Guards(app, body_limit_bytes=1, body_seconds=1, requests_in_flight=1, queue_seconds=1)(*connection)
    assert seen == [connection]
