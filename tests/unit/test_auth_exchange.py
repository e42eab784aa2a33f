"""An ID token of an organisation's own sign-in service becomes an access token: for whom, for what, and how often."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from auth_doubles import AUDIENCE, HOSPITAL, ISSUER, NURSE, ORGANISATION, SUBJECT, decoded, signed
from exchange_doubles import (
    EC,
    FOREIGN,
    POLICE,
    POLICE_ORGANISATION,
    RSA,
    WRITTEN,
    VouchedHouse,
    public,
)

from auth.client import ACCESS_TOKEN, EXCHANGE, ID_TOKEN, OrganisationSigner, generate_client_key
from auth.exchange import Exchange
from auth.identity_file import read_identity_file
from auth.protocols import RegisteredProfessional
from auth.providers import IdentityInvalid
from policies.enquirer import Assurance, Role

OFFICER = UUID("00000000-0000-4000-8000-00000000000d")


@pytest.fixture
def house(tmp_path: Path) -> VouchedHouse:
    return VouchedHouse(tmp_path)


@pytest.mark.rule("ENQ-2", "ENQ-3")
async def test_a_token_says_whom_the_provider_named_and_how_surely(house: VouchedHouse) -> None:
    status, body = await house.exchanged(house.id_token())
    assert status == 200, body
    token = body.pop("access_token")
    assert body == {
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "DPoP",
        "expires_in": 300,
        "scope": "enquiry",
    }
    claims = decoded(token, 1)
    assert (claims["sub"], claims["act"], claims["client_id"]) == (str(NURSE), {"sub": HOSPITAL}, HOSPITAL)
    assert claims["cnf"] == {"jkt": house.proofs.thumbprint}
    assert claims["acr"] == "aal2"
    assert claims["auth_time"] == house.clock.seconds() - 3600
    verified = house.services.verifier.verify(token)
    assert (verified.organisation_id, verified.assurance) == (ORGANISATION, Assurance.AAL2)
    assert "staff_number" not in claims
    assert house.register.refusals == []


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256")], ids=["RS256", "ES256"])
@pytest.mark.parametrize("audience", ["records-system", "ward-system", ["ward-system"]])
async def test_each_configured_algorithm_and_system_of_the_organisation_will_do(
    house: VouchedHouse, key: Any, algorithm: str, audience: Any
) -> None:
    header = {"alg": algorithm, "typ": "JWT", "kid": key.kid}
    token = signed(header, house.claims(aud=audience, azp=...), key.as_dict(private=True))
    assert (await house.exchanged(token))[0] == 200


async def test_the_strongest_level_that_is_said_counts(house: VouchedHouse) -> None:
    _, body = await house.exchanged(house.id_token(acr=["usual", "strong", "whatever"]))
    assert house.services.verifier.verify(body["access_token"]).assurance is Assurance.AAL3


async def test_a_long_token_of_many_groups_is_read(house: VouchedHouse) -> None:
    token = house.id_token(groups=[f"group-{number}" for number in range(700)])
    assert 10_000 < len(token) < 16_384
    assert (await house.exchanged(token))[0] == 200


async def test_without_auth_time_nobody_says_when_they_signed_in(tmp_path: Path) -> None:
    house = VouchedHouse(tmp_path, WRITTEN.replace("sign_in_hours = 12\n", ""))
    _, body = await house.exchanged(house.id_token(auth_time=...))
    assert "auth_time" not in decoded(body["access_token"], 1)


async def test_an_id_token_may_be_exchanged_again_while_it_is_fresh(house: VouchedHouse) -> None:
    id_token = house.id_token()
    first, second = [(await house.exchanged(id_token))[1]["access_token"] for _ in range(2)]
    assert decoded(first, 1)["jti"] != decoded(second, 1)["jti"]
    house.clock.forward(539)
    assert (await house.exchanged(id_token))[0] == 200, "599 seconds after it was issued"
    house.clock.forward(1)
    status, body = await house.exchanged(id_token)
    assert (status, body["error"], body["error_description"]) == (400, "invalid_grant", "id_token_too_old")


async def test_the_client_must_prove_itself_anew_each_time(house: VouchedHouse) -> None:
    form = house.exchange_form()
    assert (await house.ask(form))[0] == 200
    assert (await house.ask(form))[1]["error"] == "invalid_client"
    assert house.refusal()["reason"] == "replayed"


async def test_an_id_token_is_worth_nothing_to_another_organisation(house: VouchedHouse) -> None:
    status, body = await house.ask(house.police.exchange_form(house.id_token(), "enquiry"))
    assert (status, body["error"], body["error_description"]) == (400, "invalid_grant", "key_unknown")
    assert (house.refusal()["client_id"], house.refusal()["subject"]) == ("police-system", None)


async def test_an_id_token_is_worth_nothing_to_another_organisation_with_the_same_provider(house: VouchedHouse) -> None:
    house.enrol(organisation_code="clinic")
    status, body = await house.exchanged(house.id_token())
    assert (status, body["error_description"]) == (400, "audience_wrong")
    assert (await house.exchanged(house.id_token(aud="clinic-system", azp="clinic-system")))[0] == 200


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(
    ("standing", "reason"), [("unknown", "individual_unknown"), ("suspended", "individual_suspended")]
)
async def test_whom_the_directory_does_not_have_gets_no_token(house: VouchedHouse, standing: str, reason: str) -> None:
    known = house.register.professionals
    if standing == "unknown":
        known.clear()
    else:
        known[ORGANISATION, SUBJECT] = replace(known[ORGANISATION, SUBJECT], active=False)
    status, body = await house.exchanged(house.id_token())
    assert (status, body["error"], body["error_description"]) == (400, "invalid_grant", reason)
    refusal = house.refusal()
    assert (refusal["reason"], refusal["client_id"], refusal["subject"]) == (reason, HOSPITAL, SUBJECT)
    assert refusal["professional_id"] == (NURSE if standing == "suspended" else None)


@pytest.mark.parametrize("roles", [["Physician"], "Porter", [], None, ..., [["Ward nurse"]], {"Ward nurse": True}])
async def test_the_provider_has_to_bear_out_the_enrolled_role(house: VouchedHouse, roles: Any) -> None:
    status, body = await house.exchanged(house.id_token(roles=roles))
    assert (status, body["error_description"]) == (400, "role_not_borne_out")
    assert house.refusal()["professional_id"] == NURSE


async def test_a_role_that_is_not_known_is_not_borne_out(house: VouchedHouse) -> None:
    house.register.professionals[ORGANISATION, SUBJECT] = RegisteredProfessional(NURSE, True)
    assert (await house.exchanged(house.id_token()))[1]["error_description"] == "role_not_borne_out"


async def test_an_organisation_with_a_provider_signs_no_assertions_of_its_own(house: VouchedHouse) -> None:
    status, body = await house.ask(house.form())
    assert (status, body["error"]) == (400, "unauthorized_client")
    assert house.refusal()["reason"] == "grant_type_not_for_this_organisation"
    assert len(house.register.spent) == 1, "of the assertions only the client's own was looked at"


async def test_an_organisation_may_do_both_where_the_file_says_so(house: VouchedHouse) -> None:
    house.register.professionals[POLICE_ORGANISATION, "officer"] = RegisteredProfessional(
        OFFICER, True, Role.POLICE_OFFICER
    )
    assert (await house.ask(house.police.token_form("officer", "enquiry")))[0] == 200
    now = house.clock.seconds()
    claims = {"iss": POLICE, "aud": "records-system", "sub": "officer", "iat": now, "exp": now + 60}
    token = signed({"alg": "RS256", "kid": FOREIGN.kid}, claims, FOREIGN.as_dict(private=True))
    status, body = await house.ask(house.police.exchange_form(token, "enquiry"))
    assert status == 200
    assert house.services.verifier.verify(body["access_token"]).assurance is Assurance.AAL1


async def test_an_organisation_without_a_provider_exchanges_nothing(house: VouchedHouse) -> None:
    house.enrol(organisation_code="school")
    status, body = await house.exchanged(house.id_token())
    assert (status, body["error"]) == (400, "unauthorized_client")
    assert house.refusal()["reason"] == "grant_type_not_for_this_organisation"
    assert (await house.ask(house.form()))[0] == 200


@pytest.mark.parametrize(
    ("changes", "error", "reason"),
    [
        ({"subject_token": ""}, "invalid_request", "individual_missing"),
        ({"subject_token_type": ""}, "invalid_request", "request_malformed"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}, "invalid_request", "request_malformed"),
        ({"subject_token_type": ACCESS_TOKEN}, "invalid_request", "request_malformed"),
        ({"requested_token_type": ID_TOKEN}, "invalid_request", "request_malformed"),
        (
            {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
            "invalid_request",
            "request_malformed",
        ),
        ({"actor_token": "somebody"}, "invalid_request", "request_malformed"),
        ({"actor_token_type": ACCESS_TOKEN}, "invalid_request", "request_malformed"),
        ({"resource": "https://elsewhere.example"}, "invalid_target", "resource_wrong"),
        ({"audience": "elsewhere"}, "invalid_target", "resource_wrong"),
        ({"resource": AUDIENCE, "audience": "elsewhere"}, "invalid_target", "resource_wrong"),
        ({"scope": ""}, "invalid_scope", "scope_not_allowed"),
        ({"scope": "enquiry casework"}, "invalid_scope", "scope_not_allowed"),
        ({"client_assertion": ""}, "invalid_client", "client_authentication_missing"),
        ({"grant_type": EXCHANGE.upper()}, "unsupported_grant_type", "grant_type_not_offered"),
    ],
)
async def test_what_is_asked_for_must_be_in_order(
    house: VouchedHouse, changes: dict[str, str], error: str, reason: str
) -> None:
    status, body = await house.ask(house.exchange_form(**changes))
    assert (status, body["error"]) == (400, error)
    assert house.refusal()["reason"] == reason
    assert SUBJECT not in str(body)


async def test_what_may_be_said_besides_is_understood(house: VouchedHouse) -> None:
    form = house.exchange_form(requested_token_type=ACCESS_TOKEN, resource=AUDIENCE, audience=AUDIENCE)
    assert (await house.ask(form))[0] == 200


@pytest.mark.rule("ENQ-2", "ENQ-3")
async def test_a_refusal_that_cannot_be_recorded_is_not_answered(house: VouchedHouse) -> None:
    house.register.recording_fails = True
    assert (await house.exchanged(house.id_token(acr="none")))[0] == 503


async def test_a_provider_whose_keys_cannot_be_had_is_not_a_wrong_token(house: VouchedHouse, tmp_path: Path) -> None:
    (tmp_path / "hospitals.json").unlink()
    lists = {name: [value] for name, value in house.exchange_form().items()}
    status, headers, body = await house.services.endpoint.respond(lists, {}, house.shown())
    assert (status, headers["Retry-After"]) == (503, "10")
    assert b"provider_unavailable" in body
    assert house.refusal()["reason"] == "provider_unavailable"


async def test_keys_in_a_file_are_read_again_when_they_change(house: VouchedHouse, tmp_path: Path) -> None:
    assert (await house.exchanged(house.id_token()))[0] == 200
    (tmp_path / "hospitals.json").write_text(public(EC))
    assert (await house.exchanged(house.id_token()))[1]["error_description"] == "key_unknown"
    (tmp_path / "hospitals.json").write_text("{")
    header = {"alg": "ES256", "kid": EC.kid}
    token = signed(header, house.claims(), EC.as_dict(private=True))
    assert (await house.exchanged(token))[0] == 200, "those that were read last count for a while"
    house.clock.forward(3600)
    token = signed(header, house.claims(), EC.as_dict(private=True))
    assert (await house.exchanged(token))[0] == 503


@pytest.mark.parametrize("content", ["", "{", "[]", '{"keys": {}}', '{"keys": [' + " " * 262_144 + "]}", "[" * 100_000])
def test_a_file_without_keys_is_found_out_at_the_start(tmp_path: Path, content: str) -> None:
    house = VouchedHouse(tmp_path)
    (tmp_path / "police.json").write_text(content)
    providers = read_identity_file(tmp_path / "identity.toml", development=False).providers
    with pytest.raises(IdentityInvalid, match="provider 'police': jwks_file: the file holds no JWK set"):
        Exchange(providers, house.clock)


def test_certificates_that_are_none_are_found_out_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    text = WRITTEN.replace(
        'jwks_file = "police.json"', 'jwks_uri = "https://sign-in.police.example/keys"\nca_file = "ca.pem"'
    )
    with pytest.raises(IdentityInvalid, match="provider 'police': ca_file: the file holds no certificates"):
        VouchedHouse(tmp_path, text)


async def test_a_token_for_one_part_is_not_taken_for_the_other(house: VouchedHouse) -> None:
    """An assertion of the organisation's is no ID token, nor is an ID token proof of the client."""
    stranger, _ = generate_client_key()
    for assertion in (
        house.signer.professional_assertion(SUBJECT),
        OrganisationSigner(HOSPITAL, stranger, ISSUER, clock=house.clock).professional_assertion(SUBJECT),
    ):
        assert (await house.exchanged(assertion))[1]["error"] == "invalid_grant"
    status, body = await house.ask(house.exchange_form(client_assertion=house.id_token()))
    assert (status, body["error"]) == (400, "invalid_client")
