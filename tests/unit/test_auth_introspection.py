"""Introspection (RFC 7662): for whom it is, what it says, and that it says what the API would do at this moment."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from auth_doubles import AUDIENCE, HOSPITAL, ISSUER, NURSE, ORGANISATION, SUBJECT, House, application
from test_auth_revocation import of_client

from auth.client import OrganisationSigner, generate_client_key
from auth.errors import Reason
from auth.protocols import RegisteredClient
from policies.enquirer import Agreement, Enquirer, Purpose

GATEWAY = "authority-gateway"
LAST_DAYS = timedelta(days=2)


@pytest.fixture
def house() -> House:
    """A house whose nurse stands, and with a resource server of the authority's own."""
    house = House()
    today = house.clock().date()
    agreement = Agreement(
        UUID(int=7), frozenset({Purpose.CHILD_PROTECTION}), today - timedelta(days=9), today + LAST_DAYS
    )
    nurse = house.register.enquirers[HOSPITAL, NURSE]
    house.register.enquirers[HOSPITAL, NURSE] = replace(nurse, agreements=(agreement,))
    return house


@pytest.fixture
async def http(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=application(house))
    async with httpx2.AsyncClient(transport=transport, base_url="https://register.example") as client:
        yield client


@pytest.fixture
def gateway(house: House) -> OrganisationSigner:
    private, public = generate_client_key()
    house.register.clients[GATEWAY] = RegisteredClient(
        GATEWAY, uuid4(), {"keys": [public]}, frozenset({"introspection"}), True, "authority"
    )
    return OrganisationSigner(GATEWAY, private, ISSUER, clock=house.clock)


async def introspect(http: httpx2.AsyncClient, signer: OrganisationSigner, token: str, **more: str) -> Any:
    answer = await http.post("/oauth2/introspect", data=of_client(signer, token=token, **more))
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_it_says_what_the_token_says(house: House, http: httpx2.AsyncClient, gateway: OrganisationSigner) -> None:
    token = await house.token("enquiry transfer")
    said = await introspect(http, gateway, token)
    now = house.clock.seconds()
    assert UUID(said.pop("jti"))
    assert said == {
        "active": True,
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(NURSE),
        "client_id": HOSPITAL,
        "act": {"sub": HOSPITAL},
        "org": str(ORGANISATION),
        "scope": "enquiry transfer",
        "token_type": "DPoP",
        "cnf": {"jkt": house.proofs.thumbprint},
        "iat": now,
        "nbf": now,
        "exp": now + 300,
    }
    assert SUBJECT not in str(said), "their own organisation's name for somebody is nobody else's business"


async def test_to_ask_uses_nothing_up(house: House, http: httpx2.AsyncClient, gateway: OrganisationSigner) -> None:
    token = await house.token()
    used = set(house.register.proofs)
    for hint in ("access_token", "refresh_token"):
        assert (await introspect(http, gateway, token, token_type_hint=hint))["active"]
    assert house.register.proofs == used


def _suspend(**standing: Any) -> Callable[[House], None]:
    def change(house: House) -> None:
        nurse = house.register.enquirers[HOSPITAL, NURSE]
        house.register.enquirers[HOSPITAL, NURSE] = replace(nurse, **standing)

    return change


def _agreement(change: Callable[[Agreement], Agreement]) -> Callable[[House], None]:
    def changed(house: House) -> None:
        nurse: Enquirer = house.register.enquirers[HOSPITAL, NURSE]
        house.register.enquirers[HOSPITAL, NURSE] = replace(nurse, agreements=tuple(map(change, nurse.agreements)))

    return changed


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(lambda house: house.clock.forward(300), id="expired"),
        pytest.param(_suspend(client_suspended=True), id="the client is suspended"),
        pytest.param(_suspend(organisation_suspended=True), id="the organisation is suspended"),
        pytest.param(_suspend(professional_suspended=True), id="the professional is suspended"),
        pytest.param(_suspend(agreements=()), id="there is no agreement"),
        pytest.param(_agreement(lambda one: replace(one, suspended=True)), id="the agreement is suspended"),
        pytest.param(
            _agreement(lambda one: replace(one, valid_to=one.valid_to - LAST_DAYS - timedelta(days=1))),
            id="the agreement ended yesterday",
        ),
        pytest.param(_agreement(lambda one: replace(one, valid_from=one.valid_to)), id="the agreement has not begun"),
        pytest.param(_suspend(organisation_id=uuid4()), id="they belong to another organisation now"),
        pytest.param(lambda house: house.register.enquirers.clear(), id="they do not belong together"),
    ],
)
async def test_whoever_would_be_refused_has_no_active_token(
    house: House, http: httpx2.AsyncClient, gateway: OrganisationSigner, happens: Callable[[House], None]
) -> None:
    token = await house.token()
    assert (await introspect(http, gateway, token))["active"]
    happens(house)
    assert await introspect(http, gateway, token) == {"active": False}


