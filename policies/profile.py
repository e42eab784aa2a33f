"""The procedures of one authority as figures: titles, hours, categories, timescales; and what follows from them.

Promises: ``load_profile`` gives a profile in which every figure that the service relies on is present, of the
right kind and with its source, or raises ``ProfileInvalid`` with the path of the key that is wrong. A profile
is data (``procedures/CODE.toml``): an authority that works differently changes its file and no code. Has no
clock: the moment is always given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo

from policies.calendar import Calendar, OfficeHours, Opening
from policies.calendars import SUBDIVISIONS
from policies.profile_file import (
    Basis,
    CalendarTable,
    CategoryRule,
    Limit,
    OfficeHoursTable,
    OpeningTable,
    OversightTable,
    ProfileInvalid,
    Timescale,
    Unit,
    read_profile_file,
    read_timescales,
)
from policies.retention import Retention

__all__ = [
    "Basis",
    "Category",
    "CategoryFault",
    "CategoryRule",
    "DueDate",
    "Limit",
    "OfficeHours",
    "OversightTable",
    "Problem",
    "Profile",
    "ProfileInvalid",
    "Timescale",
    "Unit",
    "available_profiles",
    "load_profile",
    "parse_profile",
]

_PROCEDURES = files("policies") / "procedures"


class Category(StrEnum):
    """The categories of abuse (REG-4)."""

    NEGLECT = "neglect"
    PHYSICAL = "physical"
    SEXUAL = "sexual"
    EMOTIONAL = "emotional"


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


@dataclass(frozen=True, slots=True)
class DueDate:
    """A local day on which something falls due, the calendar version that gave it and the rule it follows."""

    day: date
    calendar_version: str
    rule: str


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The procedures of one authority.

    Args:
        code: the name of its file, for example ``north_yorkshire``.
        name: the authority as people know it.
        custodian_title: what it calls the manager who keeps the register.
        key_worker_title: what it calls the social worker who answers for a child's case.
        calendar: its working days.
        office_hours: when its office answers.
        office_hours_basis: whether those are its own hours or a default that it has yet to confirm.
        categories: how many categories a plan may have (REG-4).
        timescales: all of ``TIME-1`` to ``TIME-14`` by their rule.
        consideration_working_days: how many working days the safeguarding manager has to have a child considered
            who was asked about twice (ENQ-7). A setting of the service: no procedure gives a figure.
        repeat_hours: within how many hours the same professional asking again about an unknown child is asking
            again, and not the second enquiry of ENQ-7. A setting of the service: no procedure gives a figure.
        oversight: from when on enquiries look like misuse. Settings of the service: no procedure gives figures.
        retention: how long entries of the access log can be read: the authority's own policy, or a default.
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
    oversight: OversightTable
    retention: Retention

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
    file = read_profile_file(code, text)
    calendar = _calendar(code, file.calendar)
    return Profile(
        code=code,
        name=file.name,
        custodian_title=file.custodian_title,
        key_worker_title=file.key_worker_title,
        calendar=calendar,
        office_hours=_office_hours(calendar, file.office_hours),
        office_hours_basis=file.office_hours.basis,
        categories=file.categories.rule,
        timescales=read_timescales(file.timescales),
        consideration_working_days=file.settings.consideration_working_days,
        repeat_hours=file.settings.repeat_hours,
        oversight=file.oversight,
        retention=Retention(file.retention.months, MappingProxyType(file.retention.kinds)),
    )


def _calendar(code: str, table: CalendarTable) -> Calendar:
    overrides = {override.day: override.working for override in table.overrides}
    if len(overrides) < len(table.overrides):
        raise ProfileInvalid("calendar.overrides", "the same day twice")
    try:
        zone = ZoneInfo(table.timezone)
    except (KeyError, ValueError, OSError) as error:  # unknown, not a zone's name, a folder of zones
        raise ProfileInvalid("calendar.timezone", "no such time zone") from error
    try:
        return Calendar(code, table.country, table.subdivision, zone, MappingProxyType(overrides))
    except ValueError as error:
        wrong = "subdivision" if table.country in SUBDIVISIONS else "country"
        raise ProfileInvalid(f"calendar.{wrong}", str(error)) from error


def _office_hours(calendar: Calendar, table: OfficeHoursTable) -> OfficeHours:
    week = (
        _opening("monday", table.monday),
        _opening("tuesday", table.tuesday),
        _opening("wednesday", table.wednesday),
        _opening("thursday", table.thursday),
        _opening("friday", table.friday),
    )
    try:
        return OfficeHours(calendar, week)
    except ValueError as error:
        raise ProfileInvalid("office_hours", str(error)) from error


def _opening(day: str, table: OpeningTable | Literal["closed"]) -> Opening | None:
    if table == "closed":
        return None
    try:
        return Opening(table.opens, table.closes)
    except ValueError as error:
        raise ProfileInvalid(f"office_hours.{day}", str(error)) from error
