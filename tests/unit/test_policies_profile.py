"""The profiles of the three authorities: every figure of their procedures, and the days and decisions from them."""

from datetime import UTC, date, datetime

import pytest

from policies.profile import (
    Basis,
    Category,
    CategoryFault,
    Limit,
    Problem,
    ProfileInvalid,
    Unit,
    available_profiles,
    load_profile,
)

JERSEY, HERTS, NYORK = "jersey", "hertfordshire", "north_yorkshire"
ALL = pytest.mark.parametrize("code", [JERSEY, HERTS, NYORK])


def wd(value: int) -> Limit:
    return Limit(value, Unit.WORKING_DAYS)


def weeks(value: int) -> Limit:
    return Limit(value, Unit.WEEKS)


def months(value: int) -> Limit:
    return Limit(value, Unit.MONTHS)


OWN, DEFAULT, NONE = Basis.OWN, Basis.DEFAULT, Basis.NONE
TIMESCALES: dict[str, dict[str, tuple[Basis, dict[str, Limit]]]] = {
    "TIME-1": {
        JERSEY: (OWN, {"after_strategy_discussion": wd(15)}),
        HERTS: (OWN, {"after_strategy_discussion": wd(15)}),
        NYORK: (DEFAULT, {"after_strategy_discussion": wd(15)}),
    },
    "TIME-2": {
        JERSEY: (OWN, {"after_notification": wd(15)}),
        HERTS: (OWN, {"after_notification": wd(15)}),
        NYORK: (DEFAULT, {"after_notification": wd(15)}),
    },
    "TIME-3": dict.fromkeys([JERSEY, HERTS, NYORK], (OWN, {"after_initial_conference": months(3)})),
    "TIME-4": dict.fromkeys([JERSEY, HERTS, NYORK], (OWN, {"after_review": months(6)})),
    "TIME-5": {
        JERSEY: (OWN, {"before_due_date": weeks(10)}),
        HERTS: (OWN, {"into_pregnancy": weeks(24), "after_decision": wd(15)}),
        NYORK: (DEFAULT, {"into_pregnancy": weeks(24), "after_decision": wd(15)}),
    },
    "TIME-6": {
        JERSEY: (
            OWN,
            {
                "after_birth": months(1),
                "after_conference": months(3),
                "extension": months(1),
                "after_conference_if_extended": months(3),
            },
        ),
        HERTS: (OWN, {"after_conference": months(3)}),
        NYORK: (OWN, {"after_conference": months(3)}),
    },
    "TIME-7": dict.fromkeys([JERSEY, HERTS, NYORK], (OWN, {"after_transfer_in_conference": months(3)})),
    "TIME-8": dict.fromkeys([JERSEY, HERTS, NYORK], (OWN, {"after_initial_conference": wd(10)})),
    "TIME-9": {
        JERSEY: (OWN, {"after_core_group": weeks(4)}),
        HERTS: (DEFAULT, {"after_core_group": weeks(4)}),
        NYORK: (OWN, {"after_first_core_group": weeks(6), "after_core_group_once_reviewed": months(2)}),
    },
    "TIME-10": {
        JERSEY: (OWN, {"after_visit": weeks(4)}),
        HERTS: (DEFAULT, {"after_visit": weeks(4)}),
        NYORK: (OWN, {"after_visit": weeks(2)}),
    },
    "TIME-11": {
        JERSEY: (OWN, {"after_start": wd(40)}),
        HERTS: (DEFAULT, {"after_start": wd(40)}),
        NYORK: (OWN, {"after_strategy_meeting": wd(35)}),
    },
    "TIME-12": {
        JERSEY: (OWN, {"after_conference": wd(2)}),
        HERTS: (OWN, {"after_conference": wd(1)}),
        NYORK: (DEFAULT, {"after_conference": wd(2)}),
    },
    "TIME-13": {
        JERSEY: (OWN, {"after_conference": wd(10)}),
        HERTS: (OWN, {"after_conference": wd(10)}),
        NYORK: (DEFAULT, {"after_conference": wd(10)}),
    },
    "TIME-14": {
        JERSEY: (OWN, {"risk_assessment": months(12)}),
        HERTS: (NONE, {}),
        NYORK: (OWN, {"managers_advice": months(13), "other_ways_discussed": months(24)}),
    },
}


