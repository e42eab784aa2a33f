"""The question and the answer on the wire."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from policies.enquirer import Purpose
from policies.profile import Category
from registry_api.enquiries.rules import Outcome
from registry_api.kernel.clock import utc_now
from registry_api.kernel.wire import Day, LongText, PhoneNumber, ShortText, Wire
from registry_api.matching.person import Address, Name, Person

ADULT_AT = 18
_OLDEST_QUESTION_YEARS = 19
"""A year of grace, for a date of birth that is a year out; whoever is older is no child by any mistake."""
_DUE_WITHIN = timedelta(days=310)
_OVERDUE_BY = timedelta(days=60)


class Reason(StrEnum):
    """Why the enquirer asks."""

    INJURY = "injury"
    NEGLECT = "neglect"
    SEXUAL_ABUSE = "sexual_abuse"
    EMOTIONAL_ABUSE = "emotional_abuse"
    DOMESTIC_ABUSE = "domestic_abuse"
    DISCLOSURE = "disclosure"
    WELFARE_CHECK = "welfare_check"
    UNBORN_CONCERN = "unborn_concern"
    MISSING_CHILD = "missing_child"
    OTHER = "other"

    @property
    def purpose(self) -> Purpose:
        """The purpose that the organisation's agreement has to allow."""
        return Purpose.MISSING_CHILD if self is Reason.MISSING_CHILD else Purpose.CHILD_PROTECTION


class Urgency(StrEnum):
    """How soon a follow-up is wanted."""

    IMMEDIATE = "immediate"
    URGENT = "urgent"
    ROUTINE = "routine"


class Sex(StrEnum):
    """Sex as the enquirer gives it; leave it out when it is not known."""

    FEMALE = "female"
    MALE = "male"


class AskedName(Wire):
    """A name as it was given. Either part may be missing; a single name goes into ``given_names``."""

    given_names: ShortText = ""
    family_name: ShortText = ""

    def as_name(self) -> Name:
        """Return the name as matching takes it."""
        return Name(self.given_names, self.family_name)


class AskedAddress(Wire):
    """An address as it was given."""

    lines: LongText = ""
    postcode: Annotated[ShortText, Field(max_length=12)] = ""
    uprn: Annotated[str, Field(pattern=r"^[0-9]{0,12}$")] = ""

    def as_address(self, *, current: bool) -> Address:
        """Return the address as matching takes it."""
        return Address(self.lines, self.postcode, self.uprn, current)


class AskedMother(AskedName):
    """The mother, by whom an unborn child is known (REG-3)."""

    date_of_birth: Day | None = None


class AskedChild(Wire):
    """What is known of the child. Give what you have; leave out what you do not."""

    given_names: ShortText = ""
    family_name: ShortText = ""
    other_names: Annotated[tuple[AskedName, ...], Field(max_length=8)] = ()
    date_of_birth: Day | None = None
    age_years: Annotated[int, Field(ge=0, lt=ADULT_AT, strict=True)] | None = None
    expected_delivery_date: Day | None = None
    sex: Sex | None = None
    nhs_number: Annotated[str, Field(pattern=r"^[0-9 ]{10,12}$")] = ""
    address: AskedAddress | None = None
    previous_addresses: Annotated[tuple[AskedAddress, ...], Field(max_length=6)] = ()
    mother: AskedMother | None = None

    @model_validator(mode="after")
    def _possible_dates(self) -> Self:
        today = utc_now().date()
        born, due = self.date_of_birth, self.expected_delivery_date
        if born and due:
            raise PydanticCustomError("born_and_unborn", "Give a date of birth or an expected delivery date, not both.")
        if born and born > today + timedelta(days=1):  # it is already tomorrow somewhere in the authority's day
            raise PydanticCustomError("date_in_future", "A date of birth cannot lie in the future.")
        if born and born < today - timedelta(days=round(365.25 * _OLDEST_QUESTION_YEARS)):
            raise PydanticCustomError("not_a_child", "The register is of children: under 18 years.")
        if due and not today - _OVERDUE_BY <= due <= today + _DUE_WITHIN:
            raise PydanticCustomError("delivery_date_impossible", "The expected delivery date is not possible.")
        if self.mother and self.mother.date_of_birth and self.mother.date_of_birth >= today:
            raise PydanticCustomError("date_in_future", "A date of birth cannot lie in the future.")
        return self

    def as_person(self, today: date) -> Person:
        """Return the child as matching takes it; ``today`` is the day on which the age was true."""
        mother = self.mother
        now = (self.address.as_address(current=True),) if self.address else ()
        return Person(
            names=(Name(self.given_names, self.family_name), *(name.as_name() for name in self.other_names)),
            date_of_birth=self.date_of_birth,
            age=self.age_years,
            as_of=today if self.age_years is not None else None,
            expected_delivery=self.expected_delivery_date,
            mother=(mother.as_name(),) if mother else (),
            mother_date_of_birth=mother.date_of_birth if mother else None,
            sex={None: "", Sex.FEMALE: "f", Sex.MALE: "m"}[self.sex],
            nhs_number=self.nhs_number.replace(" ", ""),
            addresses=now + tuple(address.as_address(current=False) for address in self.previous_addresses),
        )

    def kinds_given(self) -> tuple[str, ...]:
        """Return which kinds of detail were given, never the details."""
        given = {
            "name": bool(self.given_names or self.family_name),
            "other_names": bool(self.other_names),
            "date_of_birth": self.date_of_birth is not None,
            "age": self.age_years is not None,
            "expected_delivery_date": self.expected_delivery_date is not None,
            "nhs_number": bool(self.nhs_number),
            "address": self.address is not None or bool(self.previous_addresses),
            "mother": self.mother is not None,
        }
        return tuple(kind for kind, there in given.items() if there)


