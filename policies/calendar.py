"""One authority's own working days and office hours, counted in its own time zone.

Promises: a day is counted the same way wherever it is counted, and every answer can be traced to the
calendar that gave it by ``Calendar.version``. Knows the public holidays of the place (from ``calendars``) and
the authority's own overrides; has no clock, no database and no opinion on deadlines, which are in ``profile``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2s
from itertools import count
from zoneinfo import ZoneInfo

from policies.calendars import SUBDIVISIONS, public_holidays

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """The working days (wd) of one authority: Monday to Friday, without its public holidays, as overridden.

    Args:
        authority: the profile's code; it names the overrides in ``version``.
        country: ISO 3166 country, one of ``calendars.SUBDIVISIONS``.
        subdivision: the part of the country, or ``None`` where it has none.
        timezone: where the authority's days begin and end.
        overrides: day → whether work is done on it, against the weekday and the public holidays: a day of
            mourning that is proclaimed before the edition knows of it, the authority's own closing days.

    Raises:
        ValueError: the country is not known here, or its subdivision is missing or not one of its own.
    """

    authority: str
    country: str
    subdivision: str | None
    timezone: ZoneInfo
    overrides: Mapping[date, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a place whose holidays would come out silently incomplete."""
        if self.country not in SUBDIVISIONS:
            raise ValueError(f"no calendar of public holidays for country {self.country!r}")
        if self.subdivision not in SUBDIVISIONS[self.country]:
            raise ValueError(f"{self.subdivision!r} is not a subdivision of country {self.country!r}")

    @property
    def version(self) -> str:
        """Name what this calendar is made of, to be stored beside each due date that it gave.

        Two calendars that could differ on any day have different versions: the place, the edition of the
        holidays, and a digest of the overrides, which unlike a number kept by hand cannot be forgotten.
        For example ``GB-ENG/holidays-0.109/hertfordshire-none`` or ``JE/holidays-0.109/jersey-5f0c91ab``.
        """
        holidays = public_holidays(self.country, self.subdivision)
        lines = "\n".join(f"{day.isoformat()} {working:d}" for day, working in sorted(self.overrides.items()))
        overrides = blake2s(lines.encode(), digest_size=4).hexdigest() if lines else "none"
        return f"{holidays.place}/{holidays.edition}/{self.authority}-{overrides}"

    def local(self, moment: datetime) -> datetime:
        """Return ``moment`` on the authority's own clock.

        Raises:
            ValueError: ``moment`` is naive, so that its day cannot be known.
        """
        if moment.utcoffset() is None:
            raise ValueError("a moment needs a time zone before its local day can be known")
        return moment.astimezone(self.timezone)

    def is_working_day(self, day: date) -> bool:
        """Return whether the authority works on ``day``, one of its own local days.

        Raises:
            TypeError: ``day`` is a ``datetime``. It would pass as a ``date``, but equals none: no holiday
                would ever be found.
            ValueError: the year lies outside those whose holidays are known.
        """
        if isinstance(day, datetime):
            raise TypeError("a day is wanted, not a moment: take the local day first")
        override = self.overrides.get(day)
        if override is not None:
            return override
        if day.weekday() >= _SATURDAY:
            return False
        return not public_holidays(self.country, self.subdivision).include(day)

    def add_working_days(self, start: date, days: int) -> date:
        """Return the day on which ``days`` working days have passed since ``start``.

        Day 0 is ``start`` itself, whether or not it is a working day; the next working day after it is day 1.

        Args:
            start: a local day of the authority.
            days: how many working days, at least 0.

        Raises:
            ValueError: ``days`` is negative, or a year is reached whose holidays are not known.
        """
        if days < 0:
            raise ValueError("working days are counted forwards")
        day = start
        while days:
            day += _ONE_DAY
            days -= self.is_working_day(day)
        return day

    def working_days_between(self, start: date, end: date) -> int:
        """Return how many working days lie after ``start`` up to and including ``end``.

        The inverse of ``add_working_days``; negative where ``end`` is before ``start``, so that the same
        figure says how long is left and how long overdue.

        Raises:
            ValueError: a year is reached whose holidays are not known.
        """
        if end < start:
            return -self.working_days_between(end, start)
        return sum(self.is_working_day(start + timedelta(days=n)) for n in range(1, (end - start).days + 1))


@dataclass(frozen=True, slots=True)
class Opening:
    """The hours of one day by the local clock, ``opens`` inclusive, ``closes`` exclusive.

    Raises:
        ValueError: they end before they begin.
    """

    opens: time
    closes: time

    def __post_init__(self) -> None:
        """Refuse hours in which the office would never be open."""
        if self.opens >= self.closes:
            raise ValueError("the office closes before it opens")


@dataclass(frozen=True, slots=True, eq=False)
class OfficeHours:
    """When the authority's office answers; at any other time the out-of-hours service does (ENQ-1, ENQ-9).

    ``week`` is Monday to Friday, ``None`` for a day on which the office stays closed. It is closed on every day
    that is not a working day.

    Raises:
        ValueError: the office opens on no day of the week.
    """

    calendar: Calendar
    week: tuple[Opening | None, Opening | None, Opening | None, Opening | None, Opening | None]

    def __post_init__(self) -> None:
        """Refuse a week without a next opening to name."""
        if not any(self.week):
            raise ValueError("the office opens on no day of the week")

    def is_open(self, now: datetime) -> bool:
        """Return whether the office is open at ``now``, an aware moment in any zone.

        Raises:
            ValueError: ``now`` is naive.
        """
        local = self.calendar.local(now)
        opening = self._on(local.date())
        return opening is not None and opening.opens <= local.time() < opening.closes

    def next_opening(self, now: datetime) -> datetime:
        """Return the first moment after ``now`` at which the office opens, on the local clock.

        While the office is open this is its next opening after that, not the one that has passed.

        Raises:
            ValueError: ``now`` is naive.
        """
        today = self.calendar.local(now).date()
        for days in count():
            day = today + timedelta(days=days)
            if opening := self._on(day):
                # In UTC, because moments of one zone are compared by their clock faces, which run backwards once
                # a year; and from there back, because the face may name a time that the clocks skipped.
                opens = datetime.combine(day, opening.opens, self.calendar.timezone).astimezone(UTC)
                if opens > now:
                    return opens.astimezone(self.calendar.timezone)
        raise AssertionError("unreachable: the days do not end")

    def _on(self, day: date) -> Opening | None:
        if day.weekday() >= len(self.week) or not self.calendar.is_working_day(day):
            return None
        return self.week[day.weekday()]
