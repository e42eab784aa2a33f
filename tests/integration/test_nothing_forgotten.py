"""Nothing forgotten, in whatever order things happen: enquiries, children, people and two workers, all at once."""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from builders import World, entry, question
from integration.people_notices import NAME, notify

from registry_api.enquiries import afterwards
from registry_api.enquiries.afterwards import Afterwards
from registry_api.kernel.db import Database
from registry_api.register.entry import ChildEntry, PlanKind

_NAMES = (
    "Quillon",
    "Marigold",
    "Fenella",
    "Ambrose",
    "Clement",
    "Tabitha",
    "Rosalind",
    "Leopold",
    "Winifred",
    "Barnaby",
)


def child(world: World, number: int) -> ChildEntry:
    """A child who has nothing in common with the others but the key worker."""
    return entry(
        _NAMES[number],
        f"Demo-{_NAMES[-number - 1]}son",
        born=date(2010 + number, 1 + number, 3 + 2 * number),
        address=f"{number + 1} Larkspur Rise",
        postcode=f"JE{number} 7QX",
        plan=PlanKind.FULL,
        key_worker=world.members["kw-1"].id,
    )


def about(world: World, number: int) -> dict[str, object]:
    (name,), born = child(world, number).identity.names, child(world, number).identity.date_of_birth
    home = child(world, number).residences[0]
    return question(name.given, name.family, born=str(born), address=home.lines, postcode=home.postcode)


async def rounds(world: World, database: Database) -> None:
    """A worker that goes on and on, three children at a time."""
    again = Afterwards(vault=world.vault, token_keys=world.token_keys, clock=world.clock)
    while True:
        await again.match_again(database)
        await asyncio.sleep(0)


@pytest.mark.rule("ENQ-4", "ENQ-10")
@pytest.mark.parametrize("seed", [1, 2])
async def test_each_enquiry_comes_to_the_key_worker_once(
    world: World, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """By its answer, or because the child came after it; and never by both."""
    monkeypatch.setattr(afterwards, "_AT_ONCE", 3)
    chance, outcomes = random.Random(seed), Counter[str]()

    async def ask(number: int, after: float) -> None:
        await asyncio.sleep(after)
        outcomes[(await world.ask("officer-1", about(world, number))).json()["outcome"]] += 1

    async def enter(number: int, after: float) -> None:
        await asyncio.sleep(after)
        await world.add(child(world, number))

    workers = [asyncio.create_task(rounds(world, database)) for database in (world.keeping, world.database)]
    await world.token("officer-1", "enquiry")
    asking = [ask(number, chance.random()) for number in range(len(_NAMES))]
    entering = [enter(number, chance.uniform(0.2, 1.6)) for number in range(len(_NAMES))]
    await asyncio.gather(*asking, *entering)
    for worker in workers:
        worker.cancel()
    for worker in workers:
        with suppress(asyncio.CancelledError):
            await worker
    await Afterwards(vault=world.vault, token_keys=world.token_keys, clock=world.clock).match_again(world.keeping)
    # A child who came between the two readings of an enquiry was a neighbour to it, and is told of that as well.
    told = [one for one in await world.inbox("kw-1") if one["kind"] != "enquiry_at_address"]
    kinds = Counter(one["kind"] for one in told)
    assert (kinds["child_enquired_about"], kinds["earlier_enquiry"]) == (outcomes["on_plan"], outcomes["not_known"])
    assert len({one["about"]["reference"] for one in told}) == len(told) == len(_NAMES)


@pytest.mark.rule("CUS-1")
async def test_each_person_at_the_address_of_a_child_on_a_plan_is_brought_to_notice_once(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(afterwards, "_AT_ONCE", 3)
    chance = random.Random(3)

    async def enter(number: int, after: float) -> None:
        await asyncio.sleep(after)
        await world.add(child(world, number))

    async def import_all() -> None:
        for number in chance.sample(range(len(_NAMES)), len(_NAMES)):
            home = child(world, number).residences[0]
            cells = {"record_id": f"R-{number}", "given_names": _NAMES[number]}
            assert (await notify(world, tmp_path, address=home.lines, postcode=home.postcode, **cells)).loaded

    workers = [asyncio.create_task(rounds(world, world.keeping)) for _ in range(2)]
    entering = [enter(number, chance.random() / 2) for number in range(len(_NAMES))]
    await asyncio.gather(import_all(), *entering)
    for worker in workers:
        worker.cancel()
    for worker in workers:
        with suppress(asyncio.CancelledError):
            await worker
    await Afterwards(vault=world.vault, token_keys=world.token_keys, clock=world.clock).match_again(world.keeping)
    told = [person["name"] for one in await world.inbox("kw-1") for person in one["people"]]
    assert sorted(told) == sorted(f"{name} {NAME}" for name in _NAMES)
