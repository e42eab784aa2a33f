"""The inbox: each sees their own and their role's, page by page without a gap, and nothing of anybody else's."""

import base64
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from builders import World, entry, question
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry_api.kernel.errors import StoreUnavailable
from registry_api.kernel.statement import Statement
from registry_api.routing.rules import Recipient, WhyYou
from registry_api.routing.store import TELL, Kind, Notice, told_values

URL = "/api/v1/notifications"
STAFF = ("kw-1", "kw-2", "duty-1", "tm-1", "sm-1")


async def _get(world: World, who: str, **query: Any) -> httpx2.Response:
    return await world.http.get(URL, params=query, auth=world.auth(who, "casework"))


async def _acknowledge(world: World, who: str, notification: str) -> httpx2.Response:
    return await world.http.post(f"{URL}/{notification}/acknowledge", auth=world.auth(who, "casework"))


async def _tell(world: World, who: str, minutes: list[int]) -> None:
    """Notify ``who`` once for each number, at that minute; several of one minute are told at the same instant."""
    recipient = Recipient(WhyYou.KEY_WORKER, person=world.members[who].id)
    async with world.database.connection() as connection:
        for minute in minutes:
            at = datetime(2026, 3, 4, 9, minute, tzinfo=UTC)
            notice = Notice(Kind.CHILD_ENQUIRED_ABOUT, "urgent", recipient)
            await Statement(TELL).fetch(connection, told_values([notice], at=at))


async def _pages(world: World, who: str, limit: int, **query: Any) -> list[list[str]]:
    pages: list[list[str]] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await _get(world, who, limit=limit, **query, **cursor)).json()
        pages.append([notification["id"] for notification in page["notifications"]])
        if page["next"] is None:
            return pages
        cursor = {"cursor": page["next"]}


@pytest.mark.rule("ENQ-4", "ENQ-10")
@pytest.mark.parametrize("who", STAFF)
async def test_nobody_sees_what_is_for_somebody_else(world: World, who: str) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    await world.ask("officer-1", question())
    assert bool(await world.inbox(who)) == (who == "kw-1")
    (read,) = await world.log("inbox.read")
    assert read["professional_id"] == world.members[who].id


@pytest.mark.rule("ENQ-10")
async def test_what_is_for_a_role_waits_for_each_of_them_until_one_has_picked_it_up(world: World) -> None:
    await world.add(entry(case=False))
    await world.ask("officer-1", question())
    (for_one,), (for_other,) = await world.inbox("duty-1"), await world.inbox("duty-2")
    assert for_one["id"] == for_other["id"]
    picked_up = await _acknowledge(world, "duty-2", for_one["id"])
    assert picked_up.json() == {"id": for_one["id"], "already": False}
    assert await world.inbox("duty-1") == await world.inbox("duty-2") == []
    (kept,) = await world.inbox("duty-1", waiting=False)
    assert kept["acknowledged_at"] == "2026-03-04T10:00:00Z"
    async with world.database.connection() as connection:
        by = await connection.fetchval("SELECT acknowledged_by FROM notification")
    assert by == world.members["duty-2"].id


@pytest.mark.rule("ENQ-10")
async def test_picking_up_twice_changes_nothing(world: World) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    await world.ask("officer-1", question())
    (told,) = await world.inbox("kw-1")
    await _acknowledge(world, "kw-1", told["id"])
    world.clock.advance(hours=1)
    again = await _acknowledge(world, "kw-1", told["id"])
    assert again.json() == {"id": told["id"], "already": True}
    (kept,) = await world.inbox("kw-1", waiting=False)
    assert kept["acknowledged_at"] == "2026-03-04T10:00:00Z"
    assert len(await world.log("notification.acknowledged")) == 2


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("who", ["kw-2", "duty-1", "sm-1"])
async def test_another_persons_notification_looks_like_none_at_all(world: World, who: str) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    await world.ask("officer-1", question())
    (told,) = await world.inbox("kw-1")
    theirs, nobodys = await _acknowledge(world, who, told["id"]), await _acknowledge(world, who, str(uuid4()))
    assert theirs.status_code == nobodys.status_code == 404
    assert {**theirs.json(), "request_id": ""} == {**nobodys.json(), "request_id": ""}
    assert theirs.headers.keys() == nobodys.headers.keys()
    assert len(await world.inbox("kw-1")) == 1
    assert len(await world.log("request.refused")) == 2
    assert await world.log("notification.acknowledged") == []


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(("who", "scope"), [("officer-1", "enquiry"), ("custodian-1", "transfer"), ("kw-1", "enquiry")])
@pytest.mark.parametrize("path", [URL, f"{URL}/{UUID(int=1)}/acknowledge", "/api/v1/considerations"])
async def test_the_inbox_is_for_the_authoritys_own_staff(world: World, who: str, scope: str, path: str) -> None:
    method = "POST" if path.endswith("acknowledge") else "GET"
    answer = await world.http.request(method, path, auth=world.auth(who, scope))
    assert answer.status_code == 403
    (noted,) = await world.log("request.refused")
    assert noted["professional_id"] == world.members[who].id


