"""Guards the generated documents: current, without a gap, and true to what they are generated from."""

import subprocess
import sys
from pathlib import Path

import pytest

from registry_api.enquiries.rules import TABLE, decide_outcome
from tests.house.outcome_table import facts_of, shown
from tests.house.repository import ROOT
from tests.house.security import Requirement, Source, gaps
from tests.house.security import read as read_security
from tests.house.security import render as render_security
from tests.house.traceability import Rule, Trace, render, rules, traces


def test_the_documents_are_current_and_no_rule_that_counts_as_built_has_a_gap() -> None:
    # In a process of its own: pytest cannot collect a second time inside a run.
    checked = subprocess.run(
        [sys.executable, "-m", "tests.house.generate", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def test_every_rule_of_the_procedures_is_listed() -> None:
    numbers = {"ENQ": 12, "REG": 18, "TIME": 14, "TRF": 12, "CUS": 6}
    assert list(rules()) == [f"{kind}-{number}" for kind, last in numbers.items() for number in range(1, last + 1)]
    assert all(rule.title and rule.source for rule in rules().values())


@pytest.mark.parametrize(
    ("built", "code", "tests", "status"),
    [
        (True, ("a",), ("b",), "built"),
        (True, ("a",), (), "GAP: no test"),
        (True, (), ("b",), "GAP: no code"),
        (True, (), (), "GAP: no code and no test"),
        (False, (), (), "not built yet"),
        (False, ("a",), (), "not built yet"),
        (False, ("a",), ("b",), "in part"),
    ],
)
def test_how_a_rule_stands(built: bool, code: tuple[str, ...], tests: tuple[str, ...], status: str) -> None:
    trace = Trace(Rule("ENQ-1", "enquiries", "title", "source", built), code, tests)
    assert trace.status == status
    assert bool(trace.gap) == status.startswith("GAP")


def test_a_rule_that_is_built_in_part_only_says_what_is_to_come() -> None:
    trace = Trace(Rule("ENQ-1", "enquiries", "title", "source", True, "the rest"), ("a",), ("b",))
    assert trace.status == "built, with more to come"
    assert "Still to come: the rest." in render([trace])


@pytest.mark.parametrize("found", [({"ENQ-13": ["code"]}, {}), ({}, {"REG-0": ["test"]})])
def test_a_rule_that_does_not_exist_may_not_be_named(found: tuple[dict[str, list[str]], dict[str, list[str]]]) -> None:
    with pytest.raises(ValueError, match="no such rule"):
        traces(*found)


def _required(requirement: Requirement) -> list[Source]:
    return [Source("A source", "", (requirement,))]


def test_a_proof_that_does_not_exist_is_a_gap() -> None:
    collected = {"tests/unit/test_a.py::test_one"}
    for there in ("tests/unit/test_a.py::test_one", "tests/unit/test_a.py"):
        assert gaps(_required(Requirement("1", "what", "how", tests=(there,))), collected) == []
    for missing in ("tests/unit/test_a.py::test_two", "tests/unit/test_b.py"):
        assert len(gaps(_required(Requirement("1", "what", "how", tests=(missing,))), collected)) == 1
    assert len(gaps(_required(Requirement("1", "what", "how", paper="docs/none.md")), collected)) == 1


def test_what_is_not_met_is_said_at_the_top_and_where_it_stands() -> None:
    shown = render_security(_required(Requirement("7", "what", "how", standing="not met")))
    assert "| NOT MET | 1 | A source: 7 |" in shown
    assert "Not met. how" in shown


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("what = 'a', how = 'b'", "nothing proves it"),
        ("what = 'a', how = 'b', standing = 'fine'", "no way to stand"),
        ("what = 'a', how = 'b', tests = ['unit/test_a.py'], text = 'c'", "mean nothing"),
    ],
)
def test_a_requirement_says_what_it_has_to(tmp_path: Path, said: str, wrong: str) -> None:
    written = tmp_path / "security.toml"
    written.write_text(f"[[source]]\nname = 'A source'\n[source.items]\n'1' = {{ {said} }}\n", "utf-8")
    with pytest.raises(ValueError, match=wrong):
        read_security(written)


def test_each_row_of_the_outcome_table_is_shown_by_an_answer_of_that_row() -> None:
    for row in TABLE:
        assert decide_outcome(facts_of(row)).row == row.name


@pytest.mark.rule("ENQ-3")
def test_an_answer_that_may_disclose_nothing_discloses_nothing_though_everything_was_found() -> None:
    restricted = [row for row in TABLE if row.restricted]
    assert restricted
    assert [shown(row) for row in restricted] == [[] for _ in restricted]
