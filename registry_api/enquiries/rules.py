"""The decision table of the main job: from what was found to what is answered and who is told.

Pure values in, a row out. The rows are read from the top and the first that fits decides; every combination of facts
fits one (a test walks them all). ``docs/outcome-table.md`` is generated from these rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from policies.enquirer import Disclosure


class Finding(StrEnum):
    """What the register says about the child."""

    FULL_PLAN = "full_plan"
    TEMPORARY_PLAN = "temporary_plan"
    OPEN_CASE = "open_case"
    CLOSED = "closed"
    UNCLEAR = "unclear"
    """Somebody might be meant, or several might."""
    UNKNOWN = "unknown"
    ADDRESS_ONLY = "address_only"
    """Only an address was asked about, by somebody who may."""


KNOWN = frozenset({Finding.FULL_PLAN, Finding.TEMPORARY_PLAN, Finding.OPEN_CASE, Finding.CLOSED})


class Earlier(StrEnum):
    """Whether this child, who is not known for certain, was asked about before."""

    NONE = "none"
    OWN = "own"
    """Only by the same professional, within the hours that the profile counts as asking again."""
    PERHAPS = "perhaps"
    """Perhaps, and nobody can be told so for certain."""
    OTHER = "other"


class Outcome(StrEnum):
    """What the enquirer is answered."""

    ON_PLAN = "on_plan"
    TEMPORARY_ENTRY = "temporary_entry"
    OPEN_CASE = "open_case"
    KNOWN_BEFORE = "known_before"
    KNOWN = "known"
    """One of those above, told to somebody whose agreement is for a contact and no more."""
    CALL_BACK = "call_back"
    MORE_INFORMATION_NEEDED = "more_information_needed"
    NOT_KNOWN = "not_known"
    NOT_KNOWN_ASKED_AGAIN = "not_known_asked_again"
    NOT_KNOWN_SECOND_ENQUIRY = "not_known_second_enquiry"
    ADDRESS = "address"


NOT_KNOWN_OUTCOMES = frozenset({Outcome.NOT_KNOWN, Outcome.NOT_KNOWN_ASKED_AGAIN, Outcome.NOT_KNOWN_SECOND_ENQUIRY})


class Audience(StrEnum):
    """Who is told. Each is turned into a person or a duty role by ``routing.rules``."""

    KEY_WORKER = "key_worker"
    """The child's key worker, or whoever stands in (ENQ-11)."""
    DUTY = "duty"
    DUTY_AT_ONCE = "duty_at_once"
    SAFEGUARDING_MANAGER = "safeguarding_manager"
    CONSIDERATION = "consideration"
    """The safeguarding manager, with a child-in-need consideration to decide (ENQ-7)."""
    CONSIDERATION_PERHAPS = "consideration_perhaps"
    """The same, where it is for them to say whether it is the same child; the enquirer learns nothing of it."""
    NEIGHBOURS = "neighbours"
    """The key worker of each child on a plan who lives at the address, or used to (ENQ-5)."""
    PERSON_AT_ADDRESS = "person_at_address"
    """Whoever follows up the child, of a person who may pose a risk and is at the address (CUS-1)."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What has been found out about one enquiry."""

    finding: Finding
    restricted: bool = False
    """The child is; or, where only an address was asked about, a child on a plan who lives there."""
    missing: bool = False
    """The child is recorded as missing, or one of those who may be meant."""
    earlier: Earlier = Earlier.NONE
    neighbours: bool = False
    """A child on a plan, other than the one asked about, lives at the address or used to."""
    people: bool = False
    """A person who may pose a risk of significant harm is at the address, or used to be."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table. A condition left empty does not matter."""

    name: str
    rules: tuple[str, ...]
    outcome: Outcome
    told: tuple[Audience, ...]
    finding: frozenset[Finding]
    restricted: bool | None = None
    missing: bool | None = None
    earlier: Earlier | None = None

    def fits(self, facts: Facts) -> bool:
        """Return whether the row's conditions hold."""
        return (
            facts.finding in self.finding
            and self.restricted in (None, facts.restricted)
            and self.missing in (None, facts.missing)
            and self.earlier in (None, facts.earlier)
        )


def _only(finding: Finding) -> frozenset[Finding]:
    return frozenset({finding})


_KEY_WORKER = (Audience.KEY_WORKER,)
_MISSING = (Audience.DUTY_AT_ONCE, Audience.KEY_WORKER)
_UNCLEAR = _only(Finding.UNCLEAR)

