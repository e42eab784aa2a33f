"""A newcomer's path: the demonstration, then every command of the README, exactly as it stands there.

The demonstration runs on a terminal of its own, with a small register.
"""

import asyncio
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from registry_api.cli.demo.played import Played
from registry_api.cli.demo.story import Step, story
from registry_api.directory import service as directory
from registry_api.directory.models import Professional
from registry_api.enquiries.rules import Outcome
from registry_api.kernel.db import Database
from registry_api.kernel.postgres import EmbeddedPostgres

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
STEPS = 17
pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("demo")]


@dataclass
class Place:
    """Where the demonstration was run: a folder like the repository's, and a port."""

    folder: Path
    port: int

    @property
    def state(self) -> Path:
        return self.folder / ".state/demo"

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
        return kept | {"REGISTRY_PORT": str(self.port), "REGISTRY_DEMO_SCALE": "0.004"}

    def demo(self, **how: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "registry_api.cli", "demo"]
        environment = self.environment | {"PYTHONPATH": str(ROOT)}
        return subprocess.Popen(command, cwd=self.folder, env=environment, text=True, start_new_session=True, **how)

    def once_more(self) -> tuple[int, str]:
        """Run it with standard input closed; return exit code and output."""
        process = self.demo(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output, _ = process.communicate(timeout=120)
        return process.returncode, output

    def is_quiet(self) -> bool:
        """Whether nothing is left running: neither the service nor its PostgreSQL."""
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) != 0 and not self._postgres_runs()

    def _postgres_runs(self) -> bool:
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((self.state / "postgres/data/postmaster.pid").read_text().split()[0]), 0)
            return True
        return False


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("newcomer")
    (folder / ".venv").symlink_to(sys.prefix)
    with socket.create_server(("127.0.0.1", 0)) as free:
        return Place(folder, free.getsockname()[1])


@pytest.fixture(scope="class")
def told(place: Place) -> Iterator[str]:
    """What the demonstration printed; it stays up meanwhile, and Ctrl-C ends it whole."""
    ours, terminal = pty.openpty()
    printed = place.folder / "printed"
    with printed.open("w") as output:
        process = place.demo(stdin=terminal, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 200
        while "To start afresh" not in printed.read_text():
            assert process.poll() is None, printed.read_text()
            assert time.monotonic() < deadline, printed.read_text()
            time.sleep(0.2)
        yield printed.read_text()
        assert process.poll() is None, "on a terminal it stays up"
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=60) == 0, printed.read_text()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)
        os.close(ours)
        os.close(terminal)
    assert place.is_quiet()


def commands() -> list[str]:
    """The blocks of the README that a newcomer types while the demonstration is up."""
    return [block for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) if ".venv/bin/registry-api" in block]


def run(place: Place, block: str) -> str:
    here = block.replace("127.0.0.1:8080", f"127.0.0.1:{place.port}")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", here],
        cwd=place.folder,
        env=place.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class TestWhileItIsUp:
    """The demonstration on a terminal."""

    @pytest.mark.rule("ENQ-3", "ENQ-4", "ENQ-5", "ENQ-6", "ENQ-7", "ENQ-8", "ENQ-9", "ENQ-11", "ENQ-12")
    @pytest.mark.rule("TRF-1", "TRF-2", "TIME-2")
    def test_the_demonstration_shows_each_outcome_as_it_should_be(self, told: str) -> None:
        summary = told.split("In short")[1].split("Run it from")[0].split("The service is up")[0]
        rows = re.findall(r"^ *(\d+) .* (yes|NO) *$", summary, re.MULTILINE)
        assert [verdict for _, verdict in rows] == ["yes"] * STEPS

    @pytest.mark.rule("ENQ-4")
    def test_the_readme_s_enquiry_names_the_key_worker_and_its_inbox_shows_it(self, told: str, place: Place) -> None:
        ask, follow_up, over_http = commands()
        answered = run(place, ask)
        assert "Tamsel Demo-Alder" in answered
        reference = re.search(r"E-\w{5}-\w{5}", answered)
        assert reference
        assert reference[0] in run(place, follow_up)
        by_http = json.loads(run(place, over_http))
        assert by_http["outcome"] == "on_plan"
        assert by_http["reference"] in run(place, follow_up)

    @pytest.mark.rule("ENQ-1", "ENQ-2")
    def test_a_caller_is_told_once_they_have_been_called_back(self, told: str, place: Place) -> None:
        as_duty = "--client-file .state/demo/clients/authority.json --as duty-1"
        asked = commands()[0].split("--as officer-1", 1)[1].split("--call-back")[0].rstrip(" \\\n")
        taken = run(place, f".venv/bin/registry-api ask {as_duty} --caller police/officer-1 {asked}")
        assert "Tamsel Demo-Alder" not in taken
        reference = re.search(r"E-\w{5}-\w{5}", taken)
        assert reference
        assert reference[0] in run(place, f".venv/bin/registry-api held {as_duty}")
        called = f".venv/bin/registry-api call-back {as_duty} --number office {reference[0]}"
        assert run(place, f"{called} --not-reached") == ""
        assert "Tamsel Demo-Alder" in run(place, f"{called} --reached")
        assert run(place, f".venv/bin/registry-api held {as_duty}") == ""

    def test_the_commands_that_it_prints_work(self, told: str, place: Place) -> None:
        printed = re.findall(r"^  (\.venv/bin/registry-api .*|curl .*)$", told, re.MULTILINE)
        assert len(printed) == 5
        for line in printed:
            assert run(place, line)

    def test_the_client_files_are_for_their_owner_alone(self, told: str, place: Place) -> None:
        files = [*place.state.glob("clients/*.json")]
        assert len(files) == 5
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}

    def test_a_second_one_in_the_same_folder_keeps_out(self, told: str, place: Place) -> None:
        code, output = place.once_more()
        assert code == 1
        assert output.strip() == (
            "The demonstration is running already: use that one, or set REGISTRY_STATE_DIR to another folder."
        )


