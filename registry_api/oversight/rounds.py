"""Enquiries are looked over after they were answered, oldest first, each once, whatever happened in between.

A round takes up where the last one ended, however long ago that was, and is done by one worker at a time. What it
raises and how far it came are one transaction: after a crash it is done again, and nothing of it is there twice. It has
a connection of its own and gives way to answers.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from policies.enquirer import Role
from policies.profile import Profile
from registry_api.access_log import store as access_log
from registry_api.kernel.clock import Clock
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.statement import Statement
from registry_api.matching.token_keys import TokenKeys
from registry_api.oversight import store
from registry_api.oversight.looking import Looking, longest_look_back
from registry_api.oversight.rules import AlertKind, merged, owner_of
from registry_api.oversight.store import Place
from registry_api.routing.rules import SAFEGUARDING_MANAGER
from registry_api.routing.store import TELL, Kind, Notice, told_values

SETTLED = timedelta(seconds=60)
"""How old an enquiry is when it is looked over. Each attempt to record and answer one is given up long before, so that
nothing can still be committed behind the place that the looking has come to."""

_MOST_AT_ONCE = 200
_MOST_BATCHES = 10
_ALL_IN_ONE = frozenset({AlertKind.OWN_ADDRESS, AlertKind.OWN_SURNAME})
"""What one enquiry shows by itself: another one adds to the alert that is open."""
_TELL = Statement(TELL)


@dataclass(slots=True)
class _Alert:
    """An alert that is there already, or has just been raised."""

    id: UUID
    enquiries: frozenset[UUID]
    is_open: bool


_Whose = tuple[AlertKind, UUID, UUID | None]
"""Of what kind an alert is, the organisation, and the professional unless it is about all of them."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """The looking, over what it needs."""

    vault: Vault
    token_keys: TokenKeys
    profile: Profile
    clock: Clock

    async def look_over(self, database: Database) -> int:
        """Look over what has been asked since the last round, as much as a round may hold; return how much it was.

        ``database``: whose connections to use: not those that requests, or the counting of limits, wait for. Raises
        StoreUnavailable; the next round takes up at the same place.
        """
        looked = 0
        for _ in range(_MOST_BATCHES):
            async with database.transaction() as connection:
                batch = await self._batch(connection)
            looked += batch
            if batch < _MOST_AT_ONCE:
                break
        return looked

    async def _batch(self, connection: Connection) -> int:
        place = await store.take_turn(connection)
        if place is None:
            return 0
        rows = await store.next_enquiries(connection, place, self.clock() - SETTLED, _MOST_AT_ONCE)
        if rows:
            await _Batch(self, connection, rows).look_over()
            await store.come_to(connection, Place(rows[-1]["received_at"], rows[-1]["id"]))
        return len(rows)


class _Batch:
    """Some enquiries that follow each other, and what they are compared with."""

    def __init__(self, rounds: Rounds, connection: Connection, rows: Sequence[Any]) -> None:
        self._rounds = rounds
        self._connection = connection
        self._rows = rows
        self._professionals = {row["professional_id"]: Role(row["role"]) for row in rows}
        self._organisations = {row["organisation_id"]: bool(row["own_authority"]) for row in rows}
        self._alerts: dict[_Whose, list[_Alert]] = defaultdict(list)

    async def look_over(self) -> None:
        """Raise what there is to raise."""
        figures = self._rounds.profile.oversight
        since = self._rows[0]["received_at"] - longest_look_back(figures)
        for row in await store.alerts_about(self._connection, self._professionals, self._organisations, since):
            whose = AlertKind(row["kind"]), row["organisation_id"], row["professional_id"]
            self._alerts[whose].append(_Alert(row["id"], frozenset(row["enquiry_ids"]), row["decided_at"] is None))
        looking = Looking(
            self._connection,
            self._rows,
            self._unsettled,
            vault=self._rounds.vault,
            token_keys=self._rounds.token_keys,
            figures=figures,
        )
        found: dict[_Whose, list[frozenset[UUID]]] = defaultdict(list)
        for sign in await looking.signs():
            found[sign.kind, sign.organisation, sign.professional].append(sign.enquiries)
        for whose, groups in found.items():
            for group in merged(groups):
                await self._raise(whose, group)

    def _unsettled(self, kind: AlertKind, organisation: UUID, professional: UUID | None) -> Callable[[UUID], bool]:
        """Return whether an enquiry still counts: what a person has decided on is settled."""
        alerts = self._alerts[kind, organisation, professional]
        settled = frozenset[UUID]().union(*(alert.enquiries for alert in alerts if not alert.is_open))
        return lambda enquiry: enquiry not in settled

    async def _raise(self, whose: _Whose, enquiries: frozenset[UUID]) -> None:
        """Raise an alert, or add to those that are open about some of the same enquiries."""
        alerts = self._alerts[whose]
        together = whose[0] in _ALL_IN_ONE
        touching = [alert for alert in alerts if alert.is_open and (together or alert.enquiries & enquiries)]
        for alert in touching:
            if not enquiries <= alert.enquiries:
                alert.enquiries |= enquiries
                await store.add_to_alert(self._connection, alert.id, alert.enquiries)
        if touching:
            return
        kind, organisation, professional = whose
        role = self._professionals[professional] if professional else None
        owner = owner_of(role, own_authority=self._organisations[organisation])
        alert_id, now = uuid4(), self._rounds.clock()
        occurrence = f"{kind}:{professional or organisation}:{min(enquiries)}"
        values = (alert_id, occurrence, now, kind, professional, organisation, list(enquiries), owner)
        if not await store.raise_alert(self._connection, values):
            return
        alerts.append(_Alert(alert_id, enquiries, is_open=True))
        if owner == SAFEGUARDING_MANAGER.role:  # others have no inbox: they read the alerts themselves
            notice = Notice(Kind.MISUSE_ALERT, "routine", SAFEGUARDING_MANAGER)
            await _TELL.fetch(self._connection, told_values([notice], at=now, alert_id=alert_id))
        entry = access_log.values(at=now, kind="alert.raised", reference=str(alert_id), reason=kind)
        await access_log.append(self._connection, entry)
