"""Whether the keys held here are those under which the database was filled.

Under another index master nobody is found: every child would be answered as not known, in good order and with a
reference. So a database keeps a fingerprint of its master, and whatever opens the keys asks here first. Keys are made
only for a database that has never seen any.
"""

import hmac
from pathlib import Path

from registry_api.kernel.crypto import KeyProvider, LocalKeys, derive_key
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.errors import KeysUnusable

_KEPT = "SELECT keys_fingerprint FROM installation"
_CLAIM = "INSERT INTO installation (the_one, keys_fingerprint) VALUES (true, $1) ON CONFLICT DO NOTHING"


def fingerprint(keys: KeyProvider) -> bytes:
    """Return 32 bytes that tell two index masters apart and nothing about either (HMAC under a derived key)."""
    return hmac.digest(derive_key(keys.index_master, "fingerprint"), b"installation", "sha256")


async def open_keys(database: Database, path: Path) -> LocalKeys:
    """Return the keys of the file at ``path``, which fit the database; at first use both are made to.

    Raises:
        KeysUnusable: the database was filled under keys which the file does not hold, or the file is damaged or not
            for its owner's eyes alone.
        StoreUnavailable: the database cannot be reached.
    """
    async with database.connection() as connection:
        bound = await connection.fetchval(_KEPT) is not None
        keys = LocalKeys.load(path) if bound else LocalKeys.load_or_create(path)
        await claim(connection, keys)
    return keys


async def claim(connection: Connection, keys: KeyProvider) -> None:
    """Bind a database to ``keys`` if it is bound to none yet. Raises KeysUnusable if it is bound to others."""
    await connection.execute(_CLAIM, fingerprint(keys))
    if not await fits(connection, keys):
        raise KeysUnusable(
            "The database was filled under other keys, with which alone its children are found: put back the key file "
            "that was saved with it, or name another database."
        )


async def fits(connection: Connection, keys: KeyProvider) -> bool:
    """Return whether the database is bound to ``keys``."""
    kept = await connection.fetchval(_KEPT)
    return kept is not None and hmac.compare_digest(kept, fingerprint(keys))
