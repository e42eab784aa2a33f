"""What every wire model shares: nothing unknown is accepted, and text is text.

Text is bounded, trimmed and free of control characters (a NUL would be refused by the database with an error that
repeats it). Any script and any direction of writing is welcome: names come as people have them.
"""

import re
import unicodedata
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError


class Wire(BaseModel):
    """A message from or to a caller."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


# Not "Cn": what is unassigned for this Python may be a letter of somebody's name in a later Unicode.
_NO_TEXT = frozenset({"Cc", "Cs", "Co"})
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _printable(text: str) -> str:
    if not text.isprintable() and any(unicodedata.category(mark) in _NO_TEXT for mark in text):
        raise PydanticCustomError("control_characters", "Must not contain control characters.")
    return text


def _printable_lines(text: str) -> str:
    for line in text.splitlines():
        _printable(line.replace("\t", " "))
    return text


def _calendar_day(value: object) -> object:
    if not isinstance(value, date) and not (isinstance(value, str) and _DAY.fullmatch(value)):
        raise PydanticCustomError("date_parsing", "Must be a date as YYYY-MM-DD.")
    return value


def _identifier(value: object) -> object:
    if not isinstance(value, UUID) and not (isinstance(value, str) and _ID.fullmatch(value)):
        raise PydanticCustomError("uuid_parsing", "Must be a UUID in its usual form.")
    return value


ShortText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=120), AfterValidator(_printable)]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000), AfterValidator(_printable_lines)]
"""May have several lines, as people write reasons and addresses."""
Day = Annotated[date, BeforeValidator(_calendar_day)]
"""A date as YYYY-MM-DD and nothing else: pydantic by itself takes a number for seconds since 1970."""
Id = Annotated[UUID, BeforeValidator(_identifier)]
"""A UUID as RFC 9562 writes it: pydantic by itself takes one in braces, as a URN or without dashes as well."""
_PHONE = r"\+?[0-9][0-9 ()-]{2,22}( ?(x|ext) ?[0-9]{1,6})?"
PhoneNumber = Annotated[str, StringConstraints(strip_whitespace=True, pattern=f"^{_PHONE}$")]
"""Loosely checked on purpose: an internal extension or a duty desk's short number must not stop an enquiry."""
PhoneNumberOrNone = Annotated[str, StringConstraints(strip_whitespace=True, pattern=f"^({_PHONE})?$")]
"""The same, or nothing where there is none."""
