"""The import of an authority's own export: a whole file, or nothing of it (docs/import.md).

Promises: one transaction; a refused row keeps everything out unless the caller chose to leave such rows behind; the
same file again changes nothing; a report names line, column and reason, and never a value. Memory does not grow with
the file, but for sixteen bytes a row and a few hundred for each new child. While one batch is written to the database
the next is sealed.
"""

import asyncio
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from uuid import UUID, uuid4

from policies.profile import Profile
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.errors import Conflict
from registry_api.matching.record import Record, record_of
from registry_api.matching.token_keys import TokenKeys
from registry_api.register import loading, store
from registry_api.register.csv_format import CsvRow, FileFault, read_rows, survey
from registry_api.register.csv_row import References, parse
from registry_api.register.entry import ChildEntry
from registry_api.register.merging import with_details_of
from registry_api.register.postings_store import BULK_SECONDS
from registry_api.register.recognition import Recognition, Standing, Unclaimed
from registry_api.register.rules import Fault, Reason, faults
from registry_api.register.sealing import EntryRows, Source, child_key, open_record, rows_of
from registry_api.register.source import SourceKeys

BATCH = 500
"""Rows sealed and written at a time: some megabytes."""
MOST_REPORTED = 10_000
"""Findings kept for the report; further ones are only counted."""

ONE_IMPORT_AT_A_TIME = 0x43505245
"""Advisory lock: two imports at once would each take the other's new children for their own."""

_ANALYZE = "ANALYZE child, child_address, household_member, child_case, plan, child_token, address_token"
"""So that the next enquiry is planned for the register as it now is, not as it was before."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """One finding: where, and why. ``record_id`` is empty where the cell does not hold an identifier."""

    line: int
    record_id: str
    column: str
    reason: Reason
    other: str = ""
    """The line or transfer that the reason speaks of."""

    @property
    def words(self) -> str:
        """Return the finding in plain words, without the line."""
        return f"{self.column} {self.explanation}".strip()

    @property
    def explanation(self) -> str:
        """Return the reason in plain words, with what it speaks of."""
        return f"{self.reason.words} {self.other}".strip()


@dataclass(slots=True)
class ImportReport:
    """What an import did, or on a dry run would do.

    ``loaded``: whether anything was committed. ``rejected`` and ``warnings``: at most ``MOST_REPORTED`` findings each,
    in the order of the file; ``rejected_rows`` counts rows.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected_rows: int = 0
    loaded: bool = False
    rejected: list[Rejection] = field(default_factory=list)
    warnings: list[Rejection] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Job:
    """What it takes to turn rows into sealed entries, and what the caller wants done with them."""

    vault: Vault
    token_keys: TokenKeys
    source_keys: SourceKeys
    references: References
    profile: Profile
    now: datetime
    dry_run: bool
    skip_rejected: bool
    load: UUID = field(default_factory=uuid4)


@dataclass(slots=True)
class _Batch:
    """Rows on their way through. ``standing``: what the register holds under the same tags."""

    rows: list[tuple[CsvRow, Source]]
    standing: Mapping[bytes, Standing] = field(default_factory=dict)
    new: list[EntryRows] = field(default_factory=list)
    changed: list[EntryRows] = field(default_factory=list)


class _NothingIsLoaded(Exception):
    """Rolls the transaction back."""


