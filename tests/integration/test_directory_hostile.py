"""What nobody may put into the directory, sent to it: none of it is kept, none is answered with more than a code."""

from typing import Any

import pytest
from builders import World
from directory_calls import DIRECTORY, Keeper, because

from auth.client import generate_client_key

pytestmark = pytest.mark.rule("ENQ-3")
NURSE = {"subject": "nurse-9", "role": "nurse", "name": "Testperson Nine", "phone": "01632 960123"}
TERMS = {"purposes": ["child_protection"], "valid_from": "2026-01-01", "valid_to": "2026-12-31"}


def _system(*keys: Any, **changes: Any) -> dict[str, Any]:
    return {"client_id": "second-system", "public_keys": list(keys), "scopes": ["enquiry"], **changes}


async def test_what_cannot_be_is_refused_by_its_code(world: World) -> None:
    keeper = Keeper(world)
    (private, public), (_, other) = generate_client_key(), generate_client_key()
    police = keeper.below("police", "clients", "police-system")
    (known,) = (await keeper.get(police)).json()["public_keys"]
    weak = {"kty": "oct", "k": "c2VjcmV0", "kid": "k"}
    nameless = {name: value for name, value in public.items() if name != "kid"}
    for part, body, why in (
        ("professionals", NURSE | {"role": "safeguarding_manager"}, "own_role"),
        ("professionals", NURSE | {"role": "directory_administrator"}, "own_role"),
        ("agreements", TERMS | {"purposes": ["child_protection", "casework"]}, "own_purpose"),
        ("agreements", TERMS | {"valid_to": "2025-12-31"}, "ends_before_it_begins"),
        ("agreements", TERMS | {"reviewed_on": "2026-03-09"}, "reviewed_in_future"),
        ("clients", _system(private), "private_key"),
        ("clients", _system(public | {"d": ""}), "private_key"),
        ("clients", _system(known), "other_clients_key"),
        ("clients", _system(known | {"kid": "renamed"}), "other_clients_key"),
        ("clients", _system(nameless), "key_without_kid"),
        ("clients", _system(public | {"kid": "a b\x00"}), "key_without_kid"),
        ("clients", _system(weak), "private_key"),
        ("clients", _system({"kty": "none", "kid": "k"}), "unfit_key"),
        ("clients", _system(public | {"x": "AAAA"}), "unfit_key"),
        ("clients", _system(public, other | {"kid": public["kid"]}), "key_twice"),
        ("clients", _system(public, public | {"kid": "again"}), "key_twice"),
        ("clients", _system(public, scopes=["casework"]), "own_scope"),
        ("clients", _system(public, scopes=["enquiry", "directory"]), "own_scope"),
        ("clients", _system(public, client_id="console"), "reserved_client_id"),
        ("clients", _system(public, client_id="police-system"), "other_organisations_client"),
    ):
        answer = await keeper.send("POST", keeper.below("hospital", part), body)
        assert because(answer) == why, body
        for secret in (private["d"], public["x"], "Nine"):
            assert secret not in answer.text
    nurse = keeper.professional("nurse-1")
    assert because(await keeper.change(nurse, {"role": "key_worker", "name": "Testperson", "phone": ""})) == "own_role"
    hospital = keeper.below("hospital", "clients", "hospital-system")
    assert because(await keeper.change(hospital, {"public_key": private}, "/keys", "POST")) == "private_key"
    assert because(await keeper.change(hospital, {"public_key": known}, "/keys", "POST")) == "other_clients_key"
    assert because(await keeper.change(hospital, {"scopes": ["directory"]}, "/scopes")) == "own_scope"
    assert await keeper.history() == []


