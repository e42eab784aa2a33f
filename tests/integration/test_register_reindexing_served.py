"""Two processes answer and index anew at the same time: no enquiry misses anybody, at any moment of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from itertools import cycle
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from builders import BASE_URL, World, entry, question
from integration.people_notices import notify

from registry_api.enquiries import reindexing
from registry_api.enquiries.reindexing import Reindexing
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.errors import StoreUnavailable
from registry_api.main import create_app
from registry_api.matching.token_keys import TOKEN_VERSION, TokenKeys
from registry_api.register.entry import PlanKind, Residence

pytestmark = [pytest.mark.rule("ENQ-4"), pytest.mark.rule("ENQ-5"), pytest.mark.rule("ENQ-7")]
_FAMILIES = ("Demo-Larkin", "Demo-Wetherby", "Demo-Ashdown", "Demo-Pemberton", "Demo-Okonkwo")
_UNKNOWN = ("Testperson-Rowley", "Testperson-Quist", "Testperson-Underhill")
_MOVED = date(2025, 8, 1)
_OUTDATED = f"""
SELECT (SELECT count(*) FROM child WHERE token_version < {TOKEN_VERSION})
     + (SELECT count(*) FROM risk_person WHERE token_version < {TOKEN_VERSION})
     + (SELECT count(*) FROM enquiry_indexed WHERE version < {TOKEN_VERSION})
"""


@asynccontextmanager
async def another_process(world: World) -> AsyncIterator[tuple[Any, httpx2.AsyncClient]]:
    """The same service once more over the same database, with keys and connections of its own."""
    app = create_app(world.settings, world.urls, clock=world.clock)
    transport = httpx2.ASGITransport(app=app)
    async with app.router.lifespan_context(app), httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as http:
        yield app, http


def nobody(family: str) -> dict[str, Any]:
    """A question about a child whom nobody knows, each born and living elsewhere than the others."""
    number = _UNKNOWN.index(family) + 1
    given = ("Marigold", "Fenella", "Ambrose")[number - 1]
    return question(given, family, born=f"201{number}-0{number}-17", address=f"{number} Foxglove Close")


async def earlier_release(world: World, tmp_path: Path) -> dict[str, set[UUID]]:
    """Fill the register as an earlier release did; return whom the answer about each family's child has to be about.

    Each child has moved from where it will be asked about, to beside a child on a plan; a person who may pose a risk
    lives where it was.
    """
    served: TokenKeys = world.app.state.enquiries._token_keys
    keys, world.token_keys = world.token_keys, world.token_keys.of(TOKEN_VERSION - 1)
    world.app.state.enquiries._token_keys = world.token_keys
    met: dict[str, set[UUID]] = {}
    for house, family in enumerate(_FAMILIES, 1):
        homes = (
            Residence(lines=f"{house} Sorrel Way", postcode="JE7 3ZZ", valid_from=_MOVED),
            Residence(lines=f"{house} Larkspur Rise", postcode="JE5 7QX", valid_to=_MOVED),
        )
        child = replace(entry("Quillon", family, key_worker=world.members["kw-1"].id), residences=homes)
        beside = entry(
            "Persimmon", f"Demo-Beside{house}", born=date(2012, 1, house), address=homes[0].lines, postcode="JE7 3ZZ",
            plan=PlanKind.FULL, key_worker=world.members["kw-2"].id,
        )  # fmt: skip
        met[family] = {await world.add(child), await world.add(beside)}
        await notify(world, tmp_path, record_id=f"R-{house}", address=f"{house} Larkspur Rise")
    for family in _UNKNOWN:
        assert (await world.ask("officer-1", nobody(family))).json()["outcome"] == "not_known"
    world.token_keys, world.app.state.enquiries._token_keys = keys, served
    return met


class Asking:
    """Enquiries one after another, of everybody in turn, until they are told to stop."""

    def __init__(self, world: World, client: httpx2.AsyncClient, met: dict[str, set[UUID]]) -> None:
        self.world, self.client, self.met = world, client, met
        self.over = asyncio.Event()
        self.answered = 0

    async def ask(self, child: dict[str, Any]) -> dict[str, Any]:
        body = {
            "child": child,
            "reason": "injury",
            "reason_text": "Bruise on the upper arm.",
            "urgency": "urgent",
            "call_back_number": "01632 960321",
        }
        answer = await self.client.post("/api/v1/enquiries", json=body, auth=self.world.auth("nurse-1", "enquiry"))
        assert answer.status_code == 200, answer.text
        self.answered += 1
        answered: dict[str, Any] = answer.json()
        return answered

    async def known(self, family: str) -> None:
        house = _FAMILIES.index(family) + 1
        said = await self.ask(question("Quillon", family, address=f"{house} Larkspur Rise"))
        assert said["outcome"] == "open_case"
        async with self.world.database.connection() as connection:
            ids = await connection.fetchval(
                "SELECT child_ids FROM access_entry WHERE kind = 'enquiry.answered' AND reference = $1",
                said["reference"],
            )
            people = await connection.fetchval("SELECT count(*) FROM risk_person WHERE id = ANY($1)", ids)
        assert self.met[family] <= set(ids), "the child, and the one who lives with them"
        assert people == 1, "and the person where the child was asked about"

    async def unknown(self, family: str) -> None:
        said = await self.ask(nobody(family))
        assert said["outcome"] == "not_known_second_enquiry"

    async def go_on(self) -> None:
        for family in cycle((*_FAMILIES, *_UNKNOWN)):
            await (self.known if family in _FAMILIES else self.unknown)(family)
            if self.over.is_set():
                return


async def left_to_do(world: World) -> int:
    async with world.database.connection() as connection:
        return int(await connection.fetchval(_OUTDATED))


async def test_nobody_is_missed_while_two_processes_answer_and_index_anew(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    met = await earlier_release(world, tmp_path)
    before = await left_to_do(world)
    batch, batches = Reindexing._batch, 0

    async def some_fail(self: Reindexing, connection: Connection) -> int:
        nonlocal batches
        batches += 1
        done = await batch(self, connection)
        await asyncio.sleep(0.05)  # enquiries are answered while it is written and not committed
        if batches % 3 == 0:
            raise StoreUnavailable
        return done

    monkeypatch.setattr(reindexing, "_AT_ONCE", 2)
    monkeypatch.setattr(reindexing, "_MOST_BATCHES", 2)
    monkeypatch.setattr(Reindexing, "_batch", some_fail)

    async def index_anew(keys: TokenKeys, database: Database) -> int:
        own, done = Reindexing(vault=world.vault, token_keys=keys), 0
        await own.expect(database)
        while keys.outdated:
            try:
                done += await own.index_anew(database)
            except StoreUnavailable:
                assert keys.outdated, "what was not done is still looked under"
            await asyncio.sleep(0.15)  # the other one's turn; nor do the rounds of two processes end together
        return done

    async with another_process(world) as (app, other):
        keys = [one.state.enquiries._token_keys for one in (world.app, app)]
        for own in keys:  # as each process does before it answers anybody
            await Reindexing(vault=world.vault, token_keys=own).expect(world.keeping)
        asking = [Asking(world, client, met) for client in (world.http, other, world.http, other)]
        goes_on = [asyncio.create_task(one.go_on()) for one in asking]
        try:
            done = await asyncio.gather(*(index_anew(own, world.keeping) for own in keys))
        finally:
            for one in asking:
                one.over.set()
            await asyncio.gather(*goes_on)
    assert before > 0
    assert sum(done) > 0
    assert batches > 5
    assert min(one.answered for one in asking) > 3
    assert await left_to_do(world) == 0
