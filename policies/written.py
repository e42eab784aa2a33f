"""The strict reading of what a person wrote into a file of configuration: TOML, into tables of known keys.

Promises: a key that is missing, unknown or of another kind is an error that names it, found when the service starts.
"""

import re
from datetime import date, datetime, time
from typing import Annotated, TypeVar

import msgspec


class FileInvalid(ValueError):
    """A file cannot be used. ``path`` is the key that is wrong, ``reason`` what is wrong with it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of a file: just these keys, and all of those without a default."""


Text = Annotated[str, msgspec.Meta(min_length=1)]
T = TypeVar("T")
_PLACE = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_KEY = re.compile(r"Object (?P<fault>contains unknown|missing required) field `(?P<key>[^`]*)`")


def read_table(written: object, kind: type[T], path: str, invalid: type[FileInvalid]) -> T:
    """Return ``written`` as ``kind``.

    Args:
        written: what the TOML reader made of a table.
        kind: a ``Table``.
        path: where the table stands in the file; empty for the whole of it.
        invalid: what to raise, with the key below ``path`` that is wrong.
    """
    try:
        return msgspec.convert(written, kind, builtin_types=(date, datetime, time))
    except msgspec.ValidationError as error:
        reason = str(error)
        parts = [path]
        if place := _PLACE.search(reason):
            parts.append(place["path"])
            reason = reason[: place.start()]
        if key := _KEY.fullmatch(reason):
            parts.append(key["key"])
            reason = "unknown key" if "unknown" in key["fault"] else "missing key"
        raise invalid(".".join(part for part in parts if part), reason) from error
