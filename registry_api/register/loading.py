"""Entries go into the register, are replaced and read back: the SQL of writing, for one child or for thousands.

Promises: each function is a few statements whatever the number of children, inside the caller's transaction. A
replaced child keeps its id and its data key, because transfers, answers and notifications refer to them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import structlog

from registry_api.access_log import store as access_log
from registry_api.kernel.crypto import EnvelopeError, Vault
from registry_api.kernel.db import Connection
from registry_api.matching.record import UnknownFormat
from registry_api.matching.token_keys import TOKEN_VERSION, TokenKeys
from registry_api.register.entry import ChildEntry
from registry_api.register.postings_store import BULK_SECONDS, forget, write
from registry_api.register.sealing import COLUMNS, EntryRows, Row, open_entry, postings_of

_log = structlog.get_logger()
PARTS = ("child_address", "household_member", "child_case", "plan")
"""The tables of what belongs to a child's entry."""
_TOKENS = ("child_token", "address_token")
_NO_TOKENS: Mapping[str, Set[tuple[Any, ...]]] = dict.fromkeys(_TOKENS, frozenset())
_VERSIONS = range(1, TOKEN_VERSION + 1)

_UPDATED = COLUMNS["child"][1:-1]  # all but id and created_at
_KEPT = ("source_tag", "source_digest")
"""A change that does not come from the authority's own system (a transfer) leaves the child known to it."""
_TYPES = {
    "id": "uuid",
    "data_key": "bytea",
    "sealed_identity": "bytea",
    "sealed_record": "bytea",
    "token_version": "smallint",
    "number": "bigint",
    "source_tag": "bytea",
    "source_digest": "bytea",
    "looked_after": "boolean",
    "missing_since": "date",
    "restricted": "boolean",
    "updated_at": "timestamptz",
}
_UPDATE = f"""
UPDATE child SET {", ".join(f"{name} = new.{name}" for name in _UPDATED if name not in _KEPT)},
    {", ".join(f"{name} = coalesce(new.{name}, child.{name})" for name in _KEPT)}
FROM unnest({", ".join(f"${n}::{kind}[]" for n, kind in enumerate(_TYPES.values(), 1))}) AS new ({", ".join(_TYPES)})
WHERE child.id = new.id
"""
_FORGET_PLANS = """
DELETE FROM plan WHERE child_id = ANY($1) AND NOT (child_id = ANY($2) AND kind = 'temporary' AND ended_on IS NULL)
"""
_FORGET_CASES = """
DELETE FROM child_case c WHERE child_id = ANY($1) AND NOT (
    child_id = ANY($2) AND closed_on IS NULL
    AND EXISTS (SELECT FROM plan WHERE child_id = c.child_id AND kind = 'temporary' AND ended_on IS NULL)
)
"""


async def insert(connection: Connection, entries: Sequence[EntryRows]) -> None:
    """Add new children. Raises asyncpg.UniqueViolationError when one of them stands there already."""
    await _copy(connection, entries, COLUMNS)
    await _note_changed(connection, entries)


async def replace(
    connection: Connection,
    entries: Sequence[EntryRows],
    vault: Vault,
    token_keys: TokenKeys,
    *,
    keep_temporary: bool = False,
) -> None:
    """Put new entries in the place of what stands for the same children.

    Args:
        connection: in a transaction.
        entries: made by ``rows_of`` with the ``key`` of the standing child.
        vault: opens the standing records, whose tokens are forgotten.
        token_keys: as when they were indexed.
        keep_temporary: leave a standing temporary entry, with the case opened for it, where the new entry does not
            say what became of it: the originating authority's plan is not over because the system that the new
            entry comes from has not heard of it (TRF-2).
    """
    if not entries:
        return
    children = [entry.child_id for entry in entries]
    unsettled = [entry.child_id for entry in entries if keep_temporary and not entry.settles_temporary]
    no_case = [entry.child_id for entry in entries if keep_temporary and not entry.case_is_open]
    new = {table: {row for entry in entries for row in entry.tables[table]} for table in _TOKENS}
    standing = await _forget_tokens(connection, children, vault, token_keys, kept=new)
    await connection.execute("DELETE FROM child_address WHERE child_id = ANY($1)", children)
    await connection.execute("DELETE FROM household_member WHERE child_id = ANY($1)", children)
    await connection.execute(_FORGET_PLANS, children, unsettled)
    await connection.execute(_FORGET_CASES, children, no_case)  # after the plans: it looks at what is left of them
    columns = zip(*(entry.tables["child"][0][:-1] for entry in entries), strict=True)
    await connection.execute(_UPDATE, *map(list, columns), timeout=BULK_SECONDS)
    await _copy(connection, entries, PARTS)
    for table in _TOKENS:
        await write(connection, table, new[table] - standing[table])
    await _note_changed(connection, entries)


async def remove(connection: Connection, children: Sequence[UUID], vault: Vault, token_keys: TokenKeys) -> None:
    """Erase children with everything that the register holds of them.

    Raises asyncpg.ForeignKeyViolationError when a transfer refers to one: that has to be settled first.
    """
    await _forget_tokens(connection, children, vault, token_keys)
    await connection.execute("DELETE FROM child WHERE id = ANY($1)", children, timeout=BULK_SECONDS)


async def read_entry(connection: Connection, child_id: UUID, vault: Vault) -> ChildEntry | None:
    """Return the whole entry of a child, opened, or None when there is no such child. Raises EnvelopeError."""
    return (await read_entries(connection, [child_id], vault)).get(child_id)


