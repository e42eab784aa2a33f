"""Guards what is installed: three packages with one owner each, a wheel that is whole, and locked dependencies."""

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from registry_api.kernel.migrations import head
from tests.house.repository import PACKAGES, ROOT, files

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCKS = ("requirements.lock", "requirements-dev.lock")
_PIN = re.compile(r"[a-z0-9][a-z0-9._-]*==[^\s;]+( ; [^\\]+)? \\")
_HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as for a release."""
    built = WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("dist")), versions=["standard"])
    return Path(next(iter(built)))


def test_nobody_can_upload_it_by_mistake() -> None:
    assert "Private :: Do Not Upload" in PROJECT["project"]["classifiers"]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_package_has_one_owner(package: str) -> None:
    # Two of the names are also those of projects on the public index: an installed one would win or lose by chance.
    owners = set(packages_distributions().get(package, ())) - {PROJECT["project"]["name"]}
    assert owners == set()
    spec = find_spec(package)
    assert spec is not None
    assert Path(str(spec.origin)).parent == ROOT / package


def test_the_wheel_holds_the_three_packages_and_nothing_beside_them(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == set(PACKAGES)
    sources = {str(path.relative_to(ROOT)) for path in files() if path.relative_to(ROOT).parts[0] in PACKAGES}
    assert sources <= names


def test_the_wheel_brings_its_migrations_and_they_run(wheel: Path, tmp_path: Path, database_url: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    script = (
        "import sys; from pathlib import Path; from registry_api.kernel import migrations as m\n"
        "assert Path(m.__file__).is_relative_to(sys.argv[1])\n"
        "m.downgrade(sys.argv[2], 'base'); m.upgrade(sys.argv[2]); print(m.head())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), database_url],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == [head()]


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_pin_has_its_hashes_and_says_nothing_of_where_it_came_from(name: str) -> None:
    pins: list[list[str]] = []
    for line in (ROOT / name).read_text("utf-8").splitlines():
        if line.lstrip().startswith("#"):
            assert "/" not in line, line
        elif _PIN.fullmatch(line):
            pins.append([])
        else:
            assert _HASH.fullmatch(line), line
            pins[-1].append(line)
    assert len(pins) > 50
    assert all(pins)


def test_every_dependency_is_locked() -> None:
    project = PROJECT["project"]
    wanted = {
        "requirements.lock": project["dependencies"],
        "requirements-dev.lock": [*project["dependencies"], *project["optional-dependencies"]["dev"]],
    }
    for name, dependencies in wanted.items():
        locked = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / name).read_text("utf-8"), re.MULTILINE))
        assert {re.split(r"[\[;<>=! ]", dependency)[0] for dependency in dependencies} <= locked
