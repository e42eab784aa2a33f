"""Wire models of the log that everybody may read."""

from datetime import datetime

from pydantic import Field

from registry_api.kernel.wire import Wire


class EarlierLog(Wire):
    """A log before the present one, under the last head of it that was signed."""

    number: int = Field(description="Where it is read: below `/log/earlier/{number}`.")
    origin: str = Field(description="Its name, which is that of its keys (tlog-checkpoint).")
    begun_at: datetime
    size: int = Field(description="How many entries it has.")
    root: str = Field(description="The root over them, in base64, as it stands in the checkpoint.")


class EarlierLogs(Wire):
    """The logs before the present one, the oldest first. Nobody has signed the list: what counts are the checkpoints,
    under the keys of each log."""

    earlier: list[EarlierLog]
