"""What the tests of the import share: rows of a file, an import with all that it takes, and what then stands there."""

import csv
import io
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from policies.profile import load_profile
from registry_api.kernel.crypto import LocalKeys, Vault
from registry_api.kernel.db import Database
from registry_api.matching.tokens import TokenKeys
from registry_api.register.csv_format import COLUMNS
from registry_api.register.importer import ImportReport, import_file
from registry_api.register.sealing import postings_of
from registry_api.register.source import SourceKeys

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
STAFF = ("kw-1", "kw-2", "tm-1")

Import = Callable[..., Awaitable[ImportReport]]


def child(number: int, **cells: str) -> dict[str, str]:
    return {
        "record_id": f"C{number}",
        "given_names": f"Testa{'abcdefghij'[number]}",
        "family_name": "Syntheticova",
        "date_of_birth": f"201{number}-05-04",
        "address": f"{number + 1} Elderley Lane",
        "postcode": "ZX1 4QP",
        "case_opened": "2025-01-06",
        "key_worker": "kw-1",
        "plan_kind": "full",
        "plan_categories": "neglect",
        "plan_start": "2025-02-03",
    } | cells


def write(path: Path, *rows: dict[str, str]) -> Path:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(file.getvalue(), "utf-8", newline="")
    return path


async def organisation(database: Database, code: str) -> UUID:
    async with database.connection() as connection:
        row: UUID = await connection.fetchval(
            "INSERT INTO organisation (id, code, name, kind, own_authority, office_phone, out_of_hours_phone) "
            "VALUES ($1, $2, $2, 'authority', false, '', '') RETURNING id",
            uuid4(),
            code,
        )
    return row


async def importing(database: Database, keys_file: Path, folder: Path) -> Import:
    """Return what imports rows, or a file, with everything that it takes."""
    keys = LocalKeys.load_or_create(keys_file)
    elsewhere = await organisation(database, "elsewhere")
    own = await organisation(database, "own")
    staff = {subject: uuid4() for subject in STAFF}
    async with database.connection() as connection:
        await connection.executemany(
            "INSERT INTO professional (id, organisation_id, subject, role, data_key, sealed) "
            "VALUES ($1, $2, $3, 'key_worker', '', '')",
            [(row_id, own, subject) for subject, row_id in staff.items()],
        )

    async def run(*rows: dict[str, str], path: Path | None = None, **options: Any) -> ImportReport:
        return await import_file(
            path or write(folder / "register.csv", *rows),
            database=database,
            vault=Vault(keys),
            token_keys=TokenKeys(keys.index_master),
            source_keys=SourceKeys(keys.index_master),
            profile=load_profile("jersey"),
            staff=staff,
            authorities={"elsewhere": elsewhere},
            **{"now": NOW} | options,
        )

    return run


async def counts(database: Database) -> dict[str, int]:
    tables = ("child", "child_address", "child_case", "plan", "child_token", "address_token", "register_load")
    async with database.connection() as connection:
        return {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables}


async def children(database: Database) -> list[Any]:
    async with database.connection() as connection:
        return list(await connection.fetch("SELECT * FROM child ORDER BY created_at, id"))


def leads_to(row: Any, token_keys: TokenKeys) -> int:
    """The number to which a row of an index leads whoever has the keys."""
    if row["nonce"] is None:
        return int(row["pointer"])
    mask = sha256(token_keys.pad(row["token"]) + row["nonce"].to_bytes(8, "big", signed=True)).digest()[:8]
    return int(row["pointer"]) ^ int.from_bytes(mask, "big", signed=True)


async def only_tokens_that_belong(database: Database, vault: Vault, token_keys: TokenKeys) -> bool:
    """Whether the indexes hold exactly the rows of the records that stand there; what else there is leads nowhere."""
    whole = True
    standing = await children(database)
    numbers = {row["number"] for row in standing}
    expected = [postings_of(row, row["number"], vault, token_keys) for row in standing]
    async with database.connection() as connection:
        for table in ("child_token", "address_token"):
            wanted = {posting for rows in expected for posting in rows[table]}
            held = await connection.fetch(f"SELECT token, nonce, pointer FROM {table}")
            whole &= {tuple(row) for row in held if leads_to(row, token_keys) in numbers} == wanted
    return whole
