"""Working days and office hours: the right holidays of the right place, and the traps of local time."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.calendar import Calendar, OfficeHours, Opening

JERSEY = Calendar("jersey", "JE", None, ZoneInfo("Europe/Jersey"))
ENGLAND = Calendar("hertfordshire", "GB", "ENG", ZoneInfo("Europe/London"))
CALENDARS = pytest.mark.parametrize("calendar", [JERSEY, ENGLAND], ids=["jersey", "england"])

# So that nothing counted from them leaves the years 2000 to 2045.
days = st.dates(date(2001, 1, 1), date(2043, 12, 31))
counts = st.integers(0, 120)
calendars = st.sampled_from([JERSEY, ENGLAND])

COMMON_HOLIDAYS = {
    # Written out, so that an edition that loses or gains one is noticed.
    2025: ["01-01", "04-18", "04-21", "05-05", "05-26", "08-25", "12-25", "12-26"],
    2026: ["01-01", "04-03", "04-06", "05-04", "05-25", "08-31", "12-25", "12-28"],
    2027: ["01-01", "03-26", "03-29", "05-03", "05-31", "08-30", "12-27", "12-28"],
    2028: ["01-03", "04-14", "04-17", "05-01", "05-29", "08-28", "12-25", "12-26"],
}
LIBERATION_DAY_OFF_WORK = {2025: ["05-09"], 2026: [], 2027: [], 2028: ["05-09"]}
"""In 2026 it is a Saturday and in 2027 a Sunday: no working day is lost, and none is given instead."""


def weekdays_off(calendar: Calendar, year: int) -> list[str]:
    """Every Monday to Friday of ``year`` that is no working day."""
    every = (date(year, 1, 1) + timedelta(days=n) for n in range(366))
    return [
        f"{day:%m-%d}" for day in every if day.year == year and day.weekday() < 5 and not calendar.is_working_day(day)
    ]


@pytest.mark.parametrize("year", COMMON_HOLIDAYS)
def test_england_keeps_its_bank_holidays_and_no_others(year: int) -> None:
    assert weekdays_off(ENGLAND, year) == COMMON_HOLIDAYS[year]


@pytest.mark.parametrize("year", COMMON_HOLIDAYS)
def test_jersey_keeps_liberation_day_besides_but_no_substitute_for_it(year: int) -> None:
    assert weekdays_off(JERSEY, year) == sorted(COMMON_HOLIDAYS[year] + LIBERATION_DAY_OFF_WORK[year])


@CALENDARS
@pytest.mark.parametrize(
    ("start", "working_days", "due"),
    [
        ("2026-01-05", 0, "2026-01-05"),
        ("2026-01-05", 1, "2026-01-06"),
        ("2026-01-09", 1, "2026-01-12"),  # from a Friday
        ("2026-01-10", 0, "2026-01-10"),  # day 0 is the start, even when nobody works on it
        ("2026-01-10", 1, "2026-01-12"),  # from a Saturday: Monday is day 1
        ("2026-04-02", 1, "2026-04-07"),  # over Easter
        ("2026-12-14", 15, "2027-01-07"),  # Christmas, a substitute Boxing Day and New Year's Day
        ("2027-12-24", 1, "2027-12-29"),  # both Christmas days fall on the weekend, both are made up for
    ],
)
def test_working_days_are_counted_from_the_day_after(
    calendar: Calendar, start: str, working_days: int, due: str
) -> None:
    assert calendar.add_working_days(date.fromisoformat(start), working_days) == date.fromisoformat(due)


def test_the_same_count_ends_later_where_a_day_more_is_kept() -> None:
    start = date(2028, 5, 8)
    assert ENGLAND.add_working_days(start, 1) == date(2028, 5, 9)
    assert JERSEY.add_working_days(start, 1) == date(2028, 5, 10)


@given(calendars, days, counts)
def test_between_is_the_inverse_of_add(calendar: Calendar, start: date, n: int) -> None:
    assert calendar.working_days_between(start, calendar.add_working_days(start, n)) == n


@given(calendars, days, st.integers(1, 120))
def test_what_falls_due_falls_on_a_working_day_after_the_start(calendar: Calendar, start: date, n: int) -> None:
    due = calendar.add_working_days(start, n)
    assert due > start
    assert calendar.is_working_day(due)


@given(calendars, days, counts, counts)
def test_counting_on_is_counting_at_once(calendar: Calendar, start: date, n: int, m: int) -> None:
    on = calendar.add_working_days(calendar.add_working_days(start, n), m)
    assert on == calendar.add_working_days(start, n + m)


@given(calendars, days, st.integers(0, 60), counts)
def test_a_later_start_is_never_due_sooner(calendar: Calendar, start: date, delay: int, n: int) -> None:
    later = start + timedelta(days=delay)
    assert calendar.add_working_days(start, n) <= calendar.add_working_days(later, n)


@given(calendars, days, st.integers(-90, 90), st.integers(-90, 90))
def test_spans_add_up_in_both_directions(calendar: Calendar, start: date, first: int, second: int) -> None:
    middle = start + timedelta(days=first)
    end = middle + timedelta(days=second)
    parts = calendar.working_days_between(start, middle) + calendar.working_days_between(middle, end)
    assert parts == calendar.working_days_between(start, end)


def test_what_is_overdue_is_counted_below_zero() -> None:
    assert JERSEY.working_days_between(date(2026, 1, 9), date(2026, 1, 6)) == -3


def test_an_override_wins_over_weekday_and_holiday() -> None:
    calendar = Calendar(
        "jersey",
        "JE",
        None,
        ZoneInfo("Europe/Jersey"),
        {date(2026, 12, 29): False, date(2026, 12, 28): True, date(2026, 12, 26): True},
    )
    assert calendar.add_working_days(date(2026, 12, 24), 3) == date(2026, 12, 30)
    assert JERSEY.add_working_days(date(2026, 12, 24), 3) == date(2026, 12, 31)


def test_the_version_names_place_edition_and_authority() -> None:
    assert re.fullmatch(r"JE/holidays-\d+\.\d+/jersey-none", JERSEY.version)
    assert re.fullmatch(r"GB-ENG/holidays-\d+\.\d+/hertfordshire-none", ENGLAND.version)


def test_the_version_changes_with_every_override_and_not_with_their_order() -> None:
    def of(*overrides: tuple[date, bool]) -> str:
        return Calendar("jersey", "JE", None, ZoneInfo("Europe/Jersey"), dict(overrides)).version

    one, other = (date(2026, 12, 29), False), (date(2026, 12, 30), False)
    different = [JERSEY.version, of(one), of(other), of(one, other), of((one[0], True))]
    assert len(set(different)) == len(different)
    assert of(one, other) == of(other, one)


@pytest.mark.parametrize(
    ("country", "subdivision"),
    [("GB", None), ("GB", "JE"), ("JE", "ENG"), ("FR", None), ("", None)],
)
def test_a_place_whose_holidays_would_be_incomplete_is_refused(country: str, subdivision: str | None) -> None:
    with pytest.raises(ValueError, match="country"):
        Calendar("somewhere", country, subdivision, ZoneInfo("Europe/London"))


def test_a_moment_is_not_taken_for_a_day() -> None:
    # 25 December at noon is a ``date`` to Python, yet equal to no holiday.
    with pytest.raises(TypeError):
        ENGLAND.is_working_day(datetime(2026, 12, 25, 12, tzinfo=UTC))


def test_a_year_without_known_holidays_is_an_error_and_not_a_year_of_work() -> None:
    with pytest.raises(ValueError, match="known from"):
        JERSEY.is_working_day(date(1999, 12, 27))
    with pytest.raises(ValueError, match="known from"):
        JERSEY.add_working_days(date(2045, 12, 29), 1)


def test_working_days_are_not_counted_backwards() -> None:
    with pytest.raises(ValueError, match="forwards"):
        JERSEY.add_working_days(date(2026, 1, 5), -1)


NINE_TO_FIVE = Opening(time(9), time(17))
OFFICE = OfficeHours(ENGLAND, (NINE_TO_FIVE,) * 4 + (Opening(time(9), time(16, 30)),))


@pytest.mark.rule("ENQ-9")
@pytest.mark.parametrize(
    ("now", "is_open"),
    [
        # Winter: local time is UTC.
        ("2026-01-05T08:59:59.999999+00:00", False),
        ("2026-01-05T09:00:00+00:00", True),
        ("2026-01-05T16:59:59.999999+00:00", True),
        ("2026-01-05T17:00:00+00:00", False),
        # Summer: local time is an hour ahead of UTC.
        ("2026-07-06T07:59:59+00:00", False),
        ("2026-07-06T08:00:00+00:00", True),
        ("2026-07-06T16:00:00+00:00", False),
        # The clocks go forward on Sunday 29 March 2026 and back on Sunday 25 October 2026.
        ("2026-03-27T08:30:00+00:00", False),
        ("2026-03-30T08:30:00+00:00", True),
        ("2026-10-23T08:30:00+00:00", True),
        ("2026-10-26T08:30:00+00:00", False),
        # Friday closes earlier; the weekend and Easter Monday are closed; the asker's own zone does not matter.
        ("2026-01-09T16:29:00+00:00", True),
        ("2026-01-09T16:30:00+00:00", False),
        ("2026-01-10T12:00:00+00:00", False),
        ("2026-04-06T12:00:00+00:00", False),
        ("2026-01-05T19:00:00+10:00", True),
    ],
)
def test_the_office_is_open_by_its_own_clock_and_calendar(now: str, is_open: bool) -> None:
    assert OFFICE.is_open(datetime.fromisoformat(now)) is is_open


@pytest.mark.rule("ENQ-9")
@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-01-05T08:59:00+00:00", "2026-01-05T09:00:00+00:00"),
        ("2026-01-05T09:00:00+00:00", "2026-01-06T09:00:00+00:00"),  # open: the next after this one
        ("2026-01-09T20:00:00+00:00", "2026-01-12T09:00:00+00:00"),  # over a weekend
        ("2026-04-02T20:00:00+00:00", "2026-04-07T09:00:00+01:00"),  # over Easter
        ("2026-12-24T20:00:00+00:00", "2026-12-29T09:00:00+00:00"),  # over Christmas
        ("2026-03-28T12:00:00+00:00", "2026-03-30T09:00:00+01:00"),  # over the change to summer time
        ("2026-10-24T12:00:00+00:00", "2026-10-26T09:00:00+00:00"),  # and back
        ("2026-07-05T23:30:00+00:00", "2026-07-06T09:00:00+01:00"),  # already Monday there
    ],
)
def test_the_next_opening_is_named_on_the_local_clock(now: str, opens: str) -> None:
    found = OFFICE.next_opening(datetime.fromisoformat(now))
    assert found.isoformat() == opens


moments = st.datetimes(datetime(2000, 1, 1), datetime(2045, 12, 1), timezones=st.just(UTC))


@given(moments)
def test_nothing_is_open_between_closing_and_the_next_opening(now: datetime) -> None:
    opens = OFFICE.next_opening(now)
    assert opens > now
    assert OFFICE.is_open(opens)
    assert not OFFICE.is_open(opens - timedelta(microseconds=1))


def test_an_opening_at_a_time_that_the_clocks_skip_is_named_by_a_time_that_exists() -> None:
    # Where the clocks go forward on a working day: at midnight of Friday 24 April 2026 in Cairo.
    night = Calendar("night", "JE", None, ZoneInfo("Africa/Cairo"))
    office = OfficeHours(night, (Opening(time(0, 30), time(8)),) * 5)
    opens = office.next_opening(datetime(2026, 4, 23, 12, tzinfo=UTC))
    assert opens.isoformat() == "2026-04-24T01:30:00+03:00"
    assert office.is_open(opens)


def test_a_day_without_hours_is_closed() -> None:
    office = OfficeHours(ENGLAND, (NINE_TO_FIVE, None, None, None, None))
    tuesday = datetime(2026, 1, 6, 12, tzinfo=UTC)
    assert not office.is_open(tuesday)
    assert office.next_opening(tuesday).date() == date(2026, 1, 12)


def test_hours_that_never_come_are_refused() -> None:
    with pytest.raises(ValueError, match="no day"):
        OfficeHours(ENGLAND, (None,) * 5)
    with pytest.raises(ValueError, match="before it opens"):
        Opening(time(17), time(9))
    with pytest.raises(ValueError, match="before it opens"):
        Opening(time(9), time(9))


def test_a_naive_moment_has_no_local_time() -> None:
    noon = datetime(2026, 1, 5, 12)
    with pytest.raises(ValueError, match="time zone"):
        OFFICE.is_open(noon)
    with pytest.raises(ValueError, match="time zone"):
        OFFICE.next_opening(noon)
    with pytest.raises(ValueError, match="time zone"):
        ENGLAND.local(noon)
