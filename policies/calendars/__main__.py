"""``python -m policies.calendars``: write the files of public holidays anew, from the ``holidays`` package.

Promises: every place of ``SUBDIVISIONS`` has its file, and each file says which release of the package it comes from.
A tool for developers, to be run when a new release knows of other days, which a test notices; no running service
needs it. What changes then are the due dates of cases to come: review the difference like a change of code.
"""

import json
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

import holidays

from policies.calendars import SUBDIVISIONS, place_of

FIRST_YEAR, LAST_YEAR = 2000, 2045

_HEADER = """\
# The public holidays of {place}, {first_year} to {last_year}, as release {release} of the Python package "holidays" has
# them. Made by `python -m policies.calendars`: change nothing here. The days on which an authority differs are
# overrides of its profile.

edition = "holidays-{release}"
first_year = {first_year}
last_year = {last_year}

[holidays]
"""


def as_toml(country: str, subdivision: str | None) -> str:
    """Return the text of the file of one place: its holidays day by day with their names, a paragraph for each year.

    Raises:
        ValueError: the package does not know all the years. It answers the others with no holidays at all.
    """
    found = holidays.country_holidays(country, subdiv=subdivision, years=range(FIRST_YEAR, LAST_YEAR + 1), expand=False)
    if not found.start_year <= FIRST_YEAR <= LAST_YEAR <= found.end_year:
        raise ValueError(f"the package knows {country} from {found.start_year} to {found.end_year} only")
    header = _HEADER.format(
        place=place_of(country, subdivision),
        release=version("holidays"),
        first_year=FIRST_YEAR,
        last_year=LAST_YEAR,
    )
    years = (
        # A JSON string is a TOML string too.
        "".join(f"{day.isoformat()} = {json.dumps(name, ensure_ascii=False)}\n" for day, name in days)
        for _, days in groupby(sorted(found.items()), key=lambda holiday: holiday[0].year)
    )
    return header + "\n".join(years)


def main(folder: Path = Path(__file__).parent) -> None:
    """Write the file of every place into ``folder``, over the one that is there, and print its name."""
    for country, subdivisions in SUBDIVISIONS.items():
        for subdivision in sorted(subdivisions, key=str):
            file = folder / f"{place_of(country, subdivision)}.toml"
            file.write_text(as_toml(country, subdivision), "utf-8", newline="\n")
            print(file.name)


if __name__ == "__main__":
    main()
