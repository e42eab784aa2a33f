"""Who opens the log, has it kept or begins it anew, at the machine itself: one of the staff who may, and why.

Like everything else it is in the log before anything comes of it; whoever has the command line has to say no less than
whoever asks over the API.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID, uuid4

from policies.access import Decision, Refused
from policies.enquirer import Enquirer
from policies.retention import Retention
from registry_api.access_log import keeping_store, store
from registry_api.access_log.particulars import of_decision, of_enquirer
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.errors import Forbidden

REFUSED: Final = "request.refused"
HOLD_PLACED, HOLD_LIFTED, HOLDS_READ = HOLDING = ("hold.placed", "hold.lifted", "holds.read")
"""The kinds of the entries by which legal holds are recorded."""
_TABLE: Final = "log_act"


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody is about to do, and whether they may. ``why``, in their words, is kept sealed, for it may hold a
    name; the rest are codes and ids. ``operator``: the account of the machine."""

    by: Enquirer
    operator: str
    why: str = field(repr=False)
    decision: Decision
    kind: str
    at: datetime
    reference: str | None = None
    child_ids: Sequence[UUID] = ()

    async def record(
        self,
        database: Database,
        vault: Vault,
        retention: Retention,
        *,
        also: Callable[[Connection, int], Awaitable[None]] | None = None,
    ) -> int:
        """Record it, if they may, or that they were refused; return the number of the entry.

        Nothing may be shown before that is under a signed head. ``also``: what is done in the same transaction, with
        the number of the entry. Raises Forbidden, once the refusal is recorded, and StoreUnavailable.
        """
        async with database.transaction() as connection:
            await keeping_store.lock(connection)
            entry = await self.add(connection, vault, retention)
            if also is not None and not isinstance(self.decision, Refused):
                await also(connection, entry)
        if isinstance(self.decision, Refused):
            raise Forbidden(self.decision.reason)
        return entry

    async def add(self, connection: Connection, vault: Vault, retention: Retention) -> int:
        """Add its entry, or that of its refusal, with why; return the number. ``connection``: in a transaction."""
        if isinstance(self.decision, Refused):
            kind, reason, said = REFUSED, self.decision.reason, of_enquirer(self.by)
        else:
            kind, reason, said = self.kind, None, of_decision(self.by, self.decision) | {"operator": self.operator}
        act = uuid4()
        key = vault.new_key(_TABLE, act, until=retention.expires_on(kind, self.at))
        sealed = key.seal("why", self.why.encode())
        entry = await store.append(
            connection,
            store.values(
                at=self.at,
                kind=kind,
                client_id=self.by.client_id,
                organisation_id=self.by.organisation_id,
                professional_id=self.by.professional_id,
                reference=self.reference,
                reason=reason,
                digest=sha256(sealed).digest(),
                child_ids=self.child_ids,
                particulars=said,
            ),
        )
        await keeping_store.note_act(connection, act, entry, self.operator, key.wrapped, sealed)
        return entry


def why(vault: Vault, act: UUID, data_key: bytes, sealed: bytes) -> str:
    """Return the reason that was given. Raises EnvelopeError."""
    return vault.key(_TABLE, act, data_key).open("why", sealed).decode()