class EnquiryRequest(Wire):
    """An enquiry: who the child is thought to be, why you ask, how soon, and where you can be called back."""

    child: AskedChild
    reason: Reason
    reason_text: Annotated[LongText, Field(min_length=1)]
    urgency: Urgency
    call_back_number: PhoneNumber


class PersonShown(Wire):
    """A professional whom the enquirer may turn to."""

    name: str
    phone: str = ""
    role: str
    away: bool | None = None
    """True where they are away now: turn to ``point_of_contact``, or where there is none to ``contact_now``."""


class ContactNow(Wire):
    """Whom to call at this hour."""

    service: str
    phone: str
    office_hours: bool
    note: str


class PlanShown(Wire):
    """The plan, as the rule allows it to be told (ENQ-9)."""

    status: str
    categories: tuple[Category, ...]
    since: date
    responsible_authority: str


class HistoryShown(Wire):
    """Relevant history of a child who is no longer known through an open case (ENQ-8)."""

    case_closed_on: date | None = None
    plan_ended_on: date | None = None


class ResponsibleAuthorityShown(Wire):
    """The authority that answers for the child until the transfer-in conference (TRF-2)."""

    name: str
    key_worker: PersonShown | None = None
    office_phone: str
    out_of_hours_phone: str


class EarlierEnquiryShown(Wire):
    """An enquiry about the same child by somebody else (ENQ-7)."""

    reference: str
    received_at: datetime
    organisation: str


class OwnEarlierEnquiries(Wire):
    """The same professional's own enquiries about this child."""

    count: int
    last_reference: str
    last_received_at: datetime


class Worth(Wire):
    """What the answer is worth: whose register, how fresh, on which details."""

    register_of: str
    last_updated_at: datetime | None = None
    details_used: tuple[str, ...]
    caution: str


class HouseholdShown(Wire):
    """The answer to a question about an address alone; only for the authority's own staff."""

    children_on_plan: int
    key_workers: tuple[PersonShown, ...]


class Answer(Wire):
    """The answer to an enquiry. ``outcome`` is the code; ``summary`` and ``advice`` are what a person reads."""

    reference: str
    received_at: datetime
    outcome: Outcome
    summary: str
    plan: PlanShown | None = None
    key_worker: PersonShown | None = None
    point_of_contact: PersonShown | None = None
    responsible_authority: ResponsibleAuthorityShown | None = None
    looked_after: bool | None = None
    recorded_as_missing: bool | None = None
    history: HistoryShown | None = None
    earlier_enquiries: tuple[EarlierEnquiryShown, ...] | None = None
    your_earlier_enquiries: OwnEarlierEnquiries | None = None
    more_information: tuple[str, ...] | None = None
    household: HouseholdShown | None = None
    told: tuple[str, ...]
    advice: tuple[str, ...]
    contact_now: ContactNow
    worth: Worth
    receipt: str | None = None
    """Proof that this answer is in the access log (C2SP tlog-proof). Keep it: the log cannot be rewritten behind it."""
