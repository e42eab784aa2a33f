"""A row of an import file becomes an entry: what each cell means (docs/import.md).

Promises: every cell is read on its own and every one that makes no sense is named, so that one run shows all there is
to correct; no fault repeats a value.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, TypeVar
from uuid import UUID

from policies.profile import Category
from registry_api.matching.person import Name
from registry_api.matching.record import valid_nhs_number
from registry_api.register.csv_format import COLUMNS, CsvRow, is_identifier
from registry_api.register.entry import (
    Case,
    ChildEntry,
    ChildPlan,
    HouseholdPerson,
    Identity,
    OtherKeyWorker,
    PlanKind,
    Relationship,
    Residence,
)
from registry_api.register.rules import Fault, Reason

_LONGEST_LIST: Final = 50
"""Items; nobody has as many names, and a household as large is a slip of the export."""
_FLAGS = {"": False, "no": False, "false": False, "0": False, "yes": True, "true": True, "1": True}
_SEXES = {"": "", "f": "f", "m": "m", "female": "f", "male": "m"}

_PLAN_COLUMNS = (
    "plan_kind",
    "plan_categories",
    "plan_start",
    "plan_end",
    "responsible_authority",
    "other_key_worker",
    "other_key_worker_phone",
)

_Code = TypeVar("_Code", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class References:
    """What the identifiers in a file stand for in this deployment.

    ``staff``: the authority's own professionals by subject. ``authorities``: other authorities by code.
    """

    staff: Mapping[str, UUID]
    authorities: Mapping[str, UUID]


def parse(row: CsvRow, references: References) -> tuple[ChildEntry | None, list[Fault]]:
    """Return the entry that a row describes, or what is wrong with its cells, each on its own.

    What is wrong with them together is for ``rules.faults``.
    """
    if not row.cells:
        return None, list(row.faults)
    reader = Reader(row.cells)
    entry = reader.entry(references)
    found = [*row.faults, *reader.faults]
    return (None if found else entry), found


class Reader:
    """Takes the cells of one row apart and gathers what is wrong with each."""

    def __init__(self, cells: tuple[str, ...], columns: Sequence[str] = COLUMNS) -> None:
        """Name the cells by their ``columns``."""
        self.cells = dict(zip(columns, cells, strict=True))
        self.faults: list[Fault] = []

    def entry(self, references: References) -> ChildEntry:
        """Return the entry; it is worth something only where ``faults`` stays empty."""
        return ChildEntry(
            identity=self.identity(),
            residences=tuple(self.residences()),
            household=tuple(self.household()),
            cases=tuple(self.cases(references)),
            plans=tuple(self.plans(references)),
            looked_after=self.flag("looked_after"),
            missing_since=self.day("missing_since"),
            restricted=self.flag("restricted"),
        )

    def identity(self) -> Identity:
        """Return who the child is."""
        cells = self.cells
        if not is_identifier(cells["record_id"]):
            self.fault("record_id", Reason.NOT_AN_IDENTIFIER if cells["record_id"] else Reason.NEEDED)
        number = valid_nhs_number(cells["nhs_number"]) if cells["nhs_number"] else 0
        if cells["nhs_number"] and not number:
            self.fault("nhs_number", Reason.NHS_NUMBER_INVALID)
        sex = _SEXES.get(cells["sex"].lower())
        if sex is None:
            self.fault("sex", Reason.NOT_ALLOWED)
        mother = Name(cells["mother_given_names"], cells["mother_family_name"])
        others = (Name(given, family) for given, family in self.items("other_names", 2))
        return Identity(
            record_id=cells["record_id"],
            household_id=cells["household_id"],
            names=(Name(cells["given_names"], cells["family_name"]), *others),
            date_of_birth=self.day("date_of_birth"),
            expected_delivery=self.day("expected_delivery_date"),
            sex=sex or "",
            place_of_birth=cells["place_of_birth"],
            mother=(mother,) if mother != Name() else (),
            mother_date_of_birth=self.day("mother_date_of_birth"),
            nhs_number=f"{number:010d}" if number else "",
        )

    def residences(self) -> Iterator[Residence]:
        """Yield the addresses, the current one first."""
        cells = self.cells
        uprn = cells["uprn"]
        if uprn and not (uprn.isascii() and uprn.isdecimal()):
            self.fault("uprn", Reason.NOT_ALLOWED)
        lines, since = _one_line(cells["address"]), self.day("address_from")
        if lines or cells["postcode"] or uprn:
            yield Residence(lines=lines, postcode=cells["postcode"], uprn=uprn, valid_from=since)
        for lines, postcode, start, end in self.items("previous_addresses", 4):
            column = "previous_addresses"
            if not (lines or postcode):
                self.fault(column, Reason.NEEDED)
            if not end:
                self.fault(column, Reason.END_NEEDED)  # without one it would count as lived at now
            yield Residence(
                lines=_one_line(lines),
                postcode=postcode,
                valid_from=self.date(column, start),
                valid_to=self.date(column, end),
            )

    def household(self) -> Iterator[HouseholdPerson]:
        """Yield the members of the household."""
        for name, relationship in self.items("household_members", 2):
            if not name:
                self.fault("household_members", Reason.NEEDED)
            code = relationship.lower().replace(" ", "_").replace("-", "_").replace("'", "")
            yield HouseholdPerson(name, self.code("household_members", code, Relationship) or Relationship.OTHER)

    def cases(self, references: References) -> Iterator[Case]:
        """Yield the case, where there is one."""
        opened, closed = self.day("case_opened"), self.day("case_closed")
        key_worker = self.known("key_worker", references.staff)
        manager = self.known("team_manager", references.staff)
        if opened:
            yield Case(opened_on=opened, closed_on=closed, key_worker_id=key_worker, team_manager_id=manager)
        elif any(map(self.cells.get, ("case_closed", "key_worker", "team_manager"))):
            self.need("case_opened")

    def plans(self, references: References) -> Iterator[ChildPlan]:
        """Yield the plan, where there is one."""
        cells = self.cells
        kind = self.code("plan_kind", cells["plan_kind"], PlanKind)
        started, ended = self.day("plan_start"), self.day("plan_end")
        given = [self.code("plan_categories", code, Category) for (code,) in self.items("plan_categories", 1)]
        responsible = self.known("responsible_authority", references.authorities)
        name, phone = cells["other_key_worker"], cells["other_key_worker_phone"]
        if phone and not name:
            self.fault("other_key_worker", Reason.NEEDED)
        if kind and started:
            yield ChildPlan(
                kind=kind,
                categories=tuple(category for category in given if category),
                started_on=started,
                ended_on=ended,
                responsible_organisation_id=responsible,
                other_key_worker=OtherKeyWorker(name, phone) if name else None,
            )
        elif any(map(cells.get, _PLAN_COLUMNS)):
            self.need("plan_kind")
            self.need("plan_start")

    def items(self, column: str, parts: int) -> Iterator[list[str]]:
        """Yield the items of a list cell, ``a|b; c|d``, each of exactly ``parts`` parts."""
        cell = self.cells[column]
        items = [item.strip() for item in cell.split(";")] if cell else []
        if len(items) > _LONGEST_LIST:
            self.fault(column, Reason.TOO_LONG)
            return
        for item in filter(None, items):  # a list may end in a separator
            found = [part.strip() for part in item.split("|")]
            if len(found) == parts:
                yield found
            else:
                self.fault(column, Reason.MALFORMED)

    def day(self, column: str) -> date | None:
        """Return the date in a column, if any."""
        return self.date(column, self.cells[column])

    def date(self, column: str, text: str) -> date | None:
        """Return a date as YYYY-MM-DD, if any."""
        if not text:
            return None
        try:
            if len(text) != 10:  # fromisoformat takes other ISO forms too, as 20140301
                raise ValueError
            return date.fromisoformat(text)
        except ValueError:
            self.fault(column, Reason.NOT_A_DATE)
            return None

    def flag(self, column: str) -> bool:
        """Return a yes or no; empty means no."""
        flag = _FLAGS.get(self.cells[column].lower())
        if flag is None:
            self.fault(column, Reason.NOT_ALLOWED)
        return bool(flag)

    def code(self, column: str, text: str, codes: type[_Code]) -> _Code | None:
        """Return one of ``codes``, if any."""
        if not text:
            return None
        try:
            return codes(text.lower())
        except ValueError:
            self.fault(column, Reason.NOT_ALLOWED)
            return None

    def known(self, column: str, ids: Mapping[str, UUID]) -> UUID | None:
        """Return what an identifier stands for, if any."""
        identifier = self.cells[column]
        if identifier and identifier not in ids:
            self.fault(column, Reason.NOT_KNOWN_HERE)
        return ids.get(identifier)

    def need(self, column: str) -> None:
        """Note a column that is empty."""
        if not self.cells[column]:
            self.fault(column, Reason.NEEDED)

    def fault(self, column: str, reason: Reason) -> None:
        """Note what is wrong with a column."""
        self.faults.append(Fault(column, reason))


def _one_line(lines: str) -> str:
    return ", ".join(part.strip(" ,") for part in lines.splitlines()) if "\n" in lines else lines
