"""What every wire model shares: nothing unknown is accepted, and text is text.

Text is bounded, trimmed and free of control characters (a NUL would be refused by the database with an error that
repeats it). Any script and any direction of writing is welcome: names come as people have them.
"""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError


class Wire(BaseModel):
    """A message from or to a caller."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _printable(text: str) -> str:
    if not text.isprintable() and any(unicodedata.category(mark) in {"Cc", "Cs", "Co", "Cn"} for mark in text):
        raise PydanticCustomError("control_characters", "Must not contain control characters.")
    return text


ShortText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=120), AfterValidator(_printable)]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000), AfterValidator(_printable)]
PhoneNumber = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^\+?[0-9][0-9 ()-]{2,22}( ?(x|ext) ?[0-9]{1,6})?$")
]
"""Loosely checked on purpose: an internal extension or a duty desk's short number must not stop an enquiry."""
