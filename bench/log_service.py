"""The access log at work: enquiries with it, in turns with such as wait for none of it, and its sequencer's pace."""

import asyncio
import contextlib
import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Final

from bench.authority import HISTORY, fresh_copy, prepare
from bench.load import Load, drive
from bench.service import running
from bench.without_log import unlock
from registry_api.access_log.log_keys import LogKeys
from registry_api.access_log.sequencer import Sequencer
from registry_api.kernel.clock import utc_now
from registry_api.kernel.crypto import LocalKeys
from registry_api.kernel.db import Database
from registry_api.kernel.postgres import EmbeddedPostgres
from registry_api.kernel.settings import Settings

APPS: Final = {"with": "registry_api.cli.worker:app", "without": "bench.without_log:app"}
_WARM_UP: Final = 1.0


@dataclass(frozen=True, slots=True)
class Pair:
    """Enquiries with the log and without waiting for it, one after the other: a second, and milliseconds of p99."""

    with_log: float
    without: float
    with_p99: float
    without_p99: float
    errors: int

    @property
    def ratio(self) -> float:
        """What is left of the throughput."""
        return self.with_log / self.without


def measure(
    state: Path, records: int, *, repeats: int, seconds: float, clients: int, entries: int
) -> tuple[list[Pair], float]:
    """Return pairs of measurements, and the entries a second of one sequencer."""
    prepare(state, records)
    bodies = (state / "questions.jsonl").read_bytes().splitlines()[:-HISTORY]
    with (
        ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as generator,
        EmbeddedPostgres(state) as postgres,
    ):
        pairs = [_pair(generator, state, postgres.url, bodies, seconds, clients) for _ in range(repeats)]
        with fresh_copy(postgres.url, state) as url:
            return pairs, asyncio.run(_sequence(url, state, entries))


def _pair(
    generator: ProcessPoolExecutor, state: Path, url: str, bodies: Sequence[bytes], seconds: float, clients: int
) -> Pair:
    rates, p99s, errors = {}, {}, 0
    for name, app in APPS.items():
        with fresh_copy(url, state) as copy, contextlib.ExitStack() as up:
            if name == "without":
                asyncio.run(unlock(copy))
            service = up.enter_context(running(state, copy, app))
            load = Load(service.port, service.workers, clients, _WARM_UP, seconds, service.requests(bodies))
            measured = generator.submit(drive, load).result(timeout=600)
        rates[name] = len(measured.latencies) / measured.seconds
        p99s[name] = quantiles(measured.latencies, n=100)[98]
        errors += sum(measured.errors.values())
    return Pair(rates["with"], rates["without"], p99s["with"], p99s["without"], errors)


async def _sequence(url: str, state: Path, entries: int) -> float:
    database = Database(url, pool_size=2, timeout_seconds=60)
    local = LocalKeys.load(Settings(state_dir=state).keys_file)
    keys = LogKeys.load(Settings(state_dir=state).log_keys_file)
    made = Sequencer(database=database, local=local, keys=keys, clock=utc_now)
    while (await made.round()).more:
        pass
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO access_entry (at, kind) SELECT now(), 'inbox.read' FROM generate_series(1, $1::integer)",
            entries,
        )
    started = time.perf_counter()
    while (await made.round()).more:
        pass
    taken = time.perf_counter() - started
    await database.close()
    return entries / taken
