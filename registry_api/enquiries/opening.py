"""How an enquiry comes to its gate: its entry in the log is waited for, and one field of it is opened."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from registry_api.access_log import store as access_log
from registry_api.access_log.sealing import field_salt
from registry_api.access_log.tree_store import Placed
from registry_api.enquiries.asked import Asked, log_values
from registry_api.enquiries.gate import FIELD, RESUMED, Gate
from registry_api.enquiries.sought import Sought
from registry_api.kernel.crypto import EnvelopeError, Vault
from registry_api.kernel.db import Connection
from registry_api.matching.token_keys import TokenKeys

Covered = Callable[[int], Awaitable[Placed]]
"""Returns when an entry of the access log lies under a signed head, with what it is there (``access_log.awaiting``)."""


async def gate_of(
    connection: Connection, asked: Asked, *, vault: Vault, token_keys: TokenKeys, covered: Covered, now: datetime
) -> Gate:
    """Return what opens the register for an enquiry, once its entry lies under a signed head.

    One that was recorded before and has no answer gets another entry: against each, the register is read once.

    Raises StoreUnavailable when that takes too long, EnvelopeError when the entry's secret does not open.
    """
    entry, sought = asked.log_entry, asked.sought
    if entry is None or sought is None:
        sought = Sought.of(asked.record, token_keys, address_only=asked.household_only)
        entry = await access_log.append(connection, log_values(asked, RESUMED, at=now, sought=sought))
    placed = await covered(entry)
    if placed.wrapped is None:
        raise EnvelopeError
    return Gate(entry, field_salt(vault, placed.entry_id, placed.wrapped, FIELD), sought)
