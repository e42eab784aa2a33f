"""``make bench-enquiry``: what an enquiry costs, beside the same SQL without the service.

Promises: real service processes, real tokens, real HTTP, a durable PostgreSQL and a register of 100,000 children; the
floor is made of the statements that the service itself sends; service and floor take turns, each on a fresh copy of the
register, so that a noisy neighbour on the machine meets both. Prints one table and writes ``bench/out/enquiry.json``.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from statistics import median, quantiles

import asyncpg

from bench.asking import ask
from bench.authority import HISTORY, fresh_copy, prepare
from bench.floor import Floor, Scripts, sampled
from bench.load import Load, Measured, drive
from bench.report import Goal, print_table
from bench.service import Memory, running
from registry_api.kernel.postgres import EmbeddedPostgres, libpq_dsn

OUT = Path(__file__).parent / "out" / "enquiry.json"
AT = 16
"""The number of clients at which the goals are set."""
FLUSHES: Mapping[str, Mapping[str, str]] = {
    "as the disk is": {},
    # Each flush waits a thousandth of a second longer, as that of a disk reached over a network does.
    "+1 ms flush": {"commit_delay": "1000", "commit_siblings": "0"},
}
SAMPLES = 2000
WARM_UP = 2.0


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement of the service and of its floor. Latencies in ms, ``…_cpu`` in µs of processor an enquiry.

    ``load_before``: how busy the machine was with other things (load average of a minute) when the repeat began.
    """

    flush: str
    clients: int
    repeat: int
    load_before: float
    per_second: float
    p50: float
    p99: float
    floor_per_second: float
    floor_p50: float
    floor_p99: float
    workers_cpu: float
    generator_cpu: float
    errors: int
    memory: Sequence[Memory]
    outcomes: Mapping[str, int]


def main() -> None:
    """Measure, print and write."""
    options = _options()
    state = options.state.absolute()
    prepare(state, options.records)
    bodies = (state / "questions.jsonl").read_bytes().splitlines()[:-HISTORY]
    runs: list[Run] = []
    with _generator() as generator, tempfile.TemporaryDirectory() as scripts_in:
        # Each repeat takes both kinds of flush, so that their ratio too is of neighbours in time.
        for repeat, flush in product(range(options.repeats), FLUSHES):
            with EmbeddedPostgres(state, FLUSHES[flush]) as postgres:
                load = os.getloadavg()[0]
                served = _service_runs(options, state, postgres.url, bodies, generator)
                with fresh_copy(postgres.url, state) as url:
                    scripts = Scripts(Path(scripts_in))
                    asyncio.run(scripts.make(url, asyncio.run(ask(state, url, sampled(bodies, options.samples)))))
                    for clients, (measured, memory, outcomes, cpu) in zip(options.clients, served, strict=True):
                        floor = scripts.run(url, clients, WARM_UP, options.seconds)
                        runs.append(_run(flush, clients, repeat, load, measured, floor, memory, outcomes, cpu))
                        print(_line(runs[-1]), flush=True)
    goals = _goals(runs)
    print_table(_medians(runs), goals)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(
        json.dumps(
            {
                "machine": f"{os.cpu_count()} × {platform.processor() or platform.machine()}, {platform.release()}",
                "records": options.records,
                "seconds": options.seconds,
                "goals": [asdict(goal) for goal in goals],
                "medians": _medians(runs),
                "runs": [asdict(run) for run in runs],
            },
            indent=1,
        )
    )
    print(f"\nwritten to {OUT.relative_to(Path.cwd()) if OUT.is_relative_to(Path.cwd()) else OUT}")
    if any(run.errors for run in runs):
        raise SystemExit("some requests were not answered with 200")


_Served = tuple[Measured, list[Memory], dict[str, int], float]


