"""Which entry of the register a notified child is, if that is certain: one child keeps one entry (REG-1)."""

from uuid import UUID

from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Connection
from registry_api.matching.bands import best_match, named_and_born_alike
from registry_api.matching.record import record_of
from registry_api.matching.token_keys import TokenKeys
from registry_api.matching.tokens import query_tokens
from registry_api.register.entry import ChildEntry
from registry_api.register.sealing import open_record
from registry_api.transfers import store


async def standing_entries(
    connection: Connection, moved: ChildEntry, originating: UUID, vault: Vault, token_keys: TokenKeys
) -> tuple[UUID, ...]:
    """Return the entries of the child who moved, the best first; normally one or none.

    A possible entry is not taken for the child: a second entry can be joined later, two children made into one cannot
    be told apart again. Only an authority that corrects the address of a child whom it notified before needs nothing
    beside the name and the birth: that it means another child of both the same is not to be expected.

    Args:
        connection: in the transaction that will use the entries.
        moved: the entry that the notice alone would make.
        originating: the authority that notifies.
        vault: opens the candidates.
        token_keys: finds them.

    Raises:
        EnvelopeError, UnknownFormat: a candidate does not open.
    """
    question = record_of(moved.person())
    rows = await store.candidates(connection, query_tokens(question, token_keys).values)
    candidates = [(row["id"], open_record(row, vault)) for row in rows]
    if certain := best_match(question, candidates).candidates:
        return certain
    notified = await store.notified_by(connection, named_and_born_alike(question, candidates), originating)
    return tuple(notified) if len(notified) == 1 else ()
