"""One entry of the register as plain values: what an authority knows of one child (REG-1, REG-2, REG-3).

Promises: an entry is immutable, knows nothing of rows, keys or files, and says nothing of whether it may stand on
the register; that is ``registry_api.register.rules``.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from policies.profile import Category
from registry_api.matching.person import Address, Name, Person


class PlanKind(StrEnum):
    """A full entry by a conference, or a temporary one until the transfer-in conference (TRF-2)."""

    FULL = "full"
    TEMPORARY = "temporary"


class Relationship(StrEnum):
    """What a person of the household is to the child (REG-2).

    A fixed list, because it stands in the clear: free words beside a sealed name could give the name away.
    """

    MOTHER = "mother"
    FATHER = "father"
    PARENT = "parent"
    STEPMOTHER = "stepmother"
    STEPFATHER = "stepfather"
    PARENTS_PARTNER = "parents_partner"
    SISTER = "sister"
    BROTHER = "brother"
    SIBLING = "sibling"
    HALF_SISTER = "half_sister"
    HALF_BROTHER = "half_brother"
    STEPSISTER = "stepsister"
    STEPBROTHER = "stepbrother"
    GRANDMOTHER = "grandmother"
    GRANDFATHER = "grandfather"
    AUNT = "aunt"
    UNCLE = "uncle"
    COUSIN = "cousin"
    FOSTER_CARER = "foster_carer"
    GUARDIAN = "guardian"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the child is. Exactly what stands sealed in the child's row.

    ``record_id`` is the authority's own identifier of the record, empty for an entry that was never imported;
    ``household_id`` its own identifier of the household, the same for all children of one, or empty.
    ``names``: the principal name first, then every other name used. A born child has a ``date_of_birth``, an unborn
    one an ``expected_delivery``. ``sex`` is "f", "m" or "" (not known); ``nhs_number`` ten digits or "".
    """

    names: tuple[Name, ...]
    record_id: str = ""
    household_id: str = ""
    date_of_birth: date | None = None
    expected_delivery: date | None = None
    sex: str = ""
    place_of_birth: str = ""
    mother: tuple[Name, ...] = ()
    mother_date_of_birth: date | None = None
    nhs_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Residence:
    """An address of the child, lived at from ``valid_from`` to ``valid_to``; the current one has no ``valid_to``."""

    lines: str
    postcode: str = ""
    uprn: str = ""
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class HouseholdPerson:
    """Somebody who lives with the child."""

    name: str
    relationship: Relationship


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case of Children's Services; the staff by the ids of the directory (ENQ-4, ENQ-8, ENQ-11)."""

    opened_on: date
    closed_on: date | None = None
    key_worker_id: UUID | None = None
    team_manager_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class OtherKeyWorker:
    """The key worker of the authority that answers for the plan, when that is another one (TRF-2)."""

    name: str
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildPlan:
    """A child protection plan (REG-4, REG-5).

    ``responsible_organisation_id`` is None when this authority itself answers for it.
    """

    kind: PlanKind
    categories: tuple[Category, ...]
    started_on: date
    ended_on: date | None = None
    responsible_organisation_id: UUID | None = None
    other_key_worker: OtherKeyWorker | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildEntry:
    """One child, with everything that the register holds of them.

    ``looked_after`` REG-14, ``missing_since`` REG-16, ``restricted``: only few may see it.
    """

    identity: Identity
    residences: tuple[Residence, ...] = ()
    household: tuple[HouseholdPerson, ...] = ()
    cases: tuple[Case, ...] = ()
    plans: tuple[ChildPlan, ...] = ()
    looked_after: bool = False
    missing_since: date | None = None
    restricted: bool = False

    @property
    def settles_temporary(self) -> bool:
        """Whether this says what became of a temporary entry: a plan is open, or a temporary one has ended (TRF-2)."""
        return any(plan.ended_on is None or plan.kind is PlanKind.TEMPORARY for plan in self.plans)

    def person(self) -> Person:
        """Return the child as matching sees people."""
        child = self.identity
        return Person(
            names=child.names,
            date_of_birth=child.date_of_birth,
            expected_delivery=child.expected_delivery,
            mother=child.mother,
            mother_date_of_birth=child.mother_date_of_birth,
            sex=child.sex,
            nhs_number=child.nhs_number,
            addresses=tuple(
                Address(home.lines, home.postcode, home.uprn, current=home.valid_to is None)
                # Matching reads a handful of addresses: the current one must be among them.
                for home in sorted(self.residences, key=lambda home: home.valid_to or date.max, reverse=True)
            ),
        )
