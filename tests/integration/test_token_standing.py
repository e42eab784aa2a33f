"""Revoked, suspended, ended: what a token is worth from the next request on, at the API and by introspection."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from builders import BASE_URL, World, running_world

from auth.client import ASSERTION_TYPE, OrganisationSigner, generate_client_key
from registry_api import main
from registry_api.directory import service as directory
from registry_api.kernel.errors import StoreUnavailable

INBOX = "/api/v1/notifications"
GATEWAY = "authority-gateway"


async def enrol_gateway(world: World) -> None:
    """A resource server of the authority's own."""
    private, public = generate_client_key()
    async with world.database.session() as session:
        directory.add_client(
            session,
            client_id=GATEWAY,
            organisation_id=world.organisations["authority"],
            public_keys=[public],
            scopes={"introspection"},
        )
    world.signers[GATEWAY] = OrganisationSigner(GATEWAY, private, BASE_URL, clock=world.clock)


async def send(world: World, path: str, client: str, token: str, http: httpx2.AsyncClient | None = None) -> Any:
    form = {
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": world.signers[client].client_assertion(),
        "token": token,
    }
    return await (http or world.http).post(path, data=form)


async def active(world: World, token: str, http: httpx2.AsyncClient | None = None) -> bool:
    answer = await send(world, "/oauth2/introspect", GATEWAY, token, http)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    assert set(said) == {"active"} or said["active"]
    return bool(said["active"])


async def change(world: World, statement: str) -> None:
    async with world.database.connection() as connection:
        assert not (await connection.execute(statement)).endswith(" 0")


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(
    ("happens", "status"),
    [
        ("UPDATE client SET suspended_at = now() WHERE id = 'authority-system'", 403),
        ("UPDATE professional SET suspended_at = now() WHERE subject = 'kw-1'", 403),
        ("UPDATE organisation SET suspended_at = now() WHERE own_authority", 403),
        ("UPDATE agreement SET suspended_at = now()", 403),
        ("UPDATE agreement SET valid_to = date '2026-03-03'", 403),
        ("UPDATE agreement SET valid_from = date '2026-03-05'", 403),
        ("UPDATE professional SET organisation_id = (SELECT id FROM organisation WHERE code = 'police') "
         "WHERE subject = 'kw-1'", 401),
    ],
)  # fmt: skip
async def test_what_the_api_refuses_is_not_active(world: World, happens: str, status: int) -> None:
    await enrol_gateway(world)
    token = await world.token("kw-1", "casework")
    assert (await world.http.get(INBOX, auth=world.auth("kw-1", "casework"))).status_code == 200
    assert await active(world, token)

    await change(world, happens)
    assert (await world.http.get(INBOX, auth=world.auth("kw-1", "casework"))).status_code == status
    assert not await active(world, token)


@pytest.mark.rule("ENQ-3")
async def test_a_scope_that_is_taken_from_a_system_is_gone_with_its_next_request(world: World) -> None:
    await enrol_gateway(world)
    token = await world.token("kw-1", "casework")
    assert (await world.http.get(INBOX, auth=world.auth("kw-1", "casework"))).status_code == 200
    await change(world, "UPDATE client SET scopes = '{enquiry}' WHERE id = 'authority-system'")
    refused = await world.http.get(INBOX, auth=world.auth("kw-1", "casework"))
    assert (refused.status_code, refused.json()["because"]) == (403, "scope_missing")
    assert not await active(world, token)


@pytest.mark.rule("ENQ-3")
async def test_an_agreement_ends_with_its_last_day(world: World) -> None:
    await enrol_gateway(world)
    await change(world, "UPDATE agreement SET valid_to = date '2026-03-04'")
    world.clock.advance(hours=13.96)  # two minutes to midnight
    token = await world.token("officer-1", "enquiry")
    assert await active(world, token)
    world.clock.advance(minutes=3)
    assert not await active(world, token)
    assert not world.app.state.auth.verifier.verify(token).expires_at < world.clock().timestamp()


@pytest.mark.rule("ENQ-3")
async def test_a_suspension_that_is_lifted_makes_a_token_good_again(world: World) -> None:
    await enrol_gateway(world)
    token = await world.token("officer-1", "enquiry")
    await change(world, "UPDATE client SET suspended_at = now() WHERE id = 'police-system'")
    assert not await active(world, token)
    await change(world, "UPDATE client SET suspended_at = NULL WHERE id = 'police-system'")
    assert await active(world, token)


