"""Revocation (RFC 7009): a client ends its own tokens, and learns nothing about others'."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx2
import pytest
from auth_doubles import HOSPITAL, ISSUER, NURSE, House, application

from auth.client import ASSERTION_TYPE, OrganisationSigner, generate_client_key
from auth.errors import Reason
from auth.protocols import RegisteredClient

FORM = "application/x-www-form-urlencoded"
POLICE = "police-system"


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def http(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=application(house))
    async with httpx2.AsyncClient(transport=transport, base_url="https://register.example") as client:
        yield client


def of_client(signer: OrganisationSigner, **fields: str) -> dict[str, str]:
    """A form of a client that authenticates."""
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signer.client_assertion(), **fields}


def another_client(house: House) -> OrganisationSigner:
    private, public = generate_client_key()
    organisation = house.register.clients[HOSPITAL].organisation_id
    house.register.clients[POLICE] = RegisteredClient(
        POLICE, organisation, {"keys": [public]}, frozenset({"enquiry"}), True, "police"
    )
    return OrganisationSigner(POLICE, private, ISSUER, clock=house.clock)


async def revoke(http: httpx2.AsyncClient, form: Mapping[str, str], **how: Any) -> httpx2.Response:
    answer = await http.post("/oauth2/revoke", data=form, **how)
    assert answer.headers["cache-control"] == "no-store"
    return answer


def refused(house: House) -> list[tuple[str, str | None]]:
    assert {refusal["kind"] for refusal in house.register.refusals} <= {"revocation.refused"}
    return [(refusal["reason"], refusal["client_id"]) for refusal in house.register.refusals]


async def test_a_client_revokes_its_token_which_is_worth_nothing_from_then_on(
    house: House, http: httpx2.AsyncClient
) -> None:
    token, other = await house.token(), await house.token()
    answer = await revoke(http, of_client(house.signer, token=token))
    assert (answer.status_code, answer.json()) == (200, {})
    assert (await http.get("/who", headers=house.headers("GET", "/who", token))).status_code == 401
    assert (await http.get("/who", headers=house.headers("GET", "/who", other))).status_code == 200
    assert [refusal["reason"] for refusal in house.register.refusals] == [Reason.REVOKED]


async def test_again_it_is_done_too(house: House, http: httpx2.AsyncClient) -> None:
    token = await house.token()
    for _ in range(2):
        assert (await revoke(http, of_client(house.signer, token=token))).status_code == 200
    assert refused(house) == []


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "something else"])
async def test_a_hint_changes_nothing(house: House, http: httpx2.AsyncClient, hint: str) -> None:
    token = await house.token()
    assert (await revoke(http, of_client(house.signer, token=token, token_type_hint=hint))).status_code == 200
    assert len(house.register.revoked) == 1


@pytest.mark.parametrize("unknown", ["x", "a.b.c", "expired", "of another server", "cut off"])
async def test_what_is_no_token_or_none_any_more_is_answered_like_one(
    house: House, http: httpx2.AsyncClient, unknown: str
) -> None:
    token = await house.token()
    match unknown:
        case "expired":
            house.clock.forward(300)
        case "of another server":
            token = token[:-8] + "AAAAAAAA"
        case "cut off":
            token = token[:-8]
        case _:
            token = unknown
    answer = await revoke(http, of_client(house.signer, token=token))
    assert (answer.status_code, answer.json()) == (200, {})
    assert house.register.revoked == set()
    assert refused(house) == []


async def test_a_client_does_not_revoke_the_token_of_another_one(house: House, http: httpx2.AsyncClient) -> None:
    token = await house.token()
    answer = await revoke(http, of_client(another_client(house), token=token))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert house.register.revoked == set()
    assert refused(house) == [(Reason.OTHER_CLIENT, POLICE)]
    assert (await http.get("/who", headers=house.headers("GET", "/who", token))).status_code == 200


@pytest.mark.parametrize(
    ("change", "headers", "status", "reason", "known"),
    [
        ({"client_assertion": ""}, {}, 400, Reason.CLIENT_AUTHENTICATION, None),
        ({"client_assertion_type": "other"}, {}, 400, Reason.CLIENT_AUTHENTICATION, None),
        ({"client_assertion": "a.b.c"}, {}, 400, Reason.MALFORMED, None),
        ({"client_id": "another"}, {}, 400, Reason.REQUEST, HOSPITAL),
        ({"token": ""}, {}, 400, Reason.REQUEST, HOSPITAL),
        ({}, {"Authorization": "Basic aG9zcGl0YWw6"}, 401, Reason.CLIENT_AUTHENTICATION, None),
    ],
)
async def test_who_does_not_prove_to_be_a_client_is_refused_and_that_is_recorded(
    house: House,
    http: httpx2.AsyncClient,
    change: dict[str, str],
    headers: dict[str, str],
    status: int,
    reason: Reason,
    known: str | None,
) -> None:
    token = await house.token()
    form = {**of_client(house.signer, token=token), **change}
    answer = await revoke(http, form, headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"] == ("invalid_request" if change == {"token": ""} else "invalid_client")
    assert token not in answer.text
    assert refused(house) == [(reason, known)]
    assert house.register.revoked == set()

    house.register.recording_fails = True
    answer = await revoke(http, {**of_client(house.signer, token=token), **change}, headers=headers)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_a_suspended_client_revokes_nothing(house: House, http: httpx2.AsyncClient) -> None:
    token = await house.token()
    house.enrol(active=False)
    assert (await revoke(http, of_client(house.signer, token=token))).json()["error"] == "invalid_client"
    assert refused(house) == [(Reason.CLIENT_SUSPENDED, HOSPITAL)]


async def test_an_assertion_counts_once_for_all_endpoints_together(house: House, http: httpx2.AsyncClient) -> None:
    form = house.form()
    status, body = await house.ask(form)
    assert status == 200
    proof = {name: form[name] for name in ("client_assertion", "client_assertion_type")}
    answer = await revoke(http, {**proof, "token": body["access_token"]})
    assert answer.json()["error"] == "invalid_client"
    assert refused(house) == [(Reason.REPLAYED, HOSPITAL)]

    used = of_client(house.signer, token=body["access_token"])
    assert (await revoke(http, used)).status_code == 200
    assert (await revoke(http, used)).status_code == 400
    status, _ = await house.ask({**house.form(), "client_assertion": used["client_assertion"]})
    assert status == 400


@pytest.mark.parametrize("path", ["/oauth2/revoke", "/oauth2/introspect"])
@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"token", FORM, 400),
        (b"token=a&token=b", FORM, 400),
        (b"token=%FF", FORM, 400),
        (b"{}", "application/json", 415),
        (b"token=" + b"x" * 24 * 1024, FORM, 413),
    ],
)
async def test_what_is_no_form_is_refused_and_recorded(
    house: House, http: httpx2.AsyncClient, path: str, content: bytes, content_type: str, status: int
) -> None:
    answer = await http.post(path, content=content, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["error"]) == (status, "invalid_request")
    assert answer.headers["cache-control"] == "no-store"
    (noted,) = house.register.refusals
    assert noted["kind"] == ("revocation.refused" if path.endswith("revoke") else "introspection.refused")


@pytest.mark.parametrize("path", ["/oauth2/revoke", "/oauth2/introspect"])
async def test_parameters_in_the_url_are_not_read(house: House, http: httpx2.AsyncClient, path: str) -> None:
    house.enrol(scopes=frozenset({"enquiry", "introspection"}))
    token = await house.token()
    answer = await http.post(path, params={"token": token}, data=of_client(house.signer))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_no_log_repeats_a_token(house: House, http: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    token = await house.token()
    form = of_client(house.signer, token=token)
    await revoke(http, form)
    await revoke(http, form)
    for secret in (token, form["client_assertion"]):
        assert secret not in caplog.text
        assert secret not in json.dumps(house.register.refusals, default=str)
    assert NURSE not in [refusal["professional_id"] for refusal in house.register.refusals]
