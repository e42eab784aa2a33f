"""Decisions are made on a version that was read: what If-Match says of it."""

from registry_api.kernel.errors import PreconditionFailed, PreconditionRequired


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
