"""Who looked at one child: for those who work with the child, and for the child's representative (ENQ-3)."""

import csv
import io
from typing import Any
from uuid import UUID

import pytest
from builders import World, entry, question
from telephone_calls import take

from registry_api.access_log import store as log_store
from registry_api.audit import children, store
from registry_api.audit.as_csv import cell
from registry_api.kernel.db import Connection
from registry_api.kernel.errors import StoreUnavailable

pytestmark = pytest.mark.rule("ENQ-3")
PATH = "/api/v1/access-log"
WHY = "A request by the child's mother, who has parental responsibility."
NOBODY = UUID("00000000-0000-4000-8000-000000000000")


async def _accesses(world: World, who: str, child: object) -> Any:
    return await world.http.post(f"{PATH}/accesses", json={"child_id": str(child)}, auth=world.auth(who, "casework"))


async def _report(world: World, who: str, child: object, **more: Any) -> Any:
    body = {"child_id": str(child), "why": WHY, **more}
    return await world.http.post(f"{PATH}/disclosure-report", json=body, auth=world.auth(who, "casework"))


async def test_the_key_worker_sees_who_last_looked_and_the_reading_is_recorded(world: World) -> None:
    child = await world.add(entry(key_worker=world.members["kw-1"].id, team_manager=world.members["tm-1"].id))
    await world.ask("officer-1", question())
    await world.ask("nurse-1", question())
    for who in ("kw-1", "tm-1", "sm-1"):
        answer = await _accesses(world, who, child)
        assert answer.status_code == 200, answer.text
        asked = [one for one in answer.json()["accesses"] if one["kind"] == "enquiry.answered"]
        assert [one["who"]["role"] for one in asked] == ["nurse", "police_officer"]
        assert asked[0]["outcome"] == "open_case"
    assert [row["child_ids"] for row in await world.log("child.accesses_read")] == [[child]] * 3


async def test_by_what_nobody_looked_is_no_access_and_no_disclosure(world: World) -> None:
    child = await world.add(entry(key_worker=world.members["kw-1"].id))
    async with world.database.connection() as connection:
        for kind in ("register.loaded", "register.changed", "person.at_address", "hold.placed", "hold.lifted"):
            await connection.execute(
                "INSERT INTO access_entry (at, kind, child_ids) VALUES ($1, $2, $3)", world.clock(), kind, [child]
            )
    assert (await _accesses(world, "kw-1", child)).json()["accesses"] == []
    told = (await _report(world, "igo-1", child)).json()["disclosures"]
    assert [one["what"] for one in told] == ["Somebody who works with the child read who had looked."]


async def test_no_more_than_the_last_25_are_shown(world: World) -> None:
    child = await world.add(entry(key_worker=world.members["kw-1"].id))
    for _ in range(27):
        world.clock.advance(seconds=1)
        answer = await _accesses(world, "kw-1", child)
    assert len(answer.json()["accesses"]) == 25
    assert answer.json()["accesses"][0]["at"] > answer.json()["accesses"][-1]["at"]


@pytest.mark.parametrize("who", ["kw-1", "tm-1", "sm-1"])
async def test_ones_own_are_a_colleagues_to_look_at(world: World, who: str) -> None:
    """Whoever works with the child, or answers for it, does not judge their own accesses (as in a search)."""
    child = await world.add(entry(key_worker=world.members["kw-1"].id, team_manager=world.members["tm-1"].id))
    assert (await take(world, by="sm-1")).status_code < 300
    for reader in ("kw-1", "tm-1", "sm-1"):
        await _accesses(world, reader, child)
    mine = str(world.members[who].id)
    answer = await _accesses(world, who, child)
    own = [one for one in answer.json()["accesses"] if one["withheld"]]
    assert len(own) == (2 if who == "sm-1" else 1), "sm-1 took the call for somebody"
    for one in own:
        assert {name for name, said in one.items() if said is not None} == {"entry_id", "at", "withheld"}
        assert one["withheld"] == "ones_own"
    assert mine not in answer.text
    assert len(answer.json()["accesses"]) == 4, "in its place, openly"
    colleague = "tm-1" if who == "kw-1" else "kw-1"
    seen = {one["entry_id"]: one for one in (await _accesses(world, colleague, child)).json()["accesses"]}
    for one in own:
        shown = seen[one["entry_id"]]
        assert mine in (shown["who"]["professional_id"], shown["taken_by"])


async def _refusals(world: World) -> list[tuple[str, UUID, list[UUID]]]:
    rows = await world.log("request.refused")
    return [(row["reason"], row["professional_id"], row["child_ids"]) for row in rows]


