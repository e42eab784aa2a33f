"""What the routes of the directory share: pages, the version of what is shown, and what it means to add something."""

from typing import Annotated, Any, Protocol, TypeVar

from fastapi import Query, Response

PREFIX = "/api/v1/directory"
Cursor = Annotated[str | None, Query(max_length=200)]
Limit = Annotated[int, Query(ge=1, le=200)]
THERE_ALREADY: dict[int | str, dict[str, Any]] = {200: {"description": "It was there already, just as it is given."}}
"""What a route that adds something answers besides 201: the same request sent again changes nothing."""


class _Versioned(Protocol):
    @property
    def version(self) -> str: ...


_Shown = TypeVar("_Shown", bound=_Versioned)


def tagged(response: Response, shown: _Shown) -> _Shown:
    """Return what is shown, with its version as the entity tag (RFC 9110 section 8.8.3)."""
    response.headers["ETag"] = f'"{shown.version}"'
    return shown


def added(response: Response, shown: _Shown, new: bool) -> _Shown:
    """Return what was added, with its version; 200 where it was there already, just so."""
    response.status_code = 201 if new else 200
    return tagged(response, shown)
