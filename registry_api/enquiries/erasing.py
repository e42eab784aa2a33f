"""What is erased of an enquiry with its entry in the log: question, answer, index, and all that followed it up."""

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date

from policies.retention import Retention
from registry_api.access_log.erasure import Erasure
from registry_api.enquiries import erasing_store as store
from registry_api.enquiries.asked import REFUSED
from registry_api.enquiries.children import read_record
from registry_api.enquiries.gate import RECEIVED
from registry_api.enquiries.indexing import TABLE, standing_postings
from registry_api.kernel.clock import Clock
from registry_api.kernel.crypto import EnvelopeError, LocalKeys, Vault
from registry_api.kernel.db import Connection
from registry_api.matching.token_keys import Posting, TokenKeys
from registry_api.register.postings_store import forget


class EnquiryContent:
    """Enquiries, as ``access_log.erasure.Content`` wants them erased: by the reference of their entries."""

    def __init__(self, keys: LocalKeys) -> None:
        """``keys``: open the enquiries, and make the tokens by which they are found."""
        self._vault, self._token_keys = Vault(keys), TokenKeys(keys.index_master)

    async def still_open(self, connection: Connection, references: Sequence[str]) -> set[str]:
        """Return the enquiries that nobody has picked up, or that are still being considered (ENQ-7, ENQ-10)."""
        return await store.still_open(connection, references)

    async def erase(self, connection: Connection, references: Sequence[str], entries: Sequence[int]) -> None:
        """Delete enquiries, and looks into the register, of which the log says already that they are erased.

        Which rows of the index are an enquiry's follows from what was asked. Those of one that does not open stay, and
        lead nowhere any more: nothing says whose number is behind their masks.
        """
        standing: set[Posting] = set()
        for row in await store.out_of_index(connection, references):
            record = read_record("enquiry", row, self._vault)
            if record is not None:
                standing |= standing_postings(record, row["number"], self._token_keys.of(row["version"]))
        await forget(connection, TABLE, standing)
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
    content: type[EnquiryContent] = EnquiryContent,
) -> Erasure:
    """Return what erases the log with the enquiries in it. ``covered``: as of ``Erasure``. Raises ValueError."""
    if keys.expiry is None:
        raise ValueError("these keys are held without those of the months")
    about = frozenset({RECEIVED, REFUSED})
    return Erasure(Vault(keys), keys.expiry, retention, clock, covered, content(keys), about)
