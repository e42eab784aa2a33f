"""Fixtures of the tests of the access log: one with entries under a signed head, its commands, and the staff."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from builders import MovableClock, World
from integration.log_scenes import LogCli, asked
from integration.log_writers import log, log_keys, sequencer
from logins import service_environment, service_urls

from registry_api.access_log.log_keys import LogKeys
from registry_api.cli import main
from registry_api.kernel.clock import utc_now
from registry_api.kernel.crypto import LocalKeys
from registry_api.kernel.db import Database
from registry_api.kernel.settings import Settings


@pytest.fixture
async def keys(database: Database, local: LocalKeys, tmp_path: Path) -> LogKeys:
    """The keys of a log with entries under a signed head."""
    await log(database, 5)
    made = log_keys(tmp_path)
    await sequencer(database, local, made).round()
    return made


@pytest.fixture
async def outside(database_url: str) -> AsyncIterator[Database]:
    """The connections of whoever gives checkpoints out."""
    made = Database(database_url, pool_size=2)
    yield made
    await made.close()


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        **service_environment(database_url),
        "REGISTRY_STATE_DIR": str(tmp_path / "state"),
        "REGISTRY_LOG_ORIGIN": "register.test/log",
    }


@pytest.fixture
def log_cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], environment: dict[str, str]) -> LogCli:
    """Runs a command and returns its exit code and what it wrote."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["registry-api", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        code = left.value.code or 0
        assert isinstance(code, int)
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def staff(log_cli: LogCli, database_url: str, tmp_path: Path) -> dict[str, UUID]:
    """The authority's own staff and those of others, enrolled; their ids."""

    async def populate(database: Database) -> dict[str, UUID]:
        world = World(
            database, service_urls(database_url), Settings(base_url="https://register.test"), MovableClock(utc_now())
        )
        await world.populate()
        return {subject: member.id for subject, member in world.members.items()}

    return asked(database_url, populate)
