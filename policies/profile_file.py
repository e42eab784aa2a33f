"""What the file of a profile holds, ``procedures/CODE.toml``, and the strict reading of it.

Promises: what comes out is complete and of the right kind. A key that is missing, unknown or of another kind, a
timescale without its figure or a figure without its source is an error that names the key, found when the
service starts and not when a deadline is wanted.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec

from policies.enquirer import Role
from policies.written import FileInvalid, T, Table, Text, read_table


class ProfileInvalid(FileInvalid):
    """A profile cannot be used."""


class CategoryRule(StrEnum):
    """How many categories a conference may give at once (REG-4)."""

    EXACTLY_ONE = "exactly_one"
    SEVERAL_DISCOURAGED = "several_discouraged"
    SEVERAL = "several"


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
"""The timescales that every profile gives, and the limits that each may set, named by what they are counted from.
Where several of a timescale apply at once, the soonest decides."""


_Positive = Annotated[int, msgspec.Meta(ge=1)]
_Several = Annotated[int, msgspec.Meta(ge=2)]


class OverrideTable(Table, frozen=True):
    """A day on which the authority works, or does not, against the weekday and the public holidays."""

    day: date
    working: bool
    reason: Text


class CalendarTable(Table, frozen=True):
    """The place whose public holidays the authority keeps (ISO 3166), its zone, and its own days."""

    country: Text
    timezone: Text
    overrides: tuple[OverrideTable, ...]
    subdivision: Text | None = None


class OpeningTable(Table, frozen=True):
    """The hours of one day by the local clock."""

    opens: time
    closes: time


class OfficeHoursTable(Table, frozen=True):
    """The office hours of each day, and whether they are the authority's own."""

    basis: Basis
    monday: OpeningTable | Literal["closed"]
    tuesday: OpeningTable | Literal["closed"]
    wednesday: OpeningTable | Literal["closed"]
    thursday: OpeningTable | Literal["closed"]
    friday: OpeningTable | Literal["closed"]


class CategoriesTable(Table, frozen=True):
    """How many categories a plan may have (REG-4)."""

    rule: CategoryRule
    source: Text


class SettingsTable(Table, frozen=True):
    """The figures that no procedure gives; see ``policies.profile.Profile``."""

    consideration_working_days: _Positive
    repeat_hours: _Positive


class RoleVolumeTable(Table, frozen=True):
    """The floors for a professional of a role that asks more often than others, within an hour and within 24 hours."""

    hour: _Several
    day: _Several


class OversightTable(Table, frozen=True):
    """From when on enquiries look like misuse, and are shown to a person. The figures stop nobody.

    Args:
        times_usual: how many times what is usual for them is unusual; never less than the floor, and never more than
            so many times the floor.
        usual_weeks: over how many weeks before it is reckoned what is usual.
        professional_hour: the floor for one professional: so many enquiries within an hour.
        professional_day: the same within 24 hours.
        organisation_hour: the floor for all professionals of one organisation within an hour.
        organisation_day: the same within 24 hours.
        same_child_days: within how many days enquiries about the same child count together.
        same_child_professional: so many of them by one professional.
        same_child_organisation: so many of them by several professionals of one organisation.
        trying_out_minutes: within how many minutes questions that differ in one detail count together.
        trying_out_tries: so many different values of that detail, none of which found a child.
        trying_out_days: within how many days they count together where it is done slowly, or by several colleagues.
        trying_out_slow_tries: so many different values then.
        roles: the floors of roles with floors of their own.
    """

    times_usual: _Positive
    usual_weeks: _Positive
    professional_hour: _Several
    professional_day: _Several
    organisation_hour: _Several
    organisation_day: _Several
    same_child_days: _Positive
    same_child_professional: _Several
    same_child_organisation: _Several
    trying_out_minutes: _Positive
    trying_out_tries: _Several
    trying_out_days: _Positive
    trying_out_slow_tries: _Several
    roles: dict[Role, RoleVolumeTable]

    def floors_of(self, role: Role) -> tuple[int, int]:
        """Return the floors of one professional of ``role``: within an hour, and within 24 hours."""
        own = self.roles.get(role)
        return (own.hour, own.day) if own else (self.professional_hour, self.professional_day)


