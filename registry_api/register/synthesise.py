"""Synthetic registers in the format of an import, household by household, always the same from the same seed.

Promises: exactly as many children on a plan, with an open case and with a closed one as were asked for; nobody who
could be a real person. What is hard for matching is there on purpose: twins, brothers and sisters, half-brothers and
half-sisters under another surname, people who moved, namesakes elsewhere, children not yet born, names that changed.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import NamedTuple

from registry_api.register.csv_format import COLUMNS
from registry_api.register.draws import Draws, Parent, borne

TWIN_BIRTHS = 0.0155
"""Of births; so that about 3 % of the children are twins."""
BLENDED = 0.15
"""Of the households with several children, those in which not all have the same father."""
NAMESAKES = 0.03
"""Of the households, those whose eldest child has the name of a child elsewhere; half of them the same birth year."""
SAME_STATUS = 0.7
"""Of brothers and sisters, those whose case stands as their elder's does (REG-1: each is decided on its own)."""

_ON_PLAN, _OPEN, _CLOSED = _STATUSES = (0, 1, 2)
_UNBORN = (0.03, 0.01, 0.0)
"""By status: the share of children not yet born (REG-3)."""
_FAMILY_SIZES = (1, 1, 1, 2, 2, 2, 3, 3, 4)
_CATEGORIES = ("neglect", "neglect", "neglect", "emotional", "emotional", "physical", "sexual")
_GROWN_UP = 18 * 365
"""In days; a little less than 18 years."""
_NAMES_KEPT = 500


def synthesise(
    seed: int,
    *,
    on_plan: int,
    open_cases: int,
    closed_cases: int,
    staff: Sequence[str],
    managers: Sequence[str],
    today: date,
    english_share: float = 0.35,
) -> Iterator[dict[str, str]]:
    """Yield the rows of a synthetic register.

    Args:
        seed: the same seed and arguments give the same rows.
        on_plan: children with an open child protection plan (and an open case).
        open_cases: children with an open case and no plan.
        closed_cases: children whose case is closed; a quarter of them were on a plan.
        staff: the subjects of the key workers, at least one.
        managers: the subjects of the team managers, at least one.
        today: the day on which the register stands like this.
        english_share: the share of households with an English address, 0 to 1; the others live in Jersey.

    Yields:
        Rows by column, brothers and sisters one after another.
    """
    maker = _Maker(Random(seed), staff, managers, today)  # noqa: S311 - to be repeated, not secret
    wanted = [on_plan, open_cases, closed_cases]
    while any(wanted):
        yield from maker.household(wanted, english=maker.chance(english_share))


def write_csv(path: Path, rows: Iterable[dict[str, str]], progress: Callable[[int], None] = lambda done: None) -> int:
    """Write rows as an import file (UTF-8, RFC 4180) and return how many; ``progress`` is told every thousand rows."""
    done = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for done, row in enumerate(rows, 1):
            writer.writerow(row)
            if done % 1000 == 0:
                progress(done)
    progress(done)
    return done


class _Namesake(NamedTuple):
    """A child met before, whose name another one bears elsewhere."""

    father: Parent
    given: str
    sex: str
    year: int


@dataclass(slots=True)
class _Household:
    mother: Parent
    partner: Parent
    mother_born: date
    moved_in: date
    cells: dict[str, str]
    before: list[tuple[str, str]]
    partner_lives_there: bool
    grandmother: str
    given: set[str] = field(default_factory=set)
    """Names already taken by a brother or sister."""


