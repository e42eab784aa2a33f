"""Who takes part, as it changes: enrolled again, suspended, readmitted. Recorded, at once, and all or nothing."""

import json
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from builders import BASE_URL, World, entry, question

from auth.client import OrganisationSigner, generate_client_key
from policies.enquirer import Role
from registry_api.cli.enrolment import enrol, read_enrolment
from registry_api.cli.output import Failure
from registry_api.cli.standing import Made, make
from registry_api.directory import service, store
from registry_api.directory.recording import By

WHY = "As agreed in the meeting with Testperson Partner."
OPERATOR = By(operator="registry-operator")
HOSPITAL = {"code": "hospital", "name": "Test Hospital", "kind": "health"}
PHONES = {"office_phone": "01632 960100", "out_of_hours_phone": "01632 960999"}


async def _enrol(world: World, *organisations: dict[str, Any]) -> Made:
    document = read_enrolment(json.dumps({"organisations": organisations}).encode())
    return await enrol(world.database, world.vault, document, why=WHY, by=OPERATOR)


async def _suspend(world: World, *what: tuple[Any, str], lifted: bool = False) -> Made:
    async def change(changes: Any) -> None:
        for kind, identifier in what:
            await changes.suspension(kind, identifier, lifted=lifted)

    return await make(world.database, world.vault, change, why=WHY, by=OPERATOR)


async def _recorded(world: World) -> list[str]:
    return [row["reason"] for row in await world.log("directory.changed")]


@pytest.mark.rule("ENQ-2")
async def test_an_organisation_gets_more_people_and_each_change_is_recorded(world: World) -> None:
    nurses = [{"subject": f"nurse-{n}", "role": "nurse", "name": f"Testperson {n}"} for n in (2, 3)]
    added = {"subject": "doctor-1", "role": "doctor", "name": "Testperson Doctor"}
    body = HOSPITAL | PHONES | {"professionals": [*nurses, added]}
    assert await _enrol(world, body) == {("professional", "added"): 3}
    assert await _recorded(world) == ["professional_added"] * 3
    assert await _enrol(world, body) == {}
    assert await _recorded(world) == ["professional_added"] * 3
    assert all(row["reference"] and row["professional_id"] is None for row in await world.log("directory.changed"))


@pytest.mark.rule("ENQ-2", "ENQ-4")
async def test_role_name_and_number_change_and_the_person_stays_the_same(world: World) -> None:
    now = {"subject": "kw-1", "role": "team_manager", "name": "Testperson Renamed", "phone": "01632 960777"}
    body = {"code": "authority", "name": "Test Authority", "kind": "authority", "own_authority": True}
    assert await _enrol(world, body | PHONES | {"professionals": [now]}) == {("professional", "changed"): 1}
    same = world.members["kw-1"].id
    async with world.database.connection() as connection:
        shown = (await service.people(connection, world.vault, [same]))[same]
        sealed = await connection.fetchval("SELECT sealed FROM professional WHERE id = $1", same)
    assert (shown.name, shown.phone, shown.role) == ("Testperson Renamed", "01632 960777", Role.TEAM_MANAGER)
    assert b"Renamed" not in sealed


@pytest.mark.rule("ENQ-3")
async def test_an_agreement_is_prolonged_or_ended_and_another_is_added(world: World) -> None:
    kept = {"purposes": ["child_protection"], "valid_from": "2025-11-24"}
    ends = kept | {"valid_to": "2026-01-31"}
    assert await _enrol(world, HOSPITAL | PHONES | {"agreements": [ends]}) == {("agreement", "changed"): 1}
    assert (await world.ask("nurse-1", question())).status_code == 403
    new = {"purposes": ["child_protection"], "valid_from": "2026-02-01", "valid_to": "2027-01-31"}
    assert await _enrol(world, HOSPITAL | PHONES | {"agreements": [ends, new]}) == {("agreement", "added"): 1}
    assert (await world.ask("nurse-1", question())).status_code == 200


@pytest.mark.rule("ENQ-3")
async def test_new_keys_of_a_system_replace_the_old_ones(world: World) -> None:
    old, (private, public) = world.signers["hospital-system"], generate_client_key()
    client = {"client_id": "hospital-system", "scopes": ["enquiry"], "public_keys": [public]}
    assert await _enrol(world, HOSPITAL | PHONES | {"clients": [client]}) == {("client", "changed"): 1}
    new = OrganisationSigner("hospital-system", private, BASE_URL, clock=world.clock)
    for signer, statuses in ((old, {400, 401}), (new, {200})):
        answer = await world.request_token(signer.token_form("nurse-1", "enquiry"))
        assert answer.status_code in statuses


