"""What the register and the earlier enquiries say about one question: the facts that the decision table reads."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from registry_api.directory import service as directory
from registry_api.enquiries import sought
from registry_api.enquiries.children import ChildFound, as_one, read_child, read_record
from registry_api.enquiries.gate import Gate
from registry_api.enquiries.rules import Earlier, Facts, Finding, earlier_enquiries
from registry_api.enquiries.store import SEARCH
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Connection
from registry_api.matching.address import AddressKeys, same_address
from registry_api.matching.bands import Band, Match, best_match, perhaps_same_child, same_child
from registry_api.matching.record import Record
from registry_api.matching.token_keys import TokenKeys
from registry_api.matching.tokens import LEAST_AND_MOST
from registry_api.register import people
from registry_api.register.people import NOBODY_PRESENT, Present


@dataclass(frozen=True, slots=True)
class EarlierEnquiry:
    """An earlier enquiry about the same child, who was not known for certain then either (ENQ-7)."""

    id: UUID
    reference: str
    received_at: datetime
    professional_id: UUID
    organisation: str
    open_consideration: UUID | None


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that one enquiry brought to light.

    ``child``: the child asked about, as all their ``entries`` together have them stand. ``possible``: the few who may
    be meant, where nobody certainly is. ``neighbours``: on plans, living at the address; ``formerly``: who did.
    ``perhaps``: earlier enquiries that may have been about the child. ``present``: people who may pose a risk there.
    ``people``: the staff whose names the answer may need.
    ``opened_restricted``: the asker is told of a restricted child.
    """

    facts: Facts
    child: ChildFound | None = None
    entries: tuple[ChildFound, ...] = ()
    possible: tuple[ChildFound, ...] = ()
    neighbours: tuple[ChildFound, ...] = ()
    formerly: tuple[ChildFound, ...] = ()
    present: Present = NOBODY_PRESENT
    earlier: tuple[EarlierEnquiry, ...] = ()
    perhaps: tuple[EarlierEnquiry, ...] = ()
    people: Mapping[UUID, directory.Person] = field(default_factory=dict)
    opened_restricted: bool = False

    def child_ids(self) -> tuple[UUID, ...]:
        """Return the children that the answer is about, or may be about."""
        shown = (
            *((self.child,) if self.child else ()),
            *self.entries,
            *self.possible,
            *self.neighbours,
            *self.formerly,
        )
        return tuple(dict.fromkeys(child.id for child in shown))

    def subjects(self) -> tuple[UUID, ...]:
        """Return everybody whom the entry of the access log is about: the children, and people who may pose a risk."""
        return (*self.child_ids(), *self.present.now, *self.present.formerly)


async def find(
    connection: Connection,
    vault: Vault,
    *,
    question: Record,
    enquiry_id: UUID,
    gate: Gate,
    address_only: bool,
    token_keys: TokenKeys,
    professional_id: UUID,
    opens_restricted: bool,
    same_incident_since: datetime,
    now: datetime,
) -> Found:
    """Look for the child, for children on plans at the address, and for earlier enquiries.

    ``gate``: opens the register for this very question; ``opens_restricted``: the asker is told of restricted children;
    ``same_incident_since``: from when on the same professional asking again is the same incident. The enquiry itself
    must have been committed, and its entry lie under a signed head.
    """
    searched = await _search(connection, vault, question, enquiry_id, gate)
    match = searched.match
    wanted = match.candidates or match.possible
    places = [question, *searched.records]
    tokens = sorted({*gate.sought.homes}.union(*(sought.homes(record, token_keys) for record in searched.records)))
    # Sent though there may be nothing to look for: the time of an answer must not tell *none* from *possible*.
    pads = [token_keys.pad(token) for token in tokens]
    rows = await gate.standing(connection, child_ids=wanted, address_tokens=tokens, pads=pads, now=now)
    present = people.present(await gate.people(connection), question.addresses[: question.current], vault)
    children = {row["id"]: read_child(row, vault) for row in rows}
    entries = tuple(children[id_] for id_ in match.candidates if id_ in children)
    child = as_one(entries)
    hidden = child is not None and child.restricted
    if hidden:
        places = [question]  # nobody may learn from being told that a restricted child lives with theirs
    asked_homes = [home for place in places for home in place.addresses[: place.current]]
    lived: dict[Lived, list[ChildFound]] = {Lived.NOW: [], Lived.FORMERLY: []}
    for row in rows:
        one = children[row["id"]]
        if one.on_plan and one not in entries and (when := _lived(asked_homes, row, vault, hidden)) is not None:
            lived[when].append(one)
    neighbours, formerly = tuple(lived[Lived.NOW]), tuple(lived[Lived.FORMERLY])
    restricted = any(one.restricted for one in neighbours) if address_only else hidden
    opened, restricted = restricted and opens_restricted, restricted and not opens_restricted
    possible = tuple(children[id_] for id_ in match.possible if id_ in children)
    facts = Facts(
        _finding(searched, child, address_only=address_only),
        restricted=restricted,
        missing=any(one.missing for one in (child, *possible) if one),
        earlier=_earlier(searched, professional_id, same_incident_since),
        neighbours=bool(neighbours or formerly),
        people=bool(present),
    )
    named = () if restricted else neighbours if address_only else (child,) if child else ()
    staff = await directory.people(connection, vault, {person for one in named for person in one.staff()})
    return Found(
        facts,
        child,
        entries,
        possible,
        neighbours,
        formerly,
        present=present,
        earlier=searched.earlier,
        perhaps=searched.perhaps,
        people=staff,
        opened_restricted=opened,
    )