CURSORS = {
    "garbage": "!!!!",
    "nothing": "=",
    "not ASCII": "é",
    "no UUID": base64.urlsafe_b64encode(b"2026-03-04T10:00:00+00:00|x").decode(),
    "no moment": base64.urlsafe_b64encode(f"x|{UUID(int=1)}".encode()).decode(),
    "no time zone": base64.urlsafe_b64encode(f"2026-03-04T10:00:00|{UUID(int=1)}".encode()).decode(),
    "three parts": base64.urlsafe_b64encode(f"a|b|{UUID(int=1)}".encode()).decode(),
    "SQL": base64.urlsafe_b64encode(f"2026-03-04' OR true--|{UUID(int=1)}".encode()).decode(),
    "not UTF-8": base64.urlsafe_b64encode(b"\xff\xfe|\xff").decode(),
    "NUL": base64.urlsafe_b64encode(b"\x00|\x00").decode(),
}


@pytest.mark.parametrize("cursor", CURSORS.values(), ids=CURSORS)
async def test_a_cursor_that_is_none_of_ours_is_not_found(world: World, cursor: str) -> None:
    answer = await _get(world, "kw-1", cursor=cursor)
    assert answer.status_code == 404
    assert cursor not in answer.text


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59.999999+00:00"]
)
async def test_the_ends_of_time_are_a_page_like_any_other_or_none_of_ours(world: World, moment: str) -> None:
    cursor = base64.urlsafe_b64encode(f"{moment}|{UUID(int=1)}".encode()).decode()
    assert (await _get(world, "kw-1", cursor=cursor)).status_code in {200, 404}


@pytest.mark.rule("ENQ-3")
async def test_the_cursor_of_somebody_else_shows_nothing_of_theirs(world: World) -> None:
    await _tell(world, "kw-1", [1, 2, 3, 4])
    await _tell(world, "kw-2", [1, 3])
    theirs = (await _get(world, "kw-1", limit=2)).json()["next"]
    own = {notification["id"] for notification in await world.inbox("kw-2")}
    page = (await _get(world, "kw-2", cursor=theirs)).json()
    shown = {notification["id"] for notification in page["notifications"]}
    assert shown
    assert shown <= own


@pytest.mark.rule("ENQ-10")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(minutes=st.lists(st.integers(0, 5), max_size=12), limit=st.integers(1, 6))
async def test_paging_is_complete_and_shows_nothing_twice(world: World, minutes: list[int], limit: int) -> None:
    async with world.database.connection() as connection:
        await connection.execute("TRUNCATE notification")
    await _tell(world, "kw-1", minutes)
    await _tell(world, "kw-2", minutes)
    pages = await _pages(world, "kw-1", limit)
    seen = [notification for page in pages for notification in page]
    assert len(seen) == len(set(seen)) == len(minutes)
    assert all(len(page) == limit for page in pages[:-1])
    assert seen == [notification["id"] for notification in await world.inbox("kw-1", limit=200)]


async def test_what_arrives_or_is_picked_up_between_two_pages_disturbs_neither(world: World) -> None:
    await _tell(world, "kw-1", [1, 2, 3, 4])
    first = (await _get(world, "kw-1", limit=2)).json()
    await _tell(world, "kw-1", [9])
    await _acknowledge(world, "kw-1", first["notifications"][1]["id"])
    second = (await _get(world, "kw-1", limit=2, cursor=first["next"])).json()
    assert [one["created_at"][14:16] for one in second["notifications"]] == ["02", "01"]
    assert second["next"] is None


@pytest.mark.rule("ENQ-2")
async def test_what_cannot_be_recorded_is_neither_read_nor_picked_up(world: World) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    await world.ask("officer-1", question())
    (told,) = await world.inbox("kw-1")
    async with world.database.connection() as connection:
        await connection.execute("ALTER TABLE access_entry ADD CONSTRAINT none CHECK (false) NOT VALID")
    refused = await _get(world, "kw-1")
    assert refused.status_code == 503
    assert "Quillon" not in refused.text
    assert (await _acknowledge(world, "kw-1", told["id"])).status_code == 503
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT acknowledged_at FROM notification") is None


@pytest.mark.rule("ENQ-2")
async def test_nothing_is_read_before_the_reading_lies_under_a_signed_head(world: World) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    await world.ask("officer-1", question())
    covered, waited = world.app.state.routing.covered, []

    async def fail(number: int) -> None:
        (read,) = await world.log("inbox.read")
        assert read["id"] == number, "it is committed"
        waited.append(number)
        raise StoreUnavailable

    object.__setattr__(world.app.state.routing, "covered", fail)
    refused = await _get(world, "kw-1")
    assert refused.status_code == 503
    assert "Quillon" not in refused.text
    assert waited
    object.__setattr__(world.app.state.routing, "covered", covered)
    assert len(await world.inbox("kw-1")) == 1