async def test_whoever_asks_for_a_child_that_is_not_theirs_or_not_there_is_recorded_with_it(world: World) -> None:
    """Whoever tries ids out is found by the child, and learns nothing from how they are refused."""
    child = await world.add(entry(restricted=True, key_worker=world.members["kw-1"].id))
    kw, igo = world.members["kw-2"].id, world.members["igo-1"].id
    answers = [await _accesses(world, "kw-2", named) for named in (child, NOBODY)]
    answers += [await _report(world, "igo-1", named) for named in (child, NOBODY)]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert len({str({**answer.json(), "request_id": None}) for answer in answers}) == 1
    assert len({str({**answer.headers, "x-request-id": ""}) for answer in answers}) == 1
    assert await _refusals(world) == [("not-found", who, [named]) for who in (kw, igo) for named in (child, NOBODY)]
    wanted = {"child_id": str(child), "purpose": "suspected_misuse", "why": WHY}
    found = await world.http.post(f"{PATH}/search", json=wanted, auth=world.auth("sm-1", "casework"))
    refused = [one["who"]["professional_id"] for one in found.json()["entries"] if one["kind"] == "request.refused"]
    assert refused == [str(igo), str(kw)]
    shown = (await _accesses(world, "kw-1", child)).json()["accesses"]
    assert [one["kind"] for one in shown] == ["log.searched"], "nobody looked by it, and it displaces nobody who did"


@pytest.mark.parametrize("saved", [False, True], ids=["not saved", "yet saved"])
@pytest.mark.parametrize("what", ["accesses", "report"])
async def test_nobody_is_refused_before_it_is_recorded(
    world: World, monkeypatch: pytest.MonkeyPatch, what: str, saved: bool
) -> None:
    child = await world.add(entry(restricted=True, key_worker=world.members["kw-1"].id))
    append = log_store.append

    async def fail(connection: Connection, values: dict[str, object]) -> int:
        if saved:
            await append(connection, values)
        raise StoreUnavailable

    ask, who = (_accesses, "kw-2") if what == "accesses" else (_report, "igo-1")
    await ask(world, who, NOBODY)  # with a token that is there, so that nothing else is recorded
    monkeypatch.setattr(log_store, "append", fail)
    answers = [await ask(world, who, named) for named in (child, NOBODY)]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert len(await _refusals(world)) == (3 if saved else 1)


async def test_another_ones_child_looks_like_none(world: World) -> None:
    child = await world.add(entry(key_worker=world.members["kw-1"].id, team_manager=world.members["tm-1"].id))
    closed = await world.add(entry("Bartram", case=False, key_worker=world.members["kw-2"].id))
    seen = [await _accesses(world, "kw-2", named) for named in (child, closed, NOBODY)]
    assert [answer.status_code for answer in seen] == [404] * 3
    assert len({str({**answer.json(), "request_id": None}) for answer in seen}) == 1
    assert await world.log("child.accesses_read") == []
    await world.cover("kw-1", "kw-2")
    assert (await _accesses(world, "kw-2", child)).status_code == 200


async def test_of_a_restricted_child_only_those_who_work_with_it_are_told(world: World) -> None:
    child = await world.add(entry(restricted=True, key_worker=world.members["kw-1"].id))
    assert (await _accesses(world, "kw-1", child)).status_code == 200
    assert (await _accesses(world, "sm-1", child)).status_code == 404
    for who in ("sm-1", "igo-1"):
        assert (await _report(world, who, child)).status_code == 404


async def test_the_report_says_who_was_told_what_and_nothing_of_third_parties(world: World) -> None:
    child = await world.add(entry(key_worker=world.members["kw-1"].id))
    await world.add(entry("Rosalind", born=None, key_worker=world.members["kw-2"].id))
    asked = (await world.ask("officer-1", question())).json()["reference"]
    answer = await _report(world, "igo-1", child)
    assert answer.status_code == 200, answer.text
    told = next(one for one in answer.json()["disclosures"] if one["reference"] == asked)
    assert told["told"] == "That Children's Services have an open case, and whom to turn to."
    assert (told["name"], told["role"], told["organisation"]) == (
        "Testperson Officer-1",
        "police_officer",
        "Test Police",
    )
    assert (told["purpose"], told["reason"]) == ("child_protection", "injury")
    for word in ("960321", "Bruise", "Rosalind", "Larkspur"):
        assert word not in answer.text
    (recorded,) = await world.log("child.disclosures_reported")
    assert recorded["child_ids"] == [child]


