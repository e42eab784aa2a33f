"""Until when an entry can be read: by its kind, to the end of a month, whatever the length of months."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.profile import available_profiles, load_profile
from policies.retention import NAMES_NOBODY, Retention, month_after

RETENTION = Retention(300, {"inbox": 84, "enquiry.refused": 120})


@pytest.mark.parametrize(
    ("kind", "months"),
    [
        ("enquiry.received", 300),
        ("enquiry.refused", 120),
        ("inbox.read", 84),
        ("inbox", 84),
        ("inboxes.read", 300),
        ("a.kind.nobody.knows", 300),
    ],
)
def test_a_kind_has_its_own_period_else_that_of_its_first_part_else_that_of_all(kind: str, months: int) -> None:
    assert RETENTION.months_of(kind) == months


@pytest.mark.parametrize(
    ("at", "expires_on"),
    [
        (datetime(2026, 3, 4, 10, tzinfo=UTC), date(2033, 4, 1)),
        (datetime(2026, 1, 31, 23, 59, tzinfo=UTC), date(2033, 2, 1)),
        (datetime(2026, 12, 31, tzinfo=UTC), date(2034, 1, 1)),
        # Midnight of the authority is not that of the keys.
        (datetime(2026, 4, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))), date(2033, 4, 1)),
    ],
)
def test_what_is_over_is_destroyed_from_the_first_of_the_next_month_on(at: datetime, expires_on: date) -> None:
    assert RETENTION.expires_on("inbox.read", at) == expires_on


@given(st.dates(date(2000, 1, 1), date(2100, 12, 31)), st.integers(1, 1200))
def test_no_entry_is_destroyed_early_nor_more_than_a_month_late(day: date, months: int) -> None:
    over = month_after(day, months)
    assert over.day == 1
    assert (over.year * 12 + over.month) - (day.year * 12 + day.month) == months + 1


def test_what_names_nobody_is_kept_as_long_as_the_log() -> None:
    for kind in NAMES_NOBODY:
        assert RETENTION.expires_on(kind, datetime(2026, 3, 4, tzinfo=UTC)) is None
    assert "log.begun_anew" not in NAMES_NOBODY, "which says who began it"


def test_every_profile_says_for_how_long() -> None:
    for code in available_profiles():
        assert load_profile(code).retention.months >= 12, code
