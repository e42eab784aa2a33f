"""The directory as whoever runs the machine reads and keeps it. A reading is recorded like one over the API."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from policies.enquirer import Disclosure
from policies.profile import load_profile
from registry_api.cli.asking import read_json
from registry_api.cli.output import Failure, console, day, facts, moment, note, plain
from registry_api.cli.service import read_settings, running_database
from registry_api.cli.standing import author, make_here
from registry_api.directory.changes import Changes
from registry_api.directory.models import Client, DataSharingAgreement, Organisation
from registry_api.directory.reading import Reading
from registry_api.directory.recording import ImpossibleChange, log
from registry_api.directory.rules import Obstacle, as_uuid
from registry_api.directory.schemas import AgreementShown, ChangeShown, ClientShown, ProfessionalShown
from registry_api.kernel.clock import utc_now
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Database
from registry_api.kernel.installation import open_keys

_AT_ONCE = 200
_COPIED = {"Agreement", "System", "Keys", "Professional"}
"""Columns whose words go into another command, and are not broken."""


def show(code: str | None, *, by: str | None) -> None:
    """Show the organisations, or one with all that belongs to it. Raises Failure."""

    async def read(reading: Reading) -> None:
        if code is None:
            rows = await _organisations(reading)
            _table(
                ("Code", "Name", "Kind", "Suspended"),
                ((row.code, row.name, plain(row.kind), _since(row.suspended_at)) for row in rows),
            )
            return
        organisation = await _organisation(reading, code)
        console.print(facts(organisation.name, _details(organisation)))
        _agreements([reading.show_agreement(row) for row in await reading.agreements(organisation.id)])
        _clients([reading.show_client(row) for row in await reading.clients(organisation.id)])
        after = None
        while page := await reading.professionals(organisation.id, after, _AT_ONCE):
            _professionals([reading.show_professional(row) for row in page])
            after = page[-1].id

    _read_here(read, "organisations" if code is None else "organisation", code, by)


def show_due(days: int, *, by: str | None) -> None:
    """Show the agreements that have to be reviewed within so many days. Raises Failure."""

    async def read(reading: Reading) -> None:
        rows = await reading.due_for_review(reading.today + timedelta(days=days))
        if not rows:
            note("No agreement falls due for review.")
            return
        names = {row.id: row.code for row in await _organisations(reading)}
        shown = map(reading.show_agreement, rows)
        _table(
            ("Due", "Organisation", "Purposes", "Reviewed", "Ends", "Agreement"),
            (
                (
                    _day(one.review_due),
                    names[one.organisation_id],
                    _codes(one.purposes),
                    _day(one.reviewed_on),
                    _day(one.valid_to),
                    str(one.id),
                )
                for one in shown
            ),
        )

    _read_here(read, "reviews", None, by)


def show_history(code: str | None, *, limit: int, by: str | None) -> None:
    """Show the newest changes, of one organisation or of all. Raises Failure."""

    async def read(reading: Reading) -> None:
        of = (await _organisation(reading, code)).id if code else None
        for change in await reading.show_changes(await reading.changes(of, None, None, limit)):
            console.print(facts(f"{change.what} {plain(change.did)}".capitalize(), _told(change)))

    _read_here(read, "history", code, by)


def change_agreement(
    agreement_id: str, *, ends: date | None, reviewed: date | None, disclosure: str | None, why: str, by: str | None
) -> None:
    """Have an agreement end, have been reviewed and disclose like this; None is left as it is. Raises Failure."""

    async def change(changes: Changes, _: Database) -> None:
        identifier = as_uuid(agreement_id)
        row = await changes.session.get(DataSharingAgreement, identifier) if identifier else None
        if row is None:
            raise ImpossibleChange(Obstacle.NOT_THERE, "there is no such agreement")
        level = Disclosure(disclosure) if disclosure else None
        await changes.change_agreement(row, valid_to=ends, reviewed_on=reviewed, disclosure=level)

    make_here(change, why=why, by=by)


def add_key(client_id: str, file: Path, *, why: str, by: str | None) -> None:
    """Have a system be believed by the key of a file too. Raises Failure."""
    key = read_json(str(file))

    async def change(changes: Changes, _: Database) -> None:
        await changes.add_key(await _client(changes, client_id), key)

    make_here(change, why=why, by=by)


def retire_key(client_id: str, kid: str, *, why: str, by: str | None) -> None:
    """Have a system be believed by a key no longer. Raises Failure."""

    async def change(changes: Changes, _: Database) -> None:
        await changes.retire_key(await _client(changes, client_id), kid)

    make_here(change, why=why, by=by)


def _read_here(read: Callable[[Reading], Awaitable[None]], what: str, reference: str | None, by: str | None) -> None:
    settings = read_settings()
    today = load_profile(settings.profile).today(utc_now())

    async def run(url: str) -> None:
        database = Database(url, pool_size=2)
        try:
            vault = Vault(await open_keys(database, settings.keys_file))
            who = await author(database, by)
            async with database.session() as session:
                await log(session, utc_now(), who, "directory.read", reference, what)
            async with database.session() as session:
                await read(Reading(session, vault, today, settings.agreement_review_months))
        finally:
            await database.close()

    with running_database(settings) as url:
        asyncio.run(run(url))


async def _client(changes: Changes, client_id: str) -> Client:
    row = await changes.find_client(client_id)
    if row is None:
        raise ImpossibleChange(Obstacle.NOT_THERE, f"there is no client {client_id}")
    return row


async def _organisation(reading: Reading, code: str) -> Organisation:
    row = await reading.organisation_called(code)
    if row is None:
        raise Failure(f"There is no organisation {code}.")
    return row


async def _organisations(reading: Reading) -> list[Organisation]:
    rows: list[Organisation] = []
    while page := await reading.organisations(rows[-1].id if rows else None, _AT_ONCE):
        rows += page
    return rows


def _details(row: Organisation) -> list[tuple[str, str]]:
    return [
        ("Code", row.code),
        ("Kind", plain(row.kind)),
        ("", "The authority itself" if row.own_authority else ""),
        ("In office hours", row.office_phone),
        ("At other times", row.out_of_hours_phone),
        ("Suspended", _since(row.suspended_at)),
    ]


def _agreements(shown: Sequence[AgreementShown]) -> None:
    _table(
        ("Agreement", "Purposes", "From", "To", "Review due", "Told", "Stands"),
        (
            (
                str(one.id),
                _codes(one.purposes),
                _day(one.valid_from),
                _day(one.valid_to),
                _day(one.review_due),
                one.disclosure,
                "yes" if one.stands else "no",
            )
            for one in shown
        ),
    )


def _clients(shown: Sequence[ClientShown]) -> None:
    _table(
        ("System", "Scopes", "Keys", "Suspended"),
        (
            (
                one.client_id,
                _codes(one.scopes),
                "\n".join(key["kid"] for key in one.public_keys),
                _since(one.suspended_at),
            )
            for one in shown
        ),
    )


def _professionals(shown: Sequence[ProfessionalShown]) -> None:
    _table(
        ("Professional", "Role", "Name", "Telephone", "Suspended"),
        ((one.subject, plain(one.role), one.name, one.phone, _since(one.suspended_at)) for one in shown),
    )


def _told(change: ChangeShown) -> list[tuple[str, str]]:
    by = ", ".join(filter(None, (change.by.name, change.by.operator)))
    return [
        ("When", moment(change.at.isoformat())),
        ("Which", change.reference),
        ("By", by),
        ("Why", change.why),
        *((plain(detail), _was_and_is(values)) for detail, values in change.changed.items()),
    ]


def _was_and_is(values: Sequence[object] | None) -> str:
    if not values:
        return "changed"
    was, now = values
    return f"{was} → {now}"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in _COPIED)
    for row in rows:
        table.add_row(*map(Text, row))
    if table.row_count:
        console.print(table)


def _codes(codes: Iterable[str]) -> str:
    return ", ".join(map(plain, codes))


def _day(on: date | None) -> str:
    return on.isoformat() if on else ""


def _since(at: object) -> str:
    return f"since {day(str(at)[:10])}" if at else ""
