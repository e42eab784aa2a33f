"""The index of earlier enquiries: what a copy of it shows, and that nobody is missed and nothing is left behind."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest
from builders import World, entry, question
from integration.log_erasures import YEARS_LATER, count, erase, erasure
from looking_again import kinds, look_again, somebody_waits
from register_imports import leads_to

from registry_api.enquiries import reindexing
from registry_api.enquiries.children import read_record
from registry_api.enquiries.reindexing import Reindexing
from registry_api.kernel.db import Database
from registry_api.kernel.errors import StoreUnavailable
from registry_api.matching.tokens import index_tokens

_GIVEN = ("Marigold", "Fenella", "Ambrose", "Clement", "Tabitha", "Rosalind", "Leopold", "Winifred")
_FAMILY = ("Rowley", "Quist", "Underhill", "Bartram", "Okonjo", "Pellew", "Greave", "Thwaite")


def nobody(number: int) -> dict[str, Any]:
    """A question about a child whom nobody knows, and who has nothing in common with the others."""
    born, home = f"201{number}-0{number + 1}-1{number}", f"{number + 3} {_FAMILY[-number - 1]} Close"
    family = f"Testperson-{_FAMILY[number]}"
    return question(_GIVEN[number], family, born=born, address=home, postcode=f"JE{number} 7QX")


def indexing(world: World) -> Reindexing:
    return Reindexing(vault=world.vault, token_keys=world.token_keys)


async def copied(world: World) -> list[tuple[int, int]]:
    """Of each row, as they lie in the table, whose it is, and the transaction that wrote it."""
    async with world.database.connection() as connection:
        rows = await connection.fetch("SELECT *, xmin::text::bigint AS written FROM enquiry_token ORDER BY ctid")
    return [(leads_to(row, world.token_keys), row["written"]) for row in rows]


def beside(rows: list[tuple[int, int]]) -> float:
    """Return the share of rows beside which another one of the same enquiry lies."""
    return sum(one == other for (one, _), (other, _) in pairwise(rows)) / (len(rows) - 1)


def written_together(rows: list[tuple[int, int]]) -> list[int]:
    """Return of how many enquiries each transaction has written rows."""
    return sorted(Counter(written for _, written in set(rows)).values())


async def only_rows_that_belong(world: World) -> bool:
    """Whether the index holds exactly the rows, masks and all, of the enquiries that stand in it."""
    async with world.database.connection() as connection:
        standing = await connection.fetch(
            "SELECT e.id, e.data_key, e.sealed_record, i.number "
            "FROM enquiry_indexed i JOIN enquiry e ON e.id = i.enquiry_id"
        )
        held = [tuple(row) for row in await connection.fetch("SELECT token, nonce, pointer FROM enquiry_token")]
    wanted = set()
    for row in standing:
        record = read_record("enquiry", row, world.vault)
        assert record is not None
        wanted.update(world.token_keys.postings(index_tokens(record, world.token_keys), row["number"]))
    return len(held) == len(set(held)) and set(held) == wanted


@pytest.mark.rule("ENQ-3")
async def test_rows_of_one_enquiry_lie_beside_each_other_only_while_it_is_new(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reindexing, "_TOGETHER", 8)
    for number in range(7):
        assert (await world.ask("officer-1", nobody(number))).json()["outcome"] == "not_known"
    assert await indexing(world).index_anew(world.keeping) == 0, "so few would not hide each other"
    rows = await copied(world)
    assert beside(rows) > 0.9, "a check of the check"
    assert written_together(rows) == [1] * 7

    await world.ask("officer-1", nobody(7))
    assert await indexing(world).index_anew(world.keeping) == 8
    rows = await copied(world)
    assert beside(rows) < 0.3, "one in eight, by chance"
    assert written_together(rows) == [8]
    assert await only_rows_that_belong(world)
    assert await indexing(world).index_anew(world.keeping) == 0


async def as_written(world: World) -> None:
    """Leave the index as the enquiries have written it."""


async def among_others(world: World) -> None:
    """Write it once more, in the order of the tokens."""
    assert await indexing(world).index_anew(world.keeping) > 0


async def from_before(world: World) -> None:
    """Leave it as the migration does: one enquiry with a number that was drawn, and no masks."""
    async with world.database.connection() as connection:
        await connection.execute("UPDATE enquiry_indexed SET number = 4242")
        await connection.execute("UPDATE enquiry_token SET nonce = NULL, pointer = 4242")


async def from_before_and_indexed_anew(world: World) -> None:
    """The same, after the background has seen it."""
    await from_before(world)
    await among_others(world)
    assert await only_rows_that_belong(world)


standing = pytest.mark.parametrize(
    "stand",
    [as_written, among_others, from_before, from_before_and_indexed_anew],
    ids=["as written", "among others", "from before", "from before, indexed anew"],
)
Stand = Callable[[World], Awaitable[None]]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The background takes a single enquiry for enough."""
    monkeypatch.setattr(reindexing, "_TOGETHER", 1)