@pytest.mark.parametrize(
    ("rule", "code"), [(rule, code) for rule, authorities in TIMESCALES.items() for code in authorities]
)
def test_each_timescale_is_the_figure_of_the_procedures(rule: str, code: str) -> None:
    timescale = load_profile(code).timescales[rule]
    assert (timescale.basis, dict(timescale.limits)) == TIMESCALES[rule][code]
    assert timescale.rule == rule


@ALL
def test_no_timescale_is_left_out_or_added(code: str) -> None:
    assert load_profile(code).timescales.keys() == TIMESCALES.keys()


@ALL
def test_every_timescale_says_where_it_comes_from(code: str) -> None:
    for timescale in load_profile(code).timescales.values():
        assert timescale.source.startswith("default") is (timescale.basis is DEFAULT)


def test_the_three_authorities_are_there() -> None:
    assert available_profiles() == (HERTS, JERSEY, NYORK)


@pytest.mark.parametrize(
    ("code", "name", "custodian", "key_worker", "zone"),
    [
        (JERSEY, "Jersey", "Manager of Independent Safeguarding and Standards", "Key worker", "Europe/Jersey"),
        (HERTS, "Hertfordshire", "Head of Child Protection", "Lead Social Worker", "Europe/London"),
        (NYORK, "North Yorkshire", "Safeguarding Unit Manager", "Lead social worker", "Europe/London"),
    ],
)
def test_an_authority_is_called_as_it_calls_itself(
    code: str, name: str, custodian: str, key_worker: str, zone: str
) -> None:
    profile = load_profile(code)
    assert (profile.code, profile.name, profile.timezone.key) == (code, name, zone)
    assert (profile.custodian_title, profile.key_worker_title) == (custodian, key_worker)


def test_a_profile_is_read_once() -> None:
    assert load_profile(JERSEY) is load_profile(JERSEY)


def test_a_profile_cannot_be_changed_after_it_is_read() -> None:
    profile = load_profile(JERSEY)
    with pytest.raises(TypeError):
        profile.timescales["TIME-2"] = profile.timescales["TIME-1"]  # type: ignore[index]
    with pytest.raises(TypeError):
        profile.timescales["TIME-2"].limits["after_notification"] = wd(99)  # type: ignore[index]


@pytest.mark.rule("TIME-2")
@ALL
def test_a_transfer_in_conference_is_due_after_fifteen_working_days(code: str) -> None:
    profile = load_profile(code)
    due = profile.conference_due(datetime(2026, 12, 14, 10, tzinfo=UTC))
    assert due.day == date(2027, 1, 7)
    assert due.rule == "TIME-2"
    assert due.calendar_version == profile.calendar.version
    assert profile.transfer_in_working_days == 15


@pytest.mark.rule("TIME-2")
@pytest.mark.parametrize(("code", "day"), [(JERSEY, date(2028, 5, 24)), (HERTS, date(2028, 5, 23))])
def test_the_conference_is_due_by_the_calendar_of_the_authority(code: str, day: date) -> None:
    # Tuesday 9 May 2028 is Liberation Day in Jersey, and a working day in England.
    assert load_profile(code).conference_due(datetime(2028, 5, 2, 10, tzinfo=UTC)).day == day


@pytest.mark.rule("TIME-2")
@ALL
def test_a_notification_late_on_a_summer_evening_is_received_on_the_local_day(code: str) -> None:
    profile = load_profile(code)
    before, after = datetime(2026, 7, 6, 22, 59, tzinfo=UTC), datetime(2026, 7, 6, 23, 30, tzinfo=UTC)
    assert profile.today(before) == date(2026, 7, 6)
    assert profile.today(after) == date(2026, 7, 7)
    assert profile.conference_due(before).day == date(2026, 7, 27)
    assert profile.conference_due(after).day == date(2026, 7, 28)


