"""The first run: a fresh database becomes the register of a real authority, which can answer, or stays as it was.

All that is wrong is said before anything is made. What a failure leaves behind is at most an empty database of this
release and its keys, from which the next run goes on.
"""

import asyncio
import json
import sys
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import typer

from auth.client import generate_client_key
from policies.enquirer import Purpose, Role
from policies.profile import Profile, ProfileInvalid, available_profiles, load_profile
from registry_api.cli.enrolment import Enrolment, OrganisationGiven, apply, read_enrolment
from registry_api.cli.output import Failure, lines, note, plain
from registry_api.cli.remote import ClientFile
from registry_api.cli.service import read_settings, running_database
from registry_api.cli.standing import Made, operator, say
from registry_api.directory import store as directory
from registry_api.directory.changes import changing
from registry_api.directory.given import ClientGiven
from registry_api.directory.recording import By, ImpossibleChange
from registry_api.directory.rules import Obstacle
from registry_api.kernel import migrations
from registry_api.kernel.clock import utc_now
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Database
from registry_api.kernel.errors import StoreUnavailable
from registry_api.kernel.installation import open_keys
from registry_api.kernel.settings import Settings

NEEDED = (Role.SAFEGUARDING_MANAGER, Role.DUTY_SOCIAL_WORKER, Role.DIRECTORY_ADMINISTRATOR)
"""Without one of each an enquiry has nobody to go to, or nobody could enrol those who ask."""
_WHY = "The first run of this register."
_SCOPES = ("enquiry", "casework", "directory")


def set_up(file: Path | None, *, client_file: Path | None) -> None:
    """Set up the register of the environment's settings from a document of the authority alone, or by asking for it.

    ``client_file``: where the credentials of the authority's own command line go, mode 0600; without it there are none.
    Raises Failure; then nothing was set up.
    """
    settings = read_settings()
    profile = _profile(settings)
    today = profile.today(utc_now())
    document = read_enrolment(_bytes(file)) if file else read_enrolment(_asked(today))
    authority = _complete(document, today)
    if client_file and client_file.exists():
        raise Failure(f"{client_file} is there already: nothing was set up. Name another file.")
    credentials, document = _with_client(document, authority, settings.base_url) if client_file else (None, document)
    with running_database(settings) as url:
        made = _carry_out(settings, url, document, credentials, client_file)
    say(made)
    _what_next(settings, profile, client_file)


def _profile(settings: Settings) -> Profile:
    """Return the procedures that were chosen; by default it would be those of some other authority."""
    choice = f"one of {', '.join(available_profiles())}"
    if "profile" not in settings.model_fields_set:
        raise Failure(f"Say by whose procedures the register is kept: set REGISTRY_PROFILE, for good, to {choice}.")
    try:
        return load_profile(settings.profile)
    except ProfileInvalid:
        raise Failure(f"REGISTRY_PROFILE names no procedures that can be used: set it to {choice}.") from None


def _bytes(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror}.") from None


def _complete(document: Enrolment, today: date) -> OrganisationGiven:
    """Return the authority of the document. Raises Failure that says all that is lacking."""
    if len(document.organisations) != 1 or not document.organisations[0].own_authority:
        raise Failure(
            "Nothing was set up: the file has to hold one organisation, the authority itself (own_authority). "
            "The others are enrolled afterwards."
        )
    (authority,) = document.organisations
    if lacking := list(_lacking(authority, today)):
        raise Failure(f"Nothing was set up. What is lacking:\n{lines(lacking)}")
    return authority


def _lacking(authority: OrganisationGiven, today: date) -> Iterable[str]:
    if not authority.office_phone or not authority.out_of_hours_phone:
        yield "office_phone and out_of_hours_phone: every answer names a number to call now"
    standing = (one for one in authority.agreements if one.valid_from <= today <= one.valid_to)
    if not any(Purpose.CASEWORK in one.purposes for one in standing):
        yield "an agreement for casework that stands today: the authority's own staff work under it"
    roles = {one.role for one in authority.professionals}
    for role in NEEDED:
        if role not in roles:
            yield f"professionals: at least one {plain(role)}"


def _with_client(document: Enrolment, authority: OrganisationGiven, base_url: str) -> tuple[ClientFile, Enrolment]:
    private, public = generate_client_key()
    client = ClientGiven(client_id=f"{authority.code[:50]}-command-line", public_keys=(public,), scopes=_SCOPES)
    more = authority.model_copy(update={"clients": (*authority.clients, client)})
    return ClientFile(client.client_id, private, base_url), Enrolment(organisations=(more,))


