"""A child of the register as an answer and its routing need them, from one stored entry or from several of one child.

Nothing that cannot be opened stops an answer: it is left out, and its failure noted without a word of whom it is about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
import structlog

from policies.profile import Category
from registry_api.enquiries.rules import Finding
from registry_api.kernel.crypto import EnvelopeError, Vault
from registry_api.matching.record import Record, UnknownFormat, unpack
from registry_api.register.entry import OtherKeyWorker, PlanKind
from registry_api.register.sealing import child_key, open_other_key_worker
from registry_api.routing.rules import Contact

_UNREADABLE = (EnvelopeError, UnknownFormat, msgspec.DecodeError)
_MOST_PROTECTIVE_FIRST = (Finding.FULL_PLAN, Finding.TEMPORARY_PLAN, Finding.OPEN_CASE, Finding.CLOSED)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ResponsibleAuthority:
    """Another authority that answers for a plan, and its key worker where that was told (TRF-2)."""

    name: str
    office_phone: str
    out_of_hours_phone: str
    key_worker: OtherKeyWorker | None


@dataclass(frozen=True, slots=True)
class ChildFound:
    """One child of the register."""

    id: UUID
    finding: Finding
    restricted: bool
    missing: bool
    looked_after: bool
    categories: tuple[Category, ...]
    plan_started_on: date | None
    plan_ended_on: date | None
    case_closed_on: date | None
    responsible: ResponsibleAuthority | None
    key_worker: Contact | None
    team_manager: Contact | None

    @property
    def on_plan(self) -> bool:
        """Whether a plan stands, full or temporary."""
        return self.finding in {Finding.FULL_PLAN, Finding.TEMPORARY_PLAN}

    def staff(self) -> list[UUID]:
        """Return whoever may have to be named: key worker, team manager, and who stands in for them."""
        contacts = [contact for contact in (self.key_worker, self.team_manager) if contact]
        return [person for contact in contacts for person in (contact.id, contact.cover) if person]


def as_one(entries: Sequence[ChildFound]) -> ChildFound | None:
    """Return how a child stands who has these entries: by the most protective of them; None when there is none.

    Restricted, missing or looked after in one entry is so in all. Where the entry that decides names nobody to follow
    up, as a temporary one of a transfer does, the next one does (REG-1, ENQ-4, TRF-2).
    """
    if len(entries) < 2:
        return entries[0] if entries else None
    ranked = sorted(entries, key=lambda entry: _MOST_PROTECTIVE_FIRST.index(entry.finding))
    staffed = next((entry for entry in ranked if entry.key_worker or entry.team_manager), ranked[0])
    return replace(
        ranked[0],
        restricted=any(entry.restricted for entry in ranked),
        missing=any(entry.missing for entry in ranked),
        looked_after=any(entry.looked_after for entry in ranked),
        plan_ended_on=max((entry.plan_ended_on for entry in ranked if entry.plan_ended_on), default=None),
        case_closed_on=max((entry.case_closed_on for entry in ranked if entry.case_closed_on), default=None),
        key_worker=staffed.key_worker,
        team_manager=staffed.team_manager,
    )


def followed_up(entries: Sequence[ChildFound]) -> Sequence[ChildFound]:
    """Return the entries of one child whose people follow up.

    Not those that are closed beside one that is open, nor those without anybody beside one that has somebody.
    """
    current = [entry for entry in entries if entry.finding is not Finding.CLOSED] or list(entries)
    return [entry for entry in current if entry.key_worker or entry.team_manager] or current[:1]


def read_child(row: Mapping[str, Any], vault: Vault) -> ChildFound:
    """Return one row of ``register.store.standing``."""
    responsible = None
    if row["responsible_name"] is not None:
        responsible = ResponsibleAuthority(
            row["responsible_name"],
            row["responsible_office_phone"],
            row["responsible_out_of_hours_phone"],
            _other_key_worker(row, vault),
        )
    return ChildFound(
        id=row["id"],
        finding=_finding(row),
        restricted=row["restricted"],
        missing=row["missing_since"] is not None,
        looked_after=row["looked_after"],
        categories=tuple(map(Category, row["categories"] or ())),
        plan_started_on=row["started_on"],
        plan_ended_on=row["plan_ended_on"],
        case_closed_on=row["closed_on"],
        responsible=responsible,
        key_worker=_contact(row, "key_worker"),
        team_manager=_contact(row, "team_manager"),
    )


def read_record(table: str, row: Mapping[str, Any], vault: Vault) -> Record | None:
    """Return the sealed record of a row of ``table`` (``id``, ``data_key``, ``sealed_record``); None if unreadable."""
    try:
        return unpack(vault.key(table, row["id"], row["data_key"]).open("record", row["sealed_record"]))
    except _UNREADABLE as error:
        _log.error("record_not_read", error=type(error).__name__)
        return None


def _other_key_worker(row: Mapping[str, Any], vault: Vault) -> OtherKeyWorker | None:
    try:
        return open_other_key_worker(child_key(row, vault), row["plan_id"], row["sealed_other_key_worker"])
    except _UNREADABLE as error:
        _log.error("key_worker_not_read", error=type(error).__name__)
        return None


def _finding(row: Mapping[str, Any]) -> Finding:
    if row["plan_kind"] is not None:
        return Finding.TEMPORARY_PLAN if row["plan_kind"] == PlanKind.TEMPORARY else Finding.FULL_PLAN
    if row["opened_on"] is not None and row["closed_on"] is None:
        return Finding.OPEN_CASE
    return Finding.CLOSED


def _contact(row: Mapping[str, Any], who: str) -> Contact | None:
    if row[f"{who}_id"] is None:
        return None
    return Contact(row[f"{who}_id"], row[f"{who}_away"], row[f"{who}_cover"], row[f"{who}_cover_away"])