async def import_file(
    path: Path,
    *,
    database: Database,
    vault: Vault,
    token_keys: TokenKeys,
    source_keys: SourceKeys,
    profile: Profile,
    staff: Mapping[str, UUID],
    authorities: Mapping[str, UUID],
    now: datetime,
    dry_run: bool = False,
    skip_rejected: bool = False,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> ImportReport:
    """Load a file into the register.

    Args:
        path: the file; read twice, from its beginning.
        database: where the register is.
        vault: seals what is personal.
        token_keys: the keys of the blind index.
        source_keys: turns record identifiers into tags.
        profile: the procedures of the authority: its categories (REG-4) and its today.
        staff: the professionals of the authority itself, by subject.
        authorities: the other authorities, by code.
        now: the aware moment of the import.
        dry_run: check everything, write nothing.
        skip_rejected: load the good rows of a file that has others. A file that cannot be read to its end is
            refused all the same.
        progress: called with rows done and rows in all.

    Returns:
        The report; ``added``, ``changed`` and ``unchanged`` are what was, or on a dry run would be, done.

    Raises:
        Conflict: another import is under way.
        StoreUnavailable: the database was lost; then nothing was loaded.
        OSError: the file cannot be opened.
    """
    report = ImportReport()
    references = References(staff, authorities)
    job = _Job(vault, token_keys, source_keys, references, profile, now, dry_run, skip_rejected)
    with path.open("rb") as file:
        try:
            total, repeated = await asyncio.to_thread(survey, file)
            file.seek(0)
            async with database.transaction() as connection:
                await _load(connection, read_rows(file), job, repeated, report, lambda done: progress(done, total))
                if dry_run or (report.rejected_rows and not skip_rejected):
                    raise _NothingIsLoaded
                await loading.note_load(
                    connection,
                    now,
                    "import",
                    load=job.load,
                    added=report.added,
                    changed=report.changed,
                    unchanged=report.unchanged,
                )
        except FileFault as fault:
            return ImportReport(rejected_rows=1, rejected=[Rejection(fault.line, "", fault.column, fault.reason)])
        except _NothingIsLoaded:
            return report
    report.loaded = True
    async with database.connection() as connection:
        await connection.execute(_ANALYZE, timeout=BULK_SECONDS)
    return report


async def _load(
    connection: Connection,
    rows: Iterator[CsvRow],
    job: _Job,
    repeated: Container[bytes],
    report: ImportReport,
    progress: Callable[[int], None],
) -> None:
    """Take the rows through in batches: while one is written, the next is read and sealed in a thread.

    Encryption and hashing leave the interpreter to the writing; the connection has one user at any time.
    """
    if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", ONE_IMPORT_AT_A_TIME):
        raise Conflict
    recognition = await _recognition(connection, job)
    done = 0
    ready = _Batch([])
    while True:
        batch = await asyncio.to_thread(_take, rows, job.source_keys)
        batch.standing = await _standing(connection, batch, job.vault)
        await asyncio.gather(
            _write(connection, ready, job),
            asyncio.to_thread(_prepare, batch, job, recognition, repeated, report),
        )
        done += len(batch.rows)
        progress(done)
        if not batch.rows:
            return
        ready = batch


def _take(rows: Iterator[CsvRow], keys: SourceKeys) -> _Batch:
    return _Batch([(row, keys.source(row.record_id, row.cells)) for row in islice(rows, BATCH)])


async def _recognition(connection: Connection, job: _Job) -> Recognition:
    rows = await store.unclaimed(connection)
    entries = await loading.read_entries(connection, [row["id"] for row in rows], job.vault)
    unclaimed = [
        Unclaimed(Standing(row, entries[row["id"]]), open_record(row, job.vault), row["transfer"]) for row in rows
    ]
    return Recognition(unclaimed, job.token_keys)


async def _standing(connection: Connection, batch: _Batch, vault: Vault) -> dict[bytes, Standing]:
    """Return what stands under the tags of a batch, whole where a changed row meets a temporary entry.

    Until the conference the authority's own system knows less of that child than the transfer said: its names and
    addresses are added to the row's, so that an import does not undo them (TRF-2).
    """
    digests = {source.tag: source.digest for _, source in batch.rows}
    found = await store.by_source(connection, digests)
    joined = [row["id"] for row in found if row["temporary"] and row["source_digest"] != digests[row["source_tag"]]]
    if joined:
        await store.lock(connection, joined)
    entries = await loading.read_entries(connection, joined, vault)
    return {row["source_tag"]: Standing(row, entries.get(row["id"])) for row in found}


async def _write(connection: Connection, batch: _Batch, job: _Job) -> None:
    await loading.insert(connection, batch.new)
    await loading.replace(connection, batch.changed, job.vault, job.token_keys, keep_temporary=True)
    await loading.record_loaded(connection, job.now, job.load, added=batch.new, changed=batch.changed)


def _prepare(
    batch: _Batch, job: _Job, recognition: Recognition, repeated: Container[bytes], report: ImportReport
) -> None:
    """Check the rows of a batch, count them, and seal those that are to be written."""
    for row, source in batch.rows:
        standing = batch.standing.get(source.tag) if row.record_id else None
        if row.name in repeated:
            _note(report, row, [Fault("record_id", Reason.REPEATED_RECORD)])
            continue
        if standing is not None and standing.child["source_digest"] == source.digest:
            report.unchanged += 1
            continue
        entry, found = parse(row, job.references)
        if entry is not None:
            found = faults(entry, job.profile, job.profile.today(job.now))
        if entry is None or not all(fault.warning for fault in found):
            _note(report, row, found)
            continue
        record = record_of(entry.person())
        if standing is None:
            standing, doubts = recognition.newcomer(row.line, record)
            found += doubts
        _note(report, row, found)
        if standing is None:
            report.added += 1
        else:
            report.changed += 1
        if job.dry_run or (report.rejected_rows and not job.skip_rejected):
            continue  # it will not be written: only what is wrong with the rest is still of interest
        if standing is None:
            rows = rows_of(entry, uuid4(), job.vault, job.token_keys, job.now, source=source, record=record)
            batch.new.append(rows)
        else:
            batch.changed.append(_taking_the_place_of(standing, entry, record, source, job))


def _taking_the_place_of(standing: Standing, entry: ChildEntry, record: Record, source: Source, job: _Job) -> EntryRows:
    if standing.entry is not None:
        entry = with_details_of(entry, standing.entry)
        record = record_of(entry.person())
    child_id: UUID = standing.child["id"]
    key = child_key(standing.child, job.vault)
    return rows_of(entry, child_id, job.vault, job.token_keys, job.now, key=key, source=source, record=record)


def _note(report: ImportReport, row: CsvRow, found: Sequence[Fault]) -> None:
    report.rejected_rows += any(not fault.warning for fault in found)
    for fault in dict.fromkeys(found):  # several items of one list may have the same
        findings = report.warnings if fault.warning else report.rejected
        if len(findings) < MOST_REPORTED:
            findings.append(Rejection(row.line, row.record_id, fault.column, fault.reason, fault.other))
