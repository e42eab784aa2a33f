"""What a few enquiries that follow each other show, beside all that they have to be compared with.

What is wrong with one person's or one enquiry's data is noted, and the others are looked over all the same.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import structlog

from policies.enquirer import Role
from policies.profile import OversightTable
from registry_api.directory import store as directory_store
from registry_api.enquiries.children import read_record
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Connection
from registry_api.kernel.errors import StoreUnavailable
from registry_api.matching.address import normalise_address
from registry_api.matching.bands import surely_same_child
from registry_api.matching.record import Record
from registry_api.matching.token_keys import TokenKeys
from registry_api.matching.tokens import query_tokens
from registry_api.oversight import store
from registry_api.oversight.rules import (
    DAY,
    HOUR,
    AlertKind,
    Private,
    Seen,
    Sign,
    bursts,
    own_family,
    same_child_again,
    surnames_of,
    trying_out,
    unusual_volume,
)
from registry_api.register import store as register_store

Unsettled: TypeAlias = Callable[[AlertKind, UUID, UUID | None], Callable[[UUID], bool]]
"""Tells, for a kind of alert, an organisation and a professional (None: all of them), which enquiries still count."""

_log = structlog.get_logger()


def longest_look_back(figures: OversightTable) -> timedelta:
    """Return how long before an enquiry others can lie that it is looked at together with."""
    days = max(figures.same_child_days, figures.trying_out_days)
    return max(DAY, timedelta(days=days), timedelta(minutes=figures.trying_out_minutes))


class Looking:
    """One look at some enquiries, each a row of ``store.next_enquiries``, the oldest first."""

    def __init__(
        self,
        connection: Connection,
        rows: Sequence[Any],
        unsettled: Unsettled,
        *,
        vault: Vault,
        token_keys: TokenKeys,
        figures: OversightTable,
    ) -> None:
        """``figures``: from when on it is misuse, by the authority's profile."""
        self._connection = connection
        self._rows = rows
        self._unsettled = unsettled
        self._vault, self._token_keys = vault, token_keys
        self._figures = figures
        self._first, self._last = rows[0]["received_at"], rows[-1]["received_at"]
        self._belongs: dict[UUID, UUID] = {row["professional_id"]: row["organisation_id"] for row in rows}
        self._roles = {row["professional_id"]: Role(row["role"]) for row in rows}
        self._same_child_within = timedelta(days=figures.same_child_days)
        self._trying_out_within = timedelta(minutes=figures.trying_out_minutes)
        self._slowly_within = timedelta(days=figures.trying_out_days)
        self._records: dict[UUID, Record | None] = {}

    async def signs(self) -> list[Sign]:
        """Return every sign that one of the enquiries is part of. Raises what the database raises."""
        return [
            *await self._volumes(),
            *await self._trying_out(),
            *await self._over_days(),
            *await self._own_families(),
        ]

    async def _volumes(self) -> list[Sign]:
        figures, signs = self._figures, []
        for professional, organisation in self._belongs.items():
            hour, day = figures.floors_of(self._roles[professional])
            signs += await self._volume("professional_id", professional, organisation, professional, hour, day)
        for organisation in set(self._belongs.values()):
            hour, day = figures.organisation_hour, figures.organisation_day
            signs += await self._volume("organisation_id", organisation, organisation, None, hour, day)
        return signs

    async def _volume(
        self, whose: store.Whose, who: UUID, organisation: UUID, professional: UUID | None, hour: int, day: int
    ) -> list[Sign]:
        counts = self._unsettled(AlertKind.UNUSUAL_VOLUME, organisation, professional)
        times = await store.times_of(self._connection, whose, who, self._first - DAY, self._last)
        asked = [(at, id_) for at, id_ in times if counts(id_)]
        events = [(at, id_, id_) for at, id_ in asked]
        busy = frozenset[UUID]().union(*bursts(events, HOUR, hour), *bursts(events, DAY, day))
        if not busy:
            return []  # as nearly always: what is usual need not be known
        began = min(at for at, id_ in asked if id_ in busy)
        weeks = timedelta(weeks=self._figures.usual_weeks)
        usual = await store.usual(self._connection, whose, who, began - weeks, began)
        groups = unusual_volume(asked, usual, hour=hour, day=day, times_usual=self._figures.times_usual)
        return [Sign(AlertKind.UNUSUAL_VOLUME, organisation, professional, group) for group in groups]

    async def _trying_out(self) -> list[Sign]:
        since = self._first - self._trying_out_within
        asked = []
        for row in await store.asked_by(self._connection, self._belongs, since, self._last):
            counts = self._unsettled(AlertKind.TRYING_OUT, row["organisation_id"], row["professional_id"])
            if counts(row["id"]):
                asked.append(_seen(row, await self._record(row)))
        figures = self._figures
        # In a thread: it may take some hundredths of a second, for which no answer has to wait.
        return await asyncio.to_thread(
            trying_out, asked, within=self._trying_out_within, tries=figures.trying_out_tries
        )

    async def _over_days(self) -> list[Sign]:
        signs: list[Sign] = []
        for row in self._rows:
            record = await self._record(row)
            if record is not None and row["refusal"] is None:
                with _as_far_as_possible():
                    since = row["received_at"] - max(self._same_child_within, self._slowly_within)
                    tokens = query_tokens(record, self._token_keys)
                    rows = [row, *await store.perhaps_about_one(self._connection, row, tokens, since)]
                    opened = [(one, other) for one in rows if (other := await self._record(one)) is not None]
                    signs += self._again(row, record, rows, opened)
                    signs += await self._slowly(row, opened)
        return signs

    def _again(
        self,
        row: Mapping[str, Any],
        record: Record,
        rows: Sequence[Mapping[str, Any]],
        opened: Sequence[tuple[Mapping[str, Any], Record]],
    ) -> list[Sign]:
        alike = set(surely_same_child(record, [(one["id"], other) for one, other in opened if one is not row]))
        child, organisation = row["child_id"], row["organisation_id"]
        same = [
            one for one in rows if one is row or one["id"] in alike or (child is not None and one["child_id"] == child)
        ]
        signs: list[Sign] = []
        for professional, least in (
            (row["professional_id"], self._figures.same_child_professional),
            (None, self._figures.same_child_organisation),
        ):
            counts = self._unsettled(AlertKind.SAME_CHILD_AGAIN, organisation, professional)
            whose = [
                _seen(one, None) for one in same if counts(one["id"]) and professional in (None, one["professional_id"])
            ]
            groups = same_child_again(
                whose, within=self._same_child_within, least=least, by_several=professional is None
            )
            signs += [Sign(AlertKind.SAME_CHILD_AGAIN, organisation, professional, group) for group in groups]
        return signs

    async def _slowly(self, row: Mapping[str, Any], opened: Sequence[tuple[Mapping[str, Any], Record]]) -> list[Sign]:
        """Return what is tried out over days, or by several colleagues: what is asked stays nearly the same, so it is
        among what an enquiry finds of the earlier ones."""
        signs: list[Sign] = []
        tries = self._figures.trying_out_slow_tries
        for professional in (row["professional_id"], None):
            counts = self._unsettled(AlertKind.TRYING_OUT, row["organisation_id"], professional)
            asked = [
                _seen(one, record)
                for one, record in opened
                if counts(one["id"]) and professional in (None, one["professional_id"])
            ]
            if len(asked) >= tries:
                signs += await asyncio.to_thread(
                    trying_out, asked, within=self._slowly_within, tries=tries, by_several=professional is None
                )
        return signs

    async def _own_families(self) -> list[Sign]:
        private: dict[UUID, Private] = {}
        for row in await directory_store.people(self._connection, list(self._belongs)):
            with _as_far_as_possible():
                private[row["id"]] = self._private(row)
        # Of whom no address is known, none can be the child's.
        at_home = {row["child_id"] for row in self._rows if (of := private.get(row["professional_id"])) and of.home}
        entries = await register_store.records(self._connection, at_home - {None})
        children = {row["id"]: record for row in entries if (record := read_record("child", row, self._vault))}
        signs = []
        for row in self._rows:
            of, record, child = private.get(row["professional_id"]), await self._record(row), row["child_id"]
            if of is None or record is None:
                continue
            kind = own_family(record, of, [children[child]] if child in children else [])
            if kind and self._unsettled(kind, row["organisation_id"], row["professional_id"])(row["id"]):
                signs.append(Sign(kind, row["organisation_id"], row["professional_id"], frozenset({row["id"]})))
        return signs

    def _private(self, row: Mapping[str, Any]) -> Private:
        kept = json.loads(self._vault.key("professional", row["id"], row["data_key"]).open("person", row["sealed"]))
        home = kept.get("home_address")
        return Private(surnames_of(kept["name"]), normalise_address(home["lines"], home["postcode"]) if home else None)

    async def _record(self, row: Mapping[str, Any]) -> Record | None:
        """Return what was asked, opened once; None where it cannot be read."""
        if row["id"] not in self._records:
            if len(self._records) % 50 == 0:
                await asyncio.sleep(0)  # answers go first
            self._records[row["id"]] = read_record("enquiry", row, self._vault)
        return self._records[row["id"]]


def _seen(row: Mapping[str, Any], record: Record | None) -> Seen:
    return Seen(row["id"], row["received_at"], row["professional_id"], row["organisation_id"], row["child_id"], record)


@contextlib.contextmanager
def _as_far_as_possible() -> Iterator[None]:
    """Let what cannot be read of one enquiry or person not keep everything after it from being looked over."""
    try:
        yield
    except (StoreUnavailable, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        raise  # the transaction is lost: the next round takes up at the same place
    except Exception as error:
        _log.error("not_looked_over", error=type(error).__name__)
