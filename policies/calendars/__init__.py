"""The public holidays of the places whose calendars an authority can keep, read from ``PLACE.toml`` beside this file.

Promises: what is read is small and needs no library. The files are made by ``python -m policies.calendars`` from the
``holidays`` package, which a developer installs and a running service does not: importing it reads the holidays of
every country in the world, 12 MB in each process, for the few hundred days of one place.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

SUBDIVISIONS: Mapping[str, frozenset[str | None]] = {
    # Asked for Great Britain without a part, the package gives only the holidays that all its parts share, and
    # leaves out Easter Monday and the August bank holiday. So a part must be named.
    "GB": frozenset({"ENG", "NIR", "SCT", "WLS"}),
    "GG": frozenset({None}),
    "IM": frozenset({None}),
    "JE": frozenset({None}),
}
"""The places whose holidays a calendar can take (ISO 3166), and the parts one of which it must name."""

_FILES = files("policies") / "calendars"


@dataclass(frozen=True, slots=True)
class PublicHolidays:
    """The public holidays of one place.

    Args:
        place: the country and the part of it, as the file is named, for example ``GB-ENG``.
        edition: the release of the package that they come from, for example ``holidays-0.109``.
        first_year: the first year whose holidays are known, all of them.
        last_year: the last such year.
        days: the holidays and the days given instead of those that fall on a weekend.
    """

    place: str
    edition: str
    first_year: int
    last_year: int
    days: frozenset[date]

    def include(self, day: date) -> bool:
        """Return whether ``day`` is a public holiday.

        Raises:
            ValueError: its year is not one of those that are known. "No" would pass for an answer.
        """
        if not self.first_year <= day.year <= self.last_year:
            raise ValueError(f"public holidays are known from {self.first_year} to {self.last_year} only")
        return day in self.days


def place_of(country: str, subdivision: str | None) -> str:
    """Return the name of a place, as its file and the versions of its calendars have it."""
    return f"{country}-{subdivision}" if subdivision else country


@cache
def public_holidays(country: str, subdivision: str | None) -> PublicHolidays:
    """Return the public holidays of one place of ``SUBDIVISIONS``, read once for each process."""
    place = place_of(country, subdivision)
    table = tomllib.loads((_FILES / f"{place}.toml").read_text("utf-8"))
    days = frozenset(date.fromisoformat(day) for day in table["holidays"])
    return PublicHolidays(place, table["edition"], table["first_year"], table["last_year"], days)