TABLE: tuple[Row, ...] = (
    Row(
        "restricted and missing",
        ("ENQ-3", "ENQ-12"),
        Outcome.CALL_BACK,
        (Audience.DUTY_AT_ONCE, Audience.SAFEGUARDING_MANAGER, Audience.KEY_WORKER),
        KNOWN,
        restricted=True,
        missing=True,
    ),
    Row(
        "restricted",
        ("ENQ-3", "ENQ-10"),
        Outcome.CALL_BACK,
        (Audience.SAFEGUARDING_MANAGER, Audience.KEY_WORKER),
        KNOWN,
        restricted=True,
    ),
    Row(
        "on a plan and missing",
        ("ENQ-9", "ENQ-12"),
        Outcome.ON_PLAN,
        _MISSING,
        _only(Finding.FULL_PLAN),
        missing=True,
    ),
    Row("on a plan", ("ENQ-4", "ENQ-9"), Outcome.ON_PLAN, _KEY_WORKER, _only(Finding.FULL_PLAN)),
    Row(
        "temporary entry and missing",
        ("TRF-2", "ENQ-12"),
        Outcome.TEMPORARY_ENTRY,
        _MISSING,
        _only(Finding.TEMPORARY_PLAN),
        missing=True,
    ),
    Row("temporary entry", ("TRF-2", "ENQ-9"), Outcome.TEMPORARY_ENTRY, _KEY_WORKER, _only(Finding.TEMPORARY_PLAN)),
    Row(
        "open case and missing",
        ("ENQ-4", "ENQ-12"),
        Outcome.OPEN_CASE,
        _MISSING,
        _only(Finding.OPEN_CASE),
        missing=True,
    ),
    Row("open case", ("ENQ-4",), Outcome.OPEN_CASE, _KEY_WORKER, _only(Finding.OPEN_CASE)),
    Row(
        "known before and missing",
        ("ENQ-8", "ENQ-12"),
        Outcome.KNOWN_BEFORE,
        (Audience.DUTY_AT_ONCE,),
        _only(Finding.CLOSED),
        missing=True,
    ),
    Row("known before", ("ENQ-8", "ENQ-10"), Outcome.KNOWN_BEFORE, (Audience.DUTY,), _only(Finding.CLOSED)),
    Row(
        "more information needed, perhaps of a missing child, asked about before",
        ("ENQ-7", "ENQ-12"),
        Outcome.MORE_INFORMATION_NEEDED,
        (Audience.DUTY_AT_ONCE, Audience.DUTY, Audience.CONSIDERATION),
        _UNCLEAR,
        missing=True,
        earlier=Earlier.OTHER,
    ),
    Row(
        "more information needed, perhaps of a missing child",
        ("ENQ-3", "ENQ-12"),
        Outcome.MORE_INFORMATION_NEEDED,
        (Audience.DUTY_AT_ONCE, Audience.DUTY),
        _UNCLEAR,
        missing=True,
    ),
    Row(
        "more information needed, asked about before",
        ("ENQ-7", "ENQ-10"),
        Outcome.MORE_INFORMATION_NEEDED,
        (Audience.DUTY, Audience.CONSIDERATION),
        _UNCLEAR,
        earlier=Earlier.OTHER,
    ),
    Row("more information needed", ("ENQ-3", "ENQ-10"), Outcome.MORE_INFORMATION_NEEDED, (Audience.DUTY,), _UNCLEAR),
    Row(
        "second enquiry about a child not known",
        ("ENQ-7",),
        Outcome.NOT_KNOWN_SECOND_ENQUIRY,
        (Audience.CONSIDERATION,),
        _only(Finding.UNKNOWN),
        earlier=Earlier.OTHER,
    ),
    Row(
        "not known, asked again by the same professional",
        ("ENQ-6",),
        Outcome.NOT_KNOWN_ASKED_AGAIN,
        (),
        _only(Finding.UNKNOWN),
        earlier=Earlier.OWN,
    ),
    Row(
        "not known, perhaps asked about before",
        ("ENQ-6", "ENQ-7"),
        Outcome.NOT_KNOWN,
        (Audience.CONSIDERATION_PERHAPS,),
        _only(Finding.UNKNOWN),
        earlier=Earlier.PERHAPS,
    ),
    Row("not known", ("ENQ-6",), Outcome.NOT_KNOWN, (), _only(Finding.UNKNOWN)),
    Row(
        "address only, of a restricted child",
        ("ENQ-3", "ENQ-5"),
        Outcome.CALL_BACK,
        (Audience.SAFEGUARDING_MANAGER,),
        _only(Finding.ADDRESS_ONLY),
        restricted=True,
    ),
    Row("address only", ("ENQ-5",), Outcome.ADDRESS, (), _only(Finding.ADDRESS_ONLY)),
)


@dataclass(frozen=True, slots=True)
class Decided:
    """What is answered, by which row, and who is told."""

    outcome: Outcome
    row: str
    told: tuple[Audience, ...]


def decide_outcome(facts: Facts) -> Decided:
    """Return the outcome of the first row that fits.

    Whatever the row, the key worker of each child on a plan at the address is told as well (ENQ-5), and whoever follows
    up is told of people who may pose a risk there (CUS-1). The enquirer is told of neither.
    """
    row = next(row for row in TABLE if row.fits(facts))
    beside = [(facts.neighbours, Audience.NEIGHBOURS), (facts.people, Audience.PERSON_AT_ADDRESS)]
    return Decided(row.outcome, row.name, (*row.told, *(audience for holds, audience in beside if holds)))


_OF_A_KNOWN_CHILD = frozenset({Outcome.ON_PLAN, Outcome.TEMPORARY_ENTRY, Outcome.OPEN_CASE, Outcome.KNOWN_BEFORE})


def as_told(outcome: Outcome, disclosure: Disclosure) -> Outcome:
    """Return an outcome as it is told to somebody who may be told so much (ENQ-4, ENQ-9)."""
    known = disclosure is Disclosure.CONTACT and outcome in _OF_A_KNOWN_CHILD
    return Outcome.KNOWN if known else outcome


def every_facts() -> Iterator[Facts]:
    """Yield every combination of facts, sensible or not."""
    flags = (False, True)
    for values in product(Finding, flags, flags, Earlier, flags, flags):
        yield Facts(*values)


def earlier_enquiries(*, other: bool, own_recent: bool, own_old: bool, perhaps: bool = False) -> Earlier:
    """Return what earlier enquiries about this child amount to.

    Another professional's enquiry, or one's own from before the hours in which asking again is the same incident, makes
    this a second enquiry (ENQ-7); ``perhaps``: one that may have been about this child. A retry of one request is none
    at all and never comes here.
    """
    if other or own_old:
        return Earlier.OTHER
    if own_recent:
        return Earlier.OWN
    return Earlier.PERHAPS if perhaps else Earlier.NONE
