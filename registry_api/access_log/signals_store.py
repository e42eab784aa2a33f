"""What processes tell each other of the log: that somebody waits, that there is a signed head, that one is at work."""

from datetime import datetime
from typing import Any, Final

from registry_api.kernel.db import Connection

SIGNED: Final = "log_signed"
"""The channel on which it is said that there is another signed head, or, in a word, why there is none."""
WAITING: Final = "log_waiting"
"""The channel on which it is said that somebody waits for a signed head."""
_AT_WORK: Final = 4_153_700_228
"""The advisory lock that every running sequencer shares, so that others see that there is one."""


async def tell(connection: Connection, channel: str, what: str = "") -> None:
    """Say something, a code, to all who listen on a channel; within a transaction when that is committed."""
    await connection.execute("SELECT pg_notify($1, $2)", channel, what)


async def be_at_work(connection: Connection) -> None:
    """Let others see that a sequencer is running, for as long as the connection stands."""
    await connection.execute(f"SELECT pg_advisory_lock_shared({_AT_WORK})")


_BEHIND = f"""
SELECT NOT EXISTS (
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND objid = {_AT_WORK} AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
) AS nobody_at_work, EXISTS (
    SELECT FROM log_pending p JOIN access_entry e ON e.id = p.access_entry_id WHERE e.at < $1
) AS behind
"""


async def standing(connection: Connection, since: datetime) -> Any:
    """Return whether no sequencer of its own is running, and whether an entry from before ``since`` still waits."""
    return await connection.fetchrow(_BEHIND, since)
