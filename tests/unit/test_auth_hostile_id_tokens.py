"""ID tokens that must not be believed: each is refused with a reason of the closed set, and that is recorded."""

import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from auth_doubles import HOSPITAL, ISSUER, KEYS, SUBJECT, b64, decoded, signed
from exchange_doubles import EC, FOREIGN, HOSPITALS, POLICE, RSA, WRITTEN, VouchedHouse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey, RSAKey

from auth.client import ProofSigner
from auth.errors import Reason

HEADER = {"alg": "RS256", "typ": "JWT", "kid": RSA.kid}
PRIVATE = RSA.as_dict(private=True)
STRANGER = RSAKey.generate_key(2048).as_dict(private=True)
ED = OKPKey.generate_key("Ed25519")
Make = Callable[[VouchedHouse], str]


@pytest.fixture
def house(tmp_path: Path) -> VouchedHouse:
    return VouchedHouse(tmp_path)


def with_header(**changes: Any) -> Make:
    header = {name: value for name, value in {**HEADER, **changes}.items() if value is not ...}
    return lambda house: signed(header, house.claims(), PRIVATE)


def named(**changes: Any) -> Make:
    """A header that says something else than what the token was signed by."""
    return lambda house: ".".join((b64(json.dumps({**HEADER, **changes})), *house.id_token().split(".")[1:]))


def with_claims(**changes: Any) -> Make:
    return lambda house: house.id_token(**changes)


def moved(**seconds: float) -> Make:
    """Times by so many seconds from now."""
    return lambda house: house.id_token(**{name: house.clock.seconds() + by for name, by in seconds.items()})


def raw(edit: Callable[[str], str]) -> Make:
    """Claims in a spelling of their own, with a good signature."""
    return lambda house: signed(HEADER, edit(json.dumps(house.claims())).encode(), PRIVATE)


def hs256_with_the_public_key(house: VouchedHouse) -> str:
    signing_input = f"{b64(json.dumps({**HEADER, 'alg': 'HS256'}))}.{b64(json.dumps(house.claims()))}"
    return f"{signing_input}.{b64(hmac.digest(RSA.as_pem(private=False), signing_input.encode(), 'sha256'))}"


def changed_after_signing(house: VouchedHouse) -> str:
    header, _, signature = house.id_token().split(".")
    return f"{header}.{b64(json.dumps(house.claims(staff_number='staff-0018')))}.{signature}"


def access_token_of_ours(house: VouchedHouse) -> str:
    ours = KEYS.keys[0]
    return signed({"alg": "ES256", "typ": "at+jwt", "kid": ours.kid}, house.claims(), ours.key.as_dict(private=True))


def by_the_other_provider(house: VouchedHouse) -> str:
    claims = house.claims(iss=POLICE, sub=SUBJECT)
    return signed({**HEADER, "kid": FOREIGN.kid}, claims, FOREIGN.as_dict(private=True))


def in_the_name_of_the_hospitals(house: VouchedHouse) -> str:
    """The other provider signs for ours, and calls its key by the name of ours."""
    return signed(HEADER, house.claims(), FOREIGN.as_dict(private=True))


