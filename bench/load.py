"""The load generator: closed-loop clients that cost little, so that the service has the machine.

Each client is one connection kept alive and sends its next request when the answer to the last has come. Requests are
bytes made beforehand; of an answer only status and length are read. It runs in a process of its own.
"""

import asyncio
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import psutil
import uvloop

_PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be sent, by how many clients at once, for how long.

    ``workers``: process ids among which connections are spread evenly, as a proxy in front would. Left to the kernel,
    sixteen connections are often split twelve to four, and the idle worker's processor is then measured as lost.
    """

    port: int
    workers: Sequence[int]
    clients: int
    warm_up: float
    seconds: float
    requests: Sequence[bytes]
    """Enough of them: a proof is good once, so none is sent again."""


@dataclass(slots=True)
class Measured:
    """What came of it: milliseconds of each answer within ``seconds``, and how many were not 200."""

    seconds: float
    latencies: list[float] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)
    cpu_seconds: float = 0.0


def http_request(port: int, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return one enquiry as the bytes of an HTTP/1.1 request."""
    authorised = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = (
        f"POST /api/v1/enquiries HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{authorised}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def drive(load: Load) -> Measured:
    """Send the load and return what was measured. To be called in a process of its own."""
    return uvloop.run(_drive(load))


async def _drive(load: Load) -> Measured:
    loop = asyncio.get_running_loop()
    requests = iter(load.requests)
    sockets = [_connect(load, load.workers[n % len(load.workers)]) for n in range(load.clients)]
    begin = time.perf_counter() + load.warm_up
    measured = Measured(load.seconds)
    clients = [_Client(requests, begin, begin + load.seconds, measured) for _ in sockets]
    for client, connected in zip(clients, sockets, strict=True):
        await loop.create_connection(lambda client=client: client, sock=connected)  # type: ignore[misc]
    await asyncio.sleep(load.warm_up)
    used = time.process_time()
    await asyncio.sleep(load.seconds)
    measured.cpu_seconds = time.process_time() - used
    async with asyncio.timeout(_PATIENCE):
        await asyncio.gather(*(client.done for client in clients))
    return measured


def _connect(load: Load, worker: int) -> socket.socket:
    """Return a connection that this worker has accepted. Raises RuntimeError when it takes none of many."""
    for attempt in range(200):
        connected = socket.create_connection(("127.0.0.1", load.port))
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        port = connected.getsockname()[1]
        time.sleep(0.002 + 0.0005 * attempt)
        accepted = psutil.Process(worker).net_connections("tcp4")
        if any(one.status == psutil.CONN_ESTABLISHED and one.raddr.port == port for one in accepted):
            return connected
        connected.close()
    raise RuntimeError("a worker accepts no connections")


class _Client(asyncio.Protocol):
    """One client: sends, waits, notes, sends again."""

    def __init__(self, requests: Iterator[bytes], begin: float, end: float, measured: Measured) -> None:
        self._requests = requests
        self._begin, self._end = begin, end
        self._measured = measured
        self._got = b""
        self._sent = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._send()

    def _send(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._note("no request left")
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._got += data
        head = self._got.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._got.find(b"content-length: ") + 16
        if len(self._got) < head + 4 + int(self._got[at : self._got.find(b"\r", at)]):
            return
        now = time.perf_counter()
        if self._begin <= now < self._end:
            self._measured.latencies.append((now - self._sent) * 1000)
        status = self._got[9:12]
        if status != b"200":
            self._note(status.decode(errors="replace"))
        self._got = b""
        if now < self._end:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if time.perf_counter() < self._end:
            self._note("connection lost")
        if not self.done.done():
            self.done.set_result(None)

    def _note(self, error: str) -> None:
        self._measured.errors[error] = self._measured.errors.get(error, 0) + 1
