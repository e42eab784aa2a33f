"""A hospital's sign-in service vouches for a nurse, over the real application, and the nurse's enquiry is answered."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import BASE_URL, World, entry, question, running_world
from joserfc import jwt
from joserfc.jwk import RSAKey
from key_server import KeyServer, key_server

from auth.identity_file import read_identity_file
from auth.sending import AsProfessional, NoToken
from registry_api.cli import service
from registry_api.cli.output import Failure
from registry_api.main import NotSetUp
from registry_api.register.entry import PlanKind

ISSUER = "https://sign-in.hospital.example"
KEY, NEXT_KEY = RSAKey.generate_key(2048), RSAKey.generate_key(2048)
for _key in (KEY, NEXT_KEY):
    _key.ensure_kid()
ENQUIRY = {
    "child": question(),
    "reason": "injury",
    "reason_text": "Bruise on the upper arm.",
    "urgency": "urgent",
    "call_back_number": "01632 960321",
}


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[KeyServer]:
    with key_server(tmp_path) as server:
        server.serve(KEY)
        yield server


def identity_file(provider: KeyServer, organisation: str = "hospital") -> Path:
    file = provider.ca_file.with_name("identity.toml")
    file.write_text(f"""
[[provider]]
name = "hospital"
issuer = "{ISSUER}"
jwks_uri = "{provider.address}"
ca_file = "{provider.ca_file.name}"
algorithms = ["RS256"]
subject_claim = "employee"
sign_in_hours = 12
organisations = {{ {organisation} = ["ward-system"] }}
assurance = {{ claim = "acr", levels = {{ two-factors = "aal2" }} }}
roles = {{ claim = "roles", names = {{ "Registered nurse" = "nurse" }} }}
""")
    return file


@pytest.fixture
async def world(database_url: str, tmp_path: Path, provider: KeyServer) -> AsyncIterator[World]:
    async with running_world(database_url, tmp_path / "state", identity_file=identity_file(provider)) as world:
        yield world


def id_token(world: World, key: Any = KEY, **changes: Any) -> str:
    now = int(world.clock().timestamp())
    claims = {
        "iss": ISSUER,
        "aud": "ward-system",
        "sub": "00u1",
        "employee": "nurse-1",
        "acr": "two-factors",
        "roles": ["Registered nurse"],
        "auth_time": now - 600,
        "iat": now,
        "exp": now + 3600,
        **changes,
    }
    return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key, algorithms=["RS256"])


def nurse(world: World, key: Any = KEY, **changes: Any) -> AsProfessional:
    signer = world.signers["hospital-system"]
    return AsProfessional(signer, BASE_URL, lambda: id_token(world, key, **changes), "enquiry", clock=world.clock)


@pytest.mark.rule("ENQ-2", "ENQ-3", "ENQ-4")
async def test_whom_the_provider_vouches_for_is_answered_and_recorded_by_name(
    world: World, provider: KeyServer
) -> None:
    await world.add(entry(plan=PlanKind.FULL, key_worker=world.members["kw-1"].id))
    asking = nurse(world)
    answer = await world.http.post("/api/v1/enquiries", json=ENQUIRY, auth=asking)
    assert answer.status_code == 200, answer.text
    assert answer.json()["outcome"] == "on_plan"
    token = world.app.state.auth.verifier.verify(await asking.token_async(world.http))
    assert token.assurance == 2
    assert token.authenticated_at == int(world.clock().timestamp()) - 600
    entries = [row for row in await world.log() if row["professional_id"] == world.members["nurse-1"].id]
    assert entries
    assert {row["client_id"] for row in entries} == {"hospital-system"}
    assert provider.asked == ["/keys"]


@pytest.mark.rule("ENQ-3")
async def test_who_is_suspended_is_refused_at_once_whatever_the_provider_says(world: World) -> None:
    asking = nurse(world)
    await asking.token_async(world.http)
    async with world.database.connection() as connection:
        await connection.execute("UPDATE professional SET suspended_at = now() WHERE subject = 'nurse-1'")
    assert (await world.http.post("/api/v1/enquiries", json=ENQUIRY, auth=asking)).status_code == 403
    with pytest.raises(NoToken) as refused:
        await nurse(world).token_async(world.http)
    assert refused.value.response.json()["error_description"] == "individual_suspended"
    last = (await world.log())[-1]
    assert (last["kind"], last["reason"]) == ("token.refused", "individual_suspended")
    assert (last["client_id"], last["professional_id"]) == ("hospital-system", world.members["nurse-1"].id)


@pytest.mark.rule("ENQ-3")
async def test_who_was_enrolled_as_something_else_is_refused_and_recorded(world: World) -> None:
    with pytest.raises(NoToken) as refused:
        await nurse(world, roles=["Porter"]).token_async(world.http)
    assert refused.value.response.json()["error_description"] == "role_not_borne_out"
    last = (await world.log())[-1]
    assert (last["kind"], last["reason"]) == ("token.refused", "role_not_borne_out")


async def test_the_provider_changes_its_key(world: World, provider: KeyServer) -> None:
    await nurse(world).token_async(world.http)
    provider.serve(NEXT_KEY)
    world.clock.advance(seconds=31)
    await nurse(world, NEXT_KEY).token_async(world.http)
    with pytest.raises(NoToken) as refused:
        await nurse(world, KEY).token_async(world.http)
    assert refused.value.response.json()["error_description"] == "key_unknown"


async def test_while_the_provider_is_down_nobody_new_is_believed_and_that_is_recorded(
    world: World, provider: KeyServer
) -> None:
    provider.status = 503
    with pytest.raises(NoToken) as refused:
        await nurse(world).token_async(world.http)
    response = refused.value.response
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert response.headers["retry-after"] == "10"
    last = (await world.log())[-1]
    assert (last["kind"], last["reason"]) == ("token.refused", "provider_unavailable")


@pytest.mark.rule("ENQ-3")
async def test_the_hospital_names_nobody_by_itself_and_the_police_still_do(world: World) -> None:
    with pytest.raises(NoToken) as refused:
        await world.token("nurse-1", "enquiry")
    assert refused.value.response.json()["error"] == "unauthorized_client"
    assert (await world.log())[-1]["reason"] == "grant_type_not_for_this_organisation"
    assert await world.token("officer-1", "enquiry")


async def test_an_organisation_that_is_not_enrolled_is_found_out_at_the_start(
    database_url: str, tmp_path: Path, provider: KeyServer
) -> None:
    file = identity_file(provider, "hopsital")
    with pytest.raises(NotSetUp, match="not enrolled: hopsital"):
        async with running_world(database_url, tmp_path / "state", identity_file=file):
            pass


async def test_the_command_says_so_before_a_worker_could_only_fail(
    world: World, database_url: str, provider: KeyServer
) -> None:
    identity = read_identity_file(identity_file(provider, "hopsital"), development=False)
    with pytest.raises(Failure, match="not enrolled: hopsital"):
        await service._check_ready(world.urls.api, world.settings, identity)
