"""The floor: the very statements of the service, in the same order, driven raw by pgbench.

Promises: nothing here is written by hand that the service could drift away from. Real enquiries are made through the
whole application while the driver's query log is read, and what was read becomes pgbench scripts: one for each sequence
of statements that occurs, with a table of the values that each enquiry gave. Before its statements a transaction reads
one row of that table; what this costs is measured by itself and taken off, so that the floor is not made slow by it.

Made anew for each transaction are the things that have to be: identifiers, references, times. Tokens that are written
are scattered, because the samples repeat and would otherwise find each other as earlier enquiries by the thousand.
"""

import os
import random
import re
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import asyncpg

from bench.asking import Asked, Call
from registry_api.enquiries import store as enquiries_store
from registry_api.kernel.postgres import find_binaries, libpq_dsn, libpq_environment
from registry_api.kernel.statement import Statement

_REFERENCE = re.compile(r"E-[0-9A-Z]{5}-[0-9A-Z]{5}")
_NO_SAMPLES = 50
"""Enquiries that are no sample, because the driver looks up types besides."""
_TUNING = frozenset({"jit", "plan_cache_mode", "enable_seqscan"})
"""Settings of a session that decide how its statements are planned."""
_FRESH = ("id", "told_ids", "consideration_id")
"""The named values under which a statement is given identifiers made for this enquiry."""


@dataclass(slots=True)
class Floor:
    """What pgbench reached: transactions a second and milliseconds of each, the look-up of values taken off."""

    per_second: float
    latencies: list[float]


@dataclass(slots=True)
class _Column:
    """The values of one parameter over all samples of a script, as text, and how they are made fresh."""

    name: str
    type: str
    values: list[str | None] = field(default_factory=list)
    scattered: bool = False
    once: bool = False
    """Digests of proofs, each of which is another."""
    markers: set[int] = field(default_factory=set)
    is_now: bool = False

    def expression(self) -> str:
        """Return the SQL that reads the value for one transaction."""
        if self.is_now:
            return f"now()::text AS {self.name}"
        if self.once:
            return f"'\\x' || encode(sha256(fresh.id0::bytea), 'hex') AS {self.name}"
        value = f"s.{self.name}"
        if self.scattered:
            value = f"(SELECT coalesce(array_agg(t # fresh.salt), '{{}}') FROM unnest({value}::bigint[]) t)::text"
        for marker in sorted(self.markers):
            fresh = "left(md5(fresh.id0), 13)" if marker < 0 else f"fresh.id{marker}"
            value = f"replace({value}, '@{marker}@', {fresh})"
        return f"{value} AS {self.name}"

    def use(self) -> str:
        """Return how a statement refers to it. pgbench has no NULL: an empty text stands for it."""
        if None not in self.values:
            return f":{self.name}"
        if "" in self.values:
            raise ValueError("a parameter is NULL in one sample and empty in another")
        return f"nullif(:{self.name}, '')::{self.type}"