@pytest.mark.rule("ENQ-3")
async def test_there_is_one_own_authority(world: World) -> None:
    second = {"code": "other", "name": "Second Authority", "kind": "authority", "own_authority": True}
    with pytest.raises(Failure, match="authority itself cannot be changed"):
        await _enrol(world, HOSPITAL | PHONES | {"name": "Renamed"}, second)
    with pytest.raises(Failure, match="authority itself cannot be changed"):
        await _enrol(world, {"code": "authority", "name": "Test Authority", "kind": "authority"})
    assert await _recorded(world) == []
    async with world.database.connection() as connection:
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute("UPDATE organisation SET own_authority = true")


async def test_what_fails_half_way_changes_nothing(world: World) -> None:
    theft = {"client_id": "police-system", "scopes": ["enquiry"], "public_keys": [{"kid": "k"}]}
    with pytest.raises(Failure, match="another organisation already"):
        await _enrol(world, HOSPITAL | {"name": "Renamed"} | PHONES, HOSPITAL | PHONES | {"clients": [theft]})
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT name FROM organisation WHERE code = 'hospital'") == "Test Hospital"
    assert await _recorded(world) == []


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(
    "what", [("professional", "hospital/nurse-1"), ("client", "hospital-system"), ("organisation", "hospital")]
)
async def test_a_suspension_holds_from_the_next_request_and_can_be_lifted(world: World, what: tuple[str, str]) -> None:
    assert (await world.ask("nurse-1", question())).status_code == 200
    assert await _suspend(world, what) == {(what[0], "suspended"): 1}
    assert (await world.ask("nurse-1", question())).status_code in {401, 403}
    assert await _suspend(world, what) == {}
    assert await _suspend(world, what, lifted=True) == {(what[0], "restored"): 1}
    assert (await world.ask("nurse-1", question())).status_code == 200
    assert await _recorded(world) == [f"{what[0]}_suspended", f"{what[0]}_restored"]


async def test_of_several_who_are_named_one_who_does_not_exist_stops_it_all(world: World) -> None:
    with pytest.raises(Failure, match="no professional hospital/nurse-9"):
        await _suspend(world, ("professional", "hospital/nurse-1"), ("professional", "hospital/nurse-9"))
    assert (await world.ask("nurse-1", question())).status_code == 200
    assert await _recorded(world) == []


@pytest.mark.rule("ENQ-10", "ENQ-11")
async def test_an_absence_is_arranged_and_changed(world: World) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    body = {"code": "authority", "name": "Test Authority", "kind": "authority", "own_authority": True} | PHONES
    away = {"away": "kw-1", "starts_at": "2026-03-04T00:00:00Z", "ends_at": "2026-03-05T00:00:00Z"}
    assert await _enrol(world, body | {"absences": [away]}) == {("absence", "added"): 1}
    assert await _enrol(world, body | {"absences": [away | {"covered_by": "kw-2"}]}) == {("absence", "changed"): 1}
    await world.ask("officer-1", question())
    assert [told["why_you"] for told in await world.inbox("kw-2")] == ["cover"]
    for wrong in ({"ends_at": "2026-03-03T00:00:00Z"}, {"covered_by": "kw-1"}, {"away": "kw-9"}):
        with pytest.raises(Failure, match="an absence"):
            await _enrol(world, body | {"absences": [away | wrong]})


@pytest.mark.rule("ENQ-4", "REG-2")
async def test_a_register_names_only_staff_of_the_authority_who_are_there(world: World) -> None:
    teacher = {"subject": "teacher-1", "role": "teacher", "name": "Testperson Teacher"}
    body = {"code": "authority", "name": "Test Authority", "kind": "authority", "own_authority": True} | PHONES
    await _enrol(world, body | {"professionals": [teacher]})
    await _suspend(world, ("professional", "authority/kw-1"))
    async with world.database.connection() as connection:
        staff = await store.own_staff(connection)
    assert staff.keys() == {"kw-2", "kw-3", "duty-1", "duty-2", "tm-1", "sm-1", "sm-2"}


async def test_the_moment_of_a_suspension_is_kept(world: World) -> None:
    before = datetime.now(UTC)
    await _suspend(world, ("organisation", "hospital"))
    async with world.database.connection() as connection:
        at = await connection.fetchval("SELECT suspended_at FROM organisation WHERE code = 'hospital'")
    assert before <= at <= datetime.now(UTC)
