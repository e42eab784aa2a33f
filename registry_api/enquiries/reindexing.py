"""The index is made anew while the service runs, when a release makes tokens of something else.

Until the last entry has its new tokens, questions look under the earlier version as well, so that no child and no
earlier enquiry is missed in between: each stands under one version or the other, and changes over in one transaction.
"""

from dataclasses import dataclass

from registry_api.enquiries import reindexing_store as store
from registry_api.enquiries.children import read_record
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Connection, Database
from registry_api.matching.token_keys import TokenKeys
from registry_api.matching.tokens import index_tokens
from registry_api.register import loading, people

_AT_ONCE = 100
_MOST_BATCHES = 50


@dataclass(frozen=True, slots=True)
class Reindexing:
    """The indexing anew, over what it needs. ``token_keys``: those that questions are asked with."""

    vault: Vault
    token_keys: TokenKeys

    async def expect(self, database: Database) -> None:
        """Have questions look under every version that stands in the index. Raises StoreUnavailable.

        Before the first question, and after each round: versions only ever go.
        """
        async with database.connection() as connection:
            self.token_keys.expect(await store.versions(connection))

    async def index_anew(self, database: Database) -> int:
        """Index anew what stands under an earlier version, as much as a round may hold; return how much it was.

        ``database``: whose connections to use: not those that requests wait for. Raises StoreUnavailable.
        """
        done = 0
        for _ in range(_MOST_BATCHES if self.token_keys.outdated else 0):
            async with database.transaction() as connection:
                batch = await self._batch(connection) if await store.take_turn(connection) else 0
            done += batch
            if not batch:
                break
        await self.expect(database)
        return done

    async def _batch(self, connection: Connection) -> int:
        if children := await loading.index_anew(connection, self.vault, self.token_keys, _AT_ONCE):
            return children
        if risks := await people.index_anew(connection, self.vault, self.token_keys, _AT_ONCE):
            return risks
        tokens = {
            row["id"]: index_tokens(record, self.token_keys)
            for row in await store.outdated(connection, _AT_ONCE)
            if (record := read_record("enquiry", row, self.vault)) is not None
        }
        if tokens:
            await store.index(connection, tokens)
        return len(tokens)
