"""How long the look-up of an enquiry takes in a real PostgreSQL: retrieval, opening, scoring; without HTTP.

``python -m bench.matching.latency --register 100000``. A register of that size is sealed and loaded by bulk COPY
through the importer's code; questions are those of the hard UK generator, against ``SELECT 1`` on the same connection,
for what a bare round trip costs here. Writes ``bench/out/latency.json``.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench.matching.asking import Enquirers
from bench.matching.people import Child, Population, register
from policies.profile import Category
from registry_api.enquiries.children import read_record
from registry_api.kernel import migrations
from registry_api.kernel.clock import utc_now
from registry_api.kernel.crypto import LocalKeys, Vault
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.postgres import EmbeddedPostgres
from registry_api.kernel.statement import Statement
from registry_api.matching.bands import Band, best_match
from registry_api.matching.person import Person
from registry_api.matching.record import record_of
from registry_api.matching.token_keys import TokenKeys
from registry_api.matching.tokens import query_tokens
from registry_api.register import loading
from registry_api.register.entry import ChildEntry, ChildPlan, Identity, PlanKind
from registry_api.register.sealing import rows_of
from registry_api.register.store import CANDIDATES

_OUT = Path(__file__).parents[1] / "out" / "latency.json"
_BATCH = 5000
_RETRIEVE = Statement(CANDIDATES)
"""As the gate to the register does it (``enquiries.gate``), without the gate."""
_ON_PLAN = 40
"""One child in so many is on a plan."""


async def load(database: Database, children: Sequence[Child], vault: Vault, keys: TokenKeys) -> None:
    """Seal and load a register."""
    now = utc_now()
    for first in range(0, len(children), _BATCH):
        rows = [
            rows_of(_entry(child.person, n), uuid4(), vault, keys, now, record=record_of(child.person))
            for n, child in enumerate(children[first : first + _BATCH], first)
        ]
        async with database.transaction() as connection:
            await loading.insert(connection, rows)
    async with database.connection() as connection:
        await connection.execute("ANALYZE", timeout=600)


def _entry(person: Person, number: int) -> ChildEntry:
    identity = Identity(
        names=person.names,
        date_of_birth=person.date_of_birth,
        expected_delivery=person.expected_delivery,
        sex=person.sex,
        mother=person.mother,
        mother_date_of_birth=person.mother_date_of_birth,
        nhs_number=person.nhs_number,
    )
    plan = ChildPlan(kind=PlanKind.FULL, categories=(Category.NEGLECT,), started_on=utc_now().date())
    return ChildEntry(identity=identity, plans=(plan,) if number % _ON_PLAN == 0 else ())


async def look_up(
    connection: Connection, person: Person, vault: Vault, keys: TokenKeys
) -> tuple[Band, dict[str, float]]:
    """Look for one child as an enquiry does; return the band and the milliseconds of each part."""
    began = time.perf_counter()
    question = record_of(person)
    query = query_tokens(question, keys)
    asked = time.perf_counter()
    rows = await _RETRIEVE.fetch(connection, query.values)
    fetched = time.perf_counter()
    records = [(row["id"], record) for row in rows if (record := read_record("child", row, vault)) is not None]
    opened = time.perf_counter()
    band = best_match(question, records).band
    scored = time.perf_counter()
    parts = {
        "tokens": asked - began,
        "retrieval": fetched - asked,
        "opening": opened - fetched,
        "scoring": scored - opened,
    }
    return band, {**{name: took * 1000 for name, took in parts.items()}, "all": (scored - began) * 1000}


async def measure(url: str, folder: Path, size: int, count: int, seed: int) -> dict[str, Any]:
    """Load ``size`` children, ask ``count`` questions of each kind, and return the figures."""
    draw = Population(seed)
    children = register(draw, size)
    ask = Enquirers(draw)
    questions = [*ask.known(children, count), *ask.nobody(children, count)]
    local = LocalKeys.load_or_create(folder / "keys")
    vault, keys = Vault(local), TokenKeys(local.index_master)
    database = Database(url, pool_size=1, timeout_seconds=600)
    try:
        began = time.perf_counter()
        await load(database, children, vault, keys)
        loaded = time.perf_counter() - began
        async with database.connection() as connection:
            for question in questions[: count // 4]:
                await look_up(connection, question.person, vault, keys)
            bare: list[float] = []
            took: dict[str, list[float]] = {}
            draw.random.shuffle(questions)
            for question in questions:
                at = time.perf_counter()
                await connection.fetch("SELECT 1")
                bare.append((time.perf_counter() - at) * 1000)
                band, parts = await look_up(connection, question.person, vault, keys)
                for name, value in (*parts.items(), (f"all, {band.value}", parts["all"])):
                    took.setdefault(name, []).append(value)
            bytes_of = await connection.fetchval("SELECT pg_total_relation_size('child_token')")
    finally:
        await database.close()
    floor = _quantile(bare, 0.5)
    return {
        "register": size,
        "questions": len(questions),
        "load_seconds": loaded,
        "child_token_bytes_per_child": bytes_of / size,
        "load_average": os.getloadavg(),
        "bare round trip p50 ms": floor,
        "milliseconds": {
            name: {
                "of": len(values),
                "p50": _quantile(values, 0.5),
                "p99": _quantile(values, 0.99),
                "p50 over a round trip": _quantile(values, 0.5) / floor,
            }
            for name, values in sorted(took.items())
        },
    }


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def main() -> None:
    """Load, measure, print and write the file."""
    options = argparse.ArgumentParser(prog="python -m bench.matching.latency", description=__doc__)
    options.add_argument("--register", type=int, default=100_000, help="children on the register")
    options.add_argument("--questions", type=int, default=1000, help="about children who are on it, and as many others")
    options.add_argument("--seed", type=int, default=105)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-latency-") as folder:
        postgres = EmbeddedPostgres(Path(folder))
        url = postgres.start()
        try:
            migrations.upgrade(url)
            figures = asyncio.run(measure(url, Path(folder), chosen.register, chosen.questions, chosen.seed))
        finally:
            postgres.stop()
    known = json.loads(_OUT.read_text("utf-8")) if _OUT.exists() else {}
    _OUT.parent.mkdir(exist_ok=True)
    _OUT.write_text(json.dumps(known | {str(chosen.register): figures}, indent=1), "utf-8")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