@pytest.mark.rule("ENQ-3")
async def test_a_revoked_token_is_worth_nothing_to_any_worker_and_who_revoked_it_is_recorded(
    world: World, database_url: str
) -> None:
    await enrol_gateway(world)
    token = await world.token("kw-1", "casework")
    jti = world.app.state.auth.verifier.verify(token).jti
    other = main.create_app(world.settings, world.urls, clock=world.clock)
    async with (
        other.router.lifespan_context(other),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=other), base_url=BASE_URL) as http,
    ):
        assert await active(world, token, http), "and remembered there"
        for _ in range(2):
            assert (await send(world, "/oauth2/revoke", "authority-system", token)).status_code == 200
        assert not await active(world, token, http)
        assert (await http.get(INBOX, auth=world.auth("kw-1", "casework"))).status_code == 401
    (noted,) = await world.log("token.revoked")
    assert (noted["client_id"], noted["reference"]) == ("authority-system", jti)
    assert noted["professional_id"] == world.members["kw-1"].id
    assert [entry["reason"] for entry in await world.log("access.refused")] == ["revoked"]


@pytest.mark.rule("ENQ-3")
async def test_another_organisation_revokes_and_introspects_nothing(world: World) -> None:
    token = await world.token("kw-1", "casework")
    refused = await send(world, "/oauth2/revoke", "police-system", token)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    refused = await send(world, "/oauth2/introspect", "police-system", token)
    assert (refused.status_code, refused.json()["error"]) == (403, "unauthorized_client")
    assert (await world.http.get(INBOX, auth=world.auth("kw-1", "casework"))).status_code == 200
    for kind in ("revocation.refused", "introspection.refused"):
        (noted,) = await world.log(kind)
        assert (noted["client_id"], noted["professional_id"]) == ("police-system", None)


async def test_a_revocation_that_is_not_saved_is_not_confirmed(world: World) -> None:
    token = await world.token("kw-1", "casework")
    await change_table(world, "ALTER TABLE revoked_token ADD CONSTRAINT none CHECK (false) NOT VALID")
    refused = await send(world, "/oauth2/revoke", "authority-system", token)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert (await world.http.get(INBOX, auth=world.auth("kw-1", "casework"))).status_code == 200
    assert await world.log("token.revoked") == []


async def test_a_revocation_that_cannot_be_recorded_is_neither_saved_nor_confirmed(world: World) -> None:
    token = await world.token("kw-1", "casework")
    await change_table(world, "ALTER TABLE access_entry ADD CONSTRAINT none CHECK (kind <> 'token.revoked') NOT VALID")
    assert (await send(world, "/oauth2/revoke", "authority-system", token)).status_code == 503
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM revoked_token") == 0


async def test_a_revocation_that_failed_though_it_was_saved_is_done_by_asking_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await world.token("kw-1", "casework")
    revocations: Any = world.app.state.auth.revocation._revocations
    kept = type(revocations).revoke

    async def lost(*arguments: Any) -> None:
        await kept(*arguments)
        raise StoreUnavailable

    monkeypatch.setattr(type(revocations), "revoke", lost)
    assert (await send(world, "/oauth2/revoke", "authority-system", token)).status_code == 503
    monkeypatch.undo()
    assert (await send(world, "/oauth2/revoke", "authority-system", token)).status_code == 200
    assert len(await world.log("token.revoked")) == 1


async def change_table(world: World, statement: str) -> None:
    async with world.database.connection() as connection:
        await connection.execute(statement)


@pytest.mark.parametrize("path", ["/oauth2/revoke", "/oauth2/introspect"])
async def test_how_often_an_address_may_ask_is_limited(database_url: str, tmp_path: Any, path: str) -> None:
    async with running_world(database_url, tmp_path / "state", requests_per_minute_address=3) as world:
        answers = [await send(world, path, "police-system", str(uuid4())) for _ in range(4)]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [200 if path.endswith("revoke") else 403] * 3 + [429]
    assert answers[-1].headers["content-type"] == "application/problem+json"
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_a_token_is_forgotten_as_revoked_only_once_it_has_expired(world: World) -> None:
    token = await world.token("kw-1", "casework")
    expires = world.app.state.auth.verifier.verify(token).expires_at
    await send(world, "/oauth2/revoke", "authority-system", token)
    async with world.database.connection() as connection:
        kept = await connection.fetchval("SELECT expires_at FROM revoked_token")
    assert kept.timestamp() == expires
    assert kept - world.clock() == timedelta(minutes=5)
