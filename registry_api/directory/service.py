"""The directory's use-cases: enrol who may ask, arrange cover, and say who somebody is now."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any
from uuid import UUID, uuid4

from sqlmodel.ext.asyncio.session import AsyncSession

from policies.enquirer import Disclosure, Purpose, Role
from registry_api.directory import store
from registry_api.directory.models import Client, Cover, DataSharingAgreement, Organisation, Professional
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Connection


@dataclass(frozen=True, slots=True)
class Person:
    """A professional as others get to see them."""

    id: UUID
    name: str
    phone: str
    role: str
    organisation: str


@dataclass(frozen=True, slots=True)
class HomeAddress:
    """Where a professional lives, which shows when they ask about their own household."""

    lines: str
    postcode: str


class Kept(Enum):
    """A detail that is left as it is."""

    KEPT = "kept"


KEPT = Kept.KEPT


def open_person(vault: Vault, row: Mapping[str, Any]) -> Person:
    """Open one sealed row of ``store.people``."""
    kept = json.loads(vault.key("professional", row["id"], row["data_key"]).open("person", row["sealed"]))
    return Person(row["id"], kept["name"], kept["phone"], row["role"], row["organisation"])


async def people(connection: Connection, vault: Vault, ids: Collection[UUID]) -> dict[UUID, Person]:
    """Return these professionals by id."""
    if not ids:
        return {}
    return {person.id: person for person in (open_person(vault, row) for row in await store.people(connection, [*ids]))}


async def home_addresses(connection: Connection, vault: Vault, ids: Collection[UUID]) -> dict[UUID, HomeAddress]:
    """Return where those of these professionals live of whom it is kept. For the oversight of enquiries alone."""
    found = {}
    for row in await store.people(connection, [*ids]) if ids else ():
        kept = json.loads(vault.key("professional", row["id"], row["data_key"]).open("person", row["sealed"]))
        if home := kept.get("home_address"):
            found[row["id"]] = HomeAddress(home["lines"], home["postcode"])
    return found


def details(name: str, phone: str, home_address: Mapping[str, str] | None) -> dict[str, Any]:
    """Return what is sealed of a professional."""
    return {"name": name, "phone": phone, **({"home_address": dict(home_address)} if home_address else {})}


def written(home_address: HomeAddress | None) -> dict[str, str] | None:
    """Return a home address as ``details`` takes it."""
    return {"lines": home_address.lines, "postcode": home_address.postcode} if home_address else None


def enrol_professional(
    session: AsyncSession,
    vault: Vault,
    *,
    organisation_id: UUID,
    subject: str,
    role: Role,
    name: str,
    phone: str = "",
    home_address: HomeAddress | None = None,
    by_phone: bool = False,
) -> Professional:
    """Add a professional. ``subject`` is the identifier by which their organisation's assertions will name them.

    ``by_phone``: they telephoned, and no assertion can name them.
    """
    row_id = uuid4()
    key = vault.new_key("professional", row_id)
    sealed = key.seal("person", json.dumps(details(name, phone, written(home_address))).encode())
    professional = Professional(
        id=row_id,
        organisation_id=organisation_id,
        subject=subject,
        role=role,
        data_key=key.wrapped,
        sealed=sealed,
        by_phone=by_phone,
    )
    session.add(professional)
    return professional


def add_organisation(
    session: AsyncSession,
    *,
    code: str,
    name: str,
    kind: str,
    own_authority: bool = False,
    office_phone: str = "",
    out_of_hours_phone: str = "",
) -> Organisation:
    """Add an organisation; it may do nothing before an agreement, a client and a professional are added too."""
    organisation = Organisation(
        code=code,
        name=name,
        kind=kind,
        own_authority=own_authority,
        office_phone=office_phone,
        out_of_hours_phone=out_of_hours_phone,
    )
    session.add(organisation)
    return organisation


def add_agreement(
    session: AsyncSession,
    *,
    organisation_id: UUID,
    purposes: Collection[Purpose],
    valid_from: date,
    valid_to: date,
    reviewed_on: date | None = None,
    disclosure: Disclosure = Disclosure.FULL,
) -> DataSharingAgreement:
    """Add a data-sharing agreement; both days are included. It counts as reviewed when it begins, if not later."""
    agreement = DataSharingAgreement(
        organisation_id=organisation_id,
        purposes=sorted(purposes),
        valid_from=valid_from,
        valid_to=valid_to,
        reviewed_on=reviewed_on or valid_from,
        disclosure=disclosure,
    )
    session.add(agreement)
    return agreement


def add_client(
    session: AsyncSession, *, client_id: str, organisation_id: UUID, public_keys: list[Any], scopes: Collection[str]
) -> Client:
    """Add a system of an organisation with its public keys (JWKs)."""
    client = Client(id=client_id, organisation_id=organisation_id, jwks={"keys": public_keys}, scopes=sorted(scopes))
    session.add(client)
    return client


def arrange_cover(
    session: AsyncSession, *, away: UUID, covered_by: UUID | None, starts_at: datetime, ends_at: datetime
) -> Cover:
    """Record that somebody is away between two moments, and who stands in (ENQ-11)."""
    cover = Cover(professional_id=away, covered_by=covered_by, starts_at=starts_at, ends_at=ends_at)
    session.add(cover)
    return cover
