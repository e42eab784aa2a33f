"""What is erased of an enquiry with its entry in the log: question, answer, index, and all that followed it up."""

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date

from policies.retention import Retention
from registry_api.access_log.erasure import Erasure
from registry_api.enquiries import erasing_store as store
from registry_api.enquiries.asked import REFUSED
from registry_api.enquiries.gate import RECEIVED
from registry_api.kernel.clock import Clock
from registry_api.kernel.crypto import EnvelopeError, LocalKeys, Vault
from registry_api.kernel.db import Connection


class EnquiryContent:
    """Enquiries, as ``access_log.erasure.Content`` wants them erased: by the reference of their entries."""

    async def still_open(self, connection: Connection, references: Sequence[str]) -> set[str]:
        """Return the enquiries that nobody has picked up, or that are still being considered (ENQ-7, ENQ-10)."""
        return await store.still_open(connection, references)

    async def erase(self, connection: Connection, references: Sequence[str], entries: Sequence[int]) -> None:
        """Delete enquiries, and looks into the register, of which the log says already that they are erased."""
        await store.erase(connection, references, entries)

    async def wrap_anew(self, connection: Connection, vault: Vault, until: Mapping[str, date | None]) -> None:
        """Put the data keys of enquiries under the keys of other months. One that does not open stays as it is."""
        for row in await store.data_keys(connection, list(until)):
            with contextlib.suppress(EnvelopeError):
                envelope = vault.wrap_anew("enquiry", row["id"], row["data_key"], until[row["reference"]])
                await store.replace_data_key(connection, row["id"], envelope)

    async def is_wrapped_by(self, connection: Connection, kid: bytes) -> bool:
        """Return whether an enquiry's data key is wrapped under the key with this id."""
        return await store.is_wrapped_by(connection, kid)


def erasure_of(
    keys: LocalKeys,
    retention: Retention,
    clock: Clock,
    covered: Callable[[int], Awaitable[object]],
    content: EnquiryContent,
) -> Erasure:
    """Return what erases the log with the enquiries in it. ``covered``: as of ``Erasure``. Raises ValueError."""
    if keys.expiry is None:
        raise ValueError("these keys are held without those of the months")
    return Erasure(Vault(keys), keys.expiry, retention, clock, covered, content, frozenset({RECEIVED, REFUSED}))
