"""Searching the access log: narrowed, recorded before anything is shown, and never one's own entries (ENQ-3)."""

from typing import Any

import pytest
from builders import World, entry, question

from registry_api.access_log import store as log_store
from registry_api.audit import service
from registry_api.kernel.errors import StoreUnavailable

pytestmark = pytest.mark.rule("ENQ-3")
PATH = "/api/v1/access-log"
WHY = "A complaint about who was told of this child."


async def _search(world: World, who: str, **wanted: Any) -> Any:
    body = {"purpose": "complaint", "why": WHY, **{name: str(value) for name, value in wanted.items()}}
    return await world.http.post(f"{PATH}/search", json=body, auth=world.auth(who, "casework"))


async def _asked_about(world: World) -> tuple[Any, str]:
    child = await world.add(entry(key_worker=world.members["kw-1"].id))
    answer = await world.ask("officer-1", question())
    assert answer.status_code == 200, answer.text
    return child, answer.json()["reference"]


async def test_whoever_asked_about_a_child_is_found_with_role_authority_and_reason(world: World) -> None:
    child, reference = await _asked_about(world)
    answer = await _search(world, "igo-1", child_id=child)
    assert answer.status_code == 200, answer.text
    found = answer.json()["entries"]
    assert [(one["kind"], one["reference"]) for one in found] == [
        ("enquiry.answered", reference),
        ("enquiry.received", reference),
    ]
    for one in found:
        assert one["who"]["name"] == "Testperson Officer-1"
        assert (one["who"]["role"], one["who"]["organisation"]) == ("police_officer", "Test Police")
        assert (one["purpose"], one["why"], one["urgency"]) == ("child_protection", "injury", "urgent")
        assert one["authority"]["agreements"]
        assert "enquiry.professionals" in one["authority"]["policies"]
        assert one["digest"]
    assert (found[0]["outcome"], found[0]["disclosure"]) == ("open_case", "full")
    for word in ("Quillon", "Ashgrove", "Larkspur", "960321", "Bruise"):
        assert word not in answer.text


async def test_what_an_entry_says_of_whoever_acted_is_not_changed_by_what_becomes_of_them(world: World) -> None:
    child, _ = await _asked_about(world)
    async with world.database.connection() as connection:
        await connection.execute("UPDATE professional SET role = 'nurse' WHERE id = $1", world.members["officer-1"].id)
        await connection.execute("UPDATE organisation SET name = 'Another' WHERE code = 'police'")
    found = (await _search(world, "igo-1", child_id=child)).json()["entries"]
    assert {(one["who"]["role"], one["who"]["organisation"]) for one in found} == {("police_officer", "Test Police")}


@pytest.mark.parametrize("wanted", [{}, {"since": "2026-01-01T00:00:00Z"}], ids=["nothing", "time alone"])
async def test_there_is_no_free_browsing(world: World, wanted: dict[str, str]) -> None:
    answer = await _search(world, "igo-1", **wanted)
    assert answer.status_code == 422, answer.text
    assert await world.log("log.searched") == []


async def test_a_search_has_a_reason(world: World) -> None:
    answer = await _search(world, "igo-1", organisation_id=world.organisations["police"], why="because")
    assert answer.status_code == 422


async def test_the_search_is_in_the_log_and_its_criteria_are_sealed(world: World) -> None:
    child, _ = await _asked_about(world)
    answer = await _search(world, "igo-1", child_id=child)
    (row,) = await world.log("log.searched")
    assert row["reference"] == answer.json()["search_id"]
    assert (row["reason"], row["child_ids"]) == ("complaint", [child])
    async with world.database.connection() as connection:
        kept = await connection.fetchrow("SELECT * FROM log_search")
    assert WHY.encode() not in kept["sealed_criteria"]
    assert WHY not in str(dict(row))


@pytest.mark.parametrize("who", ["kw-1", "duty-1", "tm-1", "da-1"])
async def test_nobody_else_searches(world: World, who: str) -> None:
    scope = "directory" if who == "da-1" else "casework"
    body = {"organisation_id": str(world.organisations["police"]), "purpose": "audit", "why": WHY}
    answer = await world.http.post(f"{PATH}/search", json=body, auth=world.auth(who, scope))
    assert answer.status_code == 403
    assert len(await world.log("request.refused")) == 1


@pytest.mark.parametrize("who", ["igo-1", "sm-1"])
async def test_a_search_for_oneself_is_refused_and_recorded(world: World, who: str) -> None:
    answer = await _search(world, who, professional_id=world.members[who].id)
    assert answer.status_code == 403
    assert "entries" not in answer.json()
    (refused,) = await world.log("request.refused")
    assert refused["reason"] == "ones_own"


@pytest.mark.parametrize("by", ["child_id", "organisation_id"])
async def test_ones_own_entry_among_others_is_withheld_openly(world: World, by: str) -> None:
    child, reference = await _asked_about(world)
    await world.ask("sm-1", question())
    wanted = {by: child if by == "child_id" else world.organisations["authority"]}
    first = (await _search(world, "sm-1", **wanted)).json()["entries"]
    own = [one for one in first if one["withheld"]]
    assert own
    for one in own:
        assert {name for name, said in one.items() if said is not None} == {"entry_id", "at", "withheld"}
    assert str(world.members["sm-1"].id) not in str(first)
    seen = (await _search(world, "igo-1", **wanted)).json()["entries"]
    shown = [one for one in seen if one["who"] and one["who"]["professional_id"] == str(world.members["sm-1"].id)]
    assert len(shown) >= len(own)
    assert by != "child_id" or reference in {one["reference"] for one in first}