SPELLED: dict[str, tuple[Make, Reason]] = {
    "not a token": (lambda house: "id-token", Reason.MALFORMED),
    "unicode": (lambda house: "é.日.🔑", Reason.MALFORMED),
    "encrypted, of five parts": (lambda house: house.id_token() + ".a.b", Reason.MALFORMED),
    "no signature": (lambda house: house.id_token().rpartition(".")[0] + ".", Reason.MALFORMED),
    "padded": (lambda house: house.id_token() + "=", Reason.MALFORMED),
    "longer than 16 KiB": (with_claims(more="x" * 16_384), Reason.OVERSIZE),
    "repeats sub": (raw(lambda claims: claims.replace('"sub"', '"sub": "x", "sub"')), Reason.MALFORMED),
    "repeats staff_number": (
        raw(lambda claims: claims.replace('"acr"', '"staff_number": "staff-0018", "acr"')),
        Reason.MALFORMED,
    ),
    "claims are a list": (raw(lambda claims: f"[{claims}]"), Reason.MALFORMED),
    "claims of many brackets": (raw(lambda claims: "[" * 9000), Reason.MALFORMED),
    "exp is NaN": (raw(lambda claims: claims.replace('"exp": ', '"exp": NaN, "was": ')), Reason.MALFORMED),
}
SIGNED: dict[str, tuple[Make, Reason]] = {
    "alg none": (named(alg="none"), Reason.ALGORITHM),
    "alg none, no signature": (
        lambda house: f"{b64(json.dumps({**HEADER, 'alg': 'none'}))}.{b64(json.dumps(house.claims()))}.",
        Reason.MALFORMED,
    ),
    "alg is a list": (named(alg=["RS256"]), Reason.ALGORITHM),
    "no alg": (named(alg=None), Reason.ALGORITHM),
    "HS256 with the public key": (hs256_with_the_public_key, Reason.ALGORITHM),
    "PS256, which is not configured": (with_header(alg="PS256"), Reason.ALGORITHM),
    "RS512": (with_header(alg="RS512"), Reason.ALGORITHM),
    "EdDSA, which is not configured": (
        lambda house: signed({"alg": "Ed25519", "kid": RSA.kid}, house.claims(), ED.as_dict(private=True)),
        Reason.ALGORITHM,
    ),
    "ES256 with the kid of the RSA key": (
        lambda house: signed({"alg": "ES256", "kid": RSA.kid}, house.claims(), EC.as_dict(private=True)),
        Reason.KEY,
    ),
    "RS256 with the kid of the EC key": (with_header(kid=EC.kid), Reason.KEY),
    "kid of nobody": (with_header(kid="another"), Reason.KEY),
    "no kid": (with_header(kid=...), Reason.KEY),
    "kid is a list": (named(kid=[RSA.kid]), Reason.KEY),
    "kid is a path": (with_header(kid="../hospitals.json"), Reason.KEY),
    "signed by a stranger": (lambda house: signed(HEADER, house.claims(), STRANGER), Reason.SIGNATURE),
    "changed after signing": (changed_after_signing, Reason.SIGNATURE),
    "brings its own key": (
        lambda house: signed({**HEADER, "jwk": RSAKey.import_key(STRANGER).as_dict(private=False)}, {}, STRANGER),
        Reason.HEADER,
    ),
    "says where its key is": (with_header(jku="https://keys.example"), Reason.HEADER),
    "crit": (named(crit=["exp"]), Reason.HEADER),
    "b64 false": (named(b64=False), Reason.HEADER),
    "of the other provider": (by_the_other_provider, Reason.KEY),
    "by the other provider in the name of ours": (in_the_name_of_the_hospitals, Reason.SIGNATURE),
}
OTHERWISE: dict[str, tuple[Make, Reason]] = {
    "an access token by its type": (with_header(typ="at+jwt"), Reason.HEADER),
    "an access token by its full type": (with_header(typ="application/at+jwt"), Reason.HEADER),
    "a logout token by its type": (with_header(typ="logout+jwt"), Reason.HEADER),
    "a proof by its type": (with_header(typ="dpop+jwt"), Reason.HEADER),
    "typ is a list": (named(typ=["JWT"]), Reason.HEADER),
    "typ is null": (named(typ=None), Reason.HEADER),
    "a proof": (lambda house: ProofSigner(clock=house.clock).proof("POST", ISSUER), Reason.HEADER),
    "an access token of ours": (access_token_of_ours, Reason.KEY),
    "a logout token without its type": (
        with_claims(events={"http://schemas.openid.net/event/backchannel-logout": {}}),
        Reason.CLAIMS,
    ),
    "an access token without its type": (with_claims(scp="User.Read"), Reason.CLAIMS),
    "an access token without its type, of another make": (with_claims(scope="openid"), Reason.CLAIMS),
}
CLAIMED: dict[str, tuple[Make, Reason]] = {
    "no iss": (with_claims(iss=...), Reason.ISSUER),
    "iss with a slash more": (with_claims(iss=HOSPITALS + "/"), Reason.ISSUER),
    "iss of the other provider": (with_claims(iss=POLICE), Reason.ISSUER),
    "iss is a list": (with_claims(iss=[HOSPITALS]), Reason.ISSUER),
    "no aud": (with_claims(aud=...), Reason.AUDIENCE),
    "aud of nobody": (with_claims(aud="elsewhere", azp=...), Reason.AUDIENCE),
    "aud is us": (with_claims(aud=ISSUER, azp=...), Reason.AUDIENCE),
    "aud of another organisation": (with_claims(aud="clinic-system", azp="clinic-system"), Reason.AUDIENCE),
    "two of its own in aud": (with_claims(aud=["records-system", "ward-system"]), Reason.AUDIENCE),
    "another organisation's in aud as well": (with_claims(aud=["records-system", "clinic-system"]), Reason.AUDIENCE),
    "aud is empty": (with_claims(aud=[]), Reason.AUDIENCE),
    "aud is an object": (with_claims(aud={"records-system": True}), Reason.AUDIENCE),
    "aud is a list in a list": (with_claims(aud=[["records-system"]]), Reason.AUDIENCE),
    "azp of another organisation": (with_claims(azp="clinic-system"), Reason.AUDIENCE),
    "azp is null": (with_claims(azp=None), Reason.AUDIENCE),
    "azp is a list": (with_claims(azp=["records-system"]), Reason.AUDIENCE),
    "no exp": (with_claims(exp=...), Reason.TIMES),
    "no iat": (with_claims(iat=...), Reason.TIMES),
    "exp is a text": (with_claims(exp="tomorrow"), Reason.TIMES),
    "exp is a fraction": (moved(exp=60.5), Reason.TIMES),
    "exp is true": (with_claims(exp=True), Reason.TIMES),
    "exp is huge": (with_claims(exp=10**300), Reason.LIFETIME),
    "good for more than a day": (moved(exp=86_400), Reason.LIFETIME),
    "expired this second": (moved(exp=0), Reason.EXPIRED),
    "from the future": (moved(iat=11), Reason.FUTURE),
    "not before later": (moved(nbf=11), Reason.FUTURE),
    "nbf is null": (with_claims(nbf=None), Reason.TIMES),
    "issued ten minutes ago": (moved(iat=-600), Reason.ID_TOKEN_OLD),
    "signed in too long ago": (moved(auth_time=-43_211), Reason.AUTHENTICATION_OLD),
    "nobody knows when they signed in": (with_claims(auth_time=...), Reason.AUTHENTICATION_OLD),
    "auth_time is null": (with_claims(auth_time=None), Reason.AUTHENTICATION_OLD),
    "auth_time is a text": (with_claims(auth_time="now"), Reason.TIMES),
    "auth_time is true": (with_claims(auth_time=True), Reason.TIMES),
    "auth_time of tomorrow": (moved(auth_time=86_400), Reason.TIMES),
    "auth_time is huge": (with_claims(auth_time=10**400), Reason.TIMES),
    "no acr": (with_claims(acr=...), Reason.ASSURANCE),
    "acr is not known": (with_claims(acr="urn:nobody:knows"), Reason.ASSURANCE),
    "acr is a level of ours": (with_claims(acr="aal3"), Reason.ASSURANCE),
    "acr is a number": (with_claims(acr=3), Reason.ASSURANCE),
    "acr is a list in a list": (with_claims(acr=[["usual"]]), Reason.ASSURANCE),
    "acr is an object": (with_claims(acr={"usual": True}), Reason.ASSURANCE),
    "no sub": (with_claims(sub=...), Reason.CLAIMS),
    "sub is a number": (with_claims(sub=17), Reason.CLAIMS),
    "no subject claim": (with_claims(staff_number=...), Reason.CLAIMS),
    "subject claim is empty": (with_claims(staff_number=""), Reason.CLAIMS),
    "subject claim is a list": (with_claims(staff_number=[SUBJECT]), Reason.CLAIMS),
    "subject claim is an object": (with_claims(staff_number={"value": SUBJECT}), Reason.CLAIMS),
    "subject claim with NUL": (with_claims(staff_number=SUBJECT + "\x00"), Reason.CLAIMS),
    "subject claim is a surrogate": (with_claims(staff_number="\ud800"), Reason.CLAIMS),
    "subject claim of 256": (with_claims(staff_number="x" * 256), Reason.CLAIMS),
    "subject in other letters": (with_claims(staff_number=SUBJECT.upper()), Reason.INDIVIDUAL_UNKNOWN),
    "subject with a space": (with_claims(staff_number=SUBJECT + " "), Reason.INDIVIDUAL_UNKNOWN),
}
HOSTILE = {**SPELLED, **SIGNED, **OTHERWISE, **CLAIMED}


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_id_token_is_refused_and_recorded(house: VouchedHouse, name: str) -> None:
    make, reason = HOSTILE[name]
    status, body = await house.exchanged(make(house))
    assert (status, body) == (400, {"error": "invalid_grant", "error_description": reason.value})
    refusal = house.refusal()
    assert (refusal["reason"], refusal["client_id"], refusal["professional_id"]) == (reason.value, HOSPITAL, None)
    unknown = reason is Reason.INDIVIDUAL_UNKNOWN
    assert (refusal["subject"] is not None) is unknown, "only of whom the provider vouches for"


