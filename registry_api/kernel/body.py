"""The body of a request: strict JSON, judged only once it is known who sent it and that they may send so much.

FastAPI by itself judges a body before it asks who is there, so that a stranger learns what is wrong with it and a known
caller's malformed one goes unrecorded (ENQ-3); and before any limit counts it, so that those may come without end. Here
the endpoint reads it, which is called after all that. It is parsed from the bytes in one go.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from registry_api.kernel.wire import Wire

_Model = TypeVar("_Model", bound=Wire)


class _RepeatedName(Exception):
    """An object of the body has the same name twice."""


@dataclass(frozen=True, slots=True)
class Unread(Generic[_Model]):
    """A body as it came: ``content`` is said to be of the media type ``kind``."""

    model: type[_Model]
    kind: str
    content: bytes

    def read(self) -> _Model:
        """Return the body as its model.

        It raises HTTPException 415 for a body of another kind, and RequestValidationError, which holds no value of the
        body, for one that is not JSON or does not fit.
        """
        if self.kind.partition(";")[0].strip().lower() != "application/json":
            raise HTTPException(415)
        try:
            body = self.model.model_validate_json(self.content)
        except ValidationError as error:
            faults = error.errors(include_input=False, include_url=False, include_context=False)
            raise RequestValidationError(faults) from None
        try:
            # Of a name that comes twice one party may read the first value and another the last (RFC 8259 section 4).
            # What has passed the model is shallow enough for this parser, which recurses.
            json.loads(self.content, object_pairs_hook=_no_name_twice)
        except _RepeatedName:
            raise RequestValidationError([{"type": "json_invalid", "loc": (), "msg": ""}]) from None
        return body


def json_body(model: type[_Model]) -> Callable[[Request], Awaitable[Unread[_Model]]]:
    """Return a dependency that hands over the body, for the endpoint to read as ``model``."""

    async def unread(request: Request) -> Unread[_Model]:
        return Unread(model, request.headers.get("content-type", "application/json"), await request.body())

    return unread


def described(model: type[Wire]) -> dict[str, Any]:
    """Return what the API description says of a body that is read so: ``openapi_extra`` of its route."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _no_name_twice(members: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in members}) < len(members):
        raise _RepeatedName