def _carry_out(
    settings: Settings, url: str, document: Enrolment, credentials: ClientFile | None, client_file: Path | None
) -> Made:
    asyncio.run(_refuse_if_set_up(url))
    migrations.upgrade(url)
    if credentials and client_file:
        # First: a client that is enrolled has its credentials, however this ends.
        credentials.write(client_file)
    try:
        return asyncio.run(_enrol(settings, url, document))
    except BaseException:
        if credentials and client_file and not _may_be_enrolled(url, credentials.client_id):
            client_file.unlink()
        raise


async def _refuse_if_set_up(url: str) -> None:
    if await _is_set_up(url):
        raise Failure(
            "The database holds an authority already; nothing was set up. Change it with `registry-api enrol`, or name "
            "another database."
        )


async def _is_set_up(url: str) -> bool:
    database = Database(url, pool_size=1)
    try:
        async with database.connection() as connection:
            exists = await connection.fetchval("SELECT to_regclass('organisation') IS NOT NULL")
            return bool(exists) and await directory.own_authority(connection) is not None
    finally:
        await database.close()


def _may_be_enrolled(url: str, client_id: str) -> bool:
    """Return whether a client may have been enrolled, though that was not confirmed: then its credentials stay."""

    async def is_enrolled() -> bool:
        database = Database(url, pool_size=1)
        try:
            async with database.connection() as connection:
                return await directory.client(connection, client_id) is not None
        finally:
            await database.close()

    try:
        return asyncio.run(is_enrolled())
    except StoreUnavailable:
        return True


async def _enrol(settings: Settings, url: str, document: Enrolment) -> Made:
    database = Database(url, pool_size=2)
    try:
        vault = Vault(await open_keys(database, settings.keys_file))
        by = By(operator=operator())
        async with changing(database, vault, at=utc_now(), by=by, why=_WHY, before_changing=_already) as changes:
            await apply(changes, document)
            if not changes.made:
                _already()
            return changes.made
    except ImpossibleChange as error:
        raise Failure(f"Nothing was set up: {error}.") from None
    finally:
        await database.close()


def _already(_: object = None) -> None:
    raise ImpossibleChange(Obstacle.ADDED_ALREADY)


def _asked(today: date) -> bytes:
    """Return the document that the answers on this terminal make. Raises Failure where there is none."""
    if not sys.stdin.isatty():
        raise Failure("There is nobody to ask: give a file (docs/enrolment.md), or - for standard input.")
    note("Each of these can be changed later. Ctrl-C ends it, and nothing is set up.")
    authority: dict[str, Any] = {
        "code": typer.prompt("A short code for the authority, such as its initials"),
        "name": typer.prompt("Its name, as enquirers are told it"),
        "kind": "authority",
        "own_authority": True,
        "office_phone": typer.prompt("The telephone number in office hours"),
        "out_of_hours_phone": typer.prompt("The telephone number at all other times"),
        "agreements": [
            {
                "purposes": [Purpose.CHILD_PROTECTION, Purpose.MISSING_CHILD, Purpose.CASEWORK],
                "valid_from": today.isoformat(),
                "valid_to": typer.prompt(
                    "Until when its staff may work with the register (YYYY-MM-DD)",
                    default=(today + timedelta(days=730)).isoformat(),
                ),
            }
        ],
        "professionals": [_asked_for(role) for role in NEEDED],
    }
    return json.dumps({"organisations": [authority]}).encode()


def _asked_for(role: Role) -> dict[str, str]:
    note(f"The first {plain(role)}; more can be enrolled afterwards.")
    return {
        "role": role,
        "subject": typer.prompt("  The authority's own identifier of them, which is not their name"),
        "name": typer.prompt("  Their name"),
        "phone": typer.prompt("  Their telephone number", default="", show_default=False),
    }


def _what_next(settings: Settings, profile: Profile, client_file: Path | None) -> None:
    kept = f"{client_file} (whoever has it can act as any of the authority's staff) and " if client_file else ""
    steps = [
        f"The register is kept by the procedures of {profile.name}, and answers at {settings.base_url}.",
        f"Keep {kept}{settings.keys_file} safe, and a copy of the keys apart from the database: without them nobody is "
        "found again.",
        "Load the register: registry-api import FILE.csv (docs/import.md).",
        "Enrol those who may ask: registry-api enrol FILE.json (docs/enrolment.md).",
        "Start it: registry-api serve. Sign-in of staff wants REGISTRY_IDENTITY_FILE (docs/enrolment.md).",
    ]
    note(f"The authority is set up. What comes next:\n{lines(steps)}")
