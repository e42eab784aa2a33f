"""Assertions that must not be believed, in both their parts: as proof of the client and as name of the professional."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from auth_doubles import AUDIENCE, HOSPITAL, HOSPITAL_KEY, HOSPITAL_PUBLIC, ISSUER, SUBJECT, House, b64, decoded, signed
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

ES256 = {"alg": "ES256", "typ": "JWT", "kid": HOSPITAL_PUBLIC["kid"]}
RSA = RSAKey.generate_key(2048)
RSA.ensure_kid()
ED448 = OKPKey.generate_key("Ed448")
ED448.ensure_kid()
P384 = ECKey.generate_key("P-384")
P384.ensure_kid()
STRANGER = ECKey.generate_key("P-256").as_dict(private=True)


@pytest.fixture
def house() -> House:
    made = House()
    others = [key.as_dict(private=False) for key in (RSA, ED448, P384)]
    made.enrol(jwks={"keys": [HOSPITAL_PUBLIC, *others]})
    return made


Make = Callable[[dict[str, Any]], str]


def claims_with(**changes: Any) -> Make:
    def make(claims: dict[str, Any]) -> str:
        changed = {**claims, **{name: move(claims) if callable(move) else move for name, move in changes.items()}}
        return signed(ES256, {name: value for name, value in changed.items() if value is not ...}, HOSPITAL_KEY)

    return make


def later(name: str, seconds: float) -> Callable[[dict[str, Any]], float]:
    return lambda claims: claims[name] + seconds


def renamed(token: str, algorithm: Any) -> str:
    _, _, rest = token.partition(".")
    return f"{b64(json.dumps({**decoded(token, 0), 'alg': algorithm}))}.{rest}"


def reclaimed(token: str, claims: dict[str, Any]) -> str:
    header, _, signature = token.split(".")
    return f"{header}.{b64(json.dumps(claims))}.{signature}"


def signed_with(header: dict[str, Any], key: Any) -> Make:
    return lambda claims: signed(header, claims, key)


HOSTILE: dict[str, tuple[Make, str]] = {
    "not a token": (lambda claims: "assertion", "malformed"),
    "unicode": (lambda claims: "é.日.🔑", "malformed"),
    "longer than 4 KiB": (claims_with(more="x" * 4096), "oversize"),
    "RS256": (
        signed_with({**ES256, "alg": "RS256", "kid": RSA.kid}, RSA.as_dict(private=True)),
        "algorithm_not_allowed",
    ),
    "HS256 with the public key": (
        signed_with(
            {**ES256, "alg": "HS256"},
            OctKey.import_key(json.dumps(HOSPITAL_PUBLIC)).as_dict(private=True),
        ),
        "algorithm_not_allowed",
    ),
    "ES384": (
        signed_with({**ES256, "alg": "ES384", "kid": P384.kid}, P384.as_dict(private=True)),
        "algorithm_not_allowed",
    ),
    "Ed448": (
        signed_with({**ES256, "alg": "Ed448", "kid": ED448.kid}, ED448.as_dict(private=True)),
        "algorithm_not_allowed",
    ),
    "Ed448 called EdDSA": (
        lambda claims: renamed(
            signed({**ES256, "alg": "Ed448", "kid": ED448.kid}, claims, ED448.as_dict(private=True)), "EdDSA"
        ),
        "key_unknown",
    ),
    "P-384 called ES256": (
        lambda claims: renamed(
            signed({**ES256, "alg": "ES384", "kid": P384.kid}, claims, P384.as_dict(private=True)), "ES256"
        ),
        "key_unknown",
    ),
    "PS256 with an EC key": (
        signed_with({**ES256, "alg": "PS256"}, RSA.as_dict(private=True)),
        "key_unknown",
    ),
    "alg none": (lambda claims: renamed(signed(ES256, claims, HOSPITAL_KEY), "none"), "algorithm_not_allowed"),
    "alg is a number": (lambda claims: renamed(signed(ES256, claims, HOSPITAL_KEY), 256), "algorithm_not_allowed"),
    "no kid": (signed_with({"alg": "ES256"}, HOSPITAL_KEY), "key_unknown"),
    "kid of nobody": (signed_with({**ES256, "kid": "another"}, HOSPITAL_KEY), "key_unknown"),
    "signed by a stranger": (signed_with(ES256, STRANGER), "signature_invalid"),
    "brings its own key": (
        signed_with({**ES256, "jwk": ECKey.import_key(STRANGER).as_dict(private=False)}, STRANGER),
        "header_not_allowed",
    ),
    "says where its key is": (
        signed_with({**ES256, "jku": "https://keys.example"}, HOSPITAL_KEY),
        "header_not_allowed",
    ),
    "a claim changed after signing": (
        lambda claims: reclaimed(signed(ES256, claims, HOSPITAL_KEY), {**claims, "jti": "another"}),
        "signature_invalid",
    ),
    "for ten years": (claims_with(exp=later("exp", 315_360_000)), "lifetime_too_long"),
    "for 301 seconds": (claims_with(exp=later("iat", 301)), "lifetime_too_long"),
    "301 seconds ahead, by a fast clock": (
        claims_with(iat=later("iat", 10), exp=later("iat", 301)),
        "lifetime_too_long",
    ),
    "expired this second": (claims_with(iat=later("iat", -60), exp=later("exp", -60)), "expired"),
    "from the future": (claims_with(iat=later("iat", 11)), "not_yet_valid"),
    "not before later": (claims_with(nbf=later("iat", 11)), "not_yet_valid"),
    "issued in 1970": (claims_with(iat=0), "lifetime_too_long"),
    "no exp": (claims_with(exp=...), "times_invalid"),
    "no iat": (claims_with(iat=...), "times_invalid"),
    "exp is null": (claims_with(exp=None), "times_invalid"),
    "exp is a string": (claims_with(exp="tomorrow"), "times_invalid"),
    "exp is a fraction": (claims_with(exp=later("exp", 0.5)), "times_invalid"),
    "exp is huge": (claims_with(exp=10**300), "lifetime_too_long"),
    "no aud": (claims_with(aud=...), "audience_wrong"),
    "aud of another": (claims_with(aud="https://elsewhere.example"), "audience_wrong"),
    "aud of the API": (claims_with(aud=AUDIENCE), "audience_wrong"),
    "several aud": (claims_with(aud=[ISSUER, "https://elsewhere.example"]), "audience_wrong"),
    "one aud in a list": (claims_with(aud=[ISSUER]), "audience_wrong"),
    "aud of the token endpoint": (claims_with(aud=f"{ISSUER}/oauth2/token"), "audience_wrong"),
    "aud with a slash more": (claims_with(aud=f"{ISSUER}/"), "audience_wrong"),
    "aud is an object": (claims_with(aud={"a": ISSUER}), "audience_wrong"),
    "no jti": (claims_with(jti=...), "claims_invalid"),
    "jti is empty": (claims_with(jti=""), "claims_invalid"),
    "jti is a number": (claims_with(jti=7), "claims_invalid"),
    "jti of 256": (claims_with(jti="x" * 256), "claims_invalid"),
    "jti with NUL": (claims_with(jti="a\x00"), "claims_invalid"),
    "no sub": (claims_with(sub=...), "claims_invalid"),
    "sub is a list": (claims_with(sub=[SUBJECT]), "claims_invalid"),
    "sub is a surrogate": (claims_with(sub="\ud800"), "claims_invalid"),
    "no iss": (claims_with(iss=...), "claims_invalid"),
    "iss is a number": (claims_with(iss=1), "claims_invalid"),
}


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_client_assertion_is_refused_and_recorded(house: House, name: str) -> None:
    make, reason = HOSTILE[name]
    form = {**house.form(), "client_assertion": make(house.assertion_claims(HOSPITAL))}
    status, body = await house.ask(form)
    assert (status, body["error"]) == (400, "invalid_client")
    assert [refusal["reason"] for refusal in house.register.refusals] == [reason]
    assert house.register.spent == {}


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_professional_assertion_is_refused_and_recorded(house: House, name: str) -> None:
    make, reason = HOSTILE[name]
    status, body = await house.ask({**house.form(), "assertion": make(house.assertion_claims(SUBJECT))})
    assert (status, body["error"], body["error_description"]) == (400, "invalid_grant", reason)
    (refusal,) = house.register.refusals
    assert (refusal["reason"], refusal["client_id"], refusal["subject"]) == (reason, HOSPITAL, None)
    assert len(house.register.spent) == 1, "the client's assertion is used up all the same"


async def test_a_small_rsa_key_is_no_key(house: House) -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    with pytest.warns(match="2048"):
        key = RSAKey.import_key(small)
    key.ensure_kid()
    house.enrol(jwks={"keys": [key.as_dict(private=False)]})
    with pytest.warns(match="2048"):  # from signing; verifying never imports it
        assertion = signed(
            {"alg": "PS256", "kid": key.kid}, house.assertion_claims(HOSPITAL), key.as_dict(private=True)
        )
    assert (await house.ask({**house.form(), "client_assertion": assertion}))[1]["error"] == "invalid_client"
    assert [refusal["reason"] for refusal in house.register.refusals] == ["key_unknown"]


@pytest.mark.parametrize("part", ["client_assertion", "assertion"])
async def test_each_assertion_counts_once(house: House, part: str) -> None:
    first = house.form()
    assert (await house.ask(first))[0] == 200
    status, body = await house.ask({**house.form(), part: first[part]})
    assert status == 400
    assert body["error"] == ("invalid_client" if part == "client_assertion" else "invalid_grant")
    assert [refusal["reason"] for refusal in house.register.refusals] == ["replayed"]


@pytest.mark.parametrize("iss", ["another-system", "staff-0017", HOSPITAL.upper()])
async def test_an_organisation_names_only_its_own_professionals(house: House, iss: str) -> None:
    assertion = claims_with(iss=iss)(house.assertion_claims(SUBJECT))
    _, body = await house.ask({**house.form(), "assertion": assertion})
    assert (body["error"], body["error_description"]) == ("invalid_grant", "issuer_wrong")
    assert [refusal["subject"] for refusal in house.register.refusals] == [None]


async def test_a_client_id_beside_the_assertion_must_agree_with_it(house: House) -> None:
    assert (await house.ask({**house.form(), "client_id": HOSPITAL}))[0] == 200
    _, body = await house.ask({**house.form(), "client_id": "another-system"})
    assert body["error"] == "invalid_client"


@pytest.mark.parametrize(
    "jwks",
    [
        {},
        {"keys": []},
        {"keys": [{**HOSPITAL_PUBLIC, "use": "enc"}]},
        {"keys": [{**HOSPITAL_PUBLIC, "key_ops": ["sign"]}]},
        {"keys": [{**HOSPITAL_PUBLIC, "alg": "ES512"}]},
        {"keys": [{**HOSPITAL_PUBLIC, "x": "AAAA"}]},
        {"keys": [{**HOSPITAL_PUBLIC, "kty": "unheard-of"}]},
        {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": HOSPITAL_PUBLIC["kid"]}]},
        {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": HOSPITAL_PUBLIC["kid"]}]},
    ],
)
async def test_an_enrolled_key_that_cannot_serve_is_no_key(house: House, jwks: dict[str, Any]) -> None:
    house.enrol(jwks=jwks)
    status, body = await house.ask(house.form())
    assert (status, body["error"]) == (400, "invalid_client")
    assert [refusal["reason"] for refusal in house.register.refusals] == ["key_unknown"]


@pytest.mark.parametrize("enrolled_as", [{}, {"alg": "EdDSA"}, {"alg": "Ed25519"}])
async def test_the_older_name_of_ed25519_is_understood(house: House, enrolled_as: dict[str, str]) -> None:
    key = OKPKey.generate_key("Ed25519")
    key.ensure_kid()
    house.enrol(jwks={"keys": [{**key.as_dict(private=False), **enrolled_as}]})
    header = {"alg": "EdDSA", "kid": key.kid}
    form = house.form()
    for part, subject in (("client_assertion", HOSPITAL), ("assertion", SUBJECT)):
        with pytest.warns(match="EdDSA"):  # the library's advice to whoever signs; none may come from verifying
            form[part] = signed(header, house.assertion_claims(subject), key.as_dict(private=True))
    assert (await house.ask(form))[0] == 200