async def test_the_token_that_the_hostile_ones_are_made_of_is_good(house: VouchedHouse) -> None:
    assert (await house.exchanged(house.id_token()))[0] == 200
    assert (await house.exchanged(with_header(typ="jwt")(house)))[0] == 200
    assert (await house.exchanged(with_header(typ=...)(house)))[0] == 200
    assert (await house.exchanged(moved(iat=10)(house)))[0] == 200, "by a clock that runs ahead a little"
    assert (await house.exchanged(moved(iat=-599)(house)))[0] == 200
    assert (await house.exchanged(moved(auth_time=-43_210)(house)))[0] == 200
    assert (await house.exchanged(moved(exp=86_339)(house)))[0] == 200


@pytest.mark.parametrize(
    "jwk",
    [
        {"use": "enc"},
        {"alg": "PS256"},
        {"alg": ["RS256"]},
        {"kty": "oct", "k": b64(b"x" * 32)},
        {"kty": "EC"},
        {"n": RSAKey.generate_key(2048).as_dict(private=False)["n"][:170]},
        {"n": b64(b"\xff" * 1024)},
        {"n": 7},
        {"n": None},
        {"e": "!"},
    ],
)
async def test_a_key_that_does_not_serve_for_it_verifies_nothing(
    house: VouchedHouse, tmp_path: Path, jwk: dict[str, Any]
) -> None:
    keys = ["no key", None, {**RSA.as_dict(private=False), **jwk}]
    (tmp_path / "hospitals.json").write_text(json.dumps({"keys": keys}))
    status, body = await house.exchanged(house.id_token())
    assert (status, body["error_description"]) == (400, "key_unknown")


