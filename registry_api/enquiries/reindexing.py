"""The index is made anew while the service runs, when a release makes tokens of something else.

Until the last entry has its new tokens, questions look under the earlier version as well, so that no child and no
earlier enquiry is missed in between: each stands under one version or the other, and changes over in one transaction.

The rows of an enquiry are written with it, and lie beside each other in the table: whoever has a copy sees that they
belong together, masks or not. So they are written once more as soon as there are many, each among those of the others.
"""

from dataclasses import dataclass
from uuid import UUID

from registry_api.enquiries import reindexing_store as store
from registry_api.enquiries.children import read_record
from registry_api.enquiries.indexing import TABLE, standing_postings
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Connection, Database
from registry_api.matching.token_keys import TOKEN_VERSION, Posting, TokenKeys
from registry_api.matching.tokens import index_tokens
from registry_api.register import loading, people
from registry_api.register.postings_store import forget, write

_AT_ONCE = 100
_MOST_BATCHES = 50
_TOGETHER = 50
"""Enquiries whose rows are written among each other at least: those of as many may stand alone, the newest."""


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
        """Index anew what stands under an earlier version or alone, as much as a round may hold; return how much.

        ``database``: whose connections to use: not those that requests wait for. Raises StoreUnavailable.
        """
        done = 0
        for _ in range(_MOST_BATCHES):
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
        rows = await store.to_index(connection, _AT_ONCE)
        if len(rows) < _TOGETHER and all(row["version"] == TOKEN_VERSION for row in rows):
            return 0
        standing: set[Posting] = set()
        new: list[Posting] = []
        numbers: dict[UUID, int] = {}
        for row in rows:
            record = read_record("enquiry", row, self.vault)
            if record is not None:
                numbers[row["id"]] = number = self.token_keys.number(row["id"])
                standing |= standing_postings(record, row["number"], self.token_keys.of(row["version"]))
                new += self.token_keys.postings(index_tokens(record, self.token_keys), number)
        await forget(connection, TABLE, standing)
        await write(connection, TABLE, new)
        await store.indexed(connection, numbers)
        return len(numbers)
