"""From nothing to an answered enquiry, by commands alone and without the demonstration: a real authority's first day.

The authority is set up, the police make their key and are enrolled, the register is loaded, an officer asks, the key
worker finds it; then the police change their key, and the officer is suspended.
"""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from deployment import deployment, examples, run, serving

from registry_api.access_log import verify
from registry_api.register.csv_format import COLUMNS

pytestmark = [pytest.mark.timeout(600), pytest.mark.rule("ENQ-2", "ENQ-3", "ENQ-4")]
CHILD = {"given_names": "Quillon", "family_name": "Testfamily-Ash", "date_of_birth": "2018-05-06"}
HOME = {"lines": "7 Larkspur Rise", "postcode": "JE5 7QX"}
_KEPT = {
    "record_id": "C-1",
    "address": HOME["lines"],
    "postcode": HOME["postcode"],
    "case_opened": "2024-01-10",
    "key_worker": "kw-2",
}
ENQUIRY = {
    "child": CHILD | {"address": HOME},
    "reason": "injury",
    "reason_text": "Bruise on the upper arm.",
    "urgency": "urgent",
    "call_back_number": "01632 960321",
}


class Office:
    """The authority's machine, and those who use it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = deployment(folder) | {"REGISTRY_PROFILE": "jersey"}

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def write(self, name: str, document: object) -> str:
        (self.folder / name).write_text(json.dumps(document))
        return self.path(name)

    def tries(self, *command: str) -> subprocess.CompletedProcess[str]:
        return run(list(command), self.environment)

    def does(self, *command: str) -> str:
        done = self.tries(*command)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def asks(self, client: str, *options: str) -> subprocess.CompletedProcess[str]:
        """An officer asks about a child."""
        enquiry = self.write("enquiry.json", ENQUIRY)
        return self.tries("ask", "--client-file", self.path(client), "--as", "officer-1", "--from", enquiry, *options)

    def proves(self, receipt: str) -> subprocess.CompletedProcess[str]:
        """Somebody who has the log's public keys from elsewhere checks a receipt, by the program that stands alone."""
        (self.folder / "log.keys").write_text(self.does("log", "keys"))
        checked = ["verify-inclusion", receipt, "--log-key", self.path("log.keys")]
        return subprocess.run([sys.executable, verify.__file__, *checked], capture_output=True, text=True, timeout=60)


def test_from_nothing_to_an_answered_enquiry(tmp_path: Path) -> None:
    office = Office(tmp_path)
    authority, police = map(json.loads, examples())
    office.does("set-up", office.write("authority.json", authority), "--client-file", office.path("own.json"))

    key = json.loads(office.does("make-key", "police-system", "--client-file", office.path("police-client.json")))
    police["organisations"][0]["clients"][0]["public_keys"] = [key]
    office.does("enrol", office.write("police.json", police), "--why", "The agreement of January.", "--by", "da-1")
    with (tmp_path / "register.csv").open("w", newline="") as file:
        register = csv.DictWriter(file, COLUMNS, restval="")
        register.writeheader()
        register.writerow(CHILD | _KEPT)
    office.does("import", office.path("register.csv"))

    with serving(office.environment, workers=1):
        receipt = office.path("mine.tlog-proof")
        answered = office.asks("police-client.json", "--receipt", receipt)
        assert answered.returncode == 0, answered.stderr
        assert "Corrin Demo-Birch" in answered.stdout
        assert "of the access log" in answered.stdout
        proven = office.proves(receipt)
        assert proven.returncode == 0, proven.stdout + proven.stderr
        inbox = office.does("inbox", "--client-file", office.path("own.json"), "--as", "kw-2")
        assert "Testfamily-Ash" in inbox
        assert "Perran Demo-Fir" in inbox

        public = office.does("make-key", "police-system", "--client-file", office.path("next-client.json"))
        added = office.write("next.json", json.loads(public))
        assert office.asks("next-client.json").returncode == 1
        office.does("directory", "add-key", "police-system", added, "--why", "The yearly change of keys.")
        office.does("directory", "retire-key", "police-system", key["kid"], "--why", "The yearly change of keys.")
        assert office.asks("police-client.json").returncode == 1
        assert office.asks("next-client.json").returncode == 0

        office.does("suspend", "professional", "police/officer-1", "--why", "Has left the force.")
        assert office.asks("next-client.json").returncode == 1
        history = office.does("directory", "history", "--of", "police")
        for why in ("The agreement of January.", "The yearly change of keys.", "Has left the force."):
            assert why in history
        assert "Junia Demo-Elm" in history
