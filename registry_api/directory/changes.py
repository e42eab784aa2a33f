"""Changes to who takes part, each stated as it shall be: what is so already is left, and said again it changes nothing.

Every change is recorded with who made it and why, in the directory's history and in the access log; the transaction
holds them all, or none. One transaction at a time changes the directory: so nothing is added twice.
"""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import SQLModel, select

from policies.enquirer import Disclosure, Purpose
from registry_api.directory import indispensable, keys, rules, service
from registry_api.directory.members import MemberChanges
from registry_api.directory.models import Client, DataSharingAgreement, Organisation, Professional
from registry_api.directory.recording import (
    By,
    Changed,
    Did,
    ImpossibleChange,
    Suspendable,
    nothing_against,
    require,
)
from registry_api.directory.rules import Obstacle
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Database

_ALONE = text("SELECT pg_advisory_xact_lock(hashtext('the directory is being changed'))")


@asynccontextmanager
async def changing(
    database: Database,
    vault: Vault,
    *,
    at: datetime,
    by: By,
    why: str,
    before_changing: Callable[[SQLModel], None] = nothing_against,
) -> AsyncIterator["Changes"]:
    """Lend the changes of one transaction, which waits for any other one, and is committed at the end.

    Raises ImpossibleChange without a reason; StoreUnavailable when it is not known to be committed.
    """
    async with database.session() as session:
        changes = Changes(session, vault, at, by, why, before_changing)
        await session.exec(_ALONE)  # type: ignore[call-overload]
        yield changes


