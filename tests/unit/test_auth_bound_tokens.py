"""Over HTTP: a token is worth nothing without the key that it was issued to (RFC 9449)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from auth_doubles import AUDIENCE, HOSPITAL, ISSUER, KEYS, NURSE, SUBJECT, House, always, application, decoded

from auth.client import ProofSigner
from auth.errors import Reason
from auth.sending import AsProfessional, NoToken, OtherIssuer
from auth.tokens import TokenIssuer
from policies.enquirer import Assurance


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def http(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    # The address is another one than that which proofs are held against: the Host header counts for nothing.
    transport = httpx2.ASGITransport(app=application(house))
    async with httpx2.AsyncClient(transport=transport, base_url="https://register.example") as client:
        yield client


def reasons(house: House) -> list[str]:
    return [refusal["reason"] for refusal in house.register.refusals]


async def test_the_first_proof_is_answered_with_a_nonce_and_costs_no_assertion(
    house: House, http: httpx2.AsyncClient
) -> None:
    form, proofs = house.form(), ProofSigner(clock=house.clock)
    url = f"{ISSUER}/oauth2/token"
    first = await http.post("/oauth2/token", data=form, headers={"DPoP": proofs.proof("POST", url)})
    assert (first.status_code, first.json()["error"]) == (400, "use_dpop_nonce")
    assert first.headers["cache-control"] == "no-store"

    proofs.nonce = first.headers["dpop-nonce"]
    issued = await http.post("/oauth2/token", data=form, headers={"DPoP": proofs.proof("POST", url)})
    assert (issued.status_code, issued.json()["token_type"]) == (200, "DPoP")
    assert decoded(issued.json()["access_token"], 1)["cnf"] == {"jkt": proofs.thumbprint}
    assert house.register.refusals == [], "to be told a nonce is no refusal"


async def test_no_token_without_a_proof(house: House, http: httpx2.AsyncClient) -> None:
    answer = await http.post("/oauth2/token", data=house.form())
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")
    assert "dpop-nonce" not in answer.headers
    assert reasons(house) == ["proof_missing"]


async def test_a_proof_gets_one_token(house: House, http: httpx2.AsyncClient) -> None:
    headers = {"DPoP": house.proof()}
    answers = await asyncio.gather(*(http.post("/oauth2/token", data=house.form(), headers=headers) for _ in range(9)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 8
    assert reasons(house) == ["replayed"] * 8


async def test_a_nonce_that_has_aged_is_exchanged_for_a_fresh_one(house: House, http: httpx2.AsyncClient) -> None:
    token = await house.token()
    old = house.services.possession.nonces.fresh()
    house.clock.forward(299)
    house.proofs.nonce = old
    assert (await http.get("/who", headers=_headers(house, token))).status_code == 200

    house.clock.forward(2)
    token = await house.token()
    house.proofs.nonce = old
    told = await http.get("/who", headers=_headers(house, token))
    assert (told.status_code, told.json()["error"]) == (401, "use_dpop_nonce")
    house.proofs.nonce = told.headers["dpop-nonce"]
    answer = await http.get("/who", headers=_headers(house, token))
    assert answer.status_code == 200
    assert answer.headers["dpop-nonce"], "so that the next one needs no second try"
    assert house.register.refusals == []


def _headers(house: House, token: str, **changes: Any) -> dict[str, str]:
    return {"Authorization": f"DPoP {token}", "DPoP": house.proofs.proof("GET", f"{ISSUER}/who", token), **changes}


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("no proof", Reason.PROOF_MISSING),
        ("two proofs", Reason.REQUEST),
        ("as a bearer token", Reason.PROOF_MISSING),
        ("as a bearer token without a proof", Reason.PROOF_MISSING),
        ("proof of another key", Reason.BINDING),
        ("proof of another key without a nonce", Reason.BINDING),
        ("proof for another token", Reason.ATH),
        ("proof for a token request", Reason.TARGET),
        ("proof for the address that the Host header names", Reason.TARGET),
        ("proof that is too old", Reason.PROOF_TIME),
        ("proof that was used", Reason.REPLAYED),
    ],
)
async def test_a_token_in_other_hands_is_refused_and_recorded(
    house: House, http: httpx2.AsyncClient, what: str, reason: Reason
) -> None:
    token = await house.token()
    stranger = ProofSigner(clock=house.clock)
    stranger.nonce = house.services.possession.nonces.fresh()
    good = house.headers("GET", "/who", token)
    sent = [*good.items()]
    match what:
        case "no proof":
            sent = sent[:1]
        case "two proofs":
            sent.append(("DPoP", house.proof("GET", "/who", token)))
        case "as a bearer token":
            sent[0] = ("Authorization", f"Bearer {token}")
        case "as a bearer token without a proof":
            sent = [("Authorization", f"Bearer {token}")]
        case "proof of another key":
            sent[1] = ("DPoP", stranger.proof("GET", f"{ISSUER}/who", token))
        case "proof of another key without a nonce":
            stranger.nonce = None
            sent[1] = ("DPoP", stranger.proof("GET", f"{ISSUER}/who", token))
        case "proof for another token":
            sent[1] = ("DPoP", house.proof("GET", "/who", await house.token()))
        case "proof for a token request":
            sent[1] = ("DPoP", house.proof())
        case "proof for the address that the Host header names":
            sent[1] = ("DPoP", house.proofs.proof("GET", "https://register.example/who", token))
        case "proof that is too old":
            house.clock.forward(61)
        case _:
            assert (await http.get("/who", headers=sent)).status_code == 200

    answer = await http.get("/who", headers=sent)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_dpop_proof")
    assert house.register.refusals == [
        {"kind": "access.refused", "reason": reason, "client_id": HOSPITAL, "professional_id": NURSE}
    ]
    house.register.recording_fails = True
    assert (await http.get("/who", headers=sent)).status_code == 503


async def test_what_others_may_look_like_has_no_author(house: House, http: httpx2.AsyncClient) -> None:
    token = await house.token()
    forged = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
    assert (await http.get("/who", headers=house.headers("GET", "/who", forged))).status_code == 401
    assert house.register.refusals == []


@pytest.mark.rule("ENQ-3")
async def test_a_revoked_token_is_refused_from_the_next_request_on(house: House, http: httpx2.AsyncClient) -> None:
    token = await house.token()
    assert (await http.get("/who", headers=house.headers("GET", "/who", token))).status_code == 200
    house.register.revoked.add(decoded(token, 1)["jti"])
    refused = await http.get("/who", headers=house.headers("GET", "/who", token))
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
    assert reasons(house) == ["revoked"]


async def test_where_the_store_has_forgotten_a_proof_is_made_again_and_no_earlier_one_counts(
    house: House, http: httpx2.AsyncClient
) -> None:
    token = await house.token()
    used = house.headers("GET", "/who", token)
    assert (await http.get("/who", headers=used)).status_code == 200
    house.register.proofs.clear()
    house.register.since = house.clock() + timedelta(seconds=10)

    again = await http.get("/who", headers=used)
    assert (again.status_code, again.json()["error"]) == (401, "use_dpop_nonce")
    house.proofs.nonce = again.headers["dpop-nonce"]
    assert (await http.get("/who", headers=_headers(house, token))).status_code == 200
    assert (await http.get("/who", headers=used)).status_code == 401


async def test_how_surely_the_individual_is_known_is_told_by_the_token(house: House, http: httpx2.AsyncClient) -> None:
    issuer = TokenIssuer(ISSUER, AUDIENCE, always(KEYS), house.clock)
    client, professional = house.register.clients[HOSPITAL], next(iter(house.register.professionals.values()))
    for level in Assurance:
        token = issuer.issue(client, professional, "enquiry", house.binding, level, house.clock())
        assert decoded(token, 1).get("acr") == (None if level is Assurance.STATED else f"aal{level.value}")
        assert house.services.verifier.verify(token).authenticated_at == house.clock.seconds()
        who = await http.get("/who", headers=house.headers("GET", "/who", token))
        assert who.json()["assurance"] == level


@pytest.mark.parametrize(
    "said",
    [
        {"issuer": "https://other.test", "token_endpoint": f"{ISSUER}/oauth2/token"},
        {"issuer": f"{ISSUER}/", "token_endpoint": f"{ISSUER}/oauth2/token"},
        {"issuer": ISSUER},
        {"issuer": ISSUER, "token_endpoint": [f"{ISSUER}/oauth2/token"]},
        ["no metadata"],
    ],
    ids=["another", "with a slash", "no endpoint", "several endpoints", "a list"],
)
async def test_nothing_is_signed_for_whoever_calls_themselves_otherwise(house: House, said: object) -> None:
    sent: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(200, json=said)

    auth = AsProfessional(house.signer, ISSUER, SUBJECT, "enquiry", clock=house.clock)
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer), base_url=ISSUER) as http:
        with pytest.raises(OtherIssuer):
            await http.get("/who", auth=auth)
    assert [(one.method, one.url.path, one.content) for one in sent] == [
        ("GET", "/.well-known/oauth-authorization-server", b"")
    ]


async def test_the_client_of_ours_sees_to_all_of_it(house: House) -> None:
    transport = httpx2.ASGITransport(app=application(house))
    auth = AsProfessional(house.signer, ISSUER, SUBJECT, "enquiry", clock=house.clock)
    async with httpx2.AsyncClient(transport=transport, base_url=ISSUER) as http:
        for seconds in (0, 150, 150, 400):
            house.clock.forward(seconds)
            assert (await http.get("/who?page=2", auth=auth)).status_code == 200
        house.register.since = house.clock() + timedelta(seconds=10)
        assert (await http.get("/who", auth=auth)).status_code == 200
        house.enrol(active=False)
        house.clock.forward(201)
        with pytest.raises(NoToken) as refused:
            await http.get("/who", auth=auth)
        assert refused.value.response.json()["error"] == "invalid_client"