async def test_what_is_not_of_the_form_is_named_by_its_place_alone(world: World) -> None:
    keeper = Keeper(world)
    _, public = generate_client_key()
    organisation = {"code": "infirmary", "name": "Test Infirmary", "kind": "health"}
    absence = {"starts_at": "2026-03-04T08:00:00Z", "ends_at": "2026-03-09T08:00:00Z"}
    below = {part: keeper.below("hospital", part) for part in ("professionals", "agreements", "clients")}
    away = keeper.professional("kw-1") + "/absences"
    secret = "Secretive"
    for path, body, field in (
        ("/organisations", organisation | {"why": "  "}, "why"),
        ("/organisations", organisation | {"why": secret + "\x00"}, "why"),
        ("/organisations", organisation | {"why": secret * 300}, "why"),
        ("/organisations", organisation | {"name": ""}, "name"),
        ("/organisations", organisation | {"name": secret + "\x1b[2J"}, "name"),
        ("/organisations", organisation | {"code": "../" + secret}, "code"),
        ("/organisations", organisation | {"code": "a" * 65}, "code"),
        ("/organisations", organisation | {"kind": secret}, "kind"),
        ("/organisations", organisation | {"own_authority": True}, ""),
        ("/organisations", organisation | {"office_phone": secret}, "office_phone"),
        (
            below["professionals"],
            NURSE | {"name": secret + "\ud800".encode("utf-16", "surrogatepass").hex() + "\x00"},
            "name",
        ),
        (below["professionals"], NURSE | {"subject": secret + "@example"}, "subject"),
        (below["professionals"], NURSE | {"role": secret}, "role"),
        (below["professionals"], NURSE | {"suspended_at": None}, ""),
        (below["agreements"], TERMS | {"purposes": []}, "purposes"),
        (below["agreements"], TERMS | {"purposes": ["casework"] * 5_000}, "purposes"),
        (below["agreements"], TERMS | {"valid_to": "9999-12-31"}, "valid_to"),
        (below["agreements"], TERMS | {"valid_from": 0}, "valid_from"),
        (below["agreements"], TERMS | {"reviewed_on": "0001-01-01"}, "reviewed_on"),
        (below["clients"], _system(), "public_keys"),
        (below["clients"], _system(*[public] * 60), "public_keys"),
        (below["clients"], _system(public, scopes=["enquiry"] * 6), "scopes"),
        (below["clients"], _system(public, scopes=[secret]), "scopes.0"),
        (below["clients"], _system(public, client_id="a/b"), "client_id"),
        (away, absence | {"ends_at": "9999-12-31T23:59:59-12:00"}, "ends_at"),
        (away, absence | {"ends_at": "2026-03-09T08:00:00"}, "ends_at"),
        (away, absence | {"starts_at": 1772611200}, "starts_at"),
        (away, absence | {"covered_by": secret}, "covered_by"),
    ):
        answer = await keeper.send("POST", path, body)
        assert answer.status_code == 422, (body, answer.text)
        assert answer.json()["errors"][0]["field"] == field, (body, answer.text)
        assert secret not in answer.text
    for body in ({"why": "As agreed."}, {"why": "As agreed.", "suspended": "perhaps"}):
        path = keeper.professional("nurse-1")
        wrong = await keeper.send("PUT", f"{path}/suspension", body, version=await keeper.version(path))
        assert wrong.status_code == 422
    assert await keeper.history() == []


async def test_a_name_of_any_script_is_kept_as_it_is(world: World) -> None:
    keeper = Keeper(world)
    for name in ("Testperson Ó Séaghdha-Łęcki", "Тестперсона Одна", "测试人", "testperson'); DROP TABLE client; --"):
        changed = await keeper.change(keeper.professional("nurse-1"), {"role": "nurse", "name": name, "phone": ""})
        assert changed.json()["name"] == name


async def test_the_first_key_is_kept_though_it_is_retired_under_a_name_that_is_not_there(world: World) -> None:
    keeper = Keeper(world)
    path = keeper.below("hospital", "clients", "hospital-system")
    before = (await keeper.get(path)).json()
    again = await keeper.change(path, {"kid": "nobody"}, "/retired-keys", "POST")
    assert (again.status_code, again.json()) == (200, before)
    assert await keeper.history() == []


async def test_a_path_that_is_no_identifier_is_no_entry(world: World) -> None:
    keeper = Keeper(world)
    for path in ("/organisations/1", "/absences/nobody", keeper.below("hospital", "clients", "a%00b")):
        answer = await keeper.get(path)
        assert answer.status_code == 422, (DIRECTORY + path, answer.text)
