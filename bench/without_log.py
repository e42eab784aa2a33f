"""The service as it is, but that nobody waits for the access log and no receipt is made: what the log is compared with.

Entries are written and put into the tree all the same. It exists for ``bench.log`` alone: no setting leads here, and it
needs a copy of the database whose gate ``unlock`` has taken off its hinges.
"""

from typing import Any
from uuid import UUID

from fastapi import FastAPI

from bench.authority import execute
from registry_api.access_log.proof import Proof
from registry_api.access_log.tree_store import Placed
from registry_api.cli import worker
from registry_api.enquiries import gate, service
from registry_api.enquiries.gate import Gate
from registry_api.enquiries.opening import Wanted
from registry_api.enquiries.service import Enquiries
from registry_api.kernel.db import Connection

_UNLOCKED = f"""
CREATE OR REPLACE FUNCTION {gate.OPEN.name}(
    {", ".join(f"given_{name} {kind}" for name, kind in gate.OPEN.arguments.items())}
) RETURNS {gate.OPEN.returns} LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
#variable_conflict use_column
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    RETURN QUERY
    WITH candidate AS ({gate.LOOK}), opened AS (
        INSERT INTO register_opened (access_entry_id, enquiry_id, child_ids, homes)
        SELECT given_entry, (
            SELECT q.id FROM access_entry a JOIN enquiry q ON q.reference = a.reference WHERE a.id = given_entry
        ), coalesce(array_agg(one.id), '{{}}'), given_homes FROM candidate one
    )
    SELECT candidate.id, candidate.data_key, candidate.sealed_record FROM candidate;
END $body$
"""


async def unlock(url: str) -> None:
    """Have the gate of a throw-away copy hand out candidates without looking at the log; ``url``: of its owner."""
    await execute(url, _UNLOCKED)


def app() -> FastAPI:
    """Return the application, with its enquiries answered at once."""
    made = worker.app()
    enquiries: Enquiries = made.state.enquiries
    none = Proof(b"", 0, (), b"")

    async def at_once(_: int) -> Placed:
        """Wait for nothing."""
        return Placed(UUID(int=0), None)

    async def receipt(_: Connection, __: int) -> Proof:
        return none

    async def unlocked(wanted: Wanted, **_: Any) -> Gate:
        return Gate(wanted.entry, b"", wanted.sought)

    # None of it is meant to be put in the place of anything, but for this measurement.
    enquiries._covered = at_once
    enquiries.receipt = receipt  # type: ignore[method-assign, assignment]
    setattr(service, "gate_of", unlocked)  # noqa: B010 - what it imported is not its own to give
    return made
