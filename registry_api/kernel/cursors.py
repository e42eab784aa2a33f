"""Keyset cursors: where the next page of a list begins that is sorted by a moment and an identifier."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from uuid import UUID

from registry_api.kernel.errors import NotFound


def cursor_of(at: datetime, row: UUID) -> str:
    """Return the cursor for the page that begins after this row."""
    return urlsafe_b64encode(f"{at.isoformat()}|{row}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[datetime, UUID]:
    """Return the row after which a page begins. Raises NotFound for a cursor that is none of ours."""
    try:
        at, row = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split("|")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise NotFound
        return moment.astimezone(UTC), UUID(row)
    except (ValueError, OverflowError) as error:  # the ends of time have no UTC
        raise NotFound from error
