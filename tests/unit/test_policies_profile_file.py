"""A profile whose file is wrong anywhere is refused, by the path of the key that is wrong."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from importlib.resources import files

import pytest

from policies.profile import ProfileInvalid, load_profile, parse_profile

HERTS = "hertfordshire"


def written(code: str) -> str:
    return (files("policies") / "procedures" / f"{code}.toml").read_text("utf-8")


def put(old: str, new: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        assert text.count(old) >= 1, f"the profile has no {old!r} to break"
        return text.replace(old, new, 1)

    return edit


TIME_2 = "limits.after_notification = { working_days = 15 }"
MONDAY = "monday = { opens = 09:00:00, closes = 17:00:00 }"


@pytest.mark.parametrize(
    ("path", "edit"),
    [
        (HERTS, put('code = "hertfordshire"', "code = ")),
        ("code", put('code = "hertfordshire"', 'code = "jersey"')),
        ("name", put('name = "Hertfordshire"\n', "")),
        ("name", put('name = "Hertfordshire"', 'name = ""')),
        ("name", put('name = "Hertfordshire"', "name = 1")),
        ("titel", put('name = "Hertfordshire"', 'name = "Hertfordshire"\ntitel = "x"')),
        ("calendar.country", put('country = "GB"', 'country = "FR"')),
        ("calendar.subdivision", put('subdivision = "ENG"\n', "")),
        ("calendar.subdivision", put('subdivision = "ENG"', 'subdivision = "XXX"')),
        ("calendar.timezone", put("Europe/London", "Europe/Londinium")),
        ("calendar.timezone", put("Europe/London", "Europe")),
        ("calendar.timezone", put("Europe/London", "../London")),
        ("calendar.overrides", put("overrides = []", "")),
        ("calendar.overrides[0].reason", put("overrides = []", "overrides = [{ day = 2026-12-29, working = false }]")),
        (
            "calendar.overrides[0].day",
            put("overrides = []", 'overrides = [{ day = "2026-12-29", working = false, reason = "x" }]'),
        ),
        (
            "calendar.overrides[0].day",
            put("overrides = []", 'overrides = [{ day = 2026-12-29T09:00:00, working = false, reason = "x" }]'),
        ),
        (
            "calendar.overrides",
            put(
                "overrides = []",
                'overrides = [{ day = 2026-12-29, working = false, reason = "x" },'
                ' { day = 2026-12-29, working = true, reason = "y" }]',
            ),
        ),
        ("office_hours.monday", put(MONDAY, "")),
        ("office_hours.monday", put(MONDAY, 'monday = "shut"')),
        ("office_hours.monday", put(MONDAY, "monday = { opens = 17:00:00, closes = 09:00:00 }")),
        ("office_hours.monday.closes", put(MONDAY, "monday = { opens = 09:00:00 }")),
        ("office_hours.monday.opens", put(MONDAY, "monday = { opens = 9, closes = 17:00:00 }")),
        ("office_hours.basis", put('basis = "default"', 'basis = "none"')),
        ("categories.rule", put('rule = "exactly_one"', 'rule = "two"')),
        ("categories.source", put('source = "HERTS 8"', "")),
        ("settings.repeat_hours", put("repeat_hours = 24", "repeat_hours = 0")),
        ("settings.repeat_hours", put("repeat_hours = 24", "repeat_hours = true")),
        ("settings.repeat_hours", put("repeat_hours = 24", 'repeat_hours = "24"')),
        ("settings.consideration_working_days", put("consideration_working_days = 1", "")),
        ("timescales.TIME-15", put("[timescales.TIME-14]", "[timescales.TIME-15]\n[timescales.TIME-14]")),
        ("timescales.TIME-2.source", put(f'source = "HERTS 1"\n{TIME_2}', TIME_2)),
        (
            "timescales.TIME-2.basis",
            put(f'basis = "own"\nsource = "HERTS 1"\n{TIME_2}', f'source = "HERTS 1"\n{TIME_2}'),
        ),
        ("timescales.TIME-2.limits", put(TIME_2, "limits = {}")),
        ("timescales.TIME-2.limits.after_breakfast", put(TIME_2, "limits.after_breakfast = { working_days = 15 }")),
        ("timescales.TIME-2.limits.after_notification", put(TIME_2, "limits.after_notification = 15")),
        ("timescales.TIME-2.limits.after_notification", put(TIME_2, "limits.after_notification = { weeks = 3 }")),
        ("timescales.TIME-2.limits.after_notification", put(TIME_2, "limits.after_notification = {}")),
        (
            "timescales.TIME-2.limits.after_notification",
            put(TIME_2, "limits.after_notification = { working_days = 15, weeks = 3 }"),
        ),
        (
            "timescales.TIME-2.limits.after_notification.days",
            put(TIME_2, "limits.after_notification = { days = 15 }"),
        ),
        (
            "timescales.TIME-2.limits.after_notification.working_days",
            put(TIME_2, "limits.after_notification = { working_days = 0 }"),
        ),
        ("timescales.TIME-14.limits", put("limits = {}", "limits.risk_assessment = { months = 12 }")),
    ],
)
def test_a_wrong_profile_is_refused_by_the_path_of_the_key(path: str, edit: Callable[[str], str]) -> None:
    with pytest.raises(ProfileInvalid) as refused:
        parse_profile(HERTS, edit(written(HERTS)))
    assert refused.value.path == path
    assert refused.value.reason
    assert str(refused.value).startswith(f"{path}: ")


def test_a_missing_timescale_is_named() -> None:
    text = written(HERTS)
    with pytest.raises(ProfileInvalid) as refused:
        parse_profile(HERTS, text[: text.index("[timescales.TIME-14]")])
    assert refused.value.path == "timescales.TIME-14"
    assert refused.value.reason == "missing key"


def test_an_office_that_never_opens_is_refused() -> None:
    text = written(HERTS).replace("{ opens = 09:00:00, closes = 17:00:00 }", '"closed"')
    with pytest.raises(ProfileInvalid, match="office_hours: "):
        parse_profile(HERTS, text)


def test_an_override_and_a_closed_day_take_effect() -> None:
    text = put("overrides = []", 'overrides = [{ day = 2026-12-29, working = false, reason = "closing" }]')(
        written(HERTS)
    )
    text = put("wednesday = { opens = 09:00:00, closes = 17:00:00 }", 'wednesday = "closed"')(text)
    profile = parse_profile(HERTS, text)
    assert not profile.calendar.is_working_day(date(2026, 12, 29))
    assert profile.calendar.version != load_profile(HERTS).calendar.version
    opens = profile.office_hours.next_opening(datetime(2026, 12, 24, 20, tzinfo=UTC))
    assert opens.date() == date(2026, 12, 31)
