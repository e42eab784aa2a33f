"""PostgreSQL's pg_trgm on the same rows: names, date of birth and address as one text, the most similar first.

The embedded PostgreSQL has no contrib modules, so one installed on the machine is used (Debian: postgresql-15, which
brings pg_trgm), started for the run in a folder of its own.
"""

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from bench.matching.measure import Said
from bench.matching.rows import Row

ABSENT = "no PostgreSQL with pg_trgm on this machine"


def binaries() -> Path | None:
    """Return where a PostgreSQL with pg_trgm is installed, the newest first; None if there is none."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        version = folder.parent.name
        if Path(f"/usr/share/postgresql/{version}/extension/pg_trgm.control").exists():
            return folder
    return None


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL of one's own while the block lasts; yields its address."""
    as_user = "postgres" if os.getuid() == 0 else None  # it refuses to run as root
    data = Path(tempfile.mkdtemp(prefix="bench-trgm-"))
    if as_user:
        user = pwd.getpwnam(as_user)
        os.chown(data, user.pw_uid, user.pw_gid)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "user": as_user, "cwd": data}
    subprocess.run([folder / "initdb", "-D", data / "db", "-A", "trust", "-U", "bench"], check=True, **quiet)
    options = f"-p {port} -k {data} -c listen_addresses=127.0.0.1 -c shared_buffers=512MB -c fsync=off"
    subprocess.run([folder / "pg_ctl", "-D", data / "db", "-w", "-o", options, "start"], check=True, **quiet)
    try:
        yield f"postgresql://bench@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([folder / "pg_ctl", "-D", data / "db", "-m", "immediate", "stop"], check=True, **quiet)
        shutil.rmtree(data)


def _text(row: Row) -> str:
    born = row.born or (str(row.year) if row.year else None)
    return " ".join(filter(None, (row.given, row.family, born, row.postcode, row.lines)))


def answers(
    register: Sequence[Row], questions: Sequence[Row], truths: Sequence[int | None]
) -> tuple[list[Said], list[float]]:
    """Return the most similar child for each question, and how long each took in seconds.

    Raises FileNotFoundError where there is no PostgreSQL to ask.
    """
    folder = binaries()
    if folder is None:
        raise FileNotFoundError(ABSENT)
    with server(folder) as address:
        return asyncio.run(_ask(address, register, questions, truths))


async def _ask(
    address: str, register: Sequence[Row], questions: Sequence[Row], truths: Sequence[int | None]
) -> tuple[list[Said], list[float]]:
    connection = await asyncpg.connect(address)
    try:
        await connection.execute("CREATE EXTENSION pg_trgm; CREATE TABLE child (id int, words text)")
        rows = [(row.unique_id, _text(row)) for row in register]
        await connection.copy_records_to_table("child", records=rows)
        await connection.execute("CREATE INDEX ON child USING gin (words gin_trgm_ops)", timeout=1800)
        await connection.execute("ANALYZE child; SET pg_trgm.similarity_threshold = 0.45")
        statement = await connection.prepare(
            "SELECT id, similarity(words, $1) AS alike FROM child WHERE words % $1 ORDER BY alike DESC, id LIMIT 1"
        )
        said, times = [], []
        for question, truth in zip(questions, truths, strict=True):
            began = time.perf_counter()
            found = await statement.fetchrow(_text(question))
            times.append(time.perf_counter() - began)
            if found is not None:
                said.append(Said(float(found["alike"]), found["id"] == truth))
    finally:
        await connection.close()
    return said, times