_NOBODY: Match[UUID] = Match(Band.NONE)


@dataclass(frozen=True, slots=True)
class _Searched:
    """What matched, with the records of its entries; and the earlier enquiries where no child did.

    ``unread``: something that shares details with the question could not be opened.
    """

    match: Match[UUID] = _NOBODY
    records: tuple[Record, ...] = ()
    earlier: tuple[EarlierEnquiry, ...] = ()
    perhaps: tuple[EarlierEnquiry, ...] = ()
    unread: bool = False


async def _search(connection: Connection, vault: Vault, question: Record, enquiry_id: UUID, gate: Gate) -> _Searched:
    rows = await SEARCH.fetch(connection, {**gate.values, **LEAST_AND_MOST, "enquiry_id": enquiry_id})
    children, unread = _read("child", [row for row in rows if row["is_child"]], vault)
    match = best_match(question, list(children.items()))
    if match.candidates:
        # However many could not be read: to the score they are what children without an entry always are.
        return _Searched(match, tuple(children[id_] for id_ in match.candidates))
    asked_before = {row["id"]: row for row in rows if not row["is_child"]}
    records, also_unread = _read("enquiry", asked_before.values(), vault)
    before = list(records.items())
    earlier, perhaps = (
        tuple(sorted((_enquiry(asked_before[id_]) for id_ in same), key=lambda enquiry: enquiry.received_at))
        for same in (same_child(question, before), perhaps_same_child(question, before))
    )
    return _Searched(match, earlier=earlier, perhaps=perhaps, unread=unread or also_unread)


def _read(table: str, rows: Collection[Mapping[str, Any]], vault: Vault) -> tuple[dict[UUID, Record], bool]:
    """Return the records of these rows by id, and whether any could not be opened."""
    records = {row["id"]: record for row in rows if (record := read_record(table, row, vault)) is not None}
    return records, len(records) < len(rows)


def _finding(searched: _Searched, child: ChildFound | None, *, address_only: bool) -> Finding:
    if address_only:
        return Finding.ADDRESS_ONLY
    if child is not None:
        return child.finding
    # What could not be opened may be the very child: "not known" would be more than is known.
    return Finding.UNCLEAR if searched.match.band is not Band.NONE or searched.unread else Finding.UNKNOWN


class Lived(Enum):
    """When a child lived at an address that was asked about."""

    NOW = "now"
    FORMERLY = "formerly"


def _lived(homes: Sequence[AddressKeys], row: Mapping[str, Any], vault: Vault, hidden: bool) -> Lived | None:
    neighbour = read_record("child", row, vault)
    if neighbour is None:
        # Its token says so: a key worker who is told too often is safer than one who is not.
        return None if hidden else Lived.NOW
    there = (n for n, lived in enumerate(neighbour.addresses) if any(same_address(asked, lived) for asked in homes))
    first = next(there, None)
    if first is None:
        return None
    return Lived.NOW if first < neighbour.current else Lived.FORMERLY


def _enquiry(row: Mapping[str, Any]) -> EarlierEnquiry:
    return EarlierEnquiry(
        row["id"],
        row["reference"],
        row["received_at"],
        row["professional_id"],
        row["organisation"],
        row["open_consideration"],
    )


def _earlier(searched: _Searched, professional_id: UUID, same_incident_since: datetime) -> Earlier:
    earlier = searched.earlier
    own = [enquiry.received_at for enquiry in earlier if enquiry.professional_id == professional_id]
    return earlier_enquiries(
        other=len(own) < len(earlier),
        own_recent=any(at >= same_incident_since for at in own),
        own_old=any(at < same_incident_since for at in own),
        perhaps=any(
            enquiry.professional_id != professional_id or enquiry.received_at < same_incident_since
            for enquiry in searched.perhaps
        ),
    )
