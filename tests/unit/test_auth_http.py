"""Over HTTP: the token endpoint, the published keys, and the dependency that turns a proven token into an enquirer."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import httpx2
import pytest
from auth_doubles import HOSPITAL, ISSUER, KEYS, NURSE, SUBJECT, House, always, application, decoded
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey

from auth.api import (
    Endpoint,
    configure,
    introspect_token,
    issue_token,
    published_keys,
    published_metadata,
    refuse_insecure_environment,
    revoke_token,
)
from auth.dependencies import require_scope
from auth.errors import InsecureEnvironment, Reason
from auth.tokens import TokenIssuer

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def http(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=application(house))
    async with httpx2.AsyncClient(transport=transport, base_url="https://register.example") as client:
        yield client


async def ask_for_token(house: House, http: httpx2.AsyncClient, form: dict[str, str]) -> httpx2.Response:
    return await http.post("/oauth2/token", data=form, headers={"DPoP": house.proof()})


async def test_from_a_form_to_an_enquirer(house: House, http: httpx2.AsyncClient) -> None:
    issued = await ask_for_token(house, http, house.form("enquiry transfer"))
    assert issued.status_code == 200
    assert issued.headers["cache-control"] == "no-store"

    token = issued.json()["access_token"]
    who = await http.get("/who", headers=house.headers("GET", "/who", token))
    assert who.json() == {"client": HOSPITAL, "scope": ["enquiry", "transfer"], "assurance": 0}
    assert (await http.get("/transfers", headers=house.headers("GET", "/transfers", token))).status_code == 200


async def test_the_published_keys_are_public_and_verify(house: House, http: httpx2.AsyncClient) -> None:
    answer = await http.get("/.well-known/jwks.json")
    (key,) = answer.json()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    token = (await ask_for_token(house, http, house.form())).json()["access_token"]
    assert decoded(token, 0)["kid"] == key["kid"]
    assert jwt.decode(token, ECKey.import_key(key), algorithms=["ES256"]).claims["client_id"] == HOSPITAL


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"", FORM, 400),
        (b"grant_type", FORM, 400),
        (b"&".join(b"a%d=b" % number for number in range(17)), FORM, 400),
        (b"grant_type=%FF", FORM, 400),
        ("grant_type=é".encode(), FORM, 400),
        (b"scope=enquiry&scope=transfer", FORM, 400),
        (b"{}", "application/json", 415),
        (b"grant_type=x", "", 415),
        (b"a=" + b"x" * 24 * 1024, FORM, 413),
        (b"x" * 10_000_000, FORM, 413),
    ],
)
async def test_what_is_no_form_is_refused_and_recorded(
    house: House, http: httpx2.AsyncClient, content: bytes, content_type: str, status: int
) -> None:
    headers = {"Content-Type": content_type, "DPoP": house.proof()}
    answer = await http.post("/oauth2/token", content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (status, "invalid_request")
    assert answer.headers["cache-control"] == "no-store"
    assert len(house.register.refusals) == 1


async def test_the_documentation_names_what_a_client_sends(house: House, http: httpx2.AsyncClient) -> None:
    operation = (await http.get("/openapi.json")).json()["paths"]["/oauth2/token"]["post"]
    exchange, assertion = operation["requestBody"]["content"][FORM]["schema"]["oneOf"]
    assert set(assertion["required"]) == set(assertion["properties"]) == set(house.form())
    assert set(exchange["required"]) == set(house.signer.exchange_form("", "enquiry"))
    assert set(exchange["properties"]) > set(exchange["required"])


def test_every_route_is_given_to_be_limited(house: House) -> None:
    limited: list[Endpoint] = []

    def remember(endpoint: Endpoint) -> Endpoint:
        limited.append(endpoint)
        return endpoint

    configure(FastAPI(), house.services, limited=remember)
    assert limited == [issue_token, revoke_token, introspect_token, published_keys, published_metadata]


async def test_parameters_in_the_url_are_not_read(house: House, http: httpx2.AsyncClient) -> None:
    form = house.form()
    scope = form.pop("scope")
    answer = await http.post("/oauth2/token", params={"scope": scope}, data=form, headers={"DPoP": house.proof()})
    assert answer.json()["error"] == "invalid_scope"
    token = await house.token()
    assert (await http.get("/who", params={"access_token": token})).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "")],
        [("Authorization", "DPoP")],
        [("Authorization", "DPoP ")],
        [("Authorization", "DPoP  {token}")],
        [("Authorization", "DPoP {token}, DPoP {token}")],
        [("Authorization", "Basic {token}")],
        [("Authorization", "{token}")],
        [("Authorization", "DPoP {token}"), ("Authorization", "DPoP {token}")],
        [("Cookie", "access_token={token}")],
    ],
)
async def test_only_one_authorization_header_counts(
    house: House, http: httpx2.AsyncClient, headers: list[tuple[str, str]]
) -> None:
    token = await house.token()
    sent = [(name, value.format(token=token)) for name, value in headers]
    sent.append(("DPoP", house.proof("GET", "/who", token)))
    assert (await http.get("/who", headers=sent)).status_code == 401
    assert house.register.refusals == [], "nobody is accused of what is not proven"


async def test_the_scheme_is_not_case_sensitive(house: House, http: httpx2.AsyncClient) -> None:
    headers = house.headers("GET", "/who", await house.token())
    headers["Authorization"] = headers["Authorization"].replace("DPoP", "dPoP")
    answer = await http.get("/who", headers=headers)
    assert answer.status_code == 200


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(
    "what", ["expired", "another audience", "unknown together", "another organisation", "scope not asked for"]
)
async def test_a_refusal_with_a_known_author_is_recorded_first(
    house: House, http: httpx2.AsyncClient, what: str
) -> None:
    token, path, status = await house.token(), "/who", 401
    match what:
        case "expired":
            house.clock.forward(300)
            reason = Reason.EXPIRED
        case "another audience":
            client = house.register.clients[HOSPITAL]
            professional = next(iter(house.register.professionals.values()))
            token = TokenIssuer(ISSUER, "urn:example:elsewhere", always(KEYS), house.clock).issue(
                client, professional, "enquiry", house.binding
            )
            reason = Reason.AUDIENCE
        case "unknown together":
            house.register.enquirers.clear()
            reason = Reason.INDIVIDUAL_UNKNOWN
        case "another organisation":
            moved = replace(house.register.enquirers[HOSPITAL, NURSE], organisation_id=uuid4())
            house.register.enquirers[HOSPITAL, NURSE] = moved
            reason = Reason.STANDING_CHANGED
        case _:
            path, status, reason = "/transfers", 403, Reason.SCOPE

    assert (await http.get(path, headers=house.headers("GET", path, token))).status_code == status
    assert house.register.refusals == [
        {"kind": "access.refused", "reason": reason, "client_id": HOSPITAL, "professional_id": NURSE}
    ]

    house.register.recording_fails = True
    assert (await http.get(path, headers=house.headers("GET", path, token))).status_code == 503


@pytest.mark.rule("ENQ-3")
async def test_standing_is_asked_anew_at_every_request(house: House, http: httpx2.AsyncClient) -> None:
    token = await house.token()
    assert (await http.get("/who", headers=house.headers("GET", "/who", token))).status_code == 200
    house.register.enquirers.clear()
    assert (await http.get("/who", headers=house.headers("GET", "/who", token))).status_code == 401


def test_a_scope_that_does_not_exist_cannot_be_required() -> None:
    with pytest.raises(ValueError, match="unknown scope"):
        require_scope("enquiries")


@pytest.mark.parametrize("value", ["1", "0", ""])
def test_an_insecure_environment_is_refused(monkeypatch: pytest.MonkeyPatch, house: House, value: str) -> None:
    refuse_insecure_environment()
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", value)
    with pytest.raises(InsecureEnvironment):
        configure(FastAPI(), house.services, limited=lambda endpoint: endpoint)


async def test_no_answer_and_no_log_repeats_what_was_sent(
    house: House, http: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    form = house.form()
    answers = [
        await ask_for_token(house, http, form),
        await ask_for_token(house, http, form),
        await ask_for_token(house, http, {**house.form(), "grant_type": SUBJECT}),
        await ask_for_token(house, http, {**house.form(), "scope": SUBJECT}),
        await ask_for_token(house, http, {**house.form(), "assertion": SUBJECT}),
    ]
    assert [answer.status_code for answer in answers] == [200, 400, 400, 400, 400]
    secrets = [SUBJECT, form["assertion"], form["client_assertion"], answers[0].json()["access_token"]]
    for secret in secrets:
        assert secret not in caplog.text
        assert all(secret not in answer.text for answer in answers[1:])
