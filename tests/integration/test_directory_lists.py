"""The lists of the directory: what falls due, page after page without a gap, and somebody looked for in a body."""

from typing import Any
from uuid import uuid4

import pytest
from builders import World
from directory_calls import DIRECTORY, Keeper

pytestmark = pytest.mark.rule("ENQ-3")


async def test_agreements_that_fall_due_for_review_are_listed_the_soonest_first(world: World) -> None:
    keeper = Keeper(world)
    later, sooner, ended = [await keeper.agreement(code) for code in ("hospital", "police", "neighbour")]
    terms = {"valid_to": "2027-12-31", "disclosure": "full"}
    for path, change in (
        (later, {"reviewed_on": "2025-05-02"}),
        (sooner, {"reviewed_on": "2025-03-01"}),
        (ended, {"reviewed_on": "2025-01-01", "valid_to": "2026-03-03"}),
    ):
        assert (await keeper.change(path, terms | change)).status_code == 200
    for days, paths in ((0, [sooner]), (58, [sooner]), (59, [sooner, later])):
        due = (await keeper.get("/reviews", days=days)).json()["agreements"]
        assert [path.rpartition("/")[2] for path in paths] == [one["id"] for one in due], days
    assert due[0]["review_due"] == "2026-03-01"


async def test_lists_come_in_pages_without_a_gap(world: World) -> None:
    keeper = Keeper(world)

    async def every(path: str, of: str, key: str, **query: Any) -> list[str]:
        found: list[str] = []
        while True:
            page = (await keeper.get(path, limit=2, **query)).json()
            assert 0 < len(page[of]) <= 2
            found += [one[key] for one in page[of]]
            if page["next"] is None:
                return found
            query["cursor"] = page["next"]

    assert await every("/organisations", "organisations", "code") == sorted(world.organisations)
    own = [subject for subject, member in world.members.items() if member.client_id == "authority-system"]
    assert await every(keeper.below("authority", "professionals"), "professionals", "subject") == sorted(own)
    for subject in ("kw-1", "kw-2", "kw-3"):
        await keeper.suspend(keeper.professional(subject))
    references = [str(world.members[subject].id) for subject in ("kw-1", "kw-2", "kw-3")]
    assert sorted(await every("/changes", "changes", "reference")) == sorted(references)
    for path in ("/organisations", "/changes", "/absences", keeper.below("police", "professionals")):
        for cursor in ("0", str(uuid4()), "é"):
            assert (await keeper.get(path, cursor=cursor)).status_code == 404, (path, cursor)


async def test_somebody_is_looked_for_by_identifier_or_name_in_a_body(world: World) -> None:
    keeper = Keeper(world)
    path = keeper.below("authority", "professionals/search")

    async def found(**wanted: str) -> list[str]:
        answer = await world.http.post(DIRECTORY + path, json=wanted, auth=world.auth("da-1", "directory"))
        assert answer.status_code == 200, answer.text
        return [one["subject"] for one in answer.json()["professionals"]]

    assert await found(subject="kw-2") == ["kw-2"]
    assert await found(name="testperson KW") == ["kw-1", "kw-2", "kw-3"]
    assert (
        await found(subject="kw-2", name="Duty") == await found(subject="nurse-1") == await found(name="person") == []
    )
    assert [row["reason"] for row in await world.log("directory.read")] == ["professionals"] * 5
