"""A whole deployment under enquirers, whose processes and database are killed with -9 at random, and started again.

Two API processes and two sequencers on one state folder, as an operator starts them, and a PostgreSQL of their own.
What is killed and when follows from a seed; what it meets does not: a seed that failed may have to run again.
"""

import asyncio
import contextlib
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx2
import psutil
from deployment import deployment, examples, run
from journeys.log_storm_processes import Process

from auth.client import OrganisationSigner, generate_client_key
from auth.sending import AsProfessional, NoToken
from registry_api.kernel.postgres import EmbeddedPostgres, libpq_dsn

ENQUIRIES: Final = "/api/v1/enquiries"
WRITERS_REFERENCE: Final = "W-00000"
"""With five digits more it is of the form that a leaf shows (``access_log.sealing``)."""
_OFFICERS: Final = 4
_UNLIMITED = {
    f"REGISTRY_{name}": "100000000"
    for name in (
        "ENQUIRIES_PER_MINUTE_ORGANISATION",
        "ENQUIRIES_PER_MINUTE_PROFESSIONAL",
        "REQUESTS_PER_MINUTE_ADDRESS",
        "FAILED_AUTHENTICATIONS_PER_MINUTE_ADDRESS",
    )
}
_PATIENCE: Final = 180.0


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An answer as an enquirer has it."""

    reference: str
    receipt: str
    key: str


@dataclass
class Kept:
    """What those outside know when the storm is over."""

    answers: list[Acknowledged] = field(default_factory=list)
    not_answered: list[str] = field(default_factory=list)
    """The bodies of all that was not answered with 200."""
    committed: list[str] = field(default_factory=list)
    rolled_back: list[str] = field(default_factory=list)
    killed: list[str] = field(default_factory=list)


class Storm:
    """The deployment, those who ask and write, and whoever kills."""

    def __init__(self, folder: Path, seed: int) -> None:
        """Set an authority up in ``folder``, with officers who may ask and a child with a key worker."""
        self.folder, self.kept, self._chance = folder, Kept(), random.Random(seed)
        self._over = threading.Event()
        self._calm = threading.Event()
        self.environment = deployment(folder) | _UNLIMITED
        self.environment |= {
            "REGISTRY_PROFILE": "jersey",
            "REGISTRY_LOG_SEQUENCER": "separate",
            "REGISTRY_LOG_ORIGIN": "register.test/log",
        }
        self.state = Path(self.environment["REGISTRY_STATE_DIR"])
        self.postgres = EmbeddedPostgres(self.state)
        self.environment["REGISTRY_DATABASE_URL"] = self.postgres.start()
        for part in ("api", "register", "sequencer"):
            self.environment[f"REGISTRY_{part.upper()}_DATABASE_URL"] = getattr(self.postgres.service_urls, part)
        self._set_up()
        self.apis = [self._api(number) for number in (1, 2)]
        self.sequencers = [self._process(f"sequencer-{n}", ["sequencer"], self.environment) for n in (1, 2)]

    def _set_up(self) -> None:
        private, public = generate_client_key()
        authority, police = map(json.loads, examples())
        (organisation,) = police["organisations"]
        organisation["clients"][0]["public_keys"] = [public]
        officer = organisation["professionals"][0]
        organisation["professionals"] = [officer | {"subject": f"officer-{n}"} for n in range(_OFFICERS)]
        self._client_id, self._private = organisation["clients"][0]["client_id"], private
        for name, document in (("authority.json", authority), ("police.json", police)):
            (self.folder / name).write_text(json.dumps(document))
        self.does("set-up", str(self.folder / "authority.json"))
        self.does("enrol", str(self.folder / "police.json"), "--why", "The agreement of January.", "--by", "da-1")

    def does(self, *command: str) -> str:
        """Run a command to its end and return what it printed."""
        done = run(list(command), self.environment)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def _api(self, number: int) -> Process:
        own = deployment(self.folder)
        ports = {name: own[name] for name in ("REGISTRY_PORT", "REGISTRY_BASE_URL")}
        return self._process(f"api-{number}", ["serve", "--workers", "1"], self.environment | ports)

    def _process(self, name: str, command: list[str], environment: dict[str, str]) -> Process:
        return Process(name, command, environment, self.folder / f"{name}.said")

    def rage(self, seconds: float) -> Kept:
        """Let it rage for so long, then let what was killed come back and what was asked come to its end."""
        self.start()
        works: list[Callable[[], None]] = [lambda n=n: self._ask(n) for n in range(_OFFICERS)]
        works += [lambda: asyncio.run(self._write()), self._supervise]
        failed: list[BaseException] = []

        def watched(work: Callable[[], None]) -> None:
            try:
                work()
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=watched, args=(work,), daemon=True) for work in works]
        for thread in threads:
            thread.start()
        until = time.monotonic() + seconds
        while time.monotonic() < until and not failed:
            time.sleep(self._chance.uniform(0.2, 1.2))
            self._kill()
        self._calm.set()
        self.postgres.start()
        self._until(self._all_answer, "the service did not come back")
        self._over.set()
        for thread in threads:
            thread.join(_PATIENCE)
        assert not failed, failed
        self._until(lambda: asyncio.run(self.count("SELECT count(*) FROM log_pending")) == 0, "the queue stands still")
        return self.kept

    def start(self) -> None:
        """Start every process and wait until all of them are there."""
        for process in (*self.sequencers, *self.apis):
            process.keep_running()
        self._until(self._all_answer, "the service did not come up")

    def stop(self) -> None:
        """End all processes, and the database last."""
        self._calm.set()
        self._over.set()
        for process in (*self.apis, *self.sequencers):
            process.stop()
        self.postgres.stop()

    def _until(self, done: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not done():
            assert time.monotonic() < deadline, f"{otherwise}: {self.said()[-2000:]}"
            time.sleep(0.1)

    def said(self) -> str:
        """Return what the processes said."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.said")))

    def _all_answer(self) -> bool:
        for api in self.apis:
            with contextlib.suppress(httpx2.TransportError):
                if httpx2.get(f"{api.environment['REGISTRY_BASE_URL']}/readyz", trust_env=False).status_code == 200:
                    continue
            return False
        return True

    async def count(self, sql: str) -> int:
        """Return a number from the database."""
        connection = await asyncpg.connect(libpq_dsn(self.postgres.url))
        try:
            return int(await connection.fetchval(sql))
        finally:
            await connection.close()

    def _supervise(self) -> None:
        while not self._over.is_set():
            for process in (*self.sequencers, *self.apis):
                process.keep_running()
            time.sleep(0.3)

    def _kill(self) -> None:
        what = self._chance.choices(["api", "worker", "sequencer", "backend", "postmaster"], [2, 2, 4, 3, 2])[0]
        victim = self._chance.choice(self.sequencers if what == "sequencer" else self.apis)
        self.kept.killed.append(f"{what} {victim.name}" if what in ("api", "worker", "sequencer") else what)
        match what:
            case "api" | "sequencer":
                victim.kill()
            case "worker":
                victim.kill_a_worker(self._chance)
            case _:
                self._kill_postgres(single=what == "backend")

    def _kill_postgres(self, *, single: bool) -> None:
        """Kill the server, or one of its backends, upon which it throws all others out and recovers."""
        with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError, IndexError, ValueError):
            server = psutil.Process(int((self.state / "postgres/data/postmaster.pid").read_text().split()[0]))
            if not single:
                server.kill()
            elif backends := [child for child in server.children() if "registry" in " ".join(child.cmdline())]:
                self._chance.choice(backends).kill()
        if not single:
            time.sleep(self._chance.uniform(0, 0.5))
            self.postgres.start()

    def _ask(self, number: int) -> None:
        chance = random.Random(self._chance.getrandbits(32) ^ number)
        urls = [api.environment["REGISTRY_BASE_URL"] for api in self.apis]
        signers = {url: OrganisationSigner(self._client_id, self._private, url) for url in urls}
        askers = {url: AsProfessional(signers[url], url, f"officer-{number}", "enquiry") for url in urls}
        with httpx2.Client(timeout=15, trust_env=False) as http:
            while not self._over.is_set():
                key = f"storm-{number}-{chance.getrandbits(64):016x}"
                body = _body(chance)
                # One in three gives up after the first attempt, as people do; the others ask again, or elsewhere.
                for _ in range(chance.choice((1, 6, 6))):
                    if self._ask_once(http, chance.choice(urls), askers, key, body):
                        break
                    time.sleep(chance.uniform(0, 0.3))

    def _ask_once(
        self, http: httpx2.Client, url: str, askers: dict[str, AsProfessional], key: str, body: dict[str, Any]
    ) -> bool:
        try:
            answer = http.post(url + ENQUIRIES, json=body, headers={"Idempotency-Key": key}, auth=askers[url])
        except (httpx2.TransportError, NoToken):
            return False
        if answer.status_code != 200:
            self.kept.not_answered.append(answer.text)
            return False
        said = answer.json()
        self.kept.answers.append(Acknowledged(said["reference"], said["receipt"], key))
        return True

    async def _write(self) -> None:
        """Add entries in transactions that are slow, of which some are rolled back; known by their references."""
        chance, number = random.Random(7), 0
        while not self._over.is_set():
            try:
                connection = await asyncpg.connect(libpq_dsn(self.postgres.url), timeout=5, command_timeout=5)
                try:
                    while not self._over.is_set():
                        number += 1
                        await self._write_once(connection, f"{WRITERS_REFERENCE}-{number:05d}", chance)
                finally:
                    connection.terminate()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
                await asyncio.sleep(0.1)

    async def _write_once(self, connection: asyncpg.Connection, reference: str, chance: random.Random) -> None:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(
            "INSERT INTO access_entry (at, kind, reference) VALUES (now(), 'inbox.read', $1)", reference
        )
        await asyncio.sleep(chance.uniform(0, 0.03))
        if chance.random() < 0.3:
            self.kept.rolled_back.append(reference)  # beforehand: whatever becomes of it, it is not to be there
            await transaction.rollback()
        else:
            await transaction.commit()
            self.kept.committed.append(reference)


def _body(chance: random.Random) -> dict[str, Any]:
    born = f"20{chance.randrange(10, 24)}-0{chance.randrange(1, 10)}-{chance.randrange(10, 28)}"
    child = {
        "given_names": chance.choice(("Quillon", "Persimmon", "Tansy", "Rowena")),
        "family_name": f"Testfamily-{chance.choice(('Ash', 'Elder', 'Hazel', 'Rowan'))}",
        "date_of_birth": born,
    }
    address = {"lines": f"{chance.randrange(1, 90)} Larkspur Rise", "postcode": "JE5 7QX"}
    return {
        "child": child | {"address": address},
        "reason": "injury",
        "reason_text": "Bruise on the upper arm.",
        "urgency": "urgent",
        "call_back_number": "01632 960321",
    }


@contextlib.contextmanager
def a_storm(folder: Path, seed: int) -> Iterator[Storm]:
    """Lend a deployment that is ended whatever happens."""
    storm = Storm(folder, seed)
    try:
        yield storm
    finally:
        storm.stop()