async def test_on_the_last_day_of_an_agreement_it_is_active(
    house: House, http: httpx2.AsyncClient, gateway: OrganisationSigner
) -> None:
    house.clock.now += LAST_DAYS
    assert (await introspect(http, gateway, await house.token()))["active"]
    house.clock.now += timedelta(days=1)
    assert await introspect(http, gateway, await house.token()) == {"active": False}


async def test_a_revoked_token_is_not_active(
    house: House, http: httpx2.AsyncClient, gateway: OrganisationSigner
) -> None:
    token = await house.token()
    assert (await http.post("/oauth2/revoke", data=of_client(house.signer, token=token))).status_code == 200
    assert await introspect(http, gateway, token) == {"active": False}


@pytest.mark.parametrize("token", ["x", "a.b.c", "x" * 5000])
async def test_what_is_no_token_is_not_active(
    http: httpx2.AsyncClient, gateway: OrganisationSigner, token: str
) -> None:
    assert await introspect(http, gateway, token) == {"active": False}


async def test_an_assertion_is_no_token(house: House, http: httpx2.AsyncClient, gateway: OrganisationSigner) -> None:
    assert await introspect(http, gateway, house.signer.client_assertion()) == {"active": False}


@pytest.mark.rule("ENQ-3")
async def test_who_is_not_enrolled_for_it_is_refused_and_that_is_recorded(
    house: House, http: httpx2.AsyncClient
) -> None:
    token = await house.token()
    for told in (token, "x"):
        answer = await http.post("/oauth2/introspect", data=of_client(house.signer, token=told))
        assert (answer.status_code, answer.json()["error"]) == (403, "unauthorized_client")
        assert "active" not in answer.json(), "not even of one's own"
    expected = {"kind": "introspection.refused", "reason": Reason.SCOPE, "client_id": HOSPITAL}
    assert [{name: noted[name] for name in expected} for noted in house.register.refusals] == [expected] * 2

    house.register.recording_fails = True
    answer = await http.post("/oauth2/introspect", data=of_client(house.signer, token=token))
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"client_assertion": ""}, Reason.CLIENT_AUTHENTICATION),
        ({"client_assertion": "a.b.c"}, Reason.MALFORMED),
        ({"client_id": HOSPITAL}, Reason.REQUEST),
    ],
)
async def test_who_does_not_prove_to_be_a_client_gets_401(
    house: House, http: httpx2.AsyncClient, gateway: OrganisationSigner, change: dict[str, str], reason: Reason
) -> None:
    token = await house.token()
    answer = await http.post("/oauth2/introspect", data={**of_client(gateway, token=token), **change})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert [noted["reason"] for noted in house.register.refusals] == [reason]


async def test_a_suspended_resource_server_is_told_nothing(
    house: House, http: httpx2.AsyncClient, gateway: OrganisationSigner
) -> None:
    house.register.clients[GATEWAY] = replace(house.register.clients[GATEWAY], active=False)
    answer = await http.post("/oauth2/introspect", data=of_client(gateway, token=await house.token()))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_an_assertion_counts_once(house: House, http: httpx2.AsyncClient, gateway: OrganisationSigner) -> None:
    form = of_client(gateway, token=await house.token())
    assert (await http.post("/oauth2/introspect", data=form)).json()["active"]
    again = await http.post("/oauth2/introspect", data=form)
    assert (again.status_code, "active" in again.json()) == (401, False)


async def test_nobody_gets_a_token_for_introspection(house: House) -> None:
    house.enrol(scopes=frozenset({"enquiry", "introspection"}))
    for scope in ("introspection", "enquiry introspection"):
        status, body = await house.ask(house.form(scope))
        assert (status, body["error"]) == (400, "invalid_scope")
