"""People who may pose a risk of significant harm: their notifications, sealed, and who is at an address (CUS-1).

Promises: who such a person is, where they live and what the concern is stands sealed under a key of its own; they are
found by tokens under keys that serve nothing else, so that a copy of the tables joins no person to a child's home. Only
whoever follows up a child learns of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from typing import Any
from uuid import UUID

import msgspec
import structlog

from registry_api.kernel.crypto import EnvelopeError, Vault
from registry_api.kernel.db import Connection
from registry_api.kernel.statement import Statement
from registry_api.matching.address import AddressKeys, same_address
from registry_api.matching.person import Address, Name, Person
from registry_api.matching.record import Record, UnknownFormat, pack, record_of, unpack
from registry_api.matching.token_keys import TokenKeys
from registry_api.matching.tokens import address_tokens
from registry_api.register.entry import Residence
from registry_api.register.postings_store import BULK_SECONDS
from registry_api.register.sealing import Source

_UNREADABLE = (EnvelopeError, UnknownFormat, msgspec.DecodeError)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskNotification:
    """Who may pose a risk, where they are and were, what the concern is, and who notified it. Stands sealed."""

    names: tuple[Name, ...]
    date_of_birth: date | None = None
    residences: tuple[Residence, ...] = ()
    concern: str
    notified_by: str
    notified_on: date
    ended_on: date | None = None

    @property
    def name(self) -> str:
        """The principal name."""
        return f"{self.names[0].given} {self.names[0].family}".strip()

    def where(self) -> Record:
        """Return the normalised addresses, those lived at now first."""
        homes = sorted(self.residences, key=lambda home: home.valid_to or date.max, reverse=True)
        addresses = (Address(home.lines, home.postcode, home.uprn, current=home.valid_to is None) for home in homes)
        return record_of(Person((), addresses=tuple(addresses)))


@dataclass(frozen=True, slots=True)
class Present:
    """People who may pose a risk and are at an address now, and those who were there."""

    now: tuple[UUID, ...] = ()
    formerly: tuple[UUID, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anybody."""
        return bool(self.now or self.formerly)


NOBODY_PRESENT = Present()

