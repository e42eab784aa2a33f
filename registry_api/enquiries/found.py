"""What the register and the earlier enquiries say about one question: the facts that the decision table reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from policies.profile import Category
from registry_api.directory import service as directory
from registry_api.enquiries.rules import Earlier, Facts, Finding, earlier_enquiries
from registry_api.enquiries.store import SEARCH
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Connection
from registry_api.matching.address import same_address
from registry_api.matching.bands import Band, best_match, same_child
from registry_api.matching.record import Record, unpack
from registry_api.matching.tokens import (
    LEAST_SHARE,
    LEAST_WEIGHT,
    RETRIEVAL_LIMIT,
    QueryTokens,
    TokenKeys,
    address_tokens,
)
from registry_api.register import store as register
from registry_api.register.entry import OtherKeyWorker, PlanKind
from registry_api.register.sealing import child_key, open_other_key_worker, open_record
from registry_api.routing.rules import Contact


@dataclass(frozen=True, slots=True)
class ResponsibleAuthority:
    """Another authority that answers for a plan, and its key worker where that was told (TRF-2)."""

    name: str
    office_phone: str
    out_of_hours_phone: str
    key_worker: OtherKeyWorker | None


@dataclass(frozen=True, slots=True)
class ChildFound:
    """One child of the register as an answer and its routing need them."""

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


@dataclass(frozen=True, slots=True)
class EarlierEnquiry:
    """An earlier enquiry about the same child, who was not known then either (ENQ-7)."""

    id: UUID
    reference: str
    received_at: datetime
    professional_id: UUID
    organisation: str
    open_consideration: UUID | None


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that one enquiry brought to light. ``people``: the staff whose names the answer may need."""

    facts: Facts
    child: ChildFound | None
    neighbours: tuple[ChildFound, ...]
    earlier: tuple[EarlierEnquiry, ...]
    people: Mapping[UUID, directory.Person]


async def find(
    connection: Connection,
    vault: Vault,
    *,
    question: Record,
    enquiry_id: UUID,
    query: QueryTokens,
    address_only: bool,
    token_keys: TokenKeys,
    professional_id: UUID,
    same_incident_since: datetime,
    now: datetime,
) -> Found:
    """Look for the child, for children on plans at the address, and for earlier enquiries.

    ``query``: the tokens of ``question``; ``same_incident_since``: from when on the same professional asking again is
    the same incident. The enquiry itself must have been committed.
    """
    searched = _Searched()
    if not address_only:
        searched = await _search(connection, vault, question, enquiry_id, query)
    child_id, match, earlier = searched.child_id, searched.match, searched.earlier
    places = [question] if match is None else [question, match]
    tokens = sorted({token for place in places for token in address_tokens(place, token_keys, current_only=True)})
    rows = (
        await register.standing(connection, child_id=child_id, address_tokens=tokens, now=now)
        if tokens or child_id
        else []
    )
    child = next((_child(vault, row) for row in rows if row["id"] == child_id), None)
    neighbours = tuple(
        _child(vault, row) for row in rows if row["id"] != child_id and _lives_with(places, open_record(row, vault))
    )
    if address_only:
        finding = Finding.ADDRESS_ONLY
    elif child is not None:
        finding = child.finding
    else:
        finding = Finding.UNCLEAR if searched.band is Band.POSSIBLE else Finding.UNKNOWN
    facts = Facts(
        finding,
        restricted=child is not None and child.restricted,
        missing=child is not None and child.missing,
        earlier=_earlier(earlier, professional_id, same_incident_since) if finding is Finding.UNKNOWN else Earlier.NONE,
        neighbours=bool(neighbours),
    )
    named = neighbours if address_only else (child,) if child and not child.restricted else ()
    people = await directory.people(connection, vault, {person for one in named for person in _staff(one)})
    return Found(facts, child, neighbours, earlier if finding is Finding.UNKNOWN else (), people)


@dataclass(frozen=True, slots=True)
class _Searched:
    """The child that matched, by id and record; or the earlier enquiries where none did."""

    band: Band = Band.NONE
    child_id: UUID | None = None
    match: Record | None = None
    earlier: tuple[EarlierEnquiry, ...] = ()


async def _search(
    connection: Connection, vault: Vault, question: Record, enquiry_id: UUID, query: QueryTokens
) -> _Searched:
    rows = await SEARCH.fetch(
        connection,
        {
            "tokens": query.tokens,
            "weights": query.weights,
            "least_weight": LEAST_WEIGHT,
            "least_share": LEAST_SHARE,
            "most_candidates": RETRIEVAL_LIMIT,
            "enquiry_id": enquiry_id,
        },
    )
    children = {row["id"]: open_record(row, vault) for row in rows if row["is_child"]}
    match = best_match(question, list(children.items()))
    if match.candidate is not None:
        return _Searched(match.band, match.candidate, children[match.candidate])
    asked_before = {row["id"]: row for row in rows if not row["is_child"]}
    same = same_child(question, [(id_, _asked(vault, row)) for id_, row in asked_before.items()])
    earlier = sorted((_enquiry(asked_before[id_]) for id_ in same), key=lambda enquiry: enquiry.received_at)
    return _Searched(match.band, earlier=tuple(earlier))


def _asked(vault: Vault, row: Mapping[str, Any]) -> Record:
    return unpack(vault.key("enquiry", row["id"], row["data_key"]).open("record", row["sealed_record"]))


def _lives_with(places: list[Record], neighbour: Record) -> bool:
    return any(
        same_address(asked, lived)
        for place in places
        for asked in place.addresses[: place.current]
        for lived in neighbour.addresses[: neighbour.current]
    )


def _enquiry(row: Mapping[str, Any]) -> EarlierEnquiry:
    return EarlierEnquiry(
        row["id"],
        row["reference"],
        row["received_at"],
        row["professional_id"],
        row["organisation"],
        row["open_consideration"],
    )


def _earlier(earlier: tuple[EarlierEnquiry, ...], professional_id: UUID, same_incident_since: datetime) -> Earlier:
    own = [enquiry.received_at for enquiry in earlier if enquiry.professional_id == professional_id]
    return earlier_enquiries(
        other=len(own) < len(earlier),
        own_recent=any(at >= same_incident_since for at in own),
        own_old=any(at < same_incident_since for at in own),
    )


def _staff(child: ChildFound) -> list[UUID]:
    contacts = [contact for contact in (child.key_worker, child.team_manager) if contact]
    return [person for contact in contacts for person in (contact.id, contact.cover) if person]


def _child(vault: Vault, row: Mapping[str, Any]) -> ChildFound:
    responsible = None
    if row["responsible_name"] is not None:
        responsible = ResponsibleAuthority(
            row["responsible_name"],
            row["responsible_office_phone"],
            row["responsible_out_of_hours_phone"],
            open_other_key_worker(child_key(row, vault), row["plan_id"], row["sealed_other_key_worker"]),
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
