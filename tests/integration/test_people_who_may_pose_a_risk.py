"""People who may pose a risk (CUS-1): brought to those who work with a child at the address, and to nobody else."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders import World, entry, question, said
from integration.people_notices import NAME, notify

from registry_api.cli.output import day
from registry_api.cli.to_follow_up import notification_rows
from registry_api.enquiries.afterwards import Afterwards
from registry_api.enquiries.reindexing import Reindexing
from registry_api.matching.token_keys import TOKEN_VERSION
from registry_api.register.entry import PlanKind

pytestmark = pytest.mark.rule("CUS-1")
STAFF = ("kw-1", "kw-2", "duty-1", "tm-1", "sm-1")


async def told(world: World) -> dict[str, list[tuple[str, list[str]]]]:
    """Return the kinds and people of the notifications of each member of staff who has any of a person."""
    inboxes: Mapping[str, list[dict[str, Any]]] = {who: await world.inbox(who) for who in STAFF}
    return {
        who: [(one["kind"], [person["name"] for person in one["people"]]) for one in inbox if one["people"]]
        for who, inbox in inboxes.items()
        if any(one["people"] for one in inbox)
    }


async def look_over(world: World) -> None:
    await Afterwards(vault=world.vault, token_keys=world.token_keys, clock=world.clock).match_again(world.database)


async def test_at_the_address_of_a_child_with_a_key_worker_that_one_is_told(world: World, tmp_path: Path) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    assert (await notify(world, tmp_path)).loaded
    answer = await world.ask("officer-1", question())
    assert NAME not in answer.text
    assert await told(world) == {"kw-1": [("person_at_address", [f"Demo {NAME}"])]}
    (shown,) = next(one for one in await world.inbox("kw-1") if one["people"])["people"]
    assert (shown["concern"], shown["notified_by"]) == ("Convicted of an offence against a child", "Test Probation")
    (noted,) = await world.log("enquiry.answered")
    assert shown["id"] in map(str, noted["child_ids"])


async def test_the_key_worker_reads_who_it_is_what_the_concern_is_and_who_said_so(world: World, tmp_path: Path) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    await notify(world, tmp_path)
    await world.ask("officer-1", question())
    shown = [dict(notification_rows(told)) for told in await world.inbox("kw-1")]
    born, notified = day("1980-02-03"), day("2026-01-05")
    read = (
        f"Demo {NAME}, born {born}\nConvicted of an offence against a child; notified by Test Probation on {notified}"
    )
    assert sorted(rows["May pose a risk"] for rows in shown) == ["", read]


@pytest.mark.rule("ENQ-10")
@pytest.mark.parametrize("table", ["risk_person", "child", "enquiry"])
async def test_what_does_not_open_keeps_nobody_from_the_rest_of_the_inbox(
    world: World, tmp_path: Path, table: str
) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    await notify(world, tmp_path)
    await world.ask("officer-1", question())
    whole = await world.inbox("kw-1")
    async with world.database.connection() as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(f"UPDATE {table} SET data_key = $1", bytes(60))
        await connection.execute("RESET session_replication_role")
    rest = await world.inbox("kw-1")
    assert [one["kind"] for one in rest] == [one["kind"] for one in whole]
    gone = {"risk_person": "people", "child": "children", "enquiry": "about"}[table]
    assert any(one[gone] for one in whole)
    assert not any(one[gone] for one in rest)


async def test_of_an_unknown_child_the_duty_is_told_and_the_enquirer_nothing(world: World, tmp_path: Path) -> None:
    without = said(await world.ask("officer-1", question()))
    await notify(world, tmp_path)
    beside = await world.ask("officer-2", question("Persimmon", "Underhill-Test", born="2018-01-02"))
    assert len(said(beside)) == len(without)
    assert NAME not in beside.text
    assert await told(world) == {"duty-1": [("person_at_address", [f"Demo {NAME}"])]}


async def test_where_the_person_was_formerly_is_told_as_formerly(world: World, tmp_path: Path) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    former = "7 Larkspur Rise|JE5 7QX|2024-01-01|2025-06-01"
    await notify(world, tmp_path, address="31 Sorrel Way", previous_addresses=former)
    await world.ask("officer-1", question())
    assert await told(world) == {"kw-1": [("person_formerly_at_address", [f"Demo {NAME}"])]}


@pytest.mark.parametrize(
    "cells",
    [{"address": "Flat 2 7 Larkspur Rise"}, {"address": "9 Larkspur Rise"}, {"ended_on": "2026-02-01"}],
    ids=str,
)
async def test_who_is_elsewhere_or_whose_notification_has_ended_is_nobodys_news(
    world: World, tmp_path: Path, cells: dict[str, str]
) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    assert (await notify(world, tmp_path, **cells)).loaded
    await world.ask("officer-1", question())
    assert await told(world) == {}


@pytest.mark.parametrize("first", ["child", "person"])
async def test_a_child_on_a_plan_and_a_person_meet_whoever_came_first_and_once(
    world: World, tmp_path: Path, first: str
) -> None:
    child = entry(key_worker=world.members["kw-1"].id, plan=PlanKind.FULL)
    if first == "child":
        await world.add(child)
        await look_over(world)
        await notify(world, tmp_path)
    else:
        await notify(world, tmp_path)
        await world.add(child)
    await look_over(world)
    expected = {"kw-1": [("person_at_address", [f"Demo {NAME}"])]}
    assert await told(world) == expected
    await notify(world, tmp_path, concern="Another concern")
    await look_over(world)
    assert await told(world) == expected, "once"
    assert len(await world.log("person.at_address")) == 1


async def test_a_notification_that_ended_and_is_renewed_is_news(world: World, tmp_path: Path) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id, plan=PlanKind.FULL))
    for cells in ({}, {"ended_on": "2026-02-01"}, {"concern": "Renewed"}):
        assert (await notify(world, tmp_path, **cells)).loaded
        await look_over(world)
    assert await told(world) == {"kw-1": [("person_at_address", [f"Demo {NAME}"])] * 2}


async def test_nobody_is_told_of_a_child_without_a_plan(world: World, tmp_path: Path) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    await notify(world, tmp_path)
    await look_over(world)
    assert await told(world) == {}


async def test_the_same_file_again_changes_nothing_and_a_bad_row_loads_nothing(world: World, tmp_path: Path) -> None:
    assert (await notify(world, tmp_path)).added == 1
    assert (await notify(world, tmp_path)).unchanged == 1
    assert (await notify(world, tmp_path, concern="")).rejected_rows == 1
    assert (await notify(world, tmp_path, record_id="R-2", notified_on="2027-01-01")).loaded is False
    (noted, *more) = await world.log("people.imported")
    assert len(more) == 1, "the two that were loaded"
    assert NAME not in str(dict(noted))


async def test_a_copy_of_the_tables_shows_no_name_and_joins_no_home(world: World, tmp_path: Path) -> None:
    await world.add(entry(plan=PlanKind.FULL))
    await notify(world, tmp_path)
    async with world.database.connection() as connection:
        (row,) = await connection.fetch("SELECT * FROM risk_person")
        assert NAME.encode() not in b"".join(value for value in row.values() if isinstance(value, bytes))
        assert await connection.fetchval("SELECT count(*) FROM risk_token") > 0
        children = "SELECT token FROM address_token UNION SELECT token FROM child_token"
        joined = f"SELECT count(*) FROM risk_token WHERE token IN ({children})"
        assert await connection.fetchval(joined) == 0


async def test_a_person_is_found_while_and_after_the_index_is_made_anew(world: World, tmp_path: Path) -> None:
    keys = world.token_keys
    world.token_keys = keys.of(TOKEN_VERSION - 1)
    await notify(world, tmp_path)
    world.token_keys = keys
    reindexing = Reindexing(vault=world.vault, token_keys=world.app.state.enquiries._token_keys)
    await reindexing.expect(world.database)
    await world.ask("officer-1", question())
    assert len((await told(world))["duty-1"]) == 1
    assert await reindexing.index_anew(world.database) >= 1
    assert reindexing.token_keys.outdated == ()
    await world.ask("officer-2", question("Persimmon", "Underhill-Test", born="2018-01-02"))
    assert len((await told(world))["duty-1"]) == 2


async def test_beside_a_restricted_child_only_the_address_that_was_given_counts(world: World, tmp_path: Path) -> None:
    hidden = entry(key_worker=world.members["kw-1"].id, address="1 Refuge Row", postcode="JE7 3ZZ", restricted=True)
    await world.add(replace(hidden, identity=replace(hidden.identity, nhs_number="9990000018")))
    await notify(world, tmp_path, address="1 Refuge Row", postcode="JE7 3ZZ")
    await world.ask("officer-1", question(nhs_number="9990000018"))
    assert await told(world) == {}


@pytest.mark.rule("ENQ-6")
async def test_answers_that_must_look_alike_are_of_one_size(world: World) -> None:
    none = await world.ask("officer-1", question("Persimmon", "Underhill-Test", born="2018-01-02"))
    await world.add(entry(key_worker=world.members["kw-1"].id, address="31 Sorrel Way", postcode="JE7 3ZZ"))
    possible = await world.ask("officer-1", question())
    outcomes = [answer.json()["outcome"] for answer in (none, possible)]
    assert outcomes == ["not_known", "more_information_needed"]
    assert len(said(none)) == len(said(possible))
    async with world.database.connection() as connection:
        sizes = await connection.fetch("SELECT octet_length(sealed_answer) AS n FROM enquiry_answer")
        leaves = await connection.fetch(
            "SELECT octet_length(l.leaf) AS n FROM log_entry l JOIN access_entry a "
            "ON a.id = l.access_entry_id WHERE a.kind = 'enquiry.answered'"
        )
    assert len({row["n"] for row in sizes}) == 1
    assert len(leaves) == 2
