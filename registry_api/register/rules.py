"""What may stand on the register: pure checks of an entry, each fault named by its column and a fixed reason.

Promises: no fault repeats a value of the entry. What is contradictory is refused; what is merely odd is a warning,
because an entry kept off the register for a formality would hide a child from every enquirer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from policies.profile import Profile
from registry_api.matching.person import Name
from registry_api.register.entry import Case, ChildEntry, ChildPlan, Identity, PlanKind

OLDEST = timedelta(days=100 * 366)
"""A date of birth before that is a slip of the pen. Closed records of people long grown up are kept (ENQ-8)."""
ADULT = timedelta(days=18 * 365 + 5)
REMOVAL_MARGIN = timedelta(days=92)
"""A child is removed at 18 (REG-10); an authority that is late with it must still be able to load its register."""
LONGEST_PREGNANCY = timedelta(days=43 * 7)
BIRTH_OVERDUE = timedelta(days=4 * 7)
YOUNGEST_MOTHER = timedelta(days=9 * 365)


class Reason(StrEnum):
    """Why an entry is refused, or what is odd about it."""

    FILE_EMPTY = "file_empty"
    FILE_NOT_UTF8 = "file_not_utf8"
    FILE_NOT_CSV = "file_not_csv"
    LINE_TOO_LONG = "line_too_long"
    COLUMN_UNKNOWN = "column_unknown"
    COLUMN_ONCE = "column_once"
    CELL_COUNT = "cell_count"
    CONTROL_CHARACTER = "control_character"
    TOO_LONG = "too_long"
    MALFORMED = "malformed"
    NEEDED = "needed"
    NOT_A_DATE = "not_a_date"
    NOT_ALLOWED = "not_allowed"
    NOT_AN_IDENTIFIER = "not_an_identifier"
    NOT_KNOWN_HERE = "not_known_here"
    REPEATED_RECORD = "repeated_record"
    IN_THE_FUTURE = "in_the_future"
    TOO_LONG_AGO = "too_long_ago"
    TOO_FAR_AHEAD = "too_far_ahead"
    ENDS_BEFORE_IT_STARTS = "ends_before_it_starts"
    END_NEEDED = "end_needed"
    BIRTH_OR_DELIVERY = "birth_or_delivery"
    BORN_AND_UNBORN = "born_and_unborn"
    NHS_NUMBER_INVALID = "nhs_number_invalid"
    MOTHER_TOO_YOUNG = "mother_too_young"
    CASE_OR_PLAN = "case_or_plan"
    SEVERAL_ACTIVE = "several_active"
    ADULT_ON_PLAN = "adult_on_plan"
    RESPONSIBLE_AUTHORITY = "responsible_authority"
    CATEGORY_NONE_GIVEN = "category_none_given"
    CATEGORY_REPEATED = "category_repeated"
    CATEGORY_SEVERAL_GIVEN = "category_several_given"
    BIRTH_NOT_CONFIRMED = "birth_not_confirmed"
    NO_OPEN_CASE = "no_open_case"
    MAYBE_TRANSFERRED = "maybe_transferred"
    SAME_CHILD_ON_LINE = "same_child_on_line"

    @property
    def words(self) -> str:
        """Return the same in plain words."""
        return _WORDS[self]


_WORDS: Mapping[Reason, str] = {
    Reason.FILE_EMPTY: "the file holds no rows; it needs a header that names the columns, and a row for each child",
    Reason.FILE_NOT_UTF8: "the file is not in UTF-8 from here on; save it as CSV UTF-8",
    Reason.FILE_NOT_CSV: "the file is not well-formed CSV from here on: look for a stray or unclosed quotation mark",
    Reason.LINE_TOO_LONG: "the line is far longer than any row of a register",
    Reason.COLUMN_UNKNOWN: "the header names a column that is not part of the format",
    Reason.COLUMN_ONCE: "the header must name this column exactly once; its cells may be empty",
    Reason.CELL_COUNT: "the row has more or fewer cells than the header",
    Reason.CONTROL_CHARACTER: "holds a control character",
    Reason.TOO_LONG: "is too long",
    Reason.MALFORMED: "is a list whose items do not have the parts that they should",
    Reason.NEEDED: "is needed",
    Reason.NOT_A_DATE: "is not a date as YYYY-MM-DD",
    Reason.NOT_ALLOWED: "is not one of the values that this column takes",
    Reason.NOT_AN_IDENTIFIER: "may have letters, digits, hyphens, slashes and underscores only, 64 at most",
    Reason.NOT_KNOWN_HERE: "is nobody in the directory of this service; enrol them first",
    Reason.REPEATED_RECORD: "stands in this file more than once, and nobody can say which row is right",
    Reason.IN_THE_FUTURE: "is in the future",
    Reason.TOO_LONG_AGO: "is too long ago",
    Reason.TOO_FAR_AHEAD: "is further ahead than a pregnancy lasts",
    Reason.ENDS_BEFORE_IT_STARTS: "is before the start",
    Reason.END_NEEDED: "has an address without the date on which it was left",
    Reason.BIRTH_OR_DELIVERY: "a date of birth is needed, or for an unborn child an expected delivery date",
    Reason.BORN_AND_UNBORN: "stands beside a date of birth; a child is either born or not",
    Reason.NHS_NUMBER_INVALID: "is not a valid NHS number",
    Reason.MOTHER_TOO_YOUNG: "does not leave time for the mother to grow up",
    Reason.CASE_OR_PLAN: "neither a case nor a plan is given, open or closed",
    Reason.SEVERAL_ACTIVE: "more than one is open at the same time",
    Reason.ADULT_ON_PLAN: "the plan is open and the person is well past 18",
    Reason.RESPONSIBLE_AUTHORITY: "is needed for a temporary entry: the plan is still theirs",
    Reason.CATEGORY_NONE_GIVEN: "a plan needs a category",
    Reason.CATEGORY_REPEATED: "names the same category twice",
    Reason.CATEGORY_SEVERAL_GIVEN: "names several categories, against the procedures of this authority",
    Reason.BIRTH_NOT_CONFIRMED: "is well past; the birth should be confirmed",
    Reason.NO_OPEN_CASE: "the plan is open and no case is: nobody here would be told of an enquiry",
    Reason.MAYBE_TRANSFERRED: "may be the child of a transfer whose entry stands here by itself; compare the two:",
    Reason.SAME_CHILD_ON_LINE: "is another record of the child on an earlier line; join the two in your system: line",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an entry: ``column`` as docs/import.md names it. A warning does not keep the entry off.

    ``other``: the line or the reference of a transfer that the reason speaks of, else empty.
    """

    column: str
    reason: Reason
    warning: bool = False
    other: str = ""


