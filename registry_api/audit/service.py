"""The log searched by those who answer for it: never without a criterion and a reason, and never unrecorded.

A search is in the log, under a signed head, before anything is shown; so is each page of it and each export. One's own
entries are refused: a search for oneself altogether, and among what else was found each in its place, openly. To refuse
the whole would let nobody search for a child twice, for the first search is an entry about that child as well.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from policies.access import Refused, may_open_restricted, may_read_log
from policies.enquirer import Enquirer
from policies.profile import Profile
from registry_api.access_log.admitting import admit
from registry_api.audit import fhir, searching, showing, store
from registry_api.audit.schemas import EntryShown, LogFound, LogSearchRequest
from registry_api.kernel.clock import Clock
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.errors import NotFound

Covered = Callable[[int], Awaitable[object]]
SEARCHED, READ_ON, EXPORTED = SEARCHES = ("log.searched", "log.search_read", "log.events_exported")
"""The kinds of the entries by which it is recorded."""
PAGE: Final = 50
MOST_EXPORTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Audit:
    """The use-cases, over what they need.

    ``covered`` returns when an entry lies under a signed head; ``base_url`` is what the service is called in events.
    """

    database: Database
    vault: Vault
    profile: Profile
    clock: Clock
    covered: Covered
    base_url: str

    async def search(self, enquirer: Enquirer, request: LogSearchRequest) -> LogFound:
        """Record what is searched for and why, then return the newest of what there is.

        Raises Forbidden, also when one's own entries are asked for; StoreUnavailable: then nothing was shown.
        """
        now = self.clock()
        may = may_read_log(enquirer, self.profile.today(now), about=request.professional_id)
        recorded = await searching.record(
            self.database,
            self.vault,
            self.profile.retention,
            enquirer,
            may,
            SEARCHED,
            request,
            at=now,
            reason=request.purpose.value,
            child_ids=[request.child_id] if request.child_id else [],
        )
        await self.covered(recorded.entry)
        async with self.database.connection() as connection:
            return await self._page(connection, enquirer, recorded.id, _wanted(request), recorded.up_to + 1)

    async def page(self, enquirer: Enquirer, search_id: UUID, cursor: str | None) -> LogFound:
        """Record it, and return the page of one's own search that begins at ``cursor``.

        Raises Forbidden, StoreUnavailable; NotFound where there is no such search, it is not theirs, or no such page.
        """
        request, up_to = await self._again(enquirer, search_id, READ_ON)
        async with self.database.connection() as connection:
            before = _before(cursor, up_to)
            return await self._page(connection, enquirer, search_id, _wanted(request), before)

    async def audit_events(self, enquirer: Enquirer, search_id: UUID) -> str:
        """Record it, and return what one's own search finds as FHIR R4 AuditEvents, a line each (NDJSON).

        One's own are not among them; what was left out, those included, is said by an OperationOutcome as the last
        line. Raises as ``page``.
        """
        request, up_to = await self._again(enquirer, search_id, EXPORTED)
        async with self.database.connection() as connection:
            rows = await store.entries(connection, _wanted(request), before=up_to + 1, limit=MOST_EXPORTED + 1)
            more, rows = len(rows) > MOST_EXPORTED, rows[:MOST_EXPORTED]
            others = [row for row in rows if not showing.is_ones_own(row, enquirer.professional_id)]
            entries = await self._shown(connection, enquirer, others)
        events = [fhir.audit_event(entry, observer=self.base_url, child_id=request.child_id) for entry in entries]
        if more or len(others) < len(rows):
            events.append(fhir.left_out(own=len(rows) - len(others), more=more))
        return "".join(json.dumps(event, separators=(",", ":")) + "\n" for event in events)

    async def _again(self, enquirer: Enquirer, search_id: UUID, kind: str) -> tuple[LogSearchRequest, int]:
        """Return a search of one's own and up to which entry it goes, once it is recorded and under a signed head."""
        now = self.clock()
        may = may_read_log(enquirer, self.profile.today(now))
        # No connection is held while the log is waited for: whoever else waits for one would wait with it.
        async with self.database.connection() as connection:
            number = await admit(connection, enquirer, may, kind, at=now, reference=str(search_id))
            row = await store.search(connection, search_id, enquirer.professional_id)
        if row is None:
            raise NotFound
        await self.covered(number)
        asked = searching.criteria(self.vault, search_id, row["data_key"], row["sealed_criteria"])
        return LogSearchRequest.model_validate_json(asked), row["up_to"]

    async def _page(
        self, connection: Connection, enquirer: Enquirer, search_id: UUID, wanted: store.Wanted, before: int
    ) -> LogFound:
        rows = await store.entries(connection, wanted, before=before, limit=PAGE + 1)
        page = rows[:PAGE]
        return LogFound(
            search_id=search_id,
            entries=tuple(await self._shown(connection, enquirer, page)),
            next=str(page[-1]["id"]) if len(rows) > PAGE else None,
        )

    async def _shown(
        self, connection: Connection, enquirer: Enquirer, rows: Sequence[Mapping[str, Any]]
    ) -> list[EntryShown]:
        today = self.profile.today(self.clock())
        opens = not isinstance(may_open_restricted(enquirer, today), Refused)
        names = await showing.names(connection, self.vault, rows)
        return [
            showing.shown(row, names, to=enquirer.professional_id, tells_outcome=opens or not row["of_restricted"])
            for row in rows
        ]


def _wanted(request: LogSearchRequest) -> store.Wanted:
    return store.Wanted(
        request.child_id, request.organisation_id, request.professional_id, request.since, request.until
    )


def _before(cursor: str | None, up_to: int) -> int:
    if cursor is None:
        return up_to + 1
    if not (cursor.isascii() and cursor.isdecimal()) or len(cursor) > 18:
        raise NotFound
    return min(int(cursor), up_to + 1)
