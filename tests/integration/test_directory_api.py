"""The directory over the API: each entry read, and changed on what was read, with who and why; in its place alone."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from builders import BASE_URL, World, question
from directory_calls import WHY, Keeper, because
from sqlalchemy import text

from auth.client import OrganisationSigner, generate_client_key
from registry_api.directory import service
from registry_api.kernel.db import Database
from registry_api.kernel.errors import StoreUnavailable

pytestmark = pytest.mark.rule("ENQ-3")
INFIRMARY = {"code": "infirmary", "name": "Test Infirmary", "kind": "health", "office_phone": "01632 960150"}
TERMS = {"purposes": ["child_protection"], "valid_from": "2026-01-01", "valid_to": "2026-12-31"}
NURSE = {"role": "nurse", "name": "Testperson Renamed", "phone": "01632 960777"}


@pytest.mark.rule("ENQ-2")
async def test_an_organisation_begins_to_take_part_by_requests_alone(world: World) -> None:
    keeper, (private, public) = Keeper(world), generate_client_key()
    added = await keeper.send("POST", "/organisations", INFIRMARY)
    assert added.status_code == 201, added.text
    assert added.json()["own_authority"] is False
    world.organisations["infirmary"] = added.json()["id"]
    system = {"client_id": "infirmary-system", "public_keys": [public], "scopes": ["enquiry"]}
    nurse = {"subject": "nurse-8", "role": "nurse", "name": "Testperson Eight"}
    for part, body in (("agreements", TERMS), ("clients", system), ("professionals", nurse)):
        answer = await keeper.send("POST", keeper.below("infirmary", part), body)
        assert answer.status_code == 201, answer.text
        again = await keeper.send("POST", keeper.below("infirmary", part), body)
        assert (again.status_code, again.json()) == (200, answer.json())
        assert again.headers["etag"] == answer.headers["etag"] == f'"{answer.json()["version"]}"'
    signer = OrganisationSigner("infirmary-system", private, BASE_URL, clock=world.clock)
    assert (await world.request_token(signer.token_form("nurse-8", "enquiry"))).status_code == 200
    told = [(one["what"], one["did"], one["why"]) for one in await keeper.history()]
    assert sorted(told) == sorted(
        (what, "added", WHY) for what in ("organisation", "agreement", "client", "professional")
    )


async def test_what_is_there_and_not_as_it_is_given_is_left(world: World) -> None:
    keeper = Keeper(world)
    hospital = {"code": "hospital", "name": "Renamed", "kind": "health"}
    assert because(await keeper.send("POST", "/organisations", hospital)) == "added_already"
    for subject, code in (("nurse-1", "hospital"), ("da-1", "authority")):
        body = {"subject": subject, "role": "teacher", "name": "Testperson"}
        assert because(await keeper.send("POST", keeper.below(code, "professionals"), body)) == "added_already"
    assert await keeper.history() == []


async def test_each_entry_is_changed_and_shown_as_it_is_now(world: World) -> None:
    keeper = Keeper(world)
    hospital, nurse, agreement = (
        keeper.below("hospital"),
        keeper.professional("nurse-1"),
        await keeper.agreement("hospital"),
    )
    organisation = {"name": "Test Hospital Trust", "kind": "health", "office_phone": "01632 960155"}
    reviewed = {"valid_to": "2026-04-30", "reviewed_on": "2026-03-03", "disclosure": "contact"}
    client = keeper.below("hospital", "clients", "hospital-system")
    for path, body, part in (
        (hospital, organisation, ""),
        (nurse, NURSE, ""),
        (agreement, reviewed, ""),
        (client, {"scopes": ["enquiry", "transfer"]}, "/scopes"),
    ):
        before = (await keeper.get(path)).json()
        changed = await keeper.change(path, body, part)
        assert changed.status_code == 200, changed.text
        shown = (await keeper.get(path)).json()
        assert shown == changed.json()
        assert shown.items() >= body.items() or shown["scopes"] == ["enquiry", "transfer"]
        assert shown["version"] != before["version"]
    assert (await keeper.get(agreement)).json()["review_due"] == "2027-03-03"
    assert (await keeper.get(hospital)).json()["out_of_hours_phone"] == ""
    last = {
        (one["what"], one["did"]): one for one in await keeper.history(organisation_id=world.organisations["hospital"])
    }
    assert last["professional", "changed"]["changed"] == {"name": None, "phone": None}
    assert last["agreement", "changed"]["changed"]["disclosure"] == ["full", "contact"]
    assert all(one["by"]["name"] == "Testperson Da-1" and one["by"]["operator"] is None for one in last.values())


async def test_a_home_address_is_kept_forgotten_and_never_shown(world: World) -> None:
    keeper = Keeper(world)
    nurse, home = keeper.professional("nurse-1"), {"lines": "7 Larkspur Rise", "postcode": "JE5 7QX"}
    for body, kept in (({"home_address": home}, True), ({}, True), ({"home_address": None}, False)):
        changed = await keeper.change(nurse, NURSE | body)
        assert changed.json()["home_address_kept"] is kept
        assert "Larkspur" not in changed.text
        async with world.database.connection() as connection:
            found = await service.home_addresses(connection, world.vault, [world.members["nurse-1"].id])
        assert bool(found) is kept


async def test_a_change_says_which_version_it_is_made_on(world: World) -> None:
    keeper = Keeper(world)
    nurse = keeper.professional("nurse-1")
    version = await keeper.version(nurse)
    assert (await keeper.send("PUT", nurse, NURSE)).status_code == 428
    for other in ('"0"', "*", f"W/{version}", version.strip('"'), '"1", "2"', '"', ""):
        answer = await keeper.send("PUT", nurse, NURSE, version=other)
        assert answer.status_code == 412, other
    assert await keeper.history() == []
    assert (await keeper.send("PUT", nurse, NURSE, version=version)).status_code == 200
    assert (await keeper.send("PUT", nurse, NURSE, version=version)).status_code == 412


async def test_of_two_administrators_at_once_one_is_told_to_read_again(world: World) -> None:
    first, second = Keeper(world, "da-1"), Keeper(world, "sm-1")
    nurse = first.professional("nurse-1")
    version = await first.version(nurse)
    await second.version(nurse)
    answers = await asyncio.gather(
        first.send("PUT", nurse, NURSE | {"name": "Testperson One"}, version=version),
        second.send("PUT", nurse, NURSE | {"name": "Testperson Two"}, version=version),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    (kept,) = [answer.json()["name"] for answer in answers if answer.status_code == 200]
    assert (await first.get(nurse)).json()["name"] == kept
    assert len(await first.history()) == 1


async def test_an_entry_is_found_below_its_own_organisation_alone(world: World) -> None:
    keeper = Keeper(world)
    agreement = (await keeper.agreement("hospital")).rpartition("/")[2]
    nurse = world.members["nurse-1"].id
    pairs = [
        (("agreements", agreement), ("agreements", uuid4())),
        (("clients", "hospital-system"), ("clients", "nobody-system")),
        (("professionals", nurse), ("professionals", uuid4())),
    ]
    for elsewhere, nowhere in pairs:
        path = keeper.below("hospital", *elsewhere)
        version = await keeper.version(path)
        here, there = keeper.below("police", *elsewhere), keeper.below("police", *nowhere)
        read = [await keeper.get(one) for one in (here, there)]
        changed = [
            await keeper.send("PUT", f"{one}/suspension", {"suspended": True}, version=version) for one in (here, there)
        ]
        for answer in (*read, *changed):
            assert answer.status_code == 404
            assert answer.json() | {"request_id": ""} == read[1].json() | {"request_id": ""}
    for part in ("agreements", "clients", "professionals"):
        assert (await keeper.get(f"/organisations/{uuid4()}/{part}")).status_code == 404
    assert await keeper.history() == []


async def test_keys_are_rotated_without_an_hour_in_which_nobody_can_ask(world: World) -> None:
    keeper, (private, public) = Keeper(world), generate_client_key()
    path, old = keeper.below("hospital", "clients", "hospital-system"), world.signers["hospital-system"]
    new = OrganisationSigner("hospital-system", private, BASE_URL, clock=world.clock)
    (known,) = (await keeper.get(path)).json()["public_keys"]

    async def accepted(signer: OrganisationSigner) -> bool:
        return (await world.request_token(signer.token_form("nurse-1", "enquiry"))).status_code == 200

    assert (await accepted(old), await accepted(new)) == (True, False)
    assert (await keeper.change(path, {"public_key": public}, "/keys", "POST")).status_code == 200
    assert (await accepted(old), await accepted(new)) == (True, True)
    world.clock.advance(seconds=1)
    assert (await keeper.change(path, {"kid": known["kid"]}, "/retired-keys", "POST")).status_code == 200
    assert (await accepted(old), await accepted(new)) == (False, True)
    assert because(await keeper.change(path, {"kid": public["kid"]}, "/retired-keys", "POST")) == "last_key"
    assert [one["did"] for one in await keeper.history(what="client")] == ["key_retired", "key_added"]


@pytest.mark.rule("ENQ-11")
async def test_absences_are_recorded_covered_and_ended(world: World) -> None:
    keeper = Keeper(world)
    away = keeper.professional("kw-1") + "/absences"
    body = {
        "starts_at": "2026-03-04T08:00:00Z",
        "ends_at": "2026-03-09T08:00:00Z",
        "covered_by": str(world.members["kw-2"].id),
    }
    added = await keeper.send("POST", away, body)
    assert added.status_code == 201, added.text
    path = f"/absences/{added.json()['id']}"
    assert (await keeper.get("/absences")).json()["absences"] == [added.json()]
    ended = await keeper.change(path, {"covered_by": None, "ends_at": "2026-03-04T09:00:00Z"})
    assert ended.status_code == 200
    assert (await keeper.get("/absences")).json()["absences"] == []
    for wrong, why in (
        ({"covered_by": str(world.members["kw-1"].id)}, "stands_in_for_themselves"),
        ({"covered_by": str(world.members["igo-1"].id)}, "stands_in_without_casework"),
        ({"covered_by": str(world.members["nurse-1"].id)}, "not_enrolled"),
        ({"ends_at": "2026-03-04T08:00:00Z"}, "ends_before_it_begins"),
    ):
        assert because(await keeper.send("POST", away, body | {"starts_at": "2026-03-04T08:00:00Z"} | wrong)) == why
    elsewhere = keeper.professional("nurse-1") + "/absences"
    assert because(await keeper.send("POST", elsewhere, body)) == "not_own_staff"


async def test_what_was_read_and_changed_is_logged_in_codes_alone(world: World) -> None:
    keeper = Keeper(world)
    nurse = keeper.professional("nurse-1")
    await keeper.get(keeper.below("hospital", "professionals"))
    await keeper.change(nurse, NURSE | {"why": "Married; told by Testperson Partner."})
    entries = [row for row in await world.log() if row["kind"].startswith("directory.")]
    assert [(row["kind"], row["reason"]) for row in entries] == [
        ("directory.read", "professionals"),
        ("directory.read", "professional"),
        ("directory.changed", "professional_changed"),
    ]
    assert {row["professional_id"] for row in entries} == {world.members["da-1"].id}
    assert entries[-1]["reference"] == str(world.members["nurse-1"].id)
    async with world.database.connection() as connection:
        kept = await connection.fetch("SELECT directory_change::text AS row FROM directory_change")
    for said in (*map(str, entries), kept[0]["row"]):
        assert not any(word in said for word in ("Testperson", "Renamed", "960777", "Married"))
    assert (await keeper.history())[0]["why"] == "Married; told by Testperson Partner."


@pytest.mark.rule("ENQ-2")
@pytest.mark.parametrize("saved", [False, True], ids=["failed, not saved", "failed, yet saved"])
async def test_a_change_that_is_not_confirmed_is_503_and_sent_again_is_made_once(
    world: World, monkeypatch: pytest.MonkeyPatch, saved: bool
) -> None:
    keeper = Keeper(world)
    nurse, session = keeper.professional("nurse-1"), Database.session
    version = await keeper.version(nurse)

    @asynccontextmanager
    async def broken(database: Database) -> Any:
        async with session(database) as lent:
            yield lent
            if not saved:
                await lent.exec(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(Database, "session", broken)
        answer = await keeper.send("PUT", nurse, NURSE, version=version)
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:registry:problem:not-recorded")
        assert "Renamed" not in answer.text
    assert len(await keeper.history()) == len(await world.log("directory.changed")) == int(saved)
    assert ((await keeper.get(nurse)).json()["name"] == "Testperson Renamed") is saved
    again = await keeper.send("PUT", nurse, NURSE, version=version)
    assert again.status_code == (412 if saved else 200)
    assert len(await keeper.history()) == len(await world.log("directory.changed")) == 1


async def test_the_moment_of_a_suspension_is_shown_and_restoring_takes_it_away(world: World) -> None:
    keeper = Keeper(world)
    for path in (
        keeper.below("hospital"),
        await keeper.agreement("hospital"),
        keeper.below("hospital", "clients", "hospital-system"),
        keeper.professional("nurse-1"),
    ):
        assert (await world.ask("nurse-1", question())).status_code == 200
        suspended = await keeper.suspend(path)
        assert suspended.status_code == 200, suspended.text
        assert datetime.fromisoformat(suspended.json()["suspended_at"]) == datetime(2026, 3, 4, 10, tzinfo=UTC)
        assert (await world.ask("nurse-1", question())).status_code in {401, 403}
        again = await keeper.suspend(path)
        assert again.json() == suspended.json()
        restored = await keeper.suspend(path, suspended=False)
        assert restored.json()["suspended_at"] is None
    assert (await world.ask("nurse-1", question())).status_code == 200
    assert [one["did"] for one in await keeper.history()].count("suspended") == 4
