"""An entry becomes rows and back: what says who a child is gets sealed, what finds the child gets tokens.

Promises: everything personal of one child is under that child's own data key, each field bound to its row, so that a
sealed value moved to another row does not open; the rest of the rows (dates of plans and cases, codes, random ids)
says nothing without it. One code for one child (a transfer) and for many (an import).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID, uuid4

import msgspec

from policies.profile import Category
from registry_api.kernel.crypto import RowKey, Vault
from registry_api.matching.record import Record, pack, record_of, unpack
from registry_api.matching.token_keys import Posting, TokenKeys
from registry_api.matching.tokens import address_tokens, index_tokens
from registry_api.register.entry import (
    Case,
    ChildEntry,
    ChildPlan,
    HouseholdPerson,
    Identity,
    OtherKeyWorker,
    PlanKind,
    Relationship,
    Residence,
)
from registry_api.register.postings_store import POSTING


class Row(Protocol):
    """A stored row by column, as the driver returns it."""

    def __getitem__(self, column: str, /) -> Any:
        """Return the value of one column."""
        ...


COLUMNS: dict[str, tuple[str, ...]] = {
    "child": (
        "id",
        "data_key",
        "sealed_identity",
        "sealed_record",
        "token_version",
        "number",
        "source_tag",
        "source_digest",
        "looked_after",
        "missing_since",
        "restricted",
        "updated_at",
        "created_at",
    ),
    "child_address": ("id", "child_id", "sealed"),
    "household_member": ("id", "child_id", "relationship_to_child", "sealed"),
    "child_case": ("id", "child_id", "opened_on", "closed_on", "key_worker_id", "team_manager_id"),
    "plan": (
        "id",
        "child_id",
        "kind",
        "categories",
        "started_on",
        "ended_on",
        "responsible_organisation_id",
        "sealed_other_key_worker",
    ),
    "child_token": POSTING,
    "address_token": POSTING,
}
"""The tables of an entry, parents first, and the columns of the rows below."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where an imported entry came from: HMACs of its identifier and of the whole row (``models.Child``)."""

    tag: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class EntryRows:
    """The rows of one child, by table, each a tuple in the order of ``COLUMNS``.

    ``settles_temporary``: as of the entry. ``case_is_open``: whether it has an open case.
    """

    child_id: UUID
    settles_temporary: bool
    case_is_open: bool
    tables: Mapping[str, Sequence[tuple[Any, ...]]]


class _SealedMember(msgspec.Struct):
    name: str


_json = msgspec.json.Encoder().encode
_identity = msgspec.json.Decoder(Identity).decode
_residence = msgspec.json.Decoder(Residence).decode
_member = msgspec.json.Decoder(_SealedMember).decode
_other_key_worker = msgspec.json.Decoder(OtherKeyWorker).decode


def rows_of(
    entry: ChildEntry,
    child_id: UUID,
    vault: Vault,
    token_keys: TokenKeys,
    now: datetime,
    *,
    key: RowKey | None = None,
    source: Source | None = None,
    record: Record | None = None,
) -> EntryRows:
    """Return the rows that put ``entry`` on the register.

    Args:
        entry: the child; checked by ``rules.faults`` before.
        child_id: the id of the child's row, new or standing.
        vault: makes the child's data key.
        token_keys: the keys of the blind index.
        now: stands in created_at and updated_at, aware.
        key: the data key of a standing child, kept when the entry is replaced.
        source: for an imported entry.
        record: what ``record_of`` returns for ``entry.person()``, where the caller has it already.
    """
    key = key or vault.new_key("child", child_id)
    record = record or record_of(entry.person())
    number = token_keys.number(child_id)
    child = (
        child_id,
        key.wrapped,
        key.seal("identity", _json(entry.identity)),
        key.seal("record", pack(record)),
        token_keys.version,
        number,
        source and source.tag,
        source and source.digest,
        entry.looked_after,
        entry.missing_since,
        entry.restricted,
        now,
        now,
    )
    return EntryRows(
        child_id,
        entry.settles_temporary,
        any(case.closed_on is None for case in entry.cases),
        {
            "child": [child],
            "child_address": [_address_row(home, child_id, key) for home in entry.residences],
            "household_member": [_member_row(member, child_id, key) for member in entry.household],
            "child_case": [
                (uuid4(), child_id, case.opened_on, case.closed_on, case.key_worker_id, case.team_manager_id)
                for case in entry.cases
            ],
            "plan": [_plan_row(plan, child_id, key) for plan in entry.plans],
            **_postings(record, number, token_keys),
        },
    )


def child_key(row: Row, vault: Vault) -> RowKey:
    """Return the data key of a stored child (``id``, ``data_key``). Raises EnvelopeError."""
    return vault.key("child", row["id"], row["data_key"])