def faults(entry: ChildEntry, profile: Profile, today: date) -> list[Fault]:
    """Return everything wrong with ``entry``, in the order of the columns; empty when it may stand as it is.

    Args:
        entry: the entry to judge.
        profile: the procedures of the authority, for the categories (REG-4).
        today: the authority's local day.
    """
    return [
        *_identity(entry.identity, today),
        *_residences(entry, today),
        *_cases(entry.cases, today),
        *_plans(entry, profile, today),
        *_whole(entry, today),
    ]


def _identity(child: Identity, today: date) -> Iterator[Fault]:
    principal = child.names[0] if child.names else Name()
    if not principal.family and (child.expected_delivery or not principal.given):
        yield Fault("family_name", Reason.NEEDED)  # some people have a single name; the unborn have a surname only
    match child.date_of_birth, child.expected_delivery:
        case None, None:
            yield Fault("date_of_birth", Reason.BIRTH_OR_DELIVERY)
        case date(), date():
            yield Fault("expected_delivery_date", Reason.BORN_AND_UNBORN)
        case date() as born, None:
            if born > today:
                yield Fault("date_of_birth", Reason.IN_THE_FUTURE)
            if born < today - OLDEST:
                yield Fault("date_of_birth", Reason.TOO_LONG_AGO)
        case _, date() as expected:
            # REG-3: an unborn child is entered under the surname and found again through the mother.
            if not any(name.given and name.family for name in child.mother):
                yield Fault("mother_family_name", Reason.NEEDED)
            if expected > today + LONGEST_PREGNANCY:
                yield Fault("expected_delivery_date", Reason.TOO_FAR_AHEAD)
            if expected < today - BIRTH_OVERDUE:
                yield Fault("expected_delivery_date", Reason.BIRTH_NOT_CONFIRMED, warning=True)
    birth = child.date_of_birth or child.expected_delivery
    if birth and child.mother_date_of_birth and birth - child.mother_date_of_birth < YOUNGEST_MOTHER:
        yield Fault("mother_date_of_birth", Reason.MOTHER_TOO_YOUNG)


def _residences(entry: ChildEntry, today: date) -> Iterator[Fault]:
    for home in entry.residences:
        column = "address_from" if home.valid_to is None else "previous_addresses"
        yield from _period(column, home.valid_from, column, home.valid_to, today)


def _cases(cases: tuple[Case, ...], today: date) -> Iterator[Fault]:
    for case in cases:
        yield from _period("case_opened", case.opened_on, "case_closed", case.closed_on, today)
    if sum(case.closed_on is None for case in cases) > 1:
        yield Fault("case_opened", Reason.SEVERAL_ACTIVE)


def _plans(entry: ChildEntry, profile: Profile, today: date) -> Iterator[Fault]:
    for plan in entry.plans:
        yield from _period("plan_start", plan.started_on, "plan_end", plan.ended_on, today)
        if problem := profile.check_categories(plan.categories):
            yield Fault("plan_categories", Reason(f"category_{problem.fault}"), warning=not problem.refused)
        if plan.kind is PlanKind.TEMPORARY and plan.responsible_organisation_id is None:
            yield Fault("responsible_authority", Reason.RESPONSIBLE_AUTHORITY)  # TRF-2: it stays theirs
    active = [plan for plan in entry.plans if plan.ended_on is None]
    if len(active) > 1:
        yield Fault("plan_start", Reason.SEVERAL_ACTIVE)
    if active and _grown_up(entry.identity, today):
        yield Fault("plan_end", Reason.ADULT_ON_PLAN)
    if any(map(_ours, active)) and not any(case.closed_on is None for case in entry.cases):
        yield Fault("case_opened", Reason.NO_OPEN_CASE, warning=True)  # nobody here to tell: ENQ-4


def _whole(entry: ChildEntry, today: date) -> Iterator[Fault]:
    if entry.missing_since and entry.missing_since > today:
        yield Fault("missing_since", Reason.IN_THE_FUTURE)
    if not entry.cases and not entry.plans:
        yield Fault("case_opened", Reason.CASE_OR_PLAN)


def _ours(plan: ChildPlan) -> bool:
    return plan.responsible_organisation_id is None


def _grown_up(child: Identity, today: date) -> bool:
    born = child.date_of_birth
    return born is not None and born + ADULT + REMOVAL_MARGIN < today


def _period(start_column: str, start: date | None, end_column: str, end: date | None, today: date) -> Iterator[Fault]:
    if start and start > today:
        yield Fault(start_column, Reason.IN_THE_FUTURE)
    if end and end > today:
        yield Fault(end_column, Reason.IN_THE_FUTURE)
    if start and end and end < start:
        yield Fault(end_column, Reason.ENDS_BEFORE_IT_STARTS)
