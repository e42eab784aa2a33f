"""What ``bench.authentication`` measures: each layer of knowing who is asking by itself, the whole, and an enquiry.

Promises: each goes through the functions that the routes call, and uses no proof twice.
"""

import asyncio
import itertools
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import FastAPI, Request

from auth.dependencies import AuthServices, current_enquirer
from auth.keys import KeySource
from auth.possession import Shown
from auth.protocols import UsedProof
from auth.sending import AsProfessional
from auth.tokens import TokenVerifier
from bench.asking import BASE_URL, PATH
from policies.access import Permitted, may_enquire
from policies.enquirer import Enquirer, Purpose
from registry_api.kernel.clock import utc_now

AT_ONCE = 16
WHOLE, ENQUIRY = "token, proof, round trip and policy", "for comparison: an enquiry, all of it"
"""The rows that the goals and the shares are about."""
TODAY = utc_now().date()
_KEPT = timedelta(minutes=2)


@dataclass
class Bench:
    """An application that is up, the keys that sign its tokens, those who ask it, and what they ask."""

    app: FastAPI
    keys: KeySource
    askers: Sequence[tuple[AsProfessional, str]]
    bodies: Iterator[bytes]
    samples: int

    @property
    def services(self) -> AuthServices:
        """What the routes authenticate with."""
        services: AuthServices = self.app.state.auth
        return services

    def signed(self) -> list[tuple[str, dict[str, str]]]:
        """Return tokens, each with the headers of one request: no proof is used twice."""
        asking = itertools.islice(itertools.cycle(self.askers), self.samples)
        return [(token, one.headers("POST", BASE_URL + PATH, token)) for one, token in asking]

    def requests(self, bodies: Iterable[bytes] = itertools.repeat(b"")) -> list[tuple[Request, bytes]]:
        """Return requests as a server hands them over."""
        return [
            (Request(self._scope(headers, len(body))), body)
            for (_, headers), body in zip(self.signed(), bodies, strict=False)
        ]

    def _scope(self, headers: dict[str, str], length: int) -> dict[str, Any]:
        sent = {**headers, "Content-Type": "application/json", "Content-Length": str(length)}
        return {
            "type": "http",
            "method": "POST",
            "path": PATH,
            "raw_path": PATH.encode(),
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
            "client": ("127.0.0.1", 1),
            "app": self.app,
        }


Timed = tuple[float, float]
"""How many a second, and µs of processor for each."""


def _one_by_one(items: Sequence[Any], work: Callable[[Any], object]) -> Timed:
    started, used = time.perf_counter(), time.process_time()
    for item in items:
        work(item)
    return _timed(len(items), started, used)


async def _at_once(items: Sequence[Any], work: Callable[[Any], Awaitable[object]]) -> Timed:
    left = iter(items)

    async def caller() -> None:
        for item in left:
            await work(item)

    started, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
    return _timed(len(items), started, used)


def _timed(count: int, started: float, used: float) -> Timed:
    return count / (time.perf_counter() - started), (time.process_time() - used) / count * 1e6


async def _token_at_first(bench: Bench) -> Timed:
    tokens = [token for _, token in bench.askers]
    verifier = TokenVerifier(BASE_URL, BASE_URL, bench.keys, utc_now)
    return _one_by_one(tokens, verifier.verify)


async def _token_again(bench: Bench) -> Timed:
    return _one_by_one([token for token, _ in bench.signed()], bench.services.verifier.verify)


async def _proof(bench: Bench) -> Timed:
    possession, verify = bench.services.possession, bench.services.verifier.verify
    shown = [
        (Shown("POST", PATH, [headers["DPoP"]]), token, "dpop", verify(token).binding)
        for token, headers in bench.signed()
    ]
    return _one_by_one(shown, lambda one: possession.check(*one))


async def _round_trip(bench: Bench) -> Timed:
    presentations = bench.services.presentations
    verified = [bench.services.verifier.verify(token) for token, _ in bench.signed()]
    uses = [
        (one.client_id, one.professional_id, one.jti, UsedProof(os.urandom(32), utc_now(), utc_now() + _KEPT))
        for one in verified
    ]
    return await _at_once(uses, lambda one: presentations.present(*one))


async def _policy(bench: Bench) -> Timed:
    enquirers = [await current_enquirer(request) for request, _ in bench.requests()[: len(bench.askers)]]
    return _one_by_one(enquirers * (bench.samples // len(enquirers) or 1), _decide)


async def _without_database(bench: Bench) -> Timed:
    ((request, _),) = bench.requests()[:1]
    enquirer = await current_enquirer(request)
    services = bench.services

    def know(one: tuple[str, dict[str, str]]) -> None:
        token, headers = one
        verified = services.verifier.verify(token)
        services.possession.check(Shown("POST", PATH, [headers["DPoP"]]), token, "dpop", verified.binding)
        _decide(enquirer)

    return _one_by_one(bench.signed(), know)


async def warm_up(bench: Bench) -> None:
    """Go the whole way as often as is measured: connections are made, statements prepared, keys imported."""
    await _whole(bench)


async def _whole(bench: Bench) -> Timed:
    async def know(one: tuple[Request, bytes]) -> None:
        _decide(await current_enquirer(one[0]))

    return await _at_once(bench.requests(), know)


async def _enquiry(bench: Bench) -> Timed:
    async def ask(one: tuple[Request, bytes]) -> None:
        request, body = one
        statuses: list[int] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        await bench.app(request.scope, receive, send)
        if statuses != [200]:
            raise RuntimeError(f"an enquiry was answered with {statuses}")

    return await _at_once(bench.requests(bench.bodies), ask)


def _decide(enquirer: Enquirer) -> None:
    decision = may_enquire(enquirer, Purpose.CHILD_PROTECTION, TODAY)
    if not isinstance(decision, Permitted):
        raise RuntimeError(f"not permitted: {decision.reason}")


LAYERS: dict[str, Callable[[Bench], Awaitable[Timed]]] = {
    "token, the first time": _token_at_first,
    "token, remembered": _token_again,
    "proof of its key": _proof,
    "round trip: proof used up, standing read": _round_trip,
    "policy": _policy,
    "token, proof and policy, no database": _without_database,
    WHOLE: _whole,
    ENQUIRY: _enquiry,
}
