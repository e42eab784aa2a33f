"""`directory …` and `make-key`: what is enrolled, what falls due, who changed what; keys and agreements changed."""

import json
import re
import stat
from pathlib import Path

import pytest
from commands import Cli
from deployment import examples

from registry_api.cli.remote import ClientFile

WHERE = ("--base-url", "https://register.test/")
pytestmark = pytest.mark.rule("ENQ-3")


@pytest.fixture(autouse=True)
def enrolled(cli: Cli, tmp_path: Path) -> None:
    """The authority and the police of the documentation."""
    both = [one for example in examples() for one in json.loads(example)["organisations"]]
    file = tmp_path / "enrolment.json"
    file.write_text(json.dumps({"organisations": both}))
    assert cli("enrol", file).code == 0


def test_what_is_enrolled_is_shown(cli: Cli) -> None:
    everybody = cli("directory", "show").out
    assert "authority" in everybody
    assert "police" in everybody
    police = cli("directory", "show", "police", "--by", "da-1").out
    for said in ("Demo Isle Police", "01632 960110", "police-system", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"):
        assert said in police
    for said in ("officer-1", "police officer Perran Demo-Fir"):
        assert said in " ".join(police.split())
    nobody = cli("directory", "show", "nowhere")
    assert (nobody.code, nobody.err) == (1, "There is no organisation nowhere.\n")
    assert "nobody who is on the authority's own staff" in cli("directory", "show", "--by", "officer-1").err


def test_an_agreement_is_reviewed_prolonged_and_ended_and_that_is_in_the_history(cli: Cli) -> None:
    (agreement,) = re.findall(r"[0-9a-f-]{36}", cli("directory", "show", "police").out)
    assert agreement in cli("directory", "due", "--days", 1000).out
    done = cli("directory", "agreement", agreement, "--reviewed", "2026-02-03", "--to", "2028-06-30", "--by", "sm-1")
    assert done.err == "Done: 1 agreement changed.\n"
    assert cli("directory", "agreement", agreement, "--to", "2028-06-30").err == "Nothing had to be changed.\n"
    history = cli("directory", "history", "--of", "police", "--limit", 1).out
    for said in (agreement, "Oswin Demo-Damson", "2028-06-30", "2026-02-03", "As agreed with Testperson Partner."):
        assert said in history
    cli("directory", "agreement", agreement, "--to", "2026-03-01")
    assert agreement not in cli("directory", "due", "--days", 1000).out
    assert "ends before it begins" in cli("directory", "agreement", agreement, "--to", "2025-03-01").err
    for unknown in ("nothing", "00000000-0000-4000-8000-000000000000"):
        assert "no such agreement" in cli("directory", "agreement", unknown, "--to", "2028-06-30").err


def test_a_key_is_made_added_and_the_old_one_retired(cli: Cli, tmp_path: Path) -> None:
    client_file, public = tmp_path / "police-client.json", tmp_path / "police-key.json"
    made = cli("make-key", "police-system", "--client-file", client_file, *WHERE)
    assert made.code == 0
    public.write_text(made.out)
    assert "d" not in json.loads(made.out)
    assert stat.S_IMODE(client_file.stat().st_mode) == 0o600
    kept = ClientFile.read(client_file)
    assert (kept.client_id, kept.base_url) == ("police-system", "https://register.test")
    assert kept.private_jwk.items() >= json.loads(made.out).items()
    again = cli("make-key", "police-system", "--client-file", client_file, *WHERE)
    assert (again.code, again.out) == (1, "")
    assert ClientFile.read(client_file) == kept

    assert cli("directory", "add-key", "police-system", public).err == "Done: 1 client key added.\n"
    assert cli("directory", "add-key", "police-system", public).err == "Nothing had to be changed.\n"
    old, new = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", json.loads(made.out)["kid"]
    assert cli("directory", "retire-key", "police-system", old).err == "Done: 1 client key retired.\n"
    assert "add the next one first" in cli("directory", "retire-key", "police-system", new).err
    shown = cli("directory", "show", "police").out
    assert (old in shown, new in shown) == (False, True)

    public.write_text(json.dumps(dict(kept.private_jwk)))
    refused = cli("directory", "add-key", "police-system", public)
    assert (refused.code, "a private key was given" in refused.err) == (1, True)
    assert "no client nobody" in cli("directory", "add-key", "nobody", public).err


def test_what_the_authority_cannot_be_without_stays_on_the_machine_too(cli: Cli) -> None:
    (agreement,) = re.findall(r"[0-9a-f-]{36}", cli("directory", "show", "authority").out)
    for command, why in (
        (("suspend", "organisation", "authority"), "nobody could be answered"),
        (("suspend", "agreement", agreement), "under this agreement alone"),
        (("directory", "agreement", agreement, "--to", "2026-01-02"), "under this agreement alone"),
        (("suspend", "professional", "authority/sm-1"), "the only safeguarding manager"),
    ):
        done = cli(*command)
        assert (done.code, why in done.err) == (1, True), done.err
    assert cli("suspend", "professional", "authority/da-1").code == 0, "whom a safeguarding manager can follow up"
