"""A command of `registry-api` as the operator types it, in this process, and what it leaves behind."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from registry_api.cli import main

_WANTS_WHY = {"enrol", "suspend", "absence", "agreement", "add-key", "retire-key"}


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str


Cli = Callable[..., Done]


def commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Return what runs a command; a change is given a reason where the test gives none."""

    def run(*arguments: object) -> Done:
        if _WANTS_WHY.intersection(map(str, arguments[:2])) and "--why" not in arguments:
            arguments = (*arguments, "--why", "As agreed with Testperson Partner.")
        monkeypatch.setattr(sys, "argv", ["registry-api", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        code = left.value.code or 0
        assert isinstance(code, int)
        return Done(code, captured.out, captured.err)

    return run
