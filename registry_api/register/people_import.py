"""Notifications of people who may pose a risk come in as a file (CUS-1; docs/import.md): whole, or not at all.

Promises: the same file again changes nothing; no finding repeats a value; children on plans at the addresses stand on
the queue of the background (``enquiries.afterwards``), which brings the people to whoever follows those children up.
"""

import asyncio
from datetime import date, datetime
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from policies.profile import Profile
from registry_api.access_log import store as access_log
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.errors import Conflict
from registry_api.matching.person import Name
from registry_api.matching.record import Record
from registry_api.matching.token_keys import TokenKeys
from registry_api.matching.tokens import address_tokens
from registry_api.register import loading, people
from registry_api.register.csv_format import CsvRow, FileFault, is_identifier, read_rows, survey
from registry_api.register.csv_row import Reader
from registry_api.register.importer import ONE_IMPORT_AT_A_TIME, ImportReport, Rejection
from registry_api.register.people import RiskNotification, row_of
from registry_api.register.postings_store import BULK_SECONDS, NUMBER
from registry_api.register.rules import Fault, Reason
from registry_api.register.source import SourceKeys

COLUMNS: Final = (
    "record_id",
    "given_names",
    "family_name",
    "other_names",
    "date_of_birth",
    "address",
    "postcode",
    "uprn",
    "address_from",
    "previous_addresses",
    "concern",
    "notified_by",
    "notified_on",
    "ended_on",
)
"""All of them stand in the header, in any order, as of the register's own file."""

_INSERT = """
INSERT INTO risk_person (id, data_key, sealed_notification, sealed_record, token_version, source_tag, source_digest,
                         ended_on, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (id) DO UPDATE SET data_key = excluded.data_key, sealed_notification = excluded.sealed_notification,
    sealed_record = excluded.sealed_record, token_version = excluded.token_version,
    source_digest = excluded.source_digest, ended_on = excluded.ended_on, updated_at = excluded.updated_at
"""
# The child is held before it is put on the queue, as everybody does who changes one: two could wait for each other.
_QUEUE = f"""
INSERT INTO child_changed (child_id, changed_at)
SELECT held.id, now() FROM child held WHERE held.id IN (
    SELECT c.id FROM unnest($1::bigint[], $2::bytea[]) AS wanted(token, pad)
    JOIN address_token t ON t.token = wanted.token JOIN child c ON c.number = {NUMBER}
    JOIN plan p ON p.child_id = c.id AND p.ended_on IS NULL
) ORDER BY held.id FOR KEY SHARE OF held
ON CONFLICT DO NOTHING
"""  # noqa: S608 - a part of ours


async def import_people(
    path: Path,
    *,
    database: Database,
    vault: Vault,
    token_keys: TokenKeys,
    source_keys: SourceKeys,
    profile: Profile,
    now: datetime,
    dry_run: bool = False,
) -> ImportReport:
    """Load notifications of people who may pose a risk, and note it in the access log.

    A person who is not in the file stays; ``ended_on`` ends a notification. ``token_keys``: with the ``outdated``
    versions under which children may still be indexed. ``dry_run``: check everything, write nothing.

    Raises Conflict when another import is under way, StoreUnavailable, OSError when the file cannot be opened.
    """
    report = ImportReport()
    try:
        read = await asyncio.to_thread(_read, path, profile.today(now), report)
    except FileFault as fault:
        return ImportReport(rejected_rows=1, rejected=[Rejection(fault.line, "", fault.column, fault.reason)])
    async with database.transaction() as connection:
        if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", ONE_IMPORT_AT_A_TIME):
            raise Conflict
        standing = {
            row["source_tag"]: row
            for row in await connection.fetch("SELECT id, source_tag, source_digest FROM risk_person")
        }
        homes: list[Record] = []
        for row, notification in read:
            source = source_keys.source(f"person/{row.record_id}", row.cells)
            known = standing.get(source.tag)
            if known is not None and known["source_digest"] == source.digest:
                report.unchanged += 1
                continue
            report.added += known is None
            report.changed += known is not None
            if dry_run or report.rejected_rows:
                continue
            person_id: UUID = known["id"] if known is not None else uuid4()
            values, tokens = row_of(notification, person_id, vault, token_keys, source, now)
            await connection.execute(_INSERT, *values)
            await connection.execute("DELETE FROM risk_token WHERE person_id = $1", person_id)
            await connection.executemany("INSERT INTO risk_token (token, person_id) VALUES ($1, $2)", tokens)
            homes.append(notification.where())
            if notification.ended_on is not None:
                await people.are_over(connection, person_id)
        if dry_run or report.rejected_rows:
            return report
        await people.are_added(connection)
        await _queue(connection, homes, token_keys)
        await loading.note_load(
            connection, now, "people", added=report.added, changed=report.changed, unchanged=report.unchanged
        )
        await access_log.append(connection, access_log.values(at=now, kind="people.imported"))
    report.loaded = True
    return report


