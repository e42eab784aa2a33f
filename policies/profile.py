"""The procedures of one authority as figures: titles, hours, categories, timescales; and what follows from them.

Promises: ``load_profile`` gives a profile in which every figure that the service relies on is present, of the
right kind and with its source, or raises ``ProfileInvalid`` with the path of the key that is wrong. A profile
is data (``procedures/CODE.toml``): an authority that works differently changes its file and no code. Has no
clock: the moment is always given.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from policies.calendar import Calendar, OfficeHours, Opening


class ProfileInvalid(ValueError):
    """A profile cannot be used. ``path`` is the key that is wrong, ``reason`` what is wrong with it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class Category(StrEnum):
    """The categories of abuse (REG-4)."""

    NEGLECT = "neglect"
    PHYSICAL = "physical"
    SEXUAL = "sexual"
    EMOTIONAL = "emotional"


class CategoryRule(StrEnum):
    """How many categories a conference may give at once (REG-4)."""

    EXACTLY_ONE = "exactly_one"
    SEVERAL_DISCOURAGED = "several_discouraged"
    SEVERAL = "several"


class CategoryFault(StrEnum):
    """What is wrong with the categories that were given."""

    NONE_GIVEN = "none_given"
    REPEATED = "repeated"
    SEVERAL_GIVEN = "several_given"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the categories of a plan do not follow the rule; ``refused`` is false where that is only a warning."""

    fault: CategoryFault
    refused: bool


class Basis(StrEnum):
    """Where a figure comes from."""

    OWN = "own"
    """The authority's own procedures."""
    DEFAULT = "default"
    """Theirs are silent: another authority's or the service's own figure, for the authority to confirm."""
    NONE = "none"
    """Their procedures set no such timescale, and none is supposed."""


class Unit(StrEnum):
    """What a limit is counted in; weeks and months by the calendar."""

    WORKING_DAYS = "working_days"
    WEEKS = "weeks"
    MONTHS = "months"


@dataclass(frozen=True, slots=True)
class Limit:
    """One figure of a timescale: ``value`` of ``unit``, at least 1."""

    value: int
    unit: Unit


@dataclass(frozen=True, slots=True, eq=False)
class Timescale:
    """One row of the timescales: its limits by name (see ``LIMITS``), and where they come from."""

    rule: str
    limits: Mapping[str, Limit]
    basis: Basis
    source: str


@dataclass(frozen=True, slots=True)
class DueDate:
    """A local day on which something falls due, the calendar version that gave it and the rule it follows."""

    day: date
    calendar_version: str
    rule: str


