"""What the masks of the index of earlier enquiries cost an enquiry, beside the same index without (docs/adr/0029).

``python -m bench.matching.earlier --enquiries 20000``. So many are recorded one after the other, as the service records
them, in an embedded PostgreSQL that waits for no disk; then others look for them as in ENQ-7. By turns it is done with
rows that have no mask, as an earlier release wrote them. At last the background writes the rows among each other.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID, uuid4

from bench.matching.asking import Enquirers
from bench.matching.people import Population, register
from registry_api.enquiries import store
from registry_api.enquiries.gate import RECEIVED
from registry_api.enquiries.indexing import TABLE, indexed_values
from registry_api.enquiries.reindexing import Reindexing
from registry_api.kernel import migrations
from registry_api.kernel.clock import utc_now
from registry_api.kernel.crypto import LocalKeys, Vault
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.postgres import EmbeddedPostgres
from registry_api.kernel.references import new_reference
from registry_api.kernel.statement import Statement
from registry_api.matching.record import Record, pack, record_of
from registry_api.matching.token_keys import Posting, TokenKeys
from registry_api.matching.tokens import query_tokens
from registry_api.register.postings_store import write

_BARE_TABLE = "bare_token"
_EARLIER, _BARE = Statement(store.EARLIER), Statement(store.EARLIER.replace(TABLE, _BARE_TABLE))
_SAME = {
    "client_id": "bench-system",
    "role": "police_officer",
    "purpose": "safeguarding",
    "reason": "injury",
    "urgency": "urgent",
    "assurance": 2,
    "disclosure": "full",
    "opens_restricted": False,
    "policies": [],
    "policy_bundle": "",
    "taken_by": None,
    "refusal": None,
    "idempotency_key": None,
    "request_digest": bytes(32),
    "log_kind": RECEIVED,
    "log_digest": bytes(32),
    "log_sought": bytes(32),
    "log_particulars": "{}",
}
Took = dict[str, list[float]]


@contextmanager
def _timed(took: list[float]) -> Iterator[None]:
    began = time.perf_counter()
    yield
    took.append((time.perf_counter() - began) * 1e6)


async def _organisation(connection: Connection) -> UUID:
    made: UUID = await connection.fetchval(
        "INSERT INTO organisation (id, code, name, kind, own_authority, office_phone, out_of_hours_phone) "
        "VALUES ($1, 'bench', 'Bench', 'police', false, '', '') RETURNING id",
        uuid4(),
    )
    return made


@dataclass
class _Index:
    """The rows of enquiries that were recorded, with masks and without."""

    masked: list[Posting] = field(default_factory=list)
    bare: list[Posting] = field(default_factory=list)


async def _record(
    connection: Connection, records: Sequence[Record], vault: Vault, keys: TokenKeys, took: Took
) -> _Index:
    """Record enquiries about these, with masks and without by turns."""
    organisation, index = await _organisation(connection), _Index()
    for turn, record in enumerate(records):
        enquiry_id, key = (made := uuid4()), vault.new_key("enquiry", made)
        indexed = indexed_values(enquiry_id, record, keys)
        tokens, number = indexed["tokens"], indexed["number"]
        with _timed(took["masks"]):
            index.masked += keys.postings(tokens, number)
        index.bare += [(token, None, number) for token in tokens]
        if bare := turn % 2:
            indexed |= {"nonces": [None] * len(tokens), "pointers": [number] * len(tokens)}
        values = {
            **_SAME,
            **indexed,
            "id": enquiry_id,
            "reference": new_reference("E"),
            "received_at": utc_now(),
            "organisation_id": organisation,
            "professional_id": organisation,
            "data_key": key.wrapped,
            "sealed_question": bytes(600),
            "sealed_record": key.seal("record", pack(record)),
        }
        with _timed(took["recording, bare" if bare else "recording"]):
            await store.receive(connection, values)
    return index


async def _look(connection: Connection, questions: Sequence[Record], keys: TokenKeys, took: Took) -> int:
    """Look for the earlier enquiries about these in either index by turns; return how many are found in all."""
    found = 0
    for turn, question in enumerate(questions):
        values = query_tokens(question, keys).values | {"enquiry_id": uuid4()}
        ids = []
        for name, statement in (("looking", _EARLIER), ("looking, bare", _BARE))[:: 1 if turn % 2 else -1]:
            with _timed(took[name]):
                rows = await statement.fetch(connection, values)
            ids.append({row["id"] for row in rows})
        if ids[0] != ids[1]:
            raise AssertionError("an earlier enquiry is missed")
        found += len(ids[0])
    return found


async def measure(url: str, folder: Path, size: int, count: int, seed: int) -> dict[str, Any]:
    """Record ``size`` enquiries and look ``count`` times for one; return the figures."""
    draw = Population(seed)
    ask, children = Enquirers(draw), register(draw, size)
    asked = [record_of(question.person) for question in ask.known(children, size)]
    questions = [record_of(question.person) for question in ask.known(children, count)]
    local = LocalKeys.load_or_create(folder / "keys")
    vault, keys = Vault(local), TokenKeys(local.index_master)
    database = Database(url, pool_size=1, timeout_seconds=600)
    took: Took = defaultdict(list)
    try:
        async with database.connection() as connection:
            await connection.execute("SET synchronous_commit = off")
            index = await _record(connection, asked, vault, keys, took)
            await connection.execute(f"CREATE TABLE {_BARE_TABLE} (LIKE {TABLE} INCLUDING ALL)")
            await connection.execute(f"TRUNCATE {TABLE}")
            await write(connection, TABLE, index.masked)
            await write(connection, _BARE_TABLE, index.bare)
            await connection.execute("VACUUM ANALYZE", timeout=600)
            await _look(connection, questions[: count // 4], keys, defaultdict(list))
            found = await _look(connection, questions, keys, took)
            sizes = [
                await connection.fetchval("SELECT pg_total_relation_size($1::regclass)", table)
                for table in (TABLE, _BARE_TABLE)
            ]
        began = time.perf_counter()
        done = await Reindexing(vault, keys).index_anew(database)
        background = (time.perf_counter() - began) / done * 1e6
    finally:
        await database.close()
    return {
        "enquiries": size,
        "rows of an enquiry": len(index.masked) / size,
        "bytes of a row, with its index": [one / len(index.masked) for one in sizes],
        "found": found,
        "microseconds": {
            name: {"p50": median(values), "p99": sorted(values)[int(len(values) * 0.99)]}
            for name, values in sorted(took.items())
        },
        "microseconds of an enquiry in the background": background,
    }


def main() -> None:
    """Record, look, print."""
    options = argparse.ArgumentParser(prog="python -m bench.matching.earlier", description=__doc__)
    options.add_argument("--enquiries", type=int, default=20_000, help="that are recorded")
    options.add_argument("--questions", type=int, default=2000, help="that look for them")
    options.add_argument("--seed", type=int, default=106)
    chosen = options.parse_args()
    load = os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="bench-earlier-") as folder:
        postgres = EmbeddedPostgres(Path(folder))
        url = postgres.start()
        try:
            migrations.upgrade(url)
            sizes = chosen.enquiries, chosen.questions, chosen.seed
            figures = asyncio.run(measure(url, Path(folder), *sizes))
        finally:
            postgres.stop()
    print(json.dumps({"load_average": load, **figures}, indent=1))


if __name__ == "__main__":
    main()