_BROUGHT = 0x4350524F
"""Advisory lock: shared by whoever brings people to children's key workers, held alone by whoever adds people."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(RiskNotification).decode


def row_of(
    notification: RiskNotification, person_id: UUID, vault: Vault, keys: TokenKeys, source: Source, now: datetime
) -> tuple[tuple[Any, ...], list[tuple[int, UUID]]]:
    """Return the row of ``risk_person``, in the order of its columns, and those of ``risk_token``."""
    record, key = notification.where(), vault.new_key("risk_person", person_id)
    row = (
        person_id,
        key.wrapped,
        key.seal("notification", _encode(notification)),
        key.seal("record", pack(record)),
        keys.version,
        source.tag,
        source.digest,
        notification.ended_on,
        now,
    )
    tokens = dict.fromkeys(address_tokens(record, keys, current_only=False, of="risk"))
    return row, [(token, person_id) for token in tokens]


def tokens_at(homes: Iterable[AddressKeys], versions: Iterable[TokenKeys]) -> list[int]:
    """Return the tokens under which people who may pose a risk and are at one of these addresses are indexed."""
    asked = Record(addresses=tuple(homes))
    found = (address_tokens(asked, keys, current_only=False, of="risk") for keys in versions)
    return sorted(set(chain.from_iterable(found)))


AT = """
SELECT p.id, p.data_key, p.sealed_record FROM risk_person p WHERE p.ended_on IS NULL AND p.id IN (
    SELECT t.person_id FROM unnest(:homes::bigint[]) AS wanted(token) JOIN risk_token t USING (token)
) ORDER BY p.id LIMIT 200
"""
"""A part: people who may pose a risk and are indexed under one of the tokens."""
_AT = Statement(AT)


async def at(
    connection: Connection, vault: Vault, homes: Sequence[AddressKeys], versions: Iterable[TokenKeys]
) -> Present:
    """Return who may pose a risk and is, or was, at one of these addresses."""
    return present(await _AT.fetch(connection, {"homes": tokens_at(homes, versions)}), homes, vault)


def present(rows: Iterable[Mapping[str, Any]], homes: Sequence[AddressKeys], vault: Vault) -> Present:
    """Return which of these people are, or were, at one of the addresses.

    One whose record does not open counts as there: whoever is told too often is safer than whoever is not.
    """
    now: list[UUID] = []
    formerly: list[UUID] = []
    for row in rows:
        try:
            record = unpack(vault.key("risk_person", row["id"], row["data_key"]).open("record", row["sealed_record"]))
        except _UNREADABLE as error:
            _log.error("record_not_read", error=type(error).__name__)
            now.append(row["id"])
            continue
        there = [n for n, lived in enumerate(record.addresses) if any(same_address(home, lived) for home in homes)]
        if there:
            (now if there[0] < record.current else formerly).append(row["id"])
    return Present(tuple(now), tuple(formerly))


def notification_of(row: Mapping[str, Any], vault: Vault) -> RiskNotification:
    """Return what was notified of a person, opened. The caller has recorded the reading. Raises EnvelopeError."""
    key = vault.key("risk_person", row["id"], row["data_key"])
    return _decode(key.open("notification", row["sealed_notification"]))


async def may_be_brought(connection: Connection) -> bool:
    """Return whether people may be brought to children on plans in this transaction: while no import is adding any."""
    return bool(await connection.fetchval("SELECT pg_try_advisory_xact_lock_shared($1)", _BROUGHT))


async def are_added(connection: Connection) -> None:
    """Keep people from being brought to anybody until this transaction, which adds some, has ended.

    Otherwise a child who is entered meanwhile could be looked at before the people can be seen, and be on no queue.
    """
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _BROUGHT, timeout=BULK_SECONDS)


async def not_told(connection: Connection, people: Sequence[UUID], child: UUID, at: datetime) -> list[UUID]:
    """Note that these people are brought to those who follow up a child; return those who had not been before."""
    rows = await connection.fetch(
        "INSERT INTO risk_told (person_id, child_id, at) SELECT unnest($1::uuid[]), $2, $3 "
        "ON CONFLICT DO NOTHING RETURNING person_id",
        list(people),
        child,
        at,
    )
    return [row["person_id"] for row in rows]


async def are_over(connection: Connection, person: UUID) -> None:
    """Forget to whom a person was brought, whose notification has ended: should it be renewed, that is news."""
    await connection.execute("DELETE FROM risk_told WHERE person_id = $1", person)


async def index_anew(connection: Connection, vault: Vault, keys: TokenKeys, limit: int) -> int:
    """Give some people who stand under an earlier version of the tokens those of today; return how many (ADR 22).

    In the caller's transaction. A record that cannot be opened is noted and left as it is.
    """
    rows = await connection.fetch(
        "SELECT id, data_key, sealed_record FROM risk_person WHERE token_version < $1 LIMIT $2 FOR UPDATE SKIP LOCKED",
        keys.version,
        limit,
    )
    done = 0
    for row in rows:
        try:
            record = unpack(vault.key("risk_person", row["id"], row["data_key"]).open("record", row["sealed_record"]))
        except _UNREADABLE as error:
            _log.error("record_not_read", error=type(error).__name__)
            continue
        tokens = sorted(set(address_tokens(record, keys, current_only=False, of="risk")))
        await connection.execute("DELETE FROM risk_token WHERE person_id = $1", row["id"])
        await connection.execute("INSERT INTO risk_token SELECT unnest($1::bigint[]), $2", tokens, row["id"])
        await connection.execute("UPDATE risk_person SET token_version = $2 WHERE id = $1", row["id"], keys.version)
        done += 1
    return done
