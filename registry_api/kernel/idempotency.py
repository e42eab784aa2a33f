"""The ``Idempotency-Key`` header: how a caller says that a request is a retry of one it has sent before."""

import re
from datetime import timedelta
from typing import Annotated

from fastapi import Header
from fastapi.exceptions import RequestValidationError

KEY_KEPT = timedelta(hours=24)
"""How long the same key means the same request; after that an old answer could mislead."""

_KEY = re.compile(r"[\x21-\x7e]{8,128}")
_DESCRIPTION = (
    "8 to 128 printable ASCII characters of your choosing. Send the same key with a retry of the same request: it then "
    "counts as the same one and gets the same answer. Kept for 24 hours."
)


IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", description=_DESCRIPTION)]
"""The header as it came, or None; the endpoint has it checked, and so after the limits have counted the request."""


def checked(key: str | None) -> str | None:
    """Return the request's key, or None. Raises RequestValidationError when it has not the form."""
    if key is not None and not _KEY.fullmatch(key):
        raise RequestValidationError([{"type": "idempotency_key", "loc": ("header", "Idempotency-Key"), "msg": ""}])
    return key
