"""From two assertions to an enquirer: what is issued names both the organisation and the individual, always."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from auth_doubles import AUDIENCE, HOSPITAL, HOSPITAL_KEY, ISSUER, KEYS, NURSE, ORGANISATION, SUBJECT, House, decoded
from joserfc.jwk import ECKey, OKPKey, RSAKey

from auth.client import OrganisationSigner
from auth.errors import InvalidToken, Reason
from auth.tokens import TokenVerifier


@pytest.fixture
def house() -> House:
    return House()


@pytest.mark.rule("ENQ-3")
async def test_a_token_names_the_organisation_and_the_individual(house: House) -> None:
    token = await house.token("enquiry transfer")

    assert decoded(token, 0) == {"alg": "ES256", "typ": "at+jwt", "kid": KEYS.keys[0].kid}
    claims = decoded(token, 1)
    now = house.clock.seconds()
    assert claims.pop("jti")
    assert claims == {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(NURSE),
        "client_id": HOSPITAL,
        "act": {"sub": HOSPITAL},
        "cnf": {"jkt": house.proofs.thumbprint},
        "org": str(ORGANISATION),
        "scope": "enquiry transfer",
        "iat": now,
        "nbf": now,
        "exp": now + 300,
    }
    verified = house.services.verifier.verify(token)
    assert (verified.client_id, verified.organisation_id, verified.professional_id) == (HOSPITAL, ORGANISATION, NURSE)
    assert verified.scope == {"enquiry", "transfer"}
    assert house.register.refusals == []


async def test_the_response_is_that_of_rfc_6749(house: House) -> None:
    status, body = await house.ask(house.form())
    assert status == 200
    assert body.pop("access_token")
    assert body == {"token_type": "DPoP", "expires_in": 300, "scope": "enquiry"}


async def test_every_token_is_another(house: House) -> None:
    tokens = [house.services.verifier.verify(await house.token()) for _ in range(3)]
    assert len({token.jti for token in tokens}) == 3


@pytest.mark.parametrize(
    ("key", "named"),
    [
        (ECKey.generate_key("P-256"), "ES256"),
        (OKPKey.generate_key("Ed25519"), "Ed25519"),
        (RSAKey.generate_key(2048), "PS256"),
    ],
    ids=["ES256", "Ed25519", "PS256"],
)
async def test_each_allowed_algorithm_works_and_keys_rotate(house: House, key: Any, named: str) -> None:
    key.ensure_kid()
    old = house.register.clients[HOSPITAL].jwks["keys"]
    house.enrol(jwks={"keys": [*old, key.as_dict(private=False)]})
    signer = OrganisationSigner(HOSPITAL, key.as_dict(private=True), ISSUER, clock=house.clock)

    form = signer.token_form(SUBJECT, "enquiry")
    assert decoded(form["assertion"], 0)["alg"] == named
    assert (await house.ask(form))[0] == 200
    assert (await house.ask(house.form()))[0] == 200, "the old key still counts"


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(
    "grant_type", ["client_credentials", "password", "refresh_token", "authorization_code", "x" * 99]
)
async def test_no_grant_without_an_individual(house: House, grant_type: str) -> None:
    status, body = await house.ask({**house.form(), "grant_type": grant_type})

    assert (status, body["error"]) == (400, "unsupported_grant_type")
    assert grant_type not in body["error_description"]
    assert house.register.refusals == [
        {
            "kind": "token.refused",
            "reason": "grant_type_not_offered",
            "client_id": HOSPITAL,
            "professional_id": None,
            "subject": None,
        }
    ]


async def test_a_refused_grant_type_of_nobody_is_recorded_too(house: House) -> None:
    assert (await house.ask({"grant_type": "client_credentials"}))[1]["error"] == "unsupported_grant_type"
    assert house.register.refusals[0]["client_id"] is None


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "casework",
        "enquiry casework",
        "admin",
        "enquiry admin",
        "ENQUIRY",
        " enquiry",
        "enquiry  transfer",
        "enquiry enquiry",
        "enquiry\ttransfer",
        "enquiry\x00",
    ],
)
async def test_a_scope_is_granted_whole_or_refused(house: House, scope: str) -> None:
    status, body = await house.ask(house.form(scope))
    assert (status, body["error"]) == (400, "invalid_scope")
    assert "access_token" not in body
    assert [refusal["reason"] for refusal in house.register.refusals] == ["scope_not_allowed"]


async def test_a_scope_that_does_not_exist_is_refused_even_if_enrolled(house: House) -> None:
    house.enrol(scopes=frozenset({"enquiry", "admin"}))
    assert (await house.ask(house.form("admin")))[1]["error"] == "invalid_scope"


@pytest.mark.parametrize(
    ("missing", "error"),
    [
        ("grant_type", "invalid_request"),
        ("assertion", "invalid_request"),
        ("client_assertion", "invalid_client"),
        ("client_assertion_type", "invalid_client"),
        ("scope", "invalid_scope"),
    ],
)
async def test_no_parameter_can_be_left_out(house: House, missing: str, error: str) -> None:
    form = house.form()
    del form[missing]
    status, body = await house.ask(form)
    assert (status, body["error"]) == (400, error)
    assert len(house.register.refusals) == 1


async def test_a_repeated_parameter_is_refused(house: House) -> None:
    form = {name: [value] for name, value in house.form().items()}
    form["scope"].append("transfer")
    status, _, body = await house.services.endpoint.respond(form, {}, house.shown())
    assert (status, json.loads(body)["error"]) == (400, "invalid_request")
    assert len(house.register.refusals) == 1


async def test_a_second_way_to_authenticate_is_refused(house: House) -> None:
    lists = {name: [value] for name, value in house.form().items()}
    status, headers, body = await house.services.endpoint.respond(lists, {"authorization": "Basic eDp5"}, house.shown())
    assert (status, json.loads(body)["error"]) == (401, "invalid_client")
    assert headers["WWW-Authenticate"].startswith("Basic ")
    assert len(house.register.refusals) == 1


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(
    ("standing", "error", "reason"),
    [
        ("client unknown", "invalid_client", "client_unknown"),
        ("client suspended", "invalid_client", "client_suspended"),
        ("individual unknown", "invalid_grant", "individual_unknown"),
        ("individual suspended", "invalid_grant", "individual_suspended"),
    ],
)
async def test_who_is_not_in_good_standing_gets_no_token(house: House, standing: str, error: str, reason: str) -> None:
    match standing:
        case "client unknown":
            house.register.clients.clear()
        case "client suspended":
            house.enrol(active=False)
        case "individual unknown":
            house.register.professionals.clear()
        case "individual suspended":
            (named,) = house.register.professionals
            house.register.professionals[named] = replace(house.register.professionals[named], active=False)

    status, body = await house.ask(house.form())

    assert (status, body["error"]) == (400, error)
    (refusal,) = house.register.refusals
    assert refusal["reason"] == reason
    assert SUBJECT not in json.dumps(body)
    if error == "invalid_grant":
        assert refusal["client_id"] == HOSPITAL
        assert refusal["subject"] == SUBJECT
        assert refusal["professional_id"] == (NURSE if reason == "individual_suspended" else None)


async def test_a_client_that_fails_learns_nothing_about_why(house: House) -> None:
    form = house.form()
    bodies = []
    for change in ({"active": False}, {"jwks": {"keys": []}}):
        changed = House()
        changed.enrol(**change)
        bodies.append(await changed.ask(form))
    house.register.clients.clear()
    bodies.append(await house.ask(form))
    assert bodies[0] == bodies[1] == bodies[2]


@pytest.mark.rule("ENQ-2", "ENQ-3")
async def test_a_refusal_that_cannot_be_recorded_is_not_answered(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.register.recording_fails = True
    status, body = await house.ask({**house.form(), "scope": "admin"})
    assert (status, body["error"]) == (503, "temporarily_unavailable")
    assert SUBJECT not in caplog.text
    assert "ConnectionError" in caplog.text


@pytest.mark.rule("ENQ-2")
@pytest.mark.parametrize("store", ["client", "professional", "spend", "spend_proof"])
async def test_no_token_while_a_store_is_down(house: House, monkeypatch: pytest.MonkeyPatch, store: str) -> None:
    async def down(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(house.register, store, down)
    with pytest.raises(ConnectionError):
        await house.ask(house.form())


async def test_of_concurrent_uses_of_an_assertion_exactly_one_wins(house: House) -> None:
    form = house.form()
    answers = await asyncio.gather(*(house.ask(form) for _ in range(20)))
    assert sorted(status for status, _ in answers) == [200] + [400] * 19
    assert {refusal["reason"] for refusal in house.register.refusals} == {"replayed"}
    assert len(house.register.refusals) == 19


async def test_one_assertion_cannot_play_both_parts(house: House) -> None:
    form = house.form()
    assert (await house.ask({**form, "assertion": form["client_assertion"]}))[1]["error"] == "invalid_grant"
    form = house.form()
    assert (await house.ask({**form, "client_assertion": form["assertion"]}))[1]["error"] == "invalid_client"
    assert [refusal["reason"] for refusal in house.register.refusals] == ["individual_missing", "subject_wrong"]


async def test_a_spent_assertion_is_remembered_for_longer_than_it_is_valid(house: House) -> None:
    await house.ask(house.form())
    assert all(until >= house.clock() + timedelta(seconds=60 + 60) for until in house.register.spent.values())


async def test_a_token_ends_on_the_second_and_the_cache_knows(house: House) -> None:
    token = await house.token()
    verifier = house.services.verifier
    house.clock.forward(299)
    assert verifier.verify(token) is verifier.verify(token), "the second answer is the remembered one"
    house.clock.forward(1)
    with pytest.raises(InvalidToken) as refused:
        verifier.verify(token)
    assert refused.value.reason is Reason.EXPIRED
    assert (refused.value.client_id, refused.value.professional_id) == (HOSPITAL, NURSE)


async def test_the_cache_is_bounded_and_forgets_the_least_recently_used(house: House) -> None:
    verifier = TokenVerifier(ISSUER, AUDIENCE, lambda *, again=False: KEYS, house.clock, remembered=2)
    tokens = [await house.token() for _ in range(3)]
    first, second = map(verifier.verify, tokens[:2])
    assert verifier.verify(tokens[0]) is first
    verifier.verify(tokens[2])
    assert verifier.verify(tokens[0]) is first
    assert verifier.verify(tokens[1]) is not second
    assert verifier.verify(tokens[1]) == second


async def test_signers_refuse_keys_that_would_not_be_accepted() -> None:
    for bad in (
        ECKey.generate_key("P-384").as_dict(private=True),
        {**ECKey.generate_key("P-256").as_dict(private=True), "kid": ""},
        {**KEYS.keys[0].public()},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "1"},
    ):
        with pytest.raises(ValueError, match="private EC P-256"):
            OrganisationSigner(HOSPITAL, bad, ISSUER)


async def test_the_standing_of_one_client_says_nothing_of_another(house: House) -> None:
    other = replace(house.register.clients[HOSPITAL], client_id="other-system")
    house.register.clients["other-system"] = other
    foreign = OrganisationSigner("other-system", HOSPITAL_KEY, ISSUER, clock=house.clock)
    form = {**house.form(), "assertion": foreign.professional_assertion(SUBJECT)}
    _, body = await house.ask(form)
    assert (body["error"], body["error_description"]) == ("invalid_grant", "issuer_wrong")
