"""What the register and the earlier enquiries say about one question: the facts that the decision table reads."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
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
from registry_api.matching.address import same_address
from registry_api.matching.bands import Band, Match, best_match, same_child
from registry_api.matching.record import Record
from registry_api.matching.token_keys import TokenKeys
from registry_api.matching.tokens import LEAST_SHARE, LEAST_WEIGHT, RETRIEVAL_LIMIT


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
    be meant, where nobody certainly is. ``people``: the staff whose names the answer may need. ``opened_restricted``:
    the asker is told of a restricted child.
    """

    facts: Facts
    child: ChildFound | None = None
    entries: tuple[ChildFound, ...] = ()
    possible: tuple[ChildFound, ...] = ()
    neighbours: tuple[ChildFound, ...] = ()
    earlier: tuple[EarlierEnquiry, ...] = ()
    people: Mapping[UUID, directory.Person] = field(default_factory=dict)
    opened_restricted: bool = False

    def child_ids(self) -> tuple[UUID, ...]:
        """Return the children that the answer is about, or may be about."""
        shown = (*((self.child,) if self.child else ()), *self.entries, *self.possible, *self.neighbours)
        return tuple(dict.fromkeys(child.id for child in shown))


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
    rows: Sequence[Any] = ()
    if wanted or tokens:
        rows = await gate.standing(connection, child_ids=wanted, address_tokens=tokens, now=now)
    children = {row["id"]: read_child(row, vault) for row in rows}
    entries = tuple(children[id_] for id_ in match.candidates if id_ in children)
    child = as_one(entries)
    hidden = child is not None and child.restricted
    if hidden:
        places = [question]  # nobody may learn from being told that a restricted child lives with theirs
    neighbours = tuple(
        one
        for row in rows
        if (one := children[row["id"]]).on_plan and one not in entries and _lives_with(places, row, vault, hidden)
    )
    restricted = any(one.restricted for one in neighbours) if address_only else hidden
    opened, restricted = restricted and opens_restricted, restricted and not opens_restricted
    possible = tuple(children[id_] for id_ in match.possible if id_ in children)
    facts = Facts(
        _finding(searched, child, address_only=address_only),
        restricted=restricted,
        missing=any(one.missing for one in (child, *possible) if one),
        earlier=_earlier(searched.earlier, professional_id, same_incident_since),
        neighbours=bool(neighbours),
    )
    named = () if restricted else neighbours if address_only else (child,) if child else ()
    people = await directory.people(connection, vault, {person for one in named for person in one.staff()})
    return Found(facts, child, entries, possible, neighbours, searched.earlier, people, opened)


_NOBODY: Match[UUID] = Match(Band.NONE)


@dataclass(frozen=True, slots=True)
class _Searched:
    """What matched, with the records of its entries; and the earlier enquiries where no child did.

    ``unread``: something that shares details with the question could not be opened.
    """

    match: Match[UUID] = _NOBODY
    records: tuple[Record, ...] = ()
    earlier: tuple[EarlierEnquiry, ...] = ()
    unread: bool = False


async def _search(connection: Connection, vault: Vault, question: Record, enquiry_id: UUID, gate: Gate) -> _Searched:
    rows = await SEARCH.fetch(
        connection,
        {
            **gate.values,
            "least_weight": LEAST_WEIGHT,
            "least_share": LEAST_SHARE,
            "most_candidates": RETRIEVAL_LIMIT,
            "enquiry_id": enquiry_id,
        },
    )
    children, unread = _read("child", [row for row in rows if row["is_child"]], vault)
    match = best_match(question, list(children.items()))
    if match.candidates:
        # However many could not be read: to the score they are what children without an entry always are.
        return _Searched(match, tuple(children[id_] for id_ in match.candidates))
    asked_before = {row["id"]: row for row in rows if not row["is_child"]}
    records, also_unread = _read("enquiry", asked_before.values(), vault)
    same = same_child(question, list(records.items()))
    earlier = sorted((_enquiry(asked_before[id_]) for id_ in same), key=lambda enquiry: enquiry.received_at)
    return _Searched(match, earlier=tuple(earlier), unread=unread or also_unread)


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


def _lives_with(places: list[Record], row: Mapping[str, Any], vault: Vault, hidden: bool) -> bool:
    neighbour = read_record("child", row, vault)
    if neighbour is None:
        return not hidden  # its token says so: a key worker who is told too often is safer than one who is not
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
