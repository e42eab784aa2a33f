"""The service as an operator runs it: a first run by the README, and every way in which it cannot start.

Each refusal is one sentence. Whatever was started is stopped again.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from deployment import ROOT, deployment, examples, run, serving
from logins import service_environment

from registry_api.cli import service
from registry_api.cli.output import Failure
from registry_api.kernel.settings import Settings

PROVIDER = """
[[provider]]
name = "hospital"
issuer = "https://sign-in.hospital.example"
jwks_file = "keys.json"
algorithms = ["RS256"]
subject_claim = "sub"
organisations = { hospital = ["ward-system"] }
assurance = { claim = "acr", levels = { two-factors = "aal2" } }
"""


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that a command that could not be carried out leaves behind."""
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    return line


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A deployment of its own."""
    return deployment(tmp_path)


def first_run(environment: dict[str, str], folder: Path) -> list[str]:
    """Carry out the README's commands for a register of one's own, all but the last; return that one."""
    authority, police = examples()
    (folder / "authority.json").write_text(authority)
    (folder / "police.json").write_text(police)
    made = run(
        [
            *("synthesise", "--out", str(folder / "register.csv"), "--staff-file", str(folder / "authority.json")),
            *("--on-plan", "5", "--open", "10", "--closed", "20"),
        ],
        environment,
    )
    assert made.returncode == 0, made.stderr
    block = next(
        b for b in re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL) if "enrol " in b
    )
    chosen, *commands, last = block.strip().splitlines()
    environment["REGISTRY_PROFILE"] = chosen.split("=")[1].split()[0]
    for line in commands:
        done = subprocess.run(["bash", "-c", line], env=environment, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}: {done.stderr}"
    return last.split()


@pytest.mark.timeout(240)
def test_a_register_of_one_s_own_by_the_readme(environment: dict[str, str], tmp_path: Path) -> None:
    assert shutil.which("registry-api", path=environment["PATH"]), "the environment is not installed"
    assert first_run(environment, tmp_path) == ["registry-api", "serve", "--workers", "2"]
    state = Path(environment["REGISTRY_STATE_DIR"])
    with serving(environment) as process:
        answer = httpx2.get(f"{environment['REGISTRY_BASE_URL']}/livez", trust_env=False)
        assert answer.json() == {"status": "ok"}
        assert "server" not in answer.headers
        again = run(["serve"], environment)
        assert "port" in sentence(again)
        assert "REGISTRY_PORT" in again.stderr
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    said = (tmp_path / "said").read_text()
    assert said == f"The service is at {environment['REGISTRY_BASE_URL']}. Stop it with Ctrl-C.\n"
    assert not (state / "postgres/data/postmaster.pid").exists()
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{environment['REGISTRY_BASE_URL']}/livez", trust_env=False)

    with serving(environment, workers=1) as process:  # one worker ends as cleanly, on Ctrl-C too
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=60) == 0
    assert not (state / "postgres/data/postmaster.pid").exists()


def test_a_database_of_another_schema_is_not_served_but_migrated(environment: dict[str, str], cluster_url: str) -> None:
    environment |= service_environment(cluster_url.replace("/registry?", "/postgres?"))
    refused = run(["serve"], environment)
    assert "registry-api migrate" in sentence(refused)


def test_a_database_without_an_authority_is_not_served(environment: dict[str, str], database_url: str) -> None:
    environment |= service_environment(database_url)
    assert run(["migrate"], environment).returncode == 0
    assert "registry-api set-up" in sentence(run(["serve"], environment))


def test_a_database_that_cannot_be_reached_is_said_without_its_password(environment: dict[str, str]) -> None:
    nowhere = "postgresql+asyncpg://registry:hush-hush@127.0.0.1:9/registry"
    environment |= dict.fromkeys(service_environment(nowhere), nowhere)
    done = run(["serve"], environment)
    assert "cannot be reached" in sentence(done)
    assert "hush-hush" not in done.stderr


def test_a_setting_that_makes_no_sense_is_named(environment: dict[str, str]) -> None:
    environment["REGISTRY_WORKERS"] = "many"
    assert "REGISTRY_WORKERS" in sentence(run(["serve"], environment))


def test_an_identity_file_that_makes_no_sense_is_refused_by_its_key(
    environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "identity.toml"
    environment["REGISTRY_IDENTITY_FILE"] = str(file)
    assert "identity.toml: it cannot be read" in sentence(run(["serve"], environment))
    file.write_text("[[provider]]\n")
    assert "provider[0].name: missing key" in sentence(run(["serve"], environment))
    file.write_text("[sign_in]\n")
    assert "sign_in.issuer: missing key" in sentence(run(["serve"], environment))
    (tmp_path / "keys.json").write_text("{}")
    file.write_text(PROVIDER)
    assert "provider 'hospital': jwks_file: the file holds no JWK set" in sentence(run(["serve"], environment))


def test_all_that_the_identity_file_leads_to_is_looked_at(tmp_path: Path) -> None:
    settings = Settings(identity_file=tmp_path / "identity.toml")
    (tmp_path / "keys.json").write_text("{}")
    for text, fault in (
        ("[sign_in]\n", "sign_in.issuer: missing key"),
        (PROVIDER, "provider 'hospital': jwks_file: the file holds no JWK set"),
    ):
        (tmp_path / "identity.toml").write_text(text)
        with pytest.raises(Failure, match=fault):
            service._check_identity(settings)


def test_a_worker_holds_nothing_that_only_the_command_line_needs() -> None:
    code = "import sys, json, registry_api.cli, registry_api.cli.worker; print(json.dumps(sorted(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    modules = set(json.loads(loaded))
    assert "registry_api.main" in modules
    # The first two cost memory in each worker; ecdsa is the package of CVE-2024-23342 (SECURITY.md).
    assert modules & {"typer", "alembic", "ecdsa"} == set()
