"""A synthetic authority with a register of any size: made once through the real importer, then kept for later runs.

Promises: the same seed gives the same people; a register that other code has made than the present one is made anew;
every measurement starts from a fresh copy of the database, so that none inherits another's enquiries.
"""

import asyncio
import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.engine import make_url

from auth.client import generate_client_key
from bench.asking import ask
from bench.questions import write_questions
from policies.enquirer import Purpose, Role
from policies.profile import load_profile
from registry_api.access_log.log_keys import LogKeys
from registry_api.directory import service as directory
from registry_api.kernel import migrations
from registry_api.kernel.crypto import LocalKeys, Vault
from registry_api.kernel.db import Database
from registry_api.kernel.postgres import EmbeddedPostgres, libpq_dsn
from registry_api.kernel.settings import Settings
from registry_api.matching.token_keys import TokenKeys
from registry_api.register.importer import import_file
from registry_api.register.source import SourceKeys
from registry_api.register.synthesise import synthesise, write_csv

SEED = 20260301
HISTORY = 4000
"""Enquiries made before any is measured: the last of the questions."""
LOADED = "bench_loaded"
"""The database that holds the register, never written to after it was made: measurements use copies."""
_MEASURED = "bench_measured"
_FENCE_LOADED = "fence-loaded.json"
"""The fence of the access log as it was when the register was loaded."""
_ROOT = Path(__file__).parents[1]
_MAKERS = (
    "alembic/versions",
    "bench/authority.py",
    "bench/questions.py",
    "registry_api/kernel/crypto.py",
    "registry_api/matching",
    "registry_api/register",
)
"""The code that decides what the register and the questions look like."""

_ENQUIRING = {
    "police": (Role.POLICE_OFFICER, Role.POLICE_OFFICER, Role.POLICE_OFFICER),
    "hospital": (Role.NURSE, Role.DOCTOR, Role.MIDWIFE),
    "schools": (Role.TEACHER, Role.TEACHER, Role.TEACHER),
    "probation": (Role.PROBATION_OFFICER, Role.PROBATION_OFFICER, Role.HEALTH_VISITOR),
}
_ENQUIRERS = 128
"""Of each organisation."""
_KEY_WORKERS, _MANAGERS = 60, 8


