"""Entries as people read them: what the entry itself says, with the name that the directory has of a professional."""

import json
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from registry_api.audit.schemas import EntryShown, OnWhoseAuthority, WhoLooked
from registry_api.directory import service as directory
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Connection

_RESTRICTED_OPENED, _ANSWERED = "enquiry.restricted_opened", "enquiry.answered"


def is_ones_own(row: Mapping[str, Any], professional_id: UUID) -> bool:
    """Return whether an entry is about what somebody did: themselves, or for a caller whose enquiry they took."""
    return professional_id == row["professional_id"] or _asked(row).get("taken_by") == str(professional_id)


def said(row: Mapping[str, Any]) -> dict[str, str]:
    """Return what an entry says of who acted and why; that of an enquiry's answer stands in what was received."""
    return _asked(row) | _read(row["particulars"])


def _asked(row: Mapping[str, Any]) -> dict[str, str]:
    return _read(row["asked"]) if str(row["kind"]).startswith(("enquiry.", "telephone.")) else {}


def _read(particulars: str | None) -> dict[str, str]:
    """Return what a row says; nothing where it is none of ours, for that must not hide what else was found."""
    try:
        said = json.loads(particulars or "{}")
    except ValueError:
        return {}
    return {name: value for name, value in said.items() if isinstance(value, str)} if isinstance(said, dict) else {}


def _id(said: str | None) -> UUID | None:
    try:
        return UUID(said) if said else None
    except ValueError:
        return None


async def names(connection: Connection, vault: Vault, rows: Collection[Mapping[str, Any]]) -> dict[UUID, str]:
    """Return the names of those who acted, by their ids."""
    people = await directory.people(connection, vault, {row["professional_id"] for row in rows} - {None})
    return {id_: person.name for id_, person in people.items()}


def shown(row: Mapping[str, Any], names: Mapping[UUID, str], *, to: UUID, tells_outcome: bool) -> EntryShown:
    """Return an entry as ``to`` may see it, or what stands in its place: one's own are a colleague's to look at.

    ``tells_outcome``: whether how the child stands may be told.
    """
    if is_ones_own(row, to):
        return EntryShown(entry_id=row["entry_id"], at=row["at"], withheld="ones_own")
    says = said(row)
    kind = row["kind"]
    if not tells_outcome and kind == _RESTRICTED_OPENED:
        kind = _ANSWERED
    return EntryShown(
        entry_id=row["entry_id"],
        at=row["at"],
        kind=kind,
        reference=row["reference"],
        who=WhoLooked(
            professional_id=row["professional_id"],
            name=names.get(row["professional_id"]),
            role=says.get("role"),
            organisation_id=row["organisation_id"],
            organisation=says.get("organisation"),
            system=row["client_id"],
        ),
        authority=OnWhoseAuthority(
            agreements=tuple(says.get("agreements", "").split()),
            policies=tuple(says.get("policies", "").split()),
            policy_bundle=says.get("policy_bundle"),
        ),
        purpose=says.get("purpose"),
        why=says.get("why"),
        urgency=says.get("urgency"),
        taken_by=_id(says.get("taken_by")),
        outcome=row["reason"] if tells_outcome else None,
        disclosure=says.get("disclosure"),
        digest=row["digest"].hex() if row["digest"] else None,
    )
