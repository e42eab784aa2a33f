"""What the guards and the generated documents look at: the repository's root, its files and its Python sources."""

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("registry_api", "auth", "policies")


@cache
def files() -> tuple[Path, ...]:
    """Return every file of the repository but for what ``.gitignore`` names; absolute paths. Needs no git."""
    lines = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    ignored = [".git", *(line.strip("/") for line in lines if line and not line.startswith(("#", "!")))]

    def kept(path: Path) -> bool:
        within = path.relative_to(ROOT)
        return not any(fnmatch(within.name, pattern) or fnmatch(str(within), pattern) for pattern in ignored)

    found: list[Path] = []
    for folder, below, names in os.walk(ROOT):
        below[:] = sorted(name for name in below if kept(Path(folder, name)))
        found += (path for name in sorted(names) if kept(path := Path(folder, name)))
    return tuple(found)


def python_files(*folders: str) -> list[Path]:
    """Return the Python files of the repository, or of these top-level folders."""
    return sorted(
        path for path in files() if path.suffix == ".py" and (not folders or path.relative_to(ROOT).parts[0] in folders)
    )


@dataclass(frozen=True, slots=True)
class Documented:
    """A module, class, function or attribute, and its docstring; ``text`` is empty when it has none."""

    name: str
    """Dotted, from the package on."""
    text: str
    public: bool
    """Whether neither it nor anything around it begins with an underscore."""
    is_attribute: bool = False


def documented(path: Path) -> Iterator[Documented]:
    """Yield the module, then each class, function and documented attribute in it, in order."""
    tree = ast.parse(path.read_text("utf-8"))
    parts = path.relative_to(ROOT).with_suffix("").parts
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    yield Documented(module, ast.get_docstring(tree) or "", public=True)
    yield from _within(tree, module, public=True)


def _within(node: ast.Module | ast.ClassDef, around: str, *, public: bool) -> Iterator[Documented]:
    before: ast.stmt | None = None
    for child in node.body:
        match child:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                name = f"{around}.{child.name}"
                # A dunder is as public as its class; what it does is fixed by the language.
                shown = public and (not child.name.startswith("_"))
                yield Documented(name, ast.get_docstring(child) or "", shown)
                if isinstance(child, ast.ClassDef):
                    yield from _within(child, name, public=shown)
            case ast.Expr(value=ast.Constant(value=str(text))) if before is not None:
                if named := _assigned(before):
                    shown = public and not named.startswith("_")
                    yield Documented(f"{around}.{named}", text, shown, is_attribute=True)
        before = child


def _assigned(statement: ast.stmt) -> str | None:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
    return None
