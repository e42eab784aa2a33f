"""Guards over the whole tree: documented, of readable length, silent, one database, nothing that leads elsewhere."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from alembic.script import ScriptDirectory

from registry_api.kernel.logs import ALLOWED
from registry_api.kernel.migrations import alembic_config
from tests.house.repository import PACKAGES, ROOT, documented, files, python_files

LONGER_THAN_300_LINES = {
    "alembic/versions/0001_the_first_tables.py": "every table once, in the order of their foreign keys, up and down",
    "registry_api/access_log/verify.py": "an auditor takes this one file away",
    "tests/builders.py": "one world, which tests read as one",
    "tests/integration/test_embedded_postgres.py": "one subject: the life of a server",
}
"""Python files that may be long, and why."""

_LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical"}
_LOGGERS = {"_log", "_logger", "log", "logger", "logging"}
_TEXT = {".py", ".toml", ".md", ".yaml", ".yml", ".lock", ".mako", ".sql", ".csv", ".json", ".sh", ""}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_every_file_opens_with_what_it_promises() -> None:
    assert [_name(path) for path in python_files() if not next(documented(path)).text] == []


def test_whatever_is_public_is_documented() -> None:
    places = [place for path in python_files(*PACKAGES) for place in documented(path)]
    assert len(places) > 500, "the search itself must find something"
    assert [place.name for place in places if place.public and not place.text] == []


def test_no_python_file_is_long_without_a_reason() -> None:
    long = {_name(path) for path in python_files() if len(path.read_text("utf-8").splitlines()) > 300}
    assert long == LONGER_THAN_300_LINES.keys()


def test_the_top_level_is_the_plan_of_the_house() -> None:
    folders = {parts[0] for path in files() if len(parts := path.relative_to(ROOT).parts) > 1}
    rooms = {"registry_api", "auth", "policies", "alembic", "tests", "deploy", "docs", "bench"}
    assert {folder for folder in folders if not folder.startswith(".")} <= rooms


def test_alembic_is_the_library_and_has_one_head() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists(), "it would shadow the library"
    assert len(ScriptDirectory.from_config(alembic_config()).get_heads()) == 1


def test_there_is_one_database_dialect() -> None:
    other = re.compile("sqlite", re.IGNORECASE)
    suspects = [path for path in files() if path.suffix in {".py", ".toml", ".lock", ".ini"} and path != Path(__file__)]
    assert [path for path in suspects if other.search(path.read_text("utf-8"))] == []


def test_nothing_names_a_place_on_somebodys_machine() -> None:
    place = re.compile(r"(?<![\w./-])/(?:home|root|work|Users)/")
    texts = [path for path in files() if path.suffix in _TEXT and path != Path(__file__)]
    assert [path for path in texts if place.search(path.read_text("utf-8"))] == []


def test_every_link_in_a_document_leads_to_a_file_of_the_repository() -> None:
    links = [
        (path, target)
        for path in files()
        if path.suffix == ".md"
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text("utf-8"))
        if "://" not in target and not target.startswith("mailto:")
    ]
    astray = [(path, target) for path, target in links if (path.parent / target).resolve() not in _with_folders()]
    assert astray == []


def _with_folders() -> set[Path]:
    return {ROOT, *files(), *(folder for path in files() for folder in path.parents if ROOT in folder.parents)}


def _calls() -> Iterator[tuple[str, ast.Call]]:
    """Yield every call in the three packages, with where it stands."""
    for path in python_files(*PACKAGES):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield f"{_name(path)}:{node.lineno}", node


def test_nothing_is_printed_but_by_commands() -> None:
    printed = [where for where, call in _calls() if isinstance(call.func, ast.Name) and call.func.id == "print"]
    commands = ("registry_api/cli/", "policies/calendars/__main__.py")
    assert [where for where in printed if not where.startswith(commands)] == []


def _is_harmless(value: ast.expr) -> bool:
    """Whether a logged value is a constant or the type of an error."""
    match value:
        case ast.Constant():
            return True
        case ast.Attribute(value=ast.Call(func=ast.Name(id="type")), attr="__name__"):
            return True
    return False


def test_logs_hold_fixed_words_and_fields_from_the_list() -> None:
    logged = 0
    for where, call in _calls():
        match call.func:
            case ast.Attribute(value=ast.Name(id=logger), attr=method) if logger in _LOGGERS and method in _LOG_METHODS:
                logged += 1
                assert all(_is_harmless(value) for value in call.args), where
                assert {keyword.arg for keyword in call.keywords} <= ALLOWED, where
                assert method != "exception", f"{where}: a traceback can hold what was asked"
    assert logged, "the search itself must find something"


def test_imports_run_one_way() -> None:
    lint = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert lint.returncode == 0, lint.stdout
