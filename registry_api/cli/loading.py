"""What a deployment is filled with: who takes part, and the register. Whole files, or nothing of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from policies.enquirer import Role
from policies.profile import load_profile
from registry_api.cli import enrolment, standing
from registry_api.cli.demo.authority import demonstration_staff
from registry_api.cli.output import Failure, console, note, progress_bar
from registry_api.cli.service import read_settings, running_database
from registry_api.directory import store as directory
from registry_api.enquiries.reindexing import Reindexing
from registry_api.kernel.clock import utc_now
from registry_api.kernel.crypto import LocalKeys, Vault
from registry_api.kernel.db import Database
from registry_api.kernel.errors import Conflict
from registry_api.kernel.installation import open_keys
from registry_api.kernel.settings import Settings
from registry_api.matching.token_keys import TokenKeys
from registry_api.register.importer import ImportReport, Rejection, import_file
from registry_api.register.people_import import import_people
from registry_api.register.source import SourceKeys
from registry_api.register.synthesise import synthesise, write_csv

_CASE_ROLES = (Role.KEY_WORKER, Role.TEAM_MANAGER)
_SHOWN = 50
"""Findings in the table; a file that is wrong throughout repeats itself."""


def enrol_file(file: Path, *, why: str, by: str | None) -> None:
    """Enrol what a file names (``enrolment``): all of it, or nothing. Raises Failure.

    ``by``: the member of staff who does it, by the authority's own identifier, where it is one.
    """
    document = enrolment.read_enrolment(file.read_bytes())
    settings = read_settings()

    async def run(url: str) -> standing.Made:
        database = Database(url, pool_size=1)
        try:
            vault = Vault(await open_keys(database, settings.keys_file))
            return await enrolment.enrol(database, vault, document, why=why, by=await standing.author(database, by))
        finally:
            await database.close()

    with running_database(settings) as url:
        standing.say(asyncio.run(run(url)))


def import_into_register(file: Path, *, dry_run: bool, skip_rejected: bool) -> bool:
    """Import a file into the register of the environment's settings, say what came of it, and return whether every
    row was good. Raises Failure and StoreUnavailable as ``load_file`` does.
    """
    settings = read_settings()
    with running_database(settings) as url:
        report = load_file(settings, url, file, dry_run=dry_run, skip_rejected=skip_rejected)
    say(report, dry_run=dry_run)
    return not report.rejected_rows


def import_people_who_may_pose_a_risk(file: Path, *, dry_run: bool) -> bool:
    """Import notifications of people who may pose a risk (CUS-1), say what came of it, and return whether every row was
    good. Raises Failure when another import is under way, StoreUnavailable when the database is lost.
    """
    settings = read_settings()

    async def run(url: str) -> ImportReport:
        async with _importing(settings, url) as (database, keys):
            vault, token_keys = Vault(keys), TokenKeys(keys.index_master)
            await Reindexing(vault=vault, token_keys=token_keys).expect(database)
            return await import_people(
                file,
                database=database,
                vault=vault,
                token_keys=token_keys,
                source_keys=SourceKeys(keys.index_master),
                profile=load_profile(settings.profile),
                now=utc_now(),
                dry_run=dry_run,
            )

    with running_database(settings) as url:
        report = asyncio.run(run(url))
    say(report, dry_run=dry_run)
    return not report.rejected_rows


def load_file(
    settings: Settings, url: str, file: Path, *, dry_run: bool = False, skip_rejected: bool = False
) -> ImportReport:
    """Import a file into the register of ``settings`` over the database at ``url``, with a progress bar.

    Raises Failure when another import is under way, StoreUnavailable when the database is lost.
    """

    async def run() -> ImportReport:
        async with _importing(settings, url) as (database, keys):
            async with database.connection() as connection:
                staff = await directory.own_staff(connection)
                authorities = await directory.other_authorities(connection)
            with progress_bar() as bar:
                task = bar.add_task(f"Importing {file.name}", total=None)
                return await import_file(
                    file,
                    database=database,
                    vault=Vault(keys),
                    token_keys=TokenKeys(keys.index_master),
                    source_keys=SourceKeys(keys.index_master),
                    profile=load_profile(settings.profile),
                    staff=staff,
                    authorities=authorities,
                    now=utc_now(),
                    dry_run=dry_run,
                    skip_rejected=skip_rejected,
                    progress=lambda done, total: bar.update(task, completed=done, total=total),
                )

    return asyncio.run(run())


@asynccontextmanager
async def _importing(settings: Settings, url: str) -> AsyncIterator[tuple[Database, LocalKeys]]:
    """Lend the database at ``url`` and its keys to an import. Raises Failure when another import is under way."""
    database = Database(url, pool_size=2)
    try:
        yield database, await open_keys(database, settings.keys_file)
    except Conflict:
        raise Failure("Another import is under way; nothing was loaded. Try again when it is done.") from None
    finally:
        await database.close()


def say(report: ImportReport, *, dry_run: bool = False) -> None:
    """Write what an import did, and what was wrong with the file."""
    _show("Rejected", report.rejected)
    _show("Odd, but loaded" if report.loaded else "Odd", report.warnings)
    counts = f"{report.added} new, {report.changed} changed, {report.unchanged} as before"
    if report.rejected_rows:
        counts += f", {report.rejected_rows} rejected"
    if report.loaded:
        note(f"Loaded: {counts}.")
    elif dry_run:
        note(f"Nothing was written, as asked. It would be: {counts}.")
    else:
        note(f"Nothing was loaded. In the file: {counts}.")


def _show(title: str, findings: list[Rejection]) -> None:
    if not findings:
        return
    table = Table(title=Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("Line", justify="right")
    table.add_column("Record", overflow="fold")
    table.add_column("Column")
    table.add_column("Reason", ratio=1)
    for found in findings[:_SHOWN]:
        table.add_row(str(found.line), Text(found.record_id), found.column, found.explanation)
    console.print(table)
    if len(findings) > _SHOWN:
        console.print(f"… and {len(findings) - _SHOWN} more.")


def write_synthetic(
    out: Path, *, seed: int, on_plan: int, open_cases: int, closed_cases: int, staff_file: Path | None
) -> None:
    """Write a synthetic register as an import file.

    ``staff_file``: an enrolment file, whose key workers and team managers get the cases; else the demonstration's do.
    Raises Failure when the file cannot be written or there is no staff.
    """
    staff, managers = _staff_of(staff_file) if staff_file else demonstration_staff()
    if not staff or not managers:
        raise Failure("The staff file needs a key worker and a team manager of the authority itself.")
    rows = synthesise(
        seed,
        on_plan=on_plan,
        open_cases=open_cases,
        closed_cases=closed_cases,
        staff=staff,
        managers=managers,
        today=date.today(),  # noqa: DTZ011 - the day on this desk; nothing falls due by it
    )
    with progress_bar() as bar:
        task = bar.add_task(f"Writing {out.name}", total=on_plan + open_cases + closed_cases)
        try:
            written = write_csv(out, rows, lambda done: bar.update(task, completed=done))
        except OSError as error:
            raise Failure(f"{out} cannot be written: {error.strerror}.") from None
    note(f"{written} synthetic children in {out}.")


def _staff_of(file: Path) -> tuple[list[str], list[str]]:
    given = enrolment.read_enrolment(file.read_bytes())
    own = [one for body in given.organisations if body.own_authority for one in body.professionals]
    workers, managers = ([one.subject for one in own if one.role is role] for role in _CASE_ROLES)
    return workers, managers
