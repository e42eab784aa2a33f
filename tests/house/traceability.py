"""For each rule of the procedures, the code that carries it out and the tests that prove it: found, not listed by hand.

Code is what names the rule in its docstring, or a row of the decision table that names it. A test is one that carries
the rule's mark, ``@pytest.mark.rule("ENQ-4")``, as pytest collects it.
"""

import contextlib
import io
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from registry_api.enquiries.rules import TABLE
from tests.house.repository import PACKAGES, ROOT, documented, python_files

_IDENTIFIER = re.compile(r"\b(?:ENQ|REG|TIME|TRF|CUS)-[0-9]+\b")
_RULES = Path(__file__).with_name("rules.toml")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the published procedures. ``built``: it is carried out now, but for what is ``remaining``."""

    identifier: str
    chapter: str
    title: str
    source: str
    built: bool
    remaining: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """One rule with what was found about it."""

    rule: Rule
    code: tuple[str, ...]
    tests: tuple[str, ...]

    @property
    def gap(self) -> str:
        """What is missing of a rule that counts as built; empty when nothing is."""
        if not self.rule.built:
            return ""
        lacking = [what for what, found in (("code", self.code), ("test", self.tests)) if not found]
        return " and ".join(f"no {what}" for what in lacking)

    @property
    def status(self) -> str:
        """How the rule stands, in the words of the document."""
        if self.rule.built:
            if self.gap:
                return f"GAP: {self.gap}"
            return "built, with more to come" if self.rule.remaining else "built"
        return "in part" if self.code and self.tests else "not built yet"


def rules() -> dict[str, Rule]:
    """Return every rule by its identifier, in the order of the procedures."""
    chapters = tomllib.loads(_RULES.read_text("utf-8"))
    built, remaining = set(chapters.pop("built")), chapters.pop("remaining")
    found = {
        identifier: Rule(identifier, chapter, title, source, identifier in built, remaining.get(identifier, ""))
        for chapter, listed in chapters.items()
        for identifier, (title, source) in listed.items()
    }
    if unknown := (built | remaining.keys()) - found.keys():
        raise ValueError(f"built or remaining, but not among the rules: {sorted(unknown)}")
    return found


def code_by_rule() -> dict[str, list[str]]:
    """Return, for each identifier that is named, the dotted names of the code that names it."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in python_files(*PACKAGES):
        for place in documented(path):
            for identifier in dict.fromkeys(_IDENTIFIER.findall(place.text)):
                found[identifier].append(place.name)
    for row in TABLE:
        for identifier in row.rules:
            found[identifier].append(f"registry_api.enquiries.rules.TABLE: {row.name}")
    return found


class Collected:
    """A pytest plug-in that notes what is collected: ``tests`` by the rule that they prove, and ``every`` one.

    Without their parameters, and without what is skipped or known to fail, which proves nothing.
    """

    def __init__(self) -> None:
        self.tests: dict[str, list[str]] = defaultdict(list)
        self.every: set[str] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note every test, and under each rule those that prove it."""
        for item in session.items:
            if item.get_closest_marker("skip") or item.get_closest_marker("xfail"):
                continue
            self.every.add(item.nodeid.partition("[")[0])
            for mark in item.iter_markers("rule"):
                for identifier in mark.args:
                    self.tests[str(identifier)].append(item.nodeid.partition("[")[0])


def collect() -> Collected:
    """Collect the whole suite with pytest, in this process.

    Raises RuntimeError when a test module cannot be collected.
    """
    collected = Collected()
    options = ["--collect-only", "-qqq", "-p", "no:cacheprovider", "--rootdir", str(ROOT)]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        ended = pytest.main([*options, str(ROOT / "tests")], plugins=[collected])
    if ended != pytest.ExitCode.OK:
        raise RuntimeError(f"the tests cannot be collected:\n{said.getvalue()}")
    return collected


def traces(code: Mapping[str, Iterable[str]], tests: Mapping[str, Iterable[str]]) -> list[Trace]:
    """Return every rule with its code and tests. Raises ValueError when either names a rule that does not exist."""
    known = rules()
    if unknown := {*code, *tests} - known.keys():
        raise ValueError(f"no such rule: {sorted(unknown)}")
    return [
        Trace(rule, tuple(sorted(set(code.get(name, ())))), tuple(sorted(set(tests.get(name, ())))))
        for name, rule in known.items()
    ]


def render(found: list[Trace]) -> str:
    """Return ``docs/traceability.md``."""
    lines = [
        "# Which rule is carried out where, and what proves it",
        "",
        "Generated by `python -m tests.house.generate` from docstrings, the decision table and the marks of the tests;",
        "checked in the build. A rule that counts as built without a test is a gap, and the build fails.",
        "",
        "| status | rules |",
        "| --- | --- |",
    ]
    for status in sorted({trace.status for trace in found}):
        lines.append(f"| {status} | {', '.join(t.rule.identifier for t in found if t.status == status)} |")
    chapter = ""
    for trace in found:
        if trace.rule.chapter != chapter:
            chapter = trace.rule.chapter
            lines += ["", f"## {chapter.capitalize()}"]
        lines += ["", f"### {trace.rule.identifier}: {trace.rule.title}", ""]
        remaining = f" Still to come: {trace.rule.remaining}." if trace.rule.remaining else ""
        lines += [f"Source: {trace.rule.source}. Status: {trace.status}.{remaining}"]
        for heading, names in (("Code", trace.code), ("Tests", trace.tests)):
            if names:
                lines += ["", f"{heading}:", "", *(f"- `{name}`" for name in names)]
    return "\n".join(lines) + "\n"