async def test_a_call_that_one_took_for_a_caller_is_ones_own(world: World) -> None:
    child = await world.add(entry(key_worker=world.members["kw-1"].id))
    body = {
        "caller": {"organisation": "police", "professional": "officer-1"},
        "child": question(),
        "reason": "injury",
        "reason_text": "Bruise on the upper arm.",
        "urgency": "urgent",
    }
    taken = await world.http.post("/api/v1/telephone-enquiries", json=body, auth=world.auth("sm-1", "enquiry"))
    assert taken.status_code < 300, taken.text
    mine = (await _search(world, "sm-1", child_id=child)).json()["entries"]
    assert mine
    assert all(one["withheld"] for one in mine)
    others = (await _search(world, "sm-2", child_id=child)).json()["entries"]
    answered = next(one for one in others if one["kind"] == "enquiry.answered")
    assert answered["taken_by"] == str(world.members["sm-1"].id)


async def test_of_a_restricted_child_it_is_told_who_looked_and_not_how_the_child_stands(world: World) -> None:
    child = await world.add(entry(restricted=True, key_worker=world.members["kw-1"].id))
    await world.ask("officer-1", question())
    answered = (await _search(world, "igo-1", child_id=child)).json()["entries"][0]
    assert answered["who"]["role"] == "police_officer"
    assert answered["outcome"] is None


async def test_pages_are_of_the_log_as_it_was_and_each_is_recorded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PAGE", 1)
    child, _ = await _asked_about(world)
    first = (await _search(world, "igo-1", child_id=child)).json()
    await world.ask("nurse-1", question())
    path = f"{PATH}/searches/{first['search_id']}"
    second = await world.http.get(path, params={"cursor": first["next"]}, auth=world.auth("igo-1", "casework"))
    again = await world.http.get(path, auth=world.auth("igo-1", "casework"))
    assert [one["kind"] for one in second.json()["entries"]] == ["enquiry.received"]
    assert second.json()["next"] is None
    assert again.json()["entries"] == first["entries"]
    assert len(await world.log("log.search_read")) == 2


async def test_the_search_of_another_looks_like_none(world: World) -> None:
    child, _ = await _asked_about(world)
    theirs = (await _search(world, "igo-1", child_id=child)).json()["search_id"]
    seen = []
    for below in ("", "/audit-events"):
        for named in (theirs, "00000000-0000-4000-8000-000000000000"):
            path = f"{PATH}/searches/{named}{below}"
            answer = await world.http.get(path, auth=world.auth("sm-1", "casework"))
            assert answer.status_code == 404
            seen.append({**answer.json(), "request_id": None})
    assert all(one == seen[0] for one in seen)
    for cursor in ("x", "-1", "1" * 30):
        path = f"{PATH}/searches/{theirs}"
        answer = await world.http.get(path, params={"cursor": cursor}, auth=world.auth("igo-1", "casework"))
        assert answer.status_code == 404


@pytest.mark.parametrize("fails", ["the entry", "the signed head"])
async def test_what_is_not_recorded_is_not_shown(world: World, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    child, reference = await _asked_about(world)

    async def fail(*_: object) -> int:
        raise StoreUnavailable

    if fails == "the entry":
        monkeypatch.setattr(log_store, "append", fail)
    else:
        for name in ("audit", "about_children"):
            object.__setattr__(getattr(world.app.state, name), "covered", fail)
    answers = [
        await _search(world, "igo-1", child_id=child),
        *[
            await world.http.post(f"{PATH}/{what}", json=body, auth=world.auth(who, "casework"))
            for what, who, body in (
                ("accesses", "kw-1", {"child_id": str(child)}),
                ("disclosure-report", "igo-1", {"child_id": str(child), "why": WHY}),
            )
        ],
    ]
    for answer in answers:
        assert answer.status_code == 503, answer.text
        assert reference not in answer.text


@pytest.mark.parametrize(
    ("kind", "particulars"),
    [
        ("inbox.read", "no JSON"),
        ("inbox.read", "[1]"),
        ("inbox.read", '{"role": 7}'),
        ("enquiry.received", '{"taken_by": "nobody"}'),
        ("enquiry.answered", '{"disclosure": "everything", "taken_by": "nobody"}'),
    ],
)
async def test_a_row_that_is_none_of_ours_hides_nothing_else(world: World, kind: str, particulars: str) -> None:
    child, _ = await _asked_about(world)
    police = world.organisations["police"]
    async with world.database.connection() as connection:
        await connection.execute(
            "INSERT INTO access_entry (at, kind, organisation_id, particulars, child_ids, reference, reason) "
            "VALUES (now(), $1, $2, $3, $4, 'E-00000-00000', 'on_plan')",
            kind,
            police,
            particulars,
            [child],
        )
    answer = await _search(world, "igo-1", organisation_id=police)
    assert answer.status_code == 200, answer.text
    assert {kind, "enquiry.answered"} <= {one["kind"] for one in answer.json()["entries"]}
    report = {"child_id": str(child), "why": WHY}
    reported = await world.http.post(f"{PATH}/disclosure-report", json=report, auth=world.auth("igo-1", "casework"))
    assert reported.status_code == 200, reported.text