async def _queue(connection: Connection, homes: list[Record], token_keys: TokenKeys) -> None:
    """Put the children on plans at these addresses on the queue of whom the background looks at."""
    versions = (token_keys, *token_keys.outdated)
    tokens = {token for home in homes for keys in versions for token in address_tokens(home, keys, current_only=True)}
    pads = [token_keys.pad(token) for token in sorted(tokens)]
    await connection.execute(_QUEUE, sorted(tokens), pads, timeout=BULK_SECONDS)


def _read(path: Path, today: date, report: ImportReport) -> list[tuple[CsvRow, RiskNotification]]:
    """Return the good rows; what is wrong with the others is noted. Raises FileFault, OSError."""
    with path.open("rb") as file:
        _, repeated = survey(file, COLUMNS)
        file.seek(0)
        good = []
        for row in read_rows(file, COLUMNS):
            notification, found = parse(row, today)
            if row.name in repeated:
                found = [Fault("record_id", Reason.REPEATED_RECORD)]
            if found or notification is None:
                report.rejected_rows += 1
                report.rejected += [
                    Rejection(row.line, row.record_id, fault.column, fault.reason) for fault in dict.fromkeys(found)
                ]
            else:
                good.append((row, notification))
        return good


def parse(row: CsvRow, today: date) -> tuple[RiskNotification | None, list[Fault]]:
    """Return the notification that a row describes, and what is wrong with it; None where anything is."""
    if not row.cells:
        return None, list(row.faults)
    reader = Reader(row.cells, COLUMNS)
    cells = reader.cells
    if not is_identifier(cells["record_id"]):
        reader.fault("record_id", Reason.NOT_AN_IDENTIFIER if cells["record_id"] else Reason.NEEDED)
    if not (cells["given_names"] or cells["family_name"]):
        reader.need("family_name")
    for column in ("concern", "notified_by", "notified_on"):
        reader.need(column)
    residences = tuple(reader.residences())
    if not residences:
        reader.fault("address", Reason.NEEDED)  # nobody could be told of this person
    born, notified_on, ended_on = map(reader.day, ("date_of_birth", "notified_on", "ended_on"))
    for column, day in (("date_of_birth", born), ("notified_on", notified_on), ("ended_on", ended_on)):
        if day and day > today:
            reader.fault(column, Reason.IN_THE_FUTURE)
    others = (Name(given, family) for given, family in reader.items("other_names", 2))
    names = (Name(cells["given_names"], cells["family_name"]), *others)
    found = [*row.faults, *reader.faults]
    if found or notified_on is None:
        return None, found
    return (
        RiskNotification(
            names=names,
            date_of_birth=born,
            residences=residences,
            concern=cells["concern"],
            notified_by=cells["notified_by"],
            notified_on=notified_on,
            ended_on=ended_on,
        ),
        [],
    )
