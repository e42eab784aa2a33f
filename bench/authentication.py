"""``make bench-authentication``: what it costs to know who is asking and whether they may, and its share of an enquiry.

Promises: the code that every request runs, with tokens from the token endpoint and a proof of its own for each request,
over a durable PostgreSQL with the register of ``bench.enquiry``; in one process, held on one processor where the system
can do that. Its layers are measured apart, the whole with and without the database, and in each repeat the enquiries
too, so that shares are of neighbours in time. Prints one table and writes ``bench/out/authentication.json``.
"""

import argparse
import asyncio
import itertools
import json
import os
import platform
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import uvloop
from fastapi import FastAPI, Request

from auth.dependencies import AuthServices, current_enquirer
from auth.possession import Shown
from auth.protocols import UsedProof
from auth.sending import AsProfessional
from auth.tokens import TokenVerifier
from bench.asking import BASE_URL, PATH, application, askers_of
from bench.authority import HISTORY, fresh_copy, prepare
from bench.report import Goal, print_goals, print_rows
from policies.access import Permitted, may_enquire
from policies.enquirer import Enquirer, Purpose
from registry_api.kernel.clock import utc_now
from registry_api.kernel.postgres import EmbeddedPostgres

OUT = Path(__file__).parent / "out" / "authentication.json"
AT_ONCE = 16
WHOLE, ENQUIRY = "token, proof, round trip and policy", "for comparison: an enquiry, all of it"
"""The rows that the goals and the shares are about."""
TODAY = utc_now().date()
_KEPT = timedelta(minutes=2)
_COLUMNS = (
    ("per_second", "requests/s", ",.0f"),
    ("cpu", "processor µs", ",.1f"),
    ("of_whole", "÷ whole path", ".3f"),
    ("of_enquiry", "÷ enquiry's processor", ".3f"),
    ("time_of_enquiry", "÷ enquiry's time", ".3f"),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement: how many a second by the clock on the wall, and µs of this process's processor for each."""

    layer: str
    repeat: int
    load_before: float
    per_second: float
    cpu: float


@dataclass
class Bench:
    """An application that is up, those who ask it, and what they ask."""

    app: FastAPI
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
    verifier = TokenVerifier(BASE_URL, BASE_URL, bench.services.public_jwks, utc_now)
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


def main() -> None:
    """Measure, print and write."""
    options = _options()
    state = options.state.absolute()
    prepare(state, options.records)
    with EmbeddedPostgres(state) as postgres, fresh_copy(postgres.url) as url:
        _keep_to_one_processor()
        runs = uvloop.run(_measure(options, state, url))
    rows = _medians(runs)
    goals = _goals(rows)
    print_rows(
        f"Who is asking, and whether they may; {AT_ONCE} at once, medians of the repeats", "layer", _COLUMNS, rows
    )
    print_goals("Goals, in one process on one processor", goals)
    OUT.parent.mkdir(exist_ok=True)
    machine = f"{os.cpu_count()} × {platform.processor() or platform.machine()}, {platform.release()}"
    written = {"machine": machine, "goals": [asdict(goal) for goal in goals], "medians": rows}
    OUT.write_text(json.dumps({**written, "runs": [asdict(run) for run in runs]}, indent=1))


async def _measure(options: argparse.Namespace, state: Path, url: str) -> list[Run]:
    questions = itertools.cycle((state / "questions.jsonl").read_bytes().splitlines()[:-HISTORY])
    app = application(state, url, connections=AT_ONCE)
    runs: list[Run] = []
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE_URL) as http,
    ):
        for repeat in range(options.repeats):
            # Tokens and nonces last for five minutes, so each repeat has its own.
            bench = Bench(app, await askers_of(state, http), questions, options.samples)
            await _whole(bench)  # connections made, statements prepared, keys imported
            for layer, measure in LAYERS.items():
                load = os.getloadavg()[0]
                per_second, cpu = await measure(bench)
                runs.append(Run(layer, repeat, load, per_second, cpu))
                print(f"{layer}, repeat {repeat + 1}: {per_second:,.0f}/s, {cpu:,.0f} µs of processor", flush=True)
    return runs


def _keep_to_one_processor() -> None:
    if hasattr(os, "sched_setaffinity"):  # Linux; PostgreSQL, started before, keeps them all
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _medians(runs: Sequence[Run]) -> list[dict[str, float | str]]:
    """Return for each layer the medians over the repeats, and of each repeat the ratios to its neighbours."""
    by = {(run.layer, run.repeat): run for run in runs}
    rows: list[dict[str, float | str]] = []
    for layer in LAYERS:
        repeats = [run for run in runs if run.layer == layer]
        rows.append(
            {
                "layer": layer,
                "per_second": median(run.per_second for run in repeats),
                "cpu": median(run.cpu for run in repeats),
                "of_whole": median(run.cpu / by[WHOLE, run.repeat].cpu for run in repeats),
                "of_enquiry": median(run.cpu / by[ENQUIRY, run.repeat].cpu for run in repeats),
                "time_of_enquiry": median(by[ENQUIRY, run.repeat].per_second / run.per_second for run in repeats),
            }
        )
    return rows


def _goals(rows: Sequence[dict[str, float | str]]) -> list[Goal]:
    (whole,) = (row for row in rows if row["layer"] == WHOLE)
    return [Goal("requests/s, token + proof + standing + policy", float(whole["per_second"]), 1500, at_least=True)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.authentication", description=__doc__)
    parser.add_argument("--samples", type=int, default=4000, help="requests in each measurement (default 4000)")
    parser.add_argument("--repeats", type=int, default=5, help="of each measurement; medians are shown (default 5)")
    parser.add_argument("--records", type=int, default=100_000, help="children on the register (default 100000)")
    parser.add_argument("--state", type=Path, default=Path(".state/bench"), help="where the register is kept")
    return parser.parse_args()


if __name__ == "__main__":
    main()
