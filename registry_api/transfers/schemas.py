"""The notification of a move on the wire, and what the notifying authority is answered."""

from datetime import date, datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from policies.profile import Category
from registry_api.kernel.clock import utc_now
from registry_api.kernel.wire import Day, LongText, PhoneNumber, ShortText, Wire
from registry_api.register.rules import ADULT, LONGEST_PREGNANCY, REMOVAL_MARGIN

_TOMORROW = timedelta(days=1)  # it is already tomorrow somewhere in the authority's day
_MOVES_WITHIN = timedelta(days=366)


class MovedName(Wire):
    """A name in use. Either part may be missing."""

    given_names: ShortText = ""
    family_name: ShortText = ""


class MovedMother(MovedName):
    """The mother, by whom an unborn child is known (REG-3)."""

    date_of_birth: Day | None = None


class MovedAddress(Wire):
    """An address of the child."""

    lines: Annotated[LongText, Field(min_length=1)]
    postcode: Annotated[ShortText, Field(max_length=12)] = ""
    uprn: Annotated[str, Field(pattern=r"^[0-9]{0,12}$")] = ""


class MovedChild(Wire):
    """The child as the notifying authority's register has them.

    ``previous_addresses``: the latest first. Of a move that lies ahead, the first is where the child lives until then.
    """

    given_names: ShortText = ""
    family_name: ShortText = ""
    other_names: Annotated[tuple[MovedName, ...], Field(max_length=8)] = ()
    date_of_birth: Day | None = None
    expected_delivery_date: Day | None = None
    sex: Annotated[str, Field(pattern="^(female|male)$")] | None = None
    nhs_number: Annotated[str, Field(pattern=r"^[0-9 ]{10,12}$")] = ""
    mother: MovedMother | None = None
    address_here: MovedAddress
    previous_addresses: Annotated[tuple[MovedAddress, ...], Field(max_length=6)] = ()
    looked_after: bool = False

    @model_validator(mode="after")
    def _complete(self) -> Self:
        born, due = self.date_of_birth, self.expected_delivery_date
        if (born is None) == (due is None):
            raise PydanticCustomError("born_or_unborn", "Give a date of birth or an expected delivery date.")
        if due and not (self.mother and self.mother.given_names and self.mother.family_name):
            raise PydanticCustomError("mother_missing", "Of an unborn child give the mother's name.")
        if born and not (self.given_names and self.family_name):
            raise PydanticCustomError("name_missing", "Give the child's given and family name.")
        return self

    @model_validator(mode="after")
    def _possible_dates(self) -> Self:
        today = utc_now().date()
        born, due = self.date_of_birth, self.expected_delivery_date
        mother_born = self.mother.date_of_birth if self.mother else None
        if max(born or today, mother_born or today) > today + _TOMORROW:
            raise PydanticCustomError("date_in_future", "A date of birth cannot lie in the future.")
        if born and born < today - ADULT - REMOVAL_MARGIN:
            raise PydanticCustomError("not_a_child", "The register is of children: under 18 years.")
        if due and due > today + LONGEST_PREGNANCY:
            raise PydanticCustomError("delivery_date_impossible", "The expected delivery date is not possible.")
        return self


class MovedPlan(Wire):
    """The plan that the notifying authority answers for."""

    categories: Annotated[tuple[Category, ...], Field(min_length=1, max_length=4)]
    started_on: Day


class OtherKeyWorkerGiven(Wire):
    """The notifying authority's key worker for the child."""

    name: Annotated[ShortText, Field(min_length=1)]
    phone: PhoneNumber


class TransferInRequest(Wire):
    """A child on your plan has moved here permanently (TRF-1)."""

    child: MovedChild
    plan: MovedPlan
    moved_on: Day
    key_worker: OtherKeyWorkerGiven

    @model_validator(mode="after")
    def _possible_dates(self) -> Self:
        today = utc_now().date()
        if self.plan.started_on > today + _TOMORROW:
            raise PydanticCustomError("plan_in_future", "A plan that has not begun cannot be transferred.")
        # A move may be told before it happens (TRF-5).
        if not today - ADULT <= self.moved_on <= today + _MOVES_WITHIN:
            raise PydanticCustomError("move_date_impossible", "The date of the move is not possible.")
        return self


class TransferInReceipt(Wire):
    """What the notification brought about: the reference, the temporary entry and when the conference is due."""

    reference: str
    received_at: datetime
    placed_as: str
    what_it_means: str
    conference_due: date
    rule: str
    calendar: str
    responsible_until_then: str


class AllocationRequest(Wire):
    """The local key worker of a child who was transferred in, by the authority's own identifiers of its staff."""

    key_worker: Annotated[ShortText, Field(min_length=1)]
    team_manager: Annotated[ShortText, Field(min_length=1)] | None = None


class Allocated(Wire):
    """The child has a local key worker, who has been told."""

    reference: str
    key_worker_id: UUID
