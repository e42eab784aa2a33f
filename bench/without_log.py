"""The service as it is, but that nobody waits for the access log and no receipt is made: what the log is compared with.

Entries are written and put into the tree all the same. It exists for ``bench.log`` alone: no setting leads here.
"""

from fastapi import FastAPI

from registry_api.access_log.proof import Proof
from registry_api.cli import worker
from registry_api.enquiries.service import Enquiries
from registry_api.kernel.db import Connection


def app() -> FastAPI:
    """Return the application, with its enquiries answered at once."""
    made = worker.app()
    enquiries: Enquiries = made.state.enquiries
    none = Proof(b"", 0, (), b"")

    async def at_once(_: int) -> None:
        """Wait for nothing."""

    async def receipt(_: Connection, __: int) -> Proof:
        return none

    enquiries._covered = at_once
    enquiries.receipt = receipt  # type: ignore[method-assign, assignment]
    return made
