"""How a use-case begins: the policies are kept to, and what is to be done is in the log before it is done."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from policies.access import Decision, Refused
from policies.enquirer import Enquirer
from registry_api.access_log import store
from registry_api.access_log.particulars import of_decision
from registry_api.kernel.db import Connection
from registry_api.kernel.errors import Forbidden


async def admit(
    connection: Connection,
    enquirer: Enquirer,
    decision: Decision,
    kind: str,
    *,
    at: datetime,
    reference: str | None = None,
    reason: str | None = None,
    digest: bytes | None = None,
    child_ids: Sequence[UUID] = (),
    said: Mapping[str, str] | None = None,
) -> int:
    """Record what somebody is about to do or to read, if they may (ENQ-3).

    Args:
        connection: in a transaction, the entry is committed with it; else at once.
        enquirer: who.
        decision: whether they may.
        kind: of the entry, a code such as ``inbox.read``.
        at: the time, aware and in UTC.
        reference: of what it is about: an identifier, never a name.
        reason, digest, child_ids: as in ``store.values``.
        said: further particulars, each a field of its own.

    Returns:
        The number of the entry.

    Raises:
        Forbidden: they may not. Whoever answers the request records that.
        StoreUnavailable: it is not known to be recorded.
    """
    if isinstance(decision, Refused):
        raise Forbidden(decision.reason)
    return await store.append(
        connection,
        store.values(
            at=at,
            kind=kind,
            client_id=enquirer.client_id,
            organisation_id=enquirer.organisation_id,
            professional_id=enquirer.professional_id,
            reference=reference,
            reason=reason,
            digest=digest,
            child_ids=child_ids,
            particulars=of_decision(enquirer, decision) | dict(said or {}),
        ),
    )
