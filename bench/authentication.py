"""``make bench-authentication``: what it costs to know who is asking and whether they may, and its share of an enquiry.

Promises: the code that every request runs, with tokens from the token endpoint and a proof of its own for each request,
over a durable PostgreSQL with the register of ``bench.enquiry``; in one process, held on one processor where the system
can do that. Its layers are measured apart, the whole with and without the database, and in each repeat the enquiries
too, so that shares are of neighbours in time. Prints one table and writes ``bench/out/authentication.json``.
"""

import argparse
import itertools
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import httpx2
import uvloop

from auth.key_file import KeyFile
from bench.asking import BASE_URL, application, askers_of
from bench.authority import HISTORY, fresh_copy, prepare
from bench.layers import AT_ONCE, ENQUIRY, LAYERS, WHOLE, Bench, warm_up
from bench.report import Goal, print_goals, print_rows
from registry_api.kernel.clock import utc_now
from registry_api.kernel.postgres import EmbeddedPostgres
from registry_api.kernel.settings import Settings

OUT = Path(__file__).parent / "out" / "authentication.json"
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


def main() -> None:
    """Measure, print and write."""
    options = _options()
    state = options.state.absolute()
    prepare(state, options.records)
    with EmbeddedPostgres(state) as postgres, fresh_copy(postgres.url, state) as url:
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
    keys = KeyFile(Settings(state_dir=state).signing_keys_file, utc_now)
    runs: list[Run] = []
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE_URL) as http,
    ):
        for repeat in range(options.repeats):
            # Tokens and nonces last for five minutes, so each repeat has its own.
            bench = Bench(app, keys, await askers_of(state, http), questions, options.samples)
            await warm_up(bench)  # connections made, statements prepared, keys imported
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
