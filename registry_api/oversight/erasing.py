"""Erasing enquiries with regard to misuse: not while an alert about them is open, which goes with its last one."""

from collections.abc import Sequence

from registry_api.enquiries.erasing import EnquiryContent
from registry_api.kernel.db import Connection
from registry_api.oversight import erasing_store as store


class WatchedContent(EnquiryContent):
    """Enquiries, as ``access_log.erasure.Content`` wants them erased, and the alerts about them."""

    async def still_open(self, connection: Connection, references: Sequence[str]) -> set[str]:
        """Return the enquiries that somebody still has to follow up, or to judge for misuse."""
        followed = await super().still_open(connection, references)
        return followed | await store.under_open_alert(connection, references)

    async def erase(self, connection: Connection, references: Sequence[str], entries: Sequence[int]) -> None:
        """Delete the enquiries and looks into the register, and the decided alerts of which nothing is left."""
        await super().erase(connection, references, entries)
        await store.delete_alerts_about_nothing(connection)