_Months = Annotated[int, msgspec.Meta(ge=1, le=1200)]


class RetentionTable(Table, frozen=True):
    """For how many months entries of the access log can be read (``policies.retention``), and where that stands.

    Args:
        basis: whether it is the authority's own policy or the service's default.
        source: which policy that is.
        months: of every kind of entry that is not among ``kinds``.
        kinds: by kind, such as ``inbox.read``, or by its first part.
    """

    basis: Basis
    source: Text
    months: _Months
    kinds: dict[str, _Months]


class ProfileFile(Table, frozen=True):
    """The whole file. ``timescales`` is still as written: ``read_timescales`` reads it."""

    code: Text
    name: Text
    custodian_title: Text
    key_worker_title: Text
    calendar: CalendarTable
    office_hours: OfficeHoursTable
    categories: CategoriesTable
    settings: SettingsTable
    oversight: OversightTable
    retention: RetentionTable
    timescales: dict[str, object]


class _TimescaleTable(Table, frozen=True):
    basis: Basis
    source: Text
    limits: dict[str, object]


class _LimitTable(Table, frozen=True):
    working_days: _Positive | None = None
    weeks: _Positive | None = None
    months: _Positive | None = None


def read_profile_file(code: str, text: str) -> ProfileFile:
    """Return what ``text``, the TOML of the profile ``code``, holds.

    Raises:
        ProfileInvalid: it is not TOML, is the profile of another code, or a key is missing, unknown or of the
            wrong kind.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileInvalid(code, f"not TOML: {error}") from error
    file = _read(document, ProfileFile, "")
    if file.code != code:
        raise ProfileInvalid("code", f"the file of {code} calls itself {file.code}")
    if file.office_hours.basis is Basis.NONE:
        raise ProfileInvalid("office_hours.basis", "an authority has office hours")
    return file


def read_timescales(tables: Mapping[str, object]) -> Mapping[str, Timescale]:
    """Return the timescales of a profile by their rule, every one of ``LIMITS``.

    Raises:
        ProfileInvalid: a timescale or limit is missing, unknown or of the wrong kind.
    """
    _same_keys(tables, LIMITS, "timescales")
    timescales = MappingProxyType({rule: _timescale(rule, tables[rule]) for rule in LIMITS})
    conference = timescales["TIME-2"].limits.get("after_notification")
    if conference is None or conference.unit is not Unit.WORKING_DAYS:
        # The one timescale that the service cannot be without (TRF-1).
        raise ProfileInvalid("timescales.TIME-2.limits.after_notification", "is counted in working days")
    return timescales


def _timescale(rule: str, written: object) -> Timescale:
    path = f"timescales.{rule}"
    table = _read(written, _TimescaleTable, path)
    if unknown := table.limits.keys() - LIMITS[rule]:
        raise ProfileInvalid(f"{path}.limits.{min(unknown)}", "unknown key")
    if (table.basis is Basis.NONE) is bool(table.limits):
        raise ProfileInvalid(f"{path}.limits", "a timescale has limits, unless its basis is none")
    limits = {name: _limit(limit, f"{path}.limits.{name}") for name, limit in table.limits.items()}
    return Timescale(rule, MappingProxyType(limits), table.basis, table.source)


def _limit(written: object, path: str) -> Limit:
    table = _read(written, _LimitTable, path)
    given = [Limit(value, unit) for unit in Unit if (value := getattr(table, unit)) is not None]
    if len(given) != 1:
        raise ProfileInvalid(path, "a limit is one number in one unit")
    return given[0]


def _same_keys(given: Mapping[str, object], wanted: Mapping[str, object], path: str) -> None:
    for key in sorted(given.keys() ^ wanted.keys()):
        raise ProfileInvalid(f"{path}.{key}", "unknown key" if key in given else "missing key")


def _read(written: object, kind: type[T], path: str) -> T:
    return read_table(written, kind, path, ProfileInvalid)