class _Maker(Draws):
    """Draws households, and the children in them."""

    def __init__(self, random: Random, staff: Sequence[str], managers: Sequence[str], today: date) -> None:
        super().__init__(random, today)
        self.staff, self.managers = staff, managers
        self.households, self.records = count(1), count(1)
        self.met: list[_Namesake] = []

    def household(self, wanted: list[int], *, english: bool) -> Iterator[dict[str, str]]:
        """Yield the children of one household, and take them off ``wanted`` by status."""
        status = self.random.choices(_STATUSES, wanted)[0]
        namesake = self.random.choice(self.met) if self.met and self.chance(NAMESAKES) else None
        born = self.days_ago(0, 23 * 365 if status == _CLOSED else _GROWN_UP - 1)
        if namesake and self.chance(0.5):
            born = min(self.today, born.replace(year=namesake.year, day=min(born.day, 28)))
        family = self.family(english, born, namesake and namesake.father)
        partner = family.partner, self.surname(family.mother, family.partner)
        father, surname = partner
        if not namesake and self.chance(BLENDED):
            father = self.parent(family.mother.origin, girl=False)
            surname = self.surname(family.mother, father)
        for _ in range(self.random.choice(_FAMILY_SIZES)):
            for _ in range(2 if self.chance(TWIN_BIRTHS) else 1):
                if not any(wanted):
                    return
                status = self.status(status, wanted, born)
                if wanted[status]:
                    wanted[status] -= 1
                    yield self.child(family, father, surname, born, status, namesake)
                namesake = None
            born += timedelta(days=self.random.randint(330, 1800))
            if born > self.today:
                return
            if self.chance(0.6):
                father, surname = partner  # the younger ones are the present partner's, more often than not

    def status(self, elder: int, wanted: list[int], born: date) -> int:
        """Return how the case of a child stands, when that of the elder stands as ``elder``."""
        if (self.today - born).days >= _GROWN_UP:
            return _CLOSED
        return elder if wanted[elder] and self.chance(SAME_STATUS) else self.random.choices(_STATUSES, wanted)[0]

    def family(self, english: bool, eldest: date, father: Parent | None) -> _Household:
        """Draw a household: who the parents are, and where they live and lived."""
        origin = self.origin(english)
        partner = father or self.parent(origin if self.chance(0.8) else self.origin(english), girl=False)
        lines, postcode = self.address(english)
        cells = {"household_id": f"H{next(self.households):07d}", "address": lines, "postcode": postcode}
        if english and self.chance(0.4):
            cells["uprn"] = f"9999{self.random.randrange(10**8):08d}"  # twelve digits: above all that are in use
        moves = self.random.choices((0, 1, 2), (70, 22, 8))[0]
        return _Household(
            mother=self.parent(origin, girl=True),
            partner=partner,
            mother_born=eldest - timedelta(days=self.random.randint(17 * 365, 38 * 365)),
            moved_in=self.days_ago(5, 900),
            cells=cells,
            before=[self.address(english) for _ in range(moves)],
            partner_lives_there=self.chance(0.6),
            grandmother=self.random.choice(origin.girls) if self.chance(0.07) else "",
        )

    def child(
        self,
        family: _Household,
        father: Parent,
        surname: str,
        born: date,
        status: int,
        namesake: _Namesake | None,
    ) -> dict[str, str]:
        """Draw one child of a household."""
        row = dict.fromkeys(COLUMNS, "") | family.cells
        row["record_id"] = f"C{next(self.records):08d}"
        row["mother_given_names"] = family.mother.given
        row["mother_family_name"] = mothers_name = borne(family.mother, family.mother.family)
        row["mother_date_of_birth"] = family.mother_born.isoformat() if self.chance(0.8) else ""
        if self.chance(_UNBORN[status]):
            row["expected_delivery_date"] = (self.today + timedelta(days=self.random.randint(7, 200))).isoformat()
            row["family_name"] = mothers_name
            born = self.today
            since = self.days_ago(1, 60)
        else:
            since = born
            self.identity(row, family, father, surname, born, namesake)
        self.lived(row, family, born)
        self.members(row, family, father)
        self.work(row, since, status)
        return row

    def identity(
        self,
        row: dict[str, str],
        family: _Household,
        father: Parent,
        surname: str,
        born: date,
        namesake: _Namesake | None,
    ) -> None:
        """Fill in who a born child is, and remember the name for a namesake."""
        sex = namesake.sex if namesake else self.random.choice("fm")
        pool = father.origin.girls if sex == "f" else father.origin.boys
        given = namesake.given if namesake else self.random.choice(pool)
        while given in family.given:
            given = self.random.choice(pool)
        family.given.add(given)
        surname = borne(father, surname) if sex == "f" else surname
        others = []
        if given in self.pools.nicknames and self.chance(0.5):
            others.append(f"{self.pools.nicknames[given]}|{surname}")
        if self.chance(0.05):
            others.append(f"{given}|{row['mother_family_name']}")  # the name before the parents married, or after
        second = self.random.choice(pool)
        row["given_names"] = f"{given} {second}" if second != given and self.chance(0.4) else given
        row["family_name"] = surname
        row["other_names"] = "; ".join(others)
        row["date_of_birth"] = born.isoformat()
        row["sex"] = sex
        if row["postcode"].startswith("JE"):
            row["place_of_birth"] = "Jersey" if self.chance(0.8) else ""
        else:
            row["place_of_birth"] = self.random.choice(self.pools.england.places) if self.chance(0.7) else ""
            row["nhs_number"] = self.nhs_number() if self.chance(0.85) else ""
        if len(self.met) < _NAMES_KEPT:
            self.met.append(_Namesake(father, given, sex, born.year))
        elif self.chance(0.1):
            self.met[self.random.randrange(_NAMES_KEPT)] = _Namesake(father, given, sex, born.year)

    def lived(self, row: dict[str, str], family: _Household, born: date) -> None:
        """Fill in since when a child lives there, and where before."""
        end, homes = family.moved_in, []
        for lines, postcode in family.before:
            start = end - timedelta(days=self.random.randint(60, 900))
            if end <= born:
                break
            homes.append(f"{lines}|{postcode}|{max(start, born).isoformat()}|{end.isoformat()}")
            end = start
        row["address_from"] = max(family.moved_in, born).isoformat() if homes or born > family.moved_in else ""
        row["previous_addresses"] = "; ".join(homes)

    def members(self, row: dict[str, str], family: _Household, father: Parent) -> None:
        """Fill in the adults of the household."""
        adults = [f"{row['mother_given_names']} {row['mother_family_name']}|mother"]
        if family.partner_lives_there:
            partner = family.partner
            what = "father" if father is partner else "stepfather"
            adults.append(f"{partner.given} {partner.family}|{what}")
        if family.grandmother:
            adults.append(f"{family.grandmother} {row['mother_family_name']}|grandmother")
        row["household_members"] = "; ".join(adults)

    def work(self, row: dict[str, str], since: date, status: int) -> None:
        """Fill in case and plan."""
        if status == _CLOSED:
            opened = self.between(since, self.today)
            closed = self.between(opened, min(self.today, opened + timedelta(days=900)))
            row["case_opened"], row["case_closed"] = opened.isoformat(), closed.isoformat()
            if self.chance(0.25):
                self.plan(row, opened, closed)
            return
        opened = self.between(max(since, self.today - timedelta(days=1000)), self.today)
        row["case_opened"] = opened.isoformat()
        row["team_manager"] = self.random.choice(self.managers)
        if self.chance(0.98):  # a few wait for a key worker: ENQ-11
            row["key_worker"] = self.random.choice(self.staff)
        row["looked_after"] = "yes" if self.chance(0.08) else ""
        if status == _ON_PLAN:
            started = self.plan(row, opened, None)
            row["missing_since"] = self.between(started, self.today).isoformat() if self.chance(0.005) else ""
            row["restricted"] = "yes" if self.chance(0.005) else ""

    def plan(self, row: dict[str, str], opened: date, ended: date | None) -> date:
        """Fill in a plan and return its start."""
        started = self.between(opened, min(ended or self.today, opened + timedelta(days=40)))
        row["plan_kind"], row["plan_start"] = "full", started.isoformat()
        row["plan_categories"] = self.random.choice(_CATEGORIES)  # one: every authority allows that (REG-4)
        row["plan_end"] = ended.isoformat() if ended else ""
        return started
