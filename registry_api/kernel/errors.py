"""The few ways in which a use-case can fail, each of which ``registry_api.problems`` turns into one answer.

None of them carries personal data: what was asked must not come back in an error or stand in a log.
"""

from collections.abc import Sequence
from uuid import UUID


class ServiceError(Exception):
    """A failure that the caller is told about in fixed words."""


class StoreUnavailable(ServiceError):
    """The database could not be reached, or did not confirm a write. Nothing may be disclosed (ENQ-2)."""


class KeysUnusable(Exception):
    """The key file is missing, open to others, damaged, or of another database. The message is whole sentences that
    say what to do, and never holds anything of a key."""


class NotFound(ServiceError):
    """There is no such thing, or it is not the caller's: the two look alike."""

    def __init__(self, child_ids: Sequence[UUID] = ()) -> None:
        """Carry which children were asked for by their ids, whether or not there are such, for the record alone."""
        super().__init__()
        self.child_ids = tuple(child_ids)


class Conflict(ServiceError):
    """The thing is no longer in the state that the caller supposes."""


class PreconditionRequired(ServiceError):
    """A decision must name the version it was made on (RFC 6585 §3)."""


class PreconditionFailed(ServiceError):
    """The thing has changed since the caller read it (RFC 9110 §13.1.1)."""


class IdempotencyKeyReused(ServiceError):
    """An idempotency key came with another body, or after the day for which it is kept."""


class Forbidden(ServiceError):
    """The asker may not do this. ``reason`` is a fixed code; the refusal is recorded (ENQ-3)."""

    def __init__(self, reason: str, reference: str | None = None) -> None:
        """Carry the reason, and the reference under which the refusal was recorded where it has one."""
        super().__init__(reason)
        self.reason = reason
        self.reference = reference


class NotPossible(ServiceError):
    """What is asked for cannot be, whoever asks. ``reason`` is a fixed code."""

    def __init__(self, reason: str, message: str = "") -> None:
        """Carry the reason; ``message`` is a clause in fixed words and codes, for whoever runs a command."""
        super().__init__(message or reason)
        self.reason = reason


class MoreDetailsNeeded(ServiceError):
    """Too little was given to look for anybody. ``missing`` names kinds of detail, never a detail."""

    def __init__(self, missing: tuple[str, ...], reference: str) -> None:
        """Carry what kinds of detail would make it enough, and the reference of the recorded enquiry."""
        super().__init__("more details needed")
        self.missing = missing
        self.reference = reference