def _service_runs(
    options: argparse.Namespace, state: Path, url: str, bodies: Sequence[bytes], generator: ProcessPoolExecutor
) -> list[_Served]:
    """Measure the service at each number of clients, one after another, on one copy of the register."""
    results: list[_Served] = []
    with fresh_copy(url, state) as copy, running(state, copy) as service:
        before = asyncio.run(_outcomes(copy))
        asked = 0
        for clients in options.clients:
            requests = service.requests([*bodies[asked:], *bodies[:asked]])
            asked = (asked + len(bodies) // len(options.clients)) % len(bodies)
            load = Load(service.port, service.workers, clients, WARM_UP, options.seconds, requests)
            used = service.cpu_seconds()
            measured = generator.submit(drive, load).result(timeout=600)
            used = service.cpu_seconds() - used
            after = asyncio.run(_outcomes(copy))
            outcomes = {outcome: count - before.get(outcome, 0) for outcome, count in after.items()}
            before = after
            results.append((measured, service.memory(), outcomes, used / max(1, sum(outcomes.values())) * 1e6))
    return results


async def _outcomes(url: str) -> dict[str, int]:
    connection = await asyncpg.connect(libpq_dsn(url))
    try:
        rows = await connection.fetch("SELECT outcome, count(*) AS count FROM enquiry_answer GROUP BY 1 ORDER BY 1")
    finally:
        await connection.close()
    return {row["outcome"]: row["count"] for row in rows}


@contextmanager
def _generator() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield pool


def _run(
    flush: str,
    clients: int,
    repeat: int,
    load: float,
    measured: Measured,
    floor: Floor,
    memory: list[Memory],
    outcomes: dict[str, int],
    workers_cpu: float,
) -> Run:
    answered = max(1, len(measured.latencies))
    return Run(
        flush=flush,
        clients=clients,
        repeat=repeat,
        load_before=load,
        per_second=len(measured.latencies) / measured.seconds,
        p50=_percentile(measured.latencies, 50),
        p99=_percentile(measured.latencies, 99),
        floor_per_second=floor.per_second,
        floor_p50=_percentile(floor.latencies, 50),
        floor_p99=_percentile(floor.latencies, 99),
        workers_cpu=workers_cpu,
        generator_cpu=measured.cpu_seconds / answered * 1e6,
        errors=sum(measured.errors.values()),
        memory=memory,
        outcomes=outcomes,
    )


def _percentile(values: Sequence[float], percent: int) -> float:
    return quantiles(values, n=100)[percent - 1] if len(values) > 1 else float("nan")


def _line(run: Run) -> str:
    return (
        f"{run.flush}, {run.clients} clients, repeat {run.repeat + 1}: {run.per_second:,.0f}/s (p99 {run.p99:.1f} ms), "
        f"floor {run.floor_per_second:,.0f}/s (p99 {run.floor_p99:.1f} ms), errors {run.errors}"
    )


def _medians(runs: Sequence[Run]) -> list[dict[str, float | str]]:
    """Return for each flush and number of clients the medians over the repeats."""
    figures = ("per_second", "p50", "p99", "floor_per_second", "floor_p50", "floor_p99", "workers_cpu", "generator_cpu")
    medians: list[dict[str, float | str]] = []
    for flush, clients in dict.fromkeys((run.flush, run.clients) for run in runs):
        repeats = [run for run in runs if (run.flush, run.clients) == (flush, clients)]
        row: dict[str, float | str] = {"flush": flush, "clients": clients}
        row |= {figure: median(getattr(run, figure) for run in repeats) for figure in figures}
        row["of_floor"] = median(run.per_second / run.floor_per_second for run in repeats)
        row["p99_of_floor"] = median(run.p99 / run.floor_p99 for run in repeats)
        row["errors"] = sum(run.errors for run in repeats)
        row["pss"] = max(one.pss for run in repeats for one in run.memory)
        row["rss"] = max(one.rss for run in repeats for one in run.memory)
        medians.append(row)
    return medians


def _goals(runs: Sequence[Run]) -> list[Goal]:
    rates = {(run.flush, run.repeat): run.per_second for run in runs if run.clients == AT}
    plain, slow = FLUSHES
    left = [rates[slow, repeat] / rate for (flush, repeat), rate in rates.items() if flush == plain]
    at = [row for row in _medians(runs) if row["clients"] == AT and row["flush"] == plain]
    of_floor, p99 = (float(at[0][name]) if at else float("nan") for name in ("of_floor", "p99_of_floor"))
    return [
        Goal("throughput ÷ floor", of_floor, 0.30, at_least=True),
        Goal("p99 ÷ floor's p99", p99, 3.5, at_least=False),
        Goal("throughput with +1 ms flush ÷ without", median(left) if left else float("nan"), 0.95, at_least=True),
        Goal("MB of a worker (RSS)", max(one.rss for run in runs for one in run.memory), 110, at_least=False),
        Goal("requests not answered with 200", sum(run.errors for run in runs), 0, at_least=False),
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.enquiry", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement (default 8)")
    parser.add_argument("--repeats", type=int, default=3, help="of each measurement; medians are shown (default 3)")
    parser.add_argument("--clients", type=_numbers, default=(1, 16, 64), help="at once (default 1,16,64)")
    parser.add_argument("--records", type=int, default=100_000, help="children on the register (default 100000)")
    parser.add_argument("--samples", type=int, default=SAMPLES, help=f"enquiries behind the floor (default {SAMPLES})")
    parser.add_argument("--state", type=Path, default=Path(".state/bench"), help="where the register is kept")
    return parser.parse_args()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


if __name__ == "__main__":
    main()