async def test_an_enquiry_about_another_child_tells_nothing_of_that_child(world: World) -> None:
    child = await world.add(entry("Rosalind", "Fennimore-Test"))
    await world.add(entry(key_worker=world.members["kw-1"].id))
    reference = (await world.ask("officer-1", question())).json()["reference"]
    async with world.database.connection() as connection:
        # As of a child on a plan at the address.
        await connection.execute(
            "INSERT INTO access_entry (at, kind, reference, reason, child_ids) VALUES (now(), $1, $2, 'on_plan', $3)",
            "enquiry.answered",
            reference,
            [child],
        )
    (one,) = (await _report(world, "igo-1", child)).json()["disclosures"]
    assert one["told"].startswith("The enquiry was about somebody else")


async def test_what_is_exempt_is_left_out_without_a_word_and_the_record_has_it(world: World) -> None:
    child = await world.add(entry(key_worker=world.members["kw-1"].id))
    kept, left = [(await world.ask(who, question())).json()["reference"] for who in ("nurse-1", "officer-1")]
    answer = await _report(world, "igo-1", child, left_out=[{"reference": left, "exemption": "crime"}])
    assert kept in answer.text
    assert left not in answer.text
    assert "crime" not in answer.text
    async with world.database.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM log_search")
    sealed = world.vault.key("log_search", row["id"], row["data_key"]).open("criteria", row["sealed_criteria"])
    assert left.encode() in sealed
    assert b"crime" in sealed


async def test_as_csv_it_says_the_same(world: World) -> None:
    child = await world.add(entry(key_worker=world.members["kw-1"].id))
    asked = (await world.ask("officer-1", question())).json()["reference"]
    answer = await _report(world, "igo-1", child, format="csv")
    assert answer.headers["content-type"].startswith("text/csv")
    (row,) = [one for one in csv.DictReader(io.StringIO(answer.text)) if one["reference"] == asked]
    assert (row["name"], row["organisation"]) == ("Testperson Officer-1", "Test Police")


async def _looked(world: World, child: UUID, times: int) -> int:
    """Have so many entries about a child in the log, as of many years; return the number of the first."""
    async with world.database.connection() as connection:
        return int(
            await connection.fetchval(
                "WITH more AS (INSERT INTO access_entry (at, kind, reference, child_ids) "
                "SELECT $1, 'enquiry.explained', n, ARRAY[$2::uuid] FROM generate_series(1, $3::int) n RETURNING id) "
                "SELECT min(id) FROM more",
                world.clock(),
                child,
                times,
            )
        )


async def test_a_report_is_whole_however_long_it_is(world: World) -> None:
    child = await world.add(entry(key_worker=world.members["kw-1"].id))
    await _looked(world, child, 10_001)
    whole = [str(n) for n in range(1, 10_002)]
    as_json = (await _report(world, "igo-1", child)).json()["disclosures"]
    assert [one["reference"] for one in as_json] == whole
    # The second report says of the first one, too.
    answer = await _report(world, "igo-1", child, format="csv")
    *as_csv, first = csv.DictReader(io.StringIO(answer.text))
    assert [one["reference"] for one in as_csv] == whole
    assert first["what"] == "A report such as this one was made."


async def test_a_report_is_of_one_moment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry that runs out while it is made, and one that comes in, change nothing of it."""
    child = await world.add(entry(key_worker=world.members["kw-1"].id))
    first = await _looked(world, child, 5)
    monkeypatch.setattr(children, "_AT_ONCE", 2)
    numbered = store.numbered
    pages: list[object] = []

    async def meanwhile(connection: Connection, numbers: Any) -> list[Any]:
        if not pages:
            await _looked(world, child, 1)
            async with world.database.connection() as other:
                await other.execute(
                    "INSERT INTO log_erased (entry_id, access_entry_id, erasure) VALUES (gen_random_uuid(), $1, 1)",
                    first + 4,
                )
                await other.execute("DELETE FROM access_entry WHERE id = $1", first + 4)
        pages.append(numbers)
        return await numbered(connection, numbers)

    monkeypatch.setattr(store, "numbered", meanwhile)
    told = (await _report(world, "igo-1", child)).json()["disclosures"]
    assert [one["reference"] for one in told] == ["1", "2", "3", "4", "5"]
    assert len(pages) == 3
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM access_entry WHERE id = $1", first + 4) == 0


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r", " =", "\uff1d"], ids=repr)
def test_no_cell_is_a_formula(begins: str) -> None:
    assert cell(f"{begins}1+1") == f"'{begins}1+1"
    assert cell("Testperson = One") == "Testperson = One"
    assert cell(None) == ""


@pytest.mark.parametrize("who", ["kw-1", "tm-1", "duty-1"])
async def test_nobody_else_makes_a_report(world: World, who: str) -> None:
    child = await world.add(entry(key_worker=world.members["kw-1"].id))
    assert (await _report(world, who, child)).status_code == 403