async def test_a_key_says_by_which_name_it_is_used_or_none(tmp_path: Path) -> None:
    house = VouchedHouse(tmp_path, WRITTEN.replace('["RS256", "ES256"]', '["EdDSA"]'))
    ED.ensure_kid()
    for alg in ({}, {"alg": "EdDSA"}, {"alg": "Ed25519"}):
        (tmp_path / "hospitals.json").write_text(json.dumps({"keys": [{**ED.as_dict(private=False), **alg}]}))
        token = signed({"alg": "Ed25519", "kid": ED.kid}, house.claims(), ED.as_dict(private=True))
        assert (await house.exchanged(token))[0] == 200
        with pytest.warns(match="EdDSA"):  # the library's advice to whoever signs; none may come from verifying
            token = signed({"alg": "EdDSA", "kid": ED.kid}, house.claims(), ED.as_dict(private=True))
        assert (await house.exchanged(token))[0] == 200


async def test_a_curve_that_is_not_configured_verifies_nothing(house: VouchedHouse, tmp_path: Path) -> None:
    other = ECKey.generate_key("P-384")
    other.ensure_kid()
    (tmp_path / "hospitals.json").write_text(json.dumps({"keys": [other.as_dict(private=False)]}))
    token = signed({"alg": "ES384", "kid": other.kid}, house.claims(), other.as_dict(private=True))
    renamed = f"{b64(json.dumps({**decoded(token, 0), 'alg': 'ES256'}))}.{token.partition('.')[2]}"
    assert (await house.exchanged(token))[1]["error_description"] == "algorithm_not_allowed"
    assert (await house.exchanged(renamed))[1]["error_description"] == "key_unknown"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("iss", "aud", "azp", "sub", "staff_number", "acr", "roles", "auth_time", "iat", "nbf", "exp")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(NAMES), value=JSON)
async def test_whatever_a_claim_holds_the_answer_is_a_decision(house: VouchedHouse, name: str, value: Any) -> None:
    house.register.refusals.clear()
    token = signed({"alg": "ES256", "kid": EC.kid}, house.claims(**{name: value}), EC.as_dict(private=True))
    status, _ = await house.exchanged(token)
    assert status in (200, 400)
    if status == 200:  # nothing that was made up here can be better than absent
        assert name in ("auth_time", "roles", "azp", "nbf")
    else:
        assert house.refusal()["client_id"] == HOSPITAL