def test_the_first_commands_are_targets_that_lead_here() -> None:
    first = next(block for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) if "make demo" in block)
    targets = re.findall(r"^make (\w+)", first, re.MULTILINE)
    assert targets == ["demo", "test"]
    planned = subprocess.run(
        ["make", "--dry-run", "--old-file=requirements-dev.lock", *targets],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "registry_api.cli demo" in planned
    assert "pytest" in planned


class TestAgain:
    """Once the first demonstration is over: a warm start, and one whose answers are not as they should be."""

    def test_a_warm_start_shows_it_all_again_and_ends_by_itself(self, place: Place, told_before: None) -> None:
        code, output = place.once_more()
        assert code == 0, output
        assert "The register is there already." in output
        assert len(re.findall(r" yes *$", output.split("In short")[1], re.MULTILINE)) == STEPS
        assert place.is_quiet()

    def test_an_answer_that_is_not_as_it_should_be_fails_it(self, place: Place, told_before: None) -> None:
        with EmbeddedPostgres(place.state) as postgres:
            asyncio.run(_send_on_leave(postgres.url, "kw-01"))
        code, output = place.once_more()
        assert code == 1
        assert "Not every answer was the expected one" in output
        assert "kw-01 was not told" not in output, "they see it on their return"
        assert "tm-1 was told: child_enquired_about" in output
        assert place.is_quiet()

    @pytest.fixture
    def told_before(self, request: pytest.FixtureRequest, place: Place) -> None:
        if not (place.state / "register.csv").exists():
            assert place.once_more()[0] == 0  # this test alone was asked for


async def _send_on_leave(url: str, subject: str) -> None:
    database = Database(url, pool_size=1)
    now = datetime.now(UTC)
    async with database.session() as session:
        found = await session.exec(select(Professional.id).where(col(Professional.subject) == subject))
        directory.arrange_cover(
            session, away=found.one(), covered_by=None, starts_at=now, ends_at=now + timedelta(hours=1)
        )
    await database.close()


def _all_steps() -> list[Step]:
    told, steps = story(date(2026, 3, 4)), []
    step = next(told)
    with suppress(StopIteration):
        while True:
            steps.append(step)
            step = told.send({"reference": "T-00000-00000"})
    return steps


def test_the_story_has_every_outcome_that_an_outside_enquirer_can_get() -> None:
    expected = {step.expected for step in _all_steps()}
    # Nobody's agreement there is for a contact and no more.
    assert {*Outcome} - {Outcome.ADDRESS, Outcome.KNOWN} <= expected
    assert {"forbidden", "more-details-needed"} <= expected


def test_a_step_passes_only_with_its_answer_and_exactly_its_notifications() -> None:
    step = _all_steps()[0]
    played = Played(step, {}, step.expected, told=step.told.copy())
    assert played.as_expected
    played.astray["tm-1", "child_enquired_about"] += 1
    assert not played.as_expected
    assert not Played(step, {}, step.expected).as_expected
    assert not Played(step, {}, "not_known", told=step.told.copy()).as_expected
    assert not Played(step, {}, step.expected, repeated=True, told=step.told.copy()).as_expected
