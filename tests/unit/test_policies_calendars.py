"""The files of public holidays: as the package has them, made again alike, and read without the package."""

import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import holidays
import pytest

from policies import calendars
from policies.calendars import SUBDIVISIONS, place_of, public_holidays
from policies.calendars.__main__ import main

FILES = Path(calendars.__file__).parent
PLACES = pytest.mark.parametrize(
    ("country", "subdivision"),
    [(country, part) for country, parts in SUBDIVISIONS.items() for part in sorted(parts, key=str)],
)


@PLACES
def test_the_installed_package_has_no_other_opinion(country: str, subdivision: str | None) -> None:
    # Year by year, as nothing else asks it, so that no year of the files leans on another.
    known = public_holidays(country, subdivision)
    years = range(known.first_year, known.last_year + 1)
    assert years == range(2000, 2046)
    expected = {
        day.isoformat(): name
        for year in years
        for day, name in holidays.country_holidays(country, subdiv=subdivision, years=year, expand=False).items()
    }
    text = (FILES / f"{place_of(country, subdivision)}.toml").read_text("utf-8")
    assert tomllib.loads(text)["holidays"] == expected
    assert {day.isoformat() for day in known.days} == expected.keys()


def test_the_files_are_those_that_the_tool_makes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def holidays_in(folder: Path) -> dict[str, str]:
        # Without the header: a release of the package that knows the same days leaves the files as they are.
        return {file.name: file.read_text("utf-8").partition("[holidays]")[2] for file in folder.glob("*.toml")}

    main(tmp_path)
    made = holidays_in(tmp_path)
    assert made == holidays_in(FILES)
    assert sorted(capsys.readouterr().out.split()) == sorted(made)


def test_the_tool_names_the_release_that_it_asked(tmp_path: Path) -> None:
    main(tmp_path)
    for file in tmp_path.iterdir():
        assert tomllib.loads(file.read_text("utf-8"))["edition"] == f"holidays-{version('holidays')}"


def test_a_due_date_is_found_without_importing_the_package() -> None:
    # The package would cost each process of the service 12 MB.
    asked = """
import sys
from datetime import UTC, datetime
from policies.profile import available_profiles, load_profile
for code in available_profiles():
    due = load_profile(code).conference_due(datetime(2026, 12, 14, 12, tzinfo=UTC))
    print(due.day, due.calendar_version.partition("/")[0])
print(sorted(name for name in sys.modules if name.partition(".")[0] == "holidays"))
"""
    answered = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=60)
    assert answered.stdout.splitlines() == ["2027-01-07 GB-ENG", "2027-01-07 JE", "2027-01-07 GB-ENG", "[]"]