@ALL
def test_in_winter_the_local_day_is_that_of_utc(code: str) -> None:
    assert load_profile(code).today(datetime(2026, 1, 5, 23, 59, 59, tzinfo=UTC)) == date(2026, 1, 5)


@pytest.mark.rule("ENQ-7")
@ALL
def test_a_consideration_is_due_on_the_next_working_day(code: str) -> None:
    profile = load_profile(code)
    due = profile.consideration_due(datetime(2026, 4, 2, 22, 59, tzinfo=UTC))
    assert (due.day, due.rule) == (date(2026, 4, 7), "ENQ-7")
    assert due.calendar_version == profile.calendar.version
    assert profile.repeat_hours == 24


@ALL
def test_a_naive_moment_has_no_due_day(code: str) -> None:
    profile = load_profile(code)
    for ask in (profile.today, profile.is_office_open, profile.conference_due, profile.consideration_due):
        with pytest.raises(ValueError, match="time zone"):
            ask(datetime(2026, 1, 5, 12))


@pytest.mark.rule("ENQ-9")
@ALL
def test_the_office_keeps_hours_that_the_authority_has_yet_to_confirm(code: str) -> None:
    profile = load_profile(code)
    assert profile.office_hours_basis is DEFAULT
    assert profile.is_office_open(datetime(2026, 7, 6, 8, 0, tzinfo=UTC))
    assert not profile.is_office_open(datetime(2026, 7, 6, 16, 0, tzinfo=UTC))
    assert not profile.is_office_open(datetime(2026, 8, 31, 12, 0, tzinfo=UTC))


def test_the_office_is_closed_on_liberation_day_in_jersey_only() -> None:
    noon = datetime(2028, 5, 9, 12, tzinfo=UTC)
    assert not load_profile(JERSEY).is_office_open(noon)
    assert load_profile(HERTS).is_office_open(noon)


ONE = [Category.NEGLECT]
TWO = [Category.NEGLECT, Category.EMOTIONAL]
THREE = [Category.NEGLECT, Category.EMOTIONAL, Category.PHYSICAL]
DISCOURAGED = Problem(CategoryFault.SEVERAL_GIVEN, refused=False)
REFUSED = Problem(CategoryFault.SEVERAL_GIVEN, refused=True)


@pytest.mark.rule("REG-4")
@pytest.mark.parametrize(
    ("code", "categories", "problem"),
    [
        (JERSEY, ONE, None),
        (JERSEY, TWO, DISCOURAGED),
        (JERSEY, THREE, DISCOURAGED),
        (HERTS, ONE, None),
        (HERTS, TWO, REFUSED),
        (HERTS, THREE, REFUSED),
        (NYORK, ONE, None),
        (NYORK, TWO, None),
        (NYORK, list(Category), None),
    ],
)
def test_how_many_categories_a_plan_may_have_is_the_authority_s_rule(
    code: str, categories: list[Category], problem: Problem | None
) -> None:
    assert load_profile(code).check_categories(categories) == problem


@pytest.mark.rule("REG-4")
@ALL
def test_no_category_and_the_same_one_twice_are_refused_everywhere(code: str) -> None:
    profile = load_profile(code)
    assert profile.check_categories([]) == Problem(CategoryFault.NONE_GIVEN, refused=True)
    assert profile.check_categories([*ONE, *ONE]) == Problem(CategoryFault.REPEATED, refused=True)


@pytest.mark.parametrize("code", ["", "atlantis", "../jersey", "jersey.toml", "Jersey"])
def test_an_unknown_authority_has_no_profile(code: str) -> None:
    with pytest.raises(ProfileInvalid, match="no such profile"):
        load_profile(code)
