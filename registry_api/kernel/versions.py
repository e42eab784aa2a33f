"""Decisions are made on a version that was read: what If-Match says of it."""

from typing import Annotated

from fastapi import Header

from registry_api.kernel.errors import PreconditionFailed, PreconditionRequired

IfMatch = Annotated[str | None, Header(description="The version you read, as its ETag said it.", max_length=64)]
"""The header of a parameter ``if_match`` as it came, or None; the endpoint has it checked, after the limits counted."""


def tag_of(if_match: str | None) -> str:
    """Return the version that an If-Match header names as one strong entity tag (RFC 9110 section 13.1.1).

    Raises PreconditionRequired where there is no header, PreconditionFailed where it names none or several.
    """
    if if_match is None:
        raise PreconditionRequired
    tag = if_match[1:-1]
    if if_match != f'"{tag}"' or '"' in tag:
        raise PreconditionFailed
    return tag


def version_of(if_match: str | None) -> int:
    """Return the version that an If-Match header names as an entity tag, such as ``"1"``.

    Raises PreconditionRequired where there is no header, PreconditionFailed where it names no version of ours.
    """
    if if_match is None:
        raise PreconditionRequired
    version = if_match.strip('"')
    if not version.isdecimal() or not version.isascii():
        raise PreconditionFailed
    return int(version)