def open_identity(row: Row, vault: Vault) -> Identity:
    """Return who a stored child is (``id``, ``data_key``, ``sealed_identity``). Raises EnvelopeError."""
    return _identity(child_key(row, vault).open("identity", row["sealed_identity"]))


def open_record(row: Row, vault: Vault) -> Record:
    """Return what the scorer reads of a stored child (``id``, ``data_key``, ``sealed_record``).

    Raises EnvelopeError; UnknownFormat for a record that another release sealed.
    """
    return unpack(child_key(row, vault).open("record", row["sealed_record"]))


def open_other_key_worker(key: RowKey, plan_id: UUID, sealed: bytes | None) -> OtherKeyWorker | None:
    """Return the other authority's key worker of a plan, opened with the child's key. Raises EnvelopeError."""
    return None if sealed is None else _other_key_worker(key.open(_field("other_key_worker", plan_id), sealed))


def open_entry(child: Row, parts: Mapping[str, Sequence[Row]], vault: Vault) -> ChildEntry:
    """Return the entry that stored rows hold: the reverse of ``rows_of``.

    Args:
        child: the child's row.
        parts: its rows of ``child_address``, ``household_member``, ``child_case`` and ``plan``, whole.
        vault: opens the child's data key.

    Returns:
        The entry; residences, cases and plans with the current one first, then the latest.

    Raises:
        EnvelopeError: a field does not belong to this child, or was altered.
    """
    key = child_key(child, vault)
    return ChildEntry(
        identity=_identity(key.open("identity", child["sealed_identity"])),
        residences=tuple(
            sorted(
                (
                    _residence(key.open(_field("address", home["id"]), home["sealed"]))
                    for home in parts["child_address"]
                ),
                key=lambda home: home.valid_to or date.max,
                reverse=True,
            )
        ),
        household=tuple(
            HouseholdPerson(
                _member(key.open(_field("member", member["id"]), member["sealed"])).name,
                Relationship(member["relationship_to_child"]),
            )
            for member in parts["household_member"]
        ),
        cases=tuple(
            Case(
                opened_on=case["opened_on"],
                closed_on=case["closed_on"],
                key_worker_id=case["key_worker_id"],
                team_manager_id=case["team_manager_id"],
            )
            for case in _latest_first(parts["child_case"], "closed_on")
        ),
        plans=tuple(
            ChildPlan(
                kind=PlanKind(plan["kind"]),
                categories=tuple(map(Category, plan["categories"])),
                started_on=plan["started_on"],
                ended_on=plan["ended_on"],
                responsible_organisation_id=plan["responsible_organisation_id"],
                other_key_worker=open_other_key_worker(key, plan["id"], plan["sealed_other_key_worker"]),
            )
            for plan in _latest_first(parts["plan"], "ended_on")
        ),
        looked_after=child["looked_after"],
        missing_since=child["missing_since"],
        restricted=child["restricted"],
    )


def postings_of(row: Row, number: int, vault: Vault, token_keys: TokenKeys) -> dict[str, list[Posting]]:
    """Return the rows of the index, by table, that ``rows_of`` gave a stored child of this number: a function of the
    sealed record alone, so that the index needs no column to find a child's own rows."""
    return _postings(open_record(row, vault), number, token_keys)


def _postings(record: Record, number: int, keys: TokenKeys) -> dict[str, list[Posting]]:
    # From version 3 on with the addresses that were left: their key worker is told "formerly" (ENQ-5).
    homes = dict.fromkeys(address_tokens(record, keys, current_only=keys.version < 3))
    found = {"child_token": index_tokens(record, keys), "address_token": homes}
    return {table: keys.postings(tokens, number) for table, tokens in found.items()}


def _latest_first(rows: Sequence[Row], end: str) -> list[Row]:
    return sorted(rows, key=lambda row: row[end] or date.max, reverse=True)


def _field(kind: str, row_id: UUID) -> str:
    return f"{kind}|{row_id.hex}"


def _address_row(home: Residence, child_id: UUID, key: RowKey) -> tuple[Any, ...]:
    row_id = uuid4()
    # With its dates: many a child has lived at an address since the day of its birth.
    return row_id, child_id, key.seal(_field("address", row_id), _json(home))


def _member_row(member: HouseholdPerson, child_id: UUID, key: RowKey) -> tuple[Any, ...]:
    row_id = uuid4()
    sealed = key.seal(_field("member", row_id), _json(_SealedMember(member.name)))
    return row_id, child_id, member.relationship.value, sealed


def _plan_row(plan: ChildPlan, child_id: UUID, key: RowKey) -> tuple[Any, ...]:
    row_id = uuid4()
    other = plan.other_key_worker
    return (
        row_id,
        child_id,
        plan.kind.value,
        [category.value for category in plan.categories],
        plan.started_on,
        plan.ended_on,
        plan.responsible_organisation_id,
        other and key.seal(_field("other_key_worker", row_id), _json(other)),
    )