LIMITS: Mapping[str, frozenset[str]] = {
    "TIME-1": frozenset({"after_strategy_discussion"}),
    "TIME-2": frozenset({"after_notification"}),
    "TIME-3": frozenset({"after_initial_conference"}),
    "TIME-4": frozenset({"after_review"}),
    "TIME-5": frozenset({"before_due_date", "into_pregnancy", "after_decision"}),
    "TIME-6": frozenset({"after_birth", "after_conference", "extension", "after_conference_if_extended"}),
    "TIME-7": frozenset({"after_transfer_in_conference"}),
    "TIME-8": frozenset({"after_initial_conference"}),
    "TIME-9": frozenset({"after_core_group", "after_first_core_group", "after_core_group_once_reviewed"}),
    "TIME-10": frozenset({"after_visit"}),
    "TIME-11": frozenset({"after_start", "after_strategy_meeting"}),
    "TIME-12": frozenset({"after_conference"}),
    "TIME-13": frozenset({"after_conference"}),
    "TIME-14": frozenset({"risk_assessment", "managers_advice", "other_ways_discussed"}),
}
"""The timescales that every profile gives, and the limits that each may set. Where a row sets several, each of
them holds, so that the soonest decides."""


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The procedures of one authority.

    ``consideration_working_days`` (how long the safeguarding manager has for a child-in-need consideration,
    ENQ-7) and ``repeat_hours`` (within which the same professional asking again about an unknown child is not a
    second enquiry) are settings of the service: no procedure gives a figure for either.
    """

    code: str
    name: str
    custodian_title: str
    key_worker_title: str
    calendar: Calendar
    office_hours: OfficeHours
    office_hours_basis: Basis
    categories: CategoryRule
    timescales: Mapping[str, Timescale]
    consideration_working_days: int
    repeat_hours: int

    @property
    def timezone(self) -> ZoneInfo:
        """Return the authority's own time zone."""
        return self.calendar.timezone

    @property
    def transfer_in_working_days(self) -> int:
        """Return within how many working days of the notification a transfer-in conference is held (TIME-2)."""
        return self.timescales["TIME-2"].limits["after_notification"].value

    @property
    def unborn_by(self) -> Timescale:
        """Return by when a pre-birth conference is held (TIME-5)."""
        return self.timescales["TIME-5"]

    def today(self, now: datetime) -> date:
        """Return the authority's local day at ``now``, an aware moment in any zone.

        Raises:
            ValueError: ``now`` is naive.
        """
        return self.calendar.local(now).date()

    def is_office_open(self, now: datetime) -> bool:
        """Return whether the office, rather than the out-of-hours service, answers at ``now`` (ENQ-9)."""
        return self.office_hours.is_open(now)

    def conference_due(self, received: datetime) -> DueDate:
        """Return the last day for the transfer-in conference of a notification (TRF-1, TIME-2).

        Args:
            received: the aware moment at which the notification was received. Its local day is day 0.

        Raises:
            ValueError: ``received`` is naive.
        """
        return self._due("TIME-2", received, self.transfer_in_working_days)

    def consideration_due(self, raised: datetime) -> DueDate:
        """Return the last day for considering whether a child asked about twice may be in need (ENQ-7).

        Args:
            raised: the aware moment of the second enquiry. Its local day is day 0.

        Raises:
            ValueError: ``raised`` is naive.
        """
        return self._due("ENQ-7", raised, self.consideration_working_days)

    def check_categories(self, categories: Sequence[Category]) -> Problem | None:
        """Return what is wrong with the categories given to a plan, or ``None`` (REG-4).

        No category and the same one twice are refused everywhere; several by the authority's own rule.
        """
        if not categories:
            return Problem(CategoryFault.NONE_GIVEN, refused=True)
        if len(set(categories)) < len(categories):
            return Problem(CategoryFault.REPEATED, refused=True)
        if len(categories) > 1 and self.categories is not CategoryRule.SEVERAL:
            return Problem(CategoryFault.SEVERAL_GIVEN, refused=self.categories is CategoryRule.EXACTLY_ONE)
        return None

    def _due(self, rule: str, since: datetime, working_days: int) -> DueDate:
        day = self.calendar.add_working_days(self.today(since), working_days)
        return DueDate(day, self.calendar.version, rule)


def available_profiles() -> tuple[str, ...]:
    """Return the codes of the profiles that there are, in order."""
    return tuple(sorted(file.name.removesuffix(".toml") for file in _PROCEDURES.iterdir() if file.is_file()))


@cache
def load_profile(code: str) -> Profile:
    """Return the profile of one authority, read once for each process.

    Args:
        code: one of ``available_profiles()``.

    Raises:
        ProfileInvalid: there is no such profile, or its file is wrong; ``path`` says where.
    """
    if code not in available_profiles():
        raise ProfileInvalid(code, "there is no such profile")
    return parse_profile(code, (_PROCEDURES / f"{code}.toml").read_text("utf-8"))


def parse_profile(code: str, text: str) -> Profile:
    """Return the profile that ``text``, the TOML of a profile's file, describes.

    Raises:
        ProfileInvalid: a key is missing, unknown or of the wrong kind, or its value contradicts another.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileInvalid(code, f"not TOML: {error}") from error
    file = _read(document, _File, "")
    try:
        calendar = Calendar(
            code,
            file.calendar.country,
            file.calendar.subdivision,
            ZoneInfo(file.calendar.timezone),
            MappingProxyType({override.day: override.working for override in file.calendar.overrides}),
        )
    except (KeyError, ValueError) as error:
        # An unknown zone is a KeyError, one with a forbidden name a ValueError.
        raise ProfileInvalid("calendar", str(error)) from error
    if len(calendar.overrides) < len(file.calendar.overrides):
        raise ProfileInvalid("calendar.overrides", "the same day twice")
    hours = file.office_hours
    week = (hours.monday, hours.tuesday, hours.wednesday, hours.thursday, hours.friday)
    try:
        mon, tue, wed, thu, fri = (None if day == "closed" else Opening(day.opens, day.closes) for day in week)
        office_hours = OfficeHours(calendar, (mon, tue, wed, thu, fri))
    except ValueError as error:
        raise ProfileInvalid("office_hours", str(error)) from error
    return Profile(
        code=code,
        name=file.name,
        custodian_title=file.custodian_title,
        key_worker_title=file.key_worker_title,
        calendar=calendar,
        office_hours=office_hours,
        office_hours_basis=hours.basis,
        categories=file.categories.rule,
        timescales=MappingProxyType(_timescales(file.timescales)),
        consideration_working_days=file.settings.consideration_working_days,
        repeat_hours=file.settings.repeat_hours,
    )