async def read_entries(connection: Connection, children: Collection[UUID], vault: Vault) -> dict[UUID, ChildEntry]:
    """Return the whole entries of these children, opened, by id. Raises EnvelopeError."""
    if not children:
        return {}
    ids = list(children)
    rows = await connection.fetch("SELECT * FROM child WHERE id = ANY($1)", ids)
    parts: dict[UUID, dict[str, list[Row]]] = {row["id"]: {table: [] for table in PARTS} for row in rows}
    for table in PARTS:
        for part in await connection.fetch(f"SELECT * FROM {table} WHERE child_id = ANY($1)", ids):
            parts[part["child_id"]][table].append(part)
    return {row["id"]: open_entry(row, parts[row["id"]], vault) for row in rows}


async def index_anew(connection: Connection, vault: Vault, token_keys: TokenKeys, limit: int) -> int:
    """Give some children who stand under an earlier version of the tokens those of today; return how many.

    In the caller's transaction: a child stands in the index under one version or the other, never under none. A record
    that cannot be opened is noted and left as it is.
    """
    rows = await connection.fetch(
        "SELECT id, data_key, sealed_record, token_version, number FROM child "
        f"WHERE token_version < {TOKEN_VERSION} LIMIT $1 FOR UPDATE SKIP LOCKED",
        limit,
    )
    if not rows:
        return 0
    new: dict[str, set[tuple[Any, ...]]] = {table: set() for table in _TOKENS}
    readable: dict[UUID, int] = {}
    for row in rows:
        number = token_keys.number(row["id"])
        try:
            found = postings_of(row, number, vault, token_keys)
        except (EnvelopeError, UnknownFormat, msgspec.DecodeError) as error:
            _log.error("record_not_read", error=type(error).__name__)
            continue
        readable[row["id"]] = number
        for table, postings in found.items():
            new[table].update(postings)
    standing = await _forget_tokens(connection, [*readable], vault, token_keys, kept=new)
    for table in _TOKENS:
        await write(connection, table, new[table] - standing[table])
    await connection.execute(
        "UPDATE child SET token_version = $3, number = new.number "
        "FROM unnest($1::uuid[], $2::bigint[]) AS new (id, number) WHERE child.id = new.id",
        [*readable],
        [*readable.values()],
        token_keys.version,
        timeout=BULK_SECONDS,
    )
    return len(readable)


async def note_load(
    connection: Connection,
    now: datetime,
    source: str,
    *,
    load: UUID | None = None,
    added: int = 0,
    changed: int = 0,
    unchanged: int = 0,
) -> None:
    """Note that entries were taken in: the freshness of the register stands in every answer."""
    await connection.execute(
        "INSERT INTO register_load (id, loaded_at, source, added, changed, unchanged) VALUES ($1, $2, $3, $4, $5, $6)",
        load or uuid4(),
        now,
        source,
        added,
        changed,
        unchanged,
    )


async def record_loaded(
    connection: Connection, now: datetime, load: UUID, *, added: Sequence[EntryRows], changed: Sequence[EntryRows]
) -> None:
    """Record in the access log which children a load has added and changed, under its id."""
    if added or changed:
        entry = access_log.values(
            at=now,
            kind="register.loaded",
            reference=str(load),
            # In no order of a file, where brothers and sisters often stand one after the other.
            child_ids=sorted(one.child_id for one in (*added, *changed)),
            particulars={"added": str(len(added)), "changed": str(len(changed))},
        )
        await access_log.append(connection, entry)


async def _note_changed(connection: Connection, entries: Sequence[EntryRows]) -> None:
    """Have earlier enquiries that found nobody matched with these children, in the background.

    Whoever stands on the queue already is written there again: that keeps the background, which reads what was
    committed, from taking the child off before this change is.
    """
    children = [entry.child_id for entry in entries]
    if children:
        await connection.execute(
            "INSERT INTO child_changed (child_id, changed_at) SELECT DISTINCT unnest($1::uuid[]), now() "
            "ON CONFLICT (child_id) DO UPDATE SET changed_at = excluded.changed_at",
            children,
            timeout=BULK_SECONDS,
        )


async def _copy(connection: Connection, entries: Sequence[EntryRows], tables: Iterable[str]) -> None:
    for table in tables:
        await write(connection, table, (row for entry in entries for row in entry.tables[table]), COLUMNS[table])


async def _forget_tokens(
    connection: Connection,
    children: Sequence[UUID],
    vault: Vault,
    token_keys: TokenKeys,
    *,
    kept: Mapping[str, Set[tuple[Any, ...]]] = _NO_TOKENS,
) -> dict[str, set[tuple[Any, ...]]]:
    """Delete the tokens of these children but those in ``kept``, and return all that stood there, by table."""
    rows = await connection.fetch(
        "SELECT id, data_key, sealed_record, token_version, number FROM child WHERE id = ANY($1) FOR UPDATE",
        children,
        timeout=BULK_SECONDS,  # the background may be matching them
    )
    standing: dict[str, set[tuple[Any, ...]]] = {table: set() for table in _TOKENS}
    for row in rows:
        if row["token_version"] in _VERSIONS:
            keys = token_keys.of(row["token_version"])
            for table, postings in postings_of(row, row["number"], vault, keys).items():
                standing[table].update(postings)
    # Those of a version that this release does not know cannot be computed again. They lead nowhere: the child has
    # another number from now on.
    for table in _TOKENS:
        await forget(connection, table, standing[table] - kept[table])
    return standing
