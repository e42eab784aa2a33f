"""How an enquiry comes to its gate: its entry in the log is waited for, and one field of it is opened."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NamedTuple

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


class Wanted(NamedTuple):
    """An entry of the log against which the register is to be opened, and what may then be looked for."""

    entry: int
    sought: Sought


async def wanted_of(connection: Connection, asked: Asked, *, token_keys: TokenKeys, now: datetime) -> Wanted:
    """Return the entry of an enquiry. One that was recorded before and has no answer gets another: against each, the
    register is read once."""
    entry, sought = asked.log_entry, asked.sought
    if entry is None or sought is None:
        sought = Sought.of(asked.record, token_keys, address_only=asked.household_only)
        entry = await access_log.append(connection, log_values(asked, RESUMED, at=now, sought=sought))
    return Wanted(entry, sought)


async def gate_of(wanted: Wanted, *, vault: Vault, covered: Covered) -> Gate:
    """Return what opens the register, once the entry lies under a signed head.

    Raises StoreUnavailable when that takes too long, EnvelopeError when the entry's secret does not open.
    """
    placed = await covered(wanted.entry)
    if placed.wrapped is None:
        raise EnvelopeError
    return Gate(wanted.entry, field_salt(vault, placed.entry_id, placed.wrapped, FIELD), wanted.sought)