@pytest.mark.rule("ENQ-7")
@pytest.mark.usefixtures("at_once")
@standing
async def test_an_earlier_enquiry_is_met_however_it_stands(world: World, stand: Stand) -> None:
    await world.ask("officer-1", nobody(0))
    await stand(world)
    assert (await world.ask("nurse-1", nobody(0))).json()["outcome"] == "not_known_second_enquiry"
    assert (await world.ask("nurse-1", nobody(1))).json()["outcome"] == "not_known"


@pytest.mark.rule("ENQ-10")
@pytest.mark.usefixtures("at_once")
@standing
async def test_it_is_matched_again_with_a_child_who_is_entered_later(world: World, stand: Stand) -> None:
    assert (await world.ask("officer-1", question())).json()["outcome"] == "not_known"
    await stand(world)
    await world.add(entry(key_worker=world.members["kw-1"].id))
    await look_again(world)
    assert await kinds(world) == ["earlier_enquiry"]


@pytest.mark.usefixtures("at_once")
@standing
async def test_whatever_it_is_found_by_is_erased_with_it_by_whoever_signs_the_log(world: World, stand: Stand) -> None:
    await world.ask("officer-1", nobody(0))
    await stand(world)
    await world.app.state.erasure.covered((await world.log())[-1]["id"])
    world.clock.now += YEARS_LATER
    signing = Database(world.urls.sequencer, pool_size=1)
    try:
        await erasure(world).run(signing)
    finally:
        await signing.close()
    assert [await count(world, table) for table in ("enquiry", "enquiry_indexed", "enquiry_token")] == [0, 0, 0]


@pytest.mark.usefixtures("at_once")
async def test_an_enquiry_that_is_indexed_anew_while_it_is_erased_leaves_nothing(world: World) -> None:
    await world.ask("officer-1", nobody(0))
    await world.app.state.erasure.covered((await world.log())[-1]["id"])
    await from_before(world)
    world.clock.now += YEARS_LATER
    async with world.keeping.transaction() as connection:
        assert await indexing(world)._batch(connection) == 1
        erasing = asyncio.create_task(erase(world))
        await somebody_waits(world)
    await erasing
    assert [await count(world, table) for table in ("enquiry", "enquiry_indexed", "enquiry_token")] == [0, 0, 0]


async def test_rows_of_an_enquiry_that_does_not_open_lead_nowhere_once_it_is_erased(world: World) -> None:
    await world.ask("officer-1", nobody(0))
    await world.app.state.erasure.covered((await world.log())[-1]["id"])
    async with world.database.connection() as connection:
        await connection.execute("ALTER TABLE enquiry DISABLE TRIGGER USER")  # which let no row be changed
        await connection.execute("UPDATE enquiry SET sealed_record = 'damaged'")
    world.clock.now += YEARS_LATER
    await erase(world)
    assert [await count(world, table) for table in ("enquiry", "enquiry_indexed")] == [0, 0]
    assert await count(world, "enquiry_token") > 0
    world.clock.now -= YEARS_LATER  # their agreement is over by then
    assert (await world.ask("nurse-1", nobody(0))).json()["outcome"] == "not_known"


@pytest.mark.rule("ENQ-7")
@pytest.mark.usefixtures("at_once")
async def test_a_round_that_fails_has_changed_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.ask("officer-1", nobody(0))
    rows = await copied(world)

    async def lost(*_: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr("registry_api.enquiries.reindexing.store.indexed", lost)
        with pytest.raises(StoreUnavailable):
            await indexing(world).index_anew(world.keeping)
    assert await copied(world) == rows
    assert (await world.ask("nurse-1", nobody(0))).json()["outcome"] == "not_known_second_enquiry"