def database_of(url: str, name: str) -> str:
    """Return the URL of another database of the same server."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def prepare(state: Path, records: int) -> None:
    """Make the register and its questions in ``state`` if they are not there, or not of the present code.

    ``records``: children, each with a case; one in forty on a plan, one in four with an open case.
    """
    wanted = f"{records} {_fingerprint()}"
    stamp = state / "made-by"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    with EmbeddedPostgres(state) as postgres:
        asyncio.run(execute(postgres.url, f"CREATE DATABASE {LOADED}"))
        url = database_of(postgres.url, LOADED)
        migrations.upgrade(url)
        asyncio.run(_populate(url, state, records))
    shutil.copy(LogKeys.load(Settings(state_dir=state).log_keys_file).fence.path, state / _FENCE_LOADED)
    stamp.write_text(wanted)


@contextmanager
def fresh_copy(url: str, state: Path) -> Iterator[str]:
    """Copy the loaded database, written out to disk, and yield the URL of the copy; dropped in the end.

    The fence of the access log goes back with it: the log of a copy would rightly refuse to be signed otherwise.
    """
    shutil.copy(state / _FENCE_LOADED, LogKeys.load(Settings(state_dir=state).log_keys_file).fence.path)
    drop = f"DROP DATABASE IF EXISTS {_MEASURED} WITH (FORCE)"
    copy = f"CREATE DATABASE {_MEASURED} TEMPLATE {LOADED} STRATEGY FILE_COPY"
    asyncio.run(execute(url, drop, copy, "CHECKPOINT"))
    try:
        yield database_of(url, _MEASURED)
    finally:
        asyncio.run(execute(url, drop))


async def execute(url: str, *statements: str) -> None:
    """Run statements one after another, each by itself."""
    connection = await asyncpg.connect(libpq_dsn(url))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for maker in _MAKERS:
        path = _ROOT / maker
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()


async def _populate(url: str, state: Path, records: int) -> None:
    started = time.monotonic()
    keys = LocalKeys.load_or_create(Settings(state_dir=state).keys_file)
    vault = Vault(keys)
    database = Database(url, pool_size=2)
    staff = await _enrol(database, vault, state)
    profile = load_profile("jersey")
    now = datetime.now(UTC)
    on_plan, open_cases = records // 40, records // 4

    def children(seed: int) -> Iterator[dict[str, str]]:
        return synthesise(
            seed,
            on_plan=on_plan,
            open_cases=open_cases,
            closed_cases=records - on_plan - open_cases,
            staff=[subject for subject in staff if subject.startswith("kw-")],
            managers=[subject for subject in staff if subject.startswith("tm-")],
            today=profile.today(now),
        )

    register = state / "register.csv"
    write_csv(register, children(SEED))
    report = await import_file(
        register,
        database=database,
        vault=vault,
        token_keys=TokenKeys(keys.index_master),
        source_keys=SourceKeys(keys.index_master),
        profile=profile,
        staff=staff,
        authorities={},
        now=now,
        progress=lambda done, of: print(f"\rregister: {done:,} of {of:,}", end="", flush=True),
    )
    print(f"\rregister: {report.added:,} children loaded in {time.monotonic() - started:.0f} s")
    if report.rejected_rows:
        raise RuntimeError(f"the importer refused rows that were synthesised for it: {report.rejected[0].words}")
    write_questions(state / "questions.jsonl", list(children(SEED)), children(SEED + 1), SEED, profile.today(now))
    await database.close()
    lines = (state / "questions.jsonl").read_bytes().splitlines()
    await ask(state, url, lines[-HISTORY:])
    # So that no vacuum of the whole register falls into a measurement, and that plans are made for tables as they are:
    # one made for an empty table reads it from end to end, and is kept for as long as its connection.
    await execute(url, "VACUUM (FREEZE, ANALYZE)")


async def _enrol(database: Database, vault: Vault, state: Path) -> dict[str, UUID]:
    """Enrol the authority and those who ask; write the clients' keys; return the authority's staff by subject."""
    today = datetime.now(UTC).date()
    kept: dict[str, Any] = {}
    staff: dict[str, UUID] = {}
    async with database.session() as session:
        for code in ("authority", *_ENQUIRING):
            own = code == "authority"
            organisation = directory.add_organisation(
                session,
                code=code,
                name=f"Synthetic {code.title()}",
                kind=code,
                own_authority=own,
                office_phone="01632 960100",
                out_of_hours_phone="01632 960999",
            )
            await session.flush()
            directory.add_agreement(
                session,
                organisation_id=organisation.id,
                purposes=[Purpose.CHILD_PROTECTION, Purpose.MISSING_CHILD],
                valid_from=today - timedelta(days=30),
                valid_to=today + timedelta(days=3650),
            )
            private, public = generate_client_key()
            client_id = f"{code}-system"
            directory.add_client(
                session,
                client_id=client_id,
                organisation_id=organisation.id,
                public_keys=[public],
                scopes=["enquiry"],
            )
            members = _staff() if own else _enquirers(code)
            for subject, role in members.items():
                enrolled = directory.enrol_professional(
                    session,
                    vault,
                    organisation_id=organisation.id,
                    subject=subject,
                    role=role,
                    name=f"Synthetic {subject.title()}",
                    phone="01632 960200",
                )
                if own:
                    staff[subject] = enrolled.id
            if not own:
                kept[client_id] = {"private_jwk": private, "subjects": list(members)}
        await session.flush()
        for n in range(0, _KEY_WORKERS, 10):  # one in ten is away, and somebody stands in (ENQ-11)
            directory.arrange_cover(
                session,
                away=staff[f"kw-{n}"],
                covered_by=staff[f"kw-{n + 1}"],
                starts_at=datetime.now(UTC),
                ends_at=datetime.now(UTC) + timedelta(days=3650),
            )
    (state / "clients.json").write_text(json.dumps(kept))
    return staff


def _staff() -> dict[str, Role]:
    workers = {f"kw-{n}": Role.KEY_WORKER for n in range(_KEY_WORKERS)}
    managers = {f"tm-{n}": Role.TEAM_MANAGER for n in range(_MANAGERS)}
    return workers | managers | {"duty-1": Role.DUTY_SOCIAL_WORKER, "sm-1": Role.SAFEGUARDING_MANAGER}


def _enquirers(code: str) -> dict[str, Role]:
    roles = _ENQUIRING[code]
    return {f"{code}-{n}": roles[n % len(roles)] for n in range(_ENQUIRERS)}