class Scripts:
    """The scripts made of recorded enquiries, over tables in one database."""

    def __init__(self, folder: Path) -> None:
        """Keep the scripts in ``folder``."""
        self._folder = folder
        self._weights: list[int] = []
        self._session: dict[str, str] = {}

    async def make(self, url: str, asked: Asked) -> None:
        """Write the scripts, and the tables of their values into the database; sessions get the service's settings."""
        made = asked.calls[_NO_SAMPLES:]
        self._session = {name: value for name, value in asked.session.items() if name in _TUNING}
        self._weights.clear()
        connection = await asyncpg.connect(libpq_dsn(url))
        try:
            shapes: dict[tuple[str, ...], list[Sequence[Call]]] = defaultdict(list)
            for calls in made:
                shapes[tuple(call.sql for call in calls)].append(calls)
            for number, (shape, samples) in enumerate(shapes.items()):
                await self._script(connection, number, shape, samples)
        finally:
            await connection.close()

    async def _script(
        self, connection: Any, number: int, shape: Sequence[str], samples: Sequence[Sequence[Call]]
    ) -> None:
        columns: list[list[_Column]] = []
        for at, sql in enumerate(shape):
            types = (await connection.prepare(sql)).get_parameters()
            columns.append([_Column(f"s{at}p{n}", kind.name) for n, kind in enumerate(types)])
            for column in columns[-1]:
                column.scattered = "INTO enquiry_token" in sql and column.type == "bigint[]"
                column.once = "INTO spent_proof" in sql and column.type == "bytea"
        most = 1
        for calls in samples:
            fresh = _fresh(calls)
            most = max(most, len(fresh))
            for call, its in zip(calls, columns, strict=True):
                for column, value in zip(its, call.arguments, strict=True):
                    _add(column, value, fresh)
        every = [column for its in columns for column in its]
        await connection.execute(
            f"CREATE TABLE bench_sample_{number} (n int PRIMARY KEY, {', '.join(f'{c.name} text' for c in every)})"
        )
        rows = zip(range(1, len(samples) + 1), *(column.values for column in every), strict=True)
        await connection.copy_records_to_table(f"bench_sample_{number}", records=list(rows))
        await connection.execute(f"VACUUM ANALYZE bench_sample_{number}")
        identifiers = ", ".join(f"gen_random_uuid()::text AS id{n}" for n in range(most))
        look_up = (
            f"\\set n random(1, {len(samples)})\n"
            f"SELECT {', '.join(column.expression() for column in every)} FROM bench_sample_{number} s, "
            f"LATERAL (SELECT {identifiers}, (random() * 9e18)::bigint AS salt) fresh WHERE s.n = :n \\gset\n"
        )
        statements = "".join(_filled(sql, its) + ";\n" for sql, its in zip(shape, columns, strict=True))
        (self._folder / f"enquiry-{number}.sql").write_text(look_up + statements)
        (self._folder / f"look-up-{number}.sql").write_text(look_up)
        self._weights.append(len(samples))

    def run(self, url: str, clients: int, warm_up: float, seconds: float) -> Floor:
        """Drive the statements with ``clients`` connections and return what was reached.

        The look-up alone is driven for a quarter of the time. Its time is taken off the time of a transaction:
        throughput by the mean, latencies by the median.
        """
        whole_rate, whole = self._pgbench("enquiry", url, clients, warm_up, seconds)
        look_up_rate, look_up = self._pgbench("look-up", url, clients, warm_up / 2, max(1.0, seconds / 4))
        off = median(look_up)
        return Floor(1 / (1 / whole_rate - 1 / look_up_rate), [latency - off for latency in whole])

    def _pgbench(
        self, script: str, url: str, clients: int, warm_up: float, seconds: float
    ) -> tuple[float, list[float]]:
        duration = round(warm_up + seconds + 0.5)
        scripts = [f"-f{self._folder}/{script}-{n}.sql@{weight}" for n, weight in enumerate(self._weights)]
        with tempfile.TemporaryDirectory() as logs:
            command = [
                str(find_binaries() / "pgbench"),
                *("-n", "-Mprepared", f"-c{clients}", f"-j{min(2, clients)}", f"-T{duration}", "--random-seed=1"),
                *("-l", f"--log-prefix={logs}/log", *scripts),
            ]
            options = {"PGOPTIONS": " ".join(f"-c {name}={value}" for name, value in self._session.items())}
            environment = os.environ | libpq_environment(url) | options
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"pgbench failed: {done.stderr.strip()[-500:]}")
            ended: list[tuple[float, float]] = []
            for log in Path(logs).iterdir():
                for line in log.read_text().splitlines():
                    _, _, microseconds, _, at, fraction = line.split()[:6]
                    ended.append((int(at) + int(fraction) / 1e6, int(microseconds) / 1000))
        last = max(at for at, _ in ended)
        within = [latency for at, latency in ended if at > last - seconds]
        return len(within) / seconds, within


def _fresh(calls: Sequence[Call]) -> dict[UUID, int]:
    """Return the identifiers that were made for this enquiry, numbered; the enquiry's own is 0."""
    fresh: dict[UUID, int] = {}
    for call in calls:
        names = _NAMES.get(call.sql, [])
        for name, value in zip(names, call.arguments, strict=False):
            if name in _FRESH:
                for identifier in value if isinstance(value, list) else [value]:
                    if identifier is not None:
                        fresh.setdefault(identifier, len(fresh))
    return fresh


_NAMES = {kept.sql: kept.names for kept in vars(enquiries_store).values() if isinstance(kept, Statement)}


def _add(column: _Column, value: Any, fresh: dict[UUID, int]) -> None:
    if isinstance(value, datetime):
        column.is_now = True
    text = _text(value, fresh)
    column.markers |= {int(marker) for marker in re.findall(r"@(-?\d+)@", text or "")}
    column.values.append(text)


def _text(value: Any, fresh: dict[UUID, int]) -> str | None:
    """Return a value as PostgreSQL reads it from text; what has to be made fresh, as a marker."""
    match value:
        case None:
            return None
        case UUID() if value in fresh:
            return f"@{fresh[value]}@"
        case str() if _REFERENCE.fullmatch(value):
            return "@-1@"
        case bytes():
            return "\\x" + value.hex()
        case list() | tuple():
            return "{" + ",".join(_element(_text(one, fresh)) for one in value) + "}"
        case bool():
            return "true" if value else "false"
        case date():
            return value.isoformat()
        case _:
            return str(value)


def _element(text: str | None) -> str:
    return "NULL" if text is None else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _filled(sql: str, columns: Sequence[_Column]) -> str:
    return re.sub(r"\$(\d+)", lambda found: columns[int(found[1]) - 1].use(), sql)


def sampled(bodies: Sequence[bytes], count: int) -> list[bytes]:
    """Return ``count`` of the questions, drawn without order and always the same."""
    return random.Random(count).sample(list(bodies), count)