class Changes(MemberChanges):
    """The changes that there are. What cannot be raises ImpossibleChange."""

    async def organisation(
        self, *, code: str, name: str, kind: str, own_authority: bool, office_phone: str, out_of_hours_phone: str
    ) -> Organisation:
        """Have an organisation of that code, and return it. Exactly one is the authority itself."""
        given = {
            "name": name,
            "kind": kind,
            "office_phone": office_phone,
            "out_of_hours_phone": out_of_hours_phone,
        }
        kept = await self.find_organisation(code)
        own = (await self.session.exec(select(Organisation).where(Organisation.own_authority))).first()
        if own and own_authority != (own is kept):
            raise ImpossibleChange(Obstacle.OWN_AUTHORITY_IS_FIXED)
        if kept:
            await self.change_organisation(kept, **given)
            return kept
        added = service.add_organisation(self.session, code=code, own_authority=own_authority, **given)
        await self.note("organisation", "added", code, of=added.id)
        return added

    async def change_organisation(
        self, kept: Organisation, *, name: str, kind: str, office_phone: str, out_of_hours_phone: str
    ) -> None:
        """Have an organisation be called, be and be reached like this."""
        wanted = {"name": name, "kind": kind, "office_phone": office_phone, "out_of_hours_phone": out_of_hours_phone}
        await self.change("organisation", kept.code, kept, wanted, of=kept.id)

    async def agreement(
        self,
        organisation: Organisation,
        *,
        purposes: Collection[Purpose],
        valid_from: date,
        valid_to: date,
        reviewed_on: date | None = None,
        disclosure: Disclosure | None = None,
    ) -> DataSharingAgreement:
        """Have an agreement for these purposes from that day on, and return it; of one that stands, change the rest.

        What is None is left as it is; a new agreement counts as reviewed when it begins, and discloses all.
        """
        require(rules.check_purposes(purposes, own_authority=organisation.own_authority))
        same = select(DataSharingAgreement).where(
            DataSharingAgreement.organisation_id == organisation.id,
            DataSharingAgreement.valid_from == valid_from,
            DataSharingAgreement.purposes == sorted(set(purposes)),
        )
        kept = (await self.session.exec(same)).first()
        if kept:
            await self.change_agreement(kept, valid_to=valid_to, reviewed_on=reviewed_on, disclosure=disclosure)
            return kept
        require(rules.check_agreement(valid_from, valid_to, reviewed_on, self.at.date()))
        added = service.add_agreement(
            self.session,
            organisation_id=organisation.id,
            purposes=set(purposes),
            valid_from=valid_from,
            valid_to=valid_to,
            reviewed_on=reviewed_on,
            disclosure=disclosure or Disclosure.FULL,
        )
        await self.note("agreement", "added", str(added.id), of=organisation.id)
        return added

    async def change_agreement(
        self,
        kept: DataSharingAgreement,
        *,
        valid_to: date | None = None,
        reviewed_on: date | None = None,
        disclosure: Disclosure | None = None,
    ) -> None:
        """Have an agreement end, have been reviewed and disclose like this; what is None is left as it is."""
        given = {"valid_to": valid_to, "reviewed_on": reviewed_on, "disclosure": disclosure}
        wanted = {name: value for name, value in given.items() if value is not None}
        today = self.at.date()
        require(rules.check_agreement(kept.valid_from, valid_to or kept.valid_to, reviewed_on, today))
        if valid_to is not None and valid_to < today:
            await indispensable.agreement(self.session, kept, today)
        await self.change("agreement", str(kept.id), kept, wanted, of=kept.organisation_id)

    async def client(
        self, organisation: Organisation, *, client_id: str, public_keys: Sequence[Any], scopes: Collection[str]
    ) -> Client:
        """Have a system with exactly these keys and scopes, and return it."""
        require(rules.check_client(client_id, scopes, own_authority=organisation.own_authority))
        kept = await self.find_client(client_id)
        if kept and kept.organisation_id != organisation.id:
            raise ImpossibleChange(Obstacle.OTHER_ORGANISATIONS_CLIENT)
        fit = await keys.fit(self.session, client_id, public_keys)
        if kept:
            wanted = {"jwks": {"keys": fit}, "scopes": sorted(set(scopes))}
            told = {"jwks": _kids(kept, fit)}
            await self.change("client", client_id, kept, wanted, of=organisation.id, told=told)
            return kept
        added = service.add_client(
            self.session, client_id=client_id, organisation_id=organisation.id, public_keys=fit, scopes=set(scopes)
        )
        await self.note("client", "added", client_id, of=organisation.id)
        return added

    async def change_scopes(self, organisation: Organisation, kept: Client, scopes: Collection[str]) -> None:
        """Have a system's tokens carry these scopes at most."""
        require(rules.check_client(kept.id, scopes, own_authority=organisation.own_authority))
        await self.change("client", kept.id, kept, {"scopes": sorted(set(scopes))}, of=organisation.id)

    async def add_key(self, kept: Client, public_key: Any) -> None:
        """Have a system's assertions verify under this key too."""
        (one,) = await keys.fit(self.session, kept.id, [public_key])
        if one not in kept.jwks["keys"]:
            both = await keys.fit(self.session, kept.id, [*kept.jwks["keys"], one])
            await self._rekey(kept, "key_added", both)

    async def retire_key(self, kept: Client, kid: str) -> None:
        """Have a system's assertions verify under this key no longer; its last one stays."""
        remaining = [one for one in kept.jwks["keys"] if one.get("kid") != kid]
        if len(remaining) == len(kept.jwks["keys"]):
            return
        if not remaining:
            raise ImpossibleChange(Obstacle.LAST_KEY)
        await self._rekey(kept, "key_retired", remaining)

    async def _rekey(self, kept: Client, did: Did, public_keys: list[Any]) -> None:
        told = {"jwks": _kids(kept, public_keys)}
        wanted = {"jwks": {"keys": public_keys}}
        await self.change("client", kept.id, kept, wanted, of=kept.organisation_id, did=did, told=told)

    async def suspension(self, what: Suspendable, identifier: str, *, lifted: bool) -> None:
        """Suspend an organisation (by code), agreement or client (by id) or professional (by ``code/subject``), or lift
        that again. It holds from the next request on.
        """
        row = await self._named(what, identifier)
        if row is None:
            raise ImpossibleChange(Obstacle.NOT_THERE, f"there is no {what} {identifier}")
        await self.suspend(what, row, lifted=lifted)

    async def suspend(
        self,
        what: Suspendable,
        row: Organisation | DataSharingAgreement | Client | Professional,
        *,
        lifted: bool,
    ) -> None:
        """Suspend this, or lift it again."""
        if (row.suspended_at is None) == lifted:
            return
        if not lifted:
            await self._check_dispensable(row)
        reference, of = (row.code, row.id) if isinstance(row, Organisation) else (str(row.id), row.organisation_id)
        did: Did = "restored" if lifted else "suspended"
        wanted = {"suspended_at": None if lifted else self.at}
        await self.change(what, reference, row, wanted, of=of, did=did, told={"suspended_at": {}})

    async def _check_dispensable(self, row: Organisation | DataSharingAgreement | Client | Professional) -> None:
        match row:
            case Organisation(own_authority=True):
                raise ImpossibleChange(Obstacle.OWN_AUTHORITY_NEEDED)
            case DataSharingAgreement():
                await indispensable.agreement(self.session, row, self.at.date())
            case Professional():
                await indispensable.manager(self.session, row)

    async def _named(
        self, what: Suspendable, identifier: str
    ) -> Organisation | DataSharingAgreement | Client | Professional | None:
        match what:
            case "client":
                return await self.find_client(identifier)
            case "agreement":
                return await self.session.get(DataSharingAgreement, rules.as_uuid(identifier))
            case "organisation":
                return await self.find_organisation(identifier)
        code, _, subject = identifier.partition("/")
        organisation = await self.find_organisation(code)
        return await self.find_professional(organisation, subject) if organisation else None


def _kids(kept: Client, public_keys: Sequence[Any]) -> Changed:
    return {"keys": [[one.get("kid") for one in keys] for keys in (kept.jwks["keys"], public_keys)]}
