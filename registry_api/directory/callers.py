"""Who telephones and is not enrolled: known by organisation, role and name, so that the next call is theirs too."""

import json
from datetime import datetime
from uuid import UUID, uuid4

from sqlmodel import select

from policies.enquirer import OWN_ROLES, Enquirer, Role
from registry_api.directory import service
from registry_api.directory.changes import changing
from registry_api.directory.models import Professional
from registry_api.directory.recording import By, ImpossibleChange
from registry_api.directory.rules import Obstacle, same_name
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Database

_WHY = "Put down by the duty worker who took their call."


async def caller_by_phone(
    database: Database,
    vault: Vault,
    *,
    organisation_id: UUID,
    name: str,
    role: Role,
    taken_by: Enquirer,
    at: datetime,
) -> UUID:
    """Return the identifier of a caller, who is put into the directory at their first call (ENQ-2).

    No assertion and no sign-in can name them. The same name in the same organisation is the same person, but for case
    and spaces: whoever is suspended stays so under another role, and by a name in place of their identifier.

    Raises:
        ImpossibleChange: a role of the authority's own staff, who are enrolled and not put down by colleagues; or
            somebody of that name is enrolled, and is to be named by the organisation's identifier of them.
        StoreUnavailable: it is not known to be kept.
    """
    if role in OWN_ROLES:
        raise ImpossibleChange(Obstacle.BY_TELEPHONE_ONLY)
    async with changing(database, vault, at=at, by=By.of(taken_by), why=_WHY) as changes:
        of_them = select(Professional).where(Professional.organisation_id == organisation_id)
        named = [one for one in (await changes.session.exec(of_them)).all() if same_name(_name(vault, one), name)]
        for known in named:
            if known.suspended_at is not None or (known.by_phone and known.role == role):
                return known.id
        if any(not known.by_phone for known in named):
            raise ImpossibleChange(Obstacle.ENROLLED_ALREADY)
        added = service.enrol_professional(
            changes.session,
            vault,
            organisation_id=organisation_id,
            subject=f"telephone:{uuid4()}",  # no identifier that can be enrolled has a colon
            role=role,
            name=name,
            by_phone=True,
        )
        await changes.note("professional", "added", str(added.id), of=organisation_id)
        return added.id


def _name(vault: Vault, kept: Professional) -> str:
    return str(json.loads(vault.key("professional", kept.id, kept.data_key).open("person", kept.sealed))["name"])
