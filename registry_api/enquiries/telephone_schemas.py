"""An enquiry by telephone on the wire: who calls, where they are called back, and what came of it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from policies.enquirer import Role
from registry_api.enquiries.schemas import Answer, AskedChild, Reason, Urgency
from registry_api.kernel.wire import LongText, ShortText, Wire


class Line(StrEnum):
    """A telephone number of the caller's organisation, as the directory has it."""

    OFFICE = "office"
    OUT_OF_HOURS = "out_of_hours"


class Caller(Wire):
    """Who calls, as they say: to be found in the directory, or put down there with their organisation (ENQ-2).

    Give either ``professional``, the organisation's own identifier of somebody enrolled, or ``name`` and ``role``.
    """

    organisation: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    professional: Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,63})?$")] = ""
    name: ShortText = ""
    role: Role | None = None

    @model_validator(mode="after")
    def _one_way_or_the_other(self) -> Self:
        by_name = bool(self.name) and self.role is not None
        if bool(self.professional) == by_name or (self.professional and (self.name or self.role)):
            raise PydanticCustomError("caller_unclear", "Give who is enrolled, or a name and a role, and not both.")
        return self


class TelephoneEnquiryRequest(Wire):
    """What a caller asks. There is no number in it: they are called back on one of the directory's."""

    caller: Caller
    child: AskedChild
    reason: Reason
    reason_text: Annotated[LongText, Field(min_length=1)]
    urgency: Urgency


class CallerShown(Wire):
    """Who called, and their organisation."""

    name: str
    role: str
    organisation: str


class NumberShown(Wire):
    """A number of the directory to call them back on."""

    which: Line
    phone: str


class HeldShown(Wire):
    """An enquiry whose answer is held until its caller has been reached on a number of the directory."""

    reference: str
    received_at: datetime
    urgency: Urgency
    caller: CallerShown
    call_back: tuple[NumberShown, ...]
    attempts: int
    """How often nobody was reached."""
    what_to_do: str


class HeldEnquiries(Wire):
    """The enquiries that are held, the most urgent first."""

    held: tuple[HeldShown, ...]


class CallBackRequest(Wire):
    """One attempt to call back: on which number, and whether the caller was reached there."""

    called: Line
    reached: bool


class CalledBack(Wire):
    """What came of a call-back. ``answer`` is there once the caller has been reached, and is what they may be told."""

    reference: str
    reached: bool
    what_to_do: str
    answer: Answer | None = None
