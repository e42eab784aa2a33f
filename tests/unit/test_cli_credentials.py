"""The command that makes the key by which the service proves who it is: for its owner alone, and never over another."""

import json
import stat
from pathlib import Path

import pytest

from registry_api.cli import credentials
from registry_api.cli.output import Failure


def test_the_private_half_is_its_owners_and_the_public_one_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "key.json"
    credentials.make_sign_in_key(file, None, 365)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    private = json.loads(file.read_text())
    printed = capsys.readouterr().out
    (public,) = json.loads(printed)["keys"]
    assert public["kid"] == private["kid"]
    assert private["d"] not in printed


@pytest.mark.parametrize("certified", [False, True])
def test_no_file_that_is_there_is_written_over(tmp_path: Path, certified: bool) -> None:
    file, certificate = tmp_path / "key.json", tmp_path / "key.pem"
    (certificate if certified else file).write_text("it stays")
    with pytest.raises(Failure, match="it stays: choose another name"):
        credentials.make_sign_in_key(file, certificate if certified else None, 365)
    assert (certificate if certified else file).read_text() == "it stays"
    assert file.exists() is not certified
