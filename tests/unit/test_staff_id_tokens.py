"""ID tokens that no provider of ours would send, or not to us, or not for this: none lets anybody in, none is an error.

Each goes the whole way: signed by a provider over real HTTP, redeemed, verified, refused, and the reason recorded.
"""

import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest
from external_provider import ExternalProvider, new_key, sign
from joserfc.jwk import OctKey, OKPKey
from staff_doubles import Desk, desk

from auth.errors import Reason, RefusalNotRecorded

Claims = dict[str, Any]
Make = Callable[[ExternalProvider, Claims], str]
RSA = new_key("first", "RSA")
OTHER = new_key("first")


@pytest.fixture
async def at() -> AsyncIterator[Desk]:
    with desk() as made:
        yield made
        await made.provider.close()


def _says(**changes: Any) -> Make:
    """Signed as it should be, saying something else; None leaves a claim out."""

    def make(outside: ExternalProvider, claims: Claims) -> str:
        return outside.sign({name: value for name, value in (claims | changes).items() if value is not None})

    return make


def _later(**seconds: int) -> Make:
    def make(outside: ExternalProvider, claims: Claims) -> str:
        return outside.sign(claims | {name: claims["iat"] + by for name, by in seconds.items()})

    return make


def _headed(**header: Any) -> Make:
    return lambda outside, claims: outside.sign(claims, **header)


def _signed(key: Any, **header: Any) -> Make:
    return lambda outside, claims: sign({"alg": "ES256", "kid": "first", "typ": "JWT"} | header, claims, key)


def _with_public_key_as_secret(outside: ExternalProvider, claims: Claims) -> str:
    secret = OctKey.import_key(json.dumps(outside.signing.as_dict(private=False)).encode())
    return sign({"alg": "HS256", "kid": "first"}, claims, secret)


def _other_claims_under_the_signature(outside: ExternalProvider, claims: Claims) -> str:
    header, _, signature = outside.sign(claims).split(".")
    return ".".join((header, outside.sign(claims | {"staff": "sm-1"}).split(".")[1], signature))


def _repeated_member(outside: ExternalProvider, claims: Claims) -> str:
    return sign({"alg": "ES256", "kid": "first"}, (json.dumps(claims)[:-1] + ', "sub": "x"}').encode(), outside.signing)


HOSTILE: dict[str, tuple[Make, Reason]] = {
    "no signature": (_signed(None, alg="none"), Reason.MALFORMED),
    "no signature, and something in its place": (
        lambda outside, claims: sign({"alg": "none"}, claims, None) + "AA", Reason.ALGORITHM,
    ),
    "no signature, by another spelling": (
        lambda outside, claims: sign({"alg": "nOnE"}, claims, None) + "AA", Reason.ALGORITHM,
    ),
    "the public key as a shared secret": (_with_public_key_as_secret, Reason.ALGORITHM),
    "PS256, which was not configured": (_signed(RSA, alg="PS256"), Reason.ALGORITHM),
    "Ed25519, which was not configured": (
        _signed(OKPKey.generate_key("Ed25519"), alg="Ed25519"), Reason.ALGORITHM,
    ),
    "an algorithm of another key": (_signed(RSA, alg="RS256"), Reason.KEY),
    "an algorithm that is a list": (_headed(alg=["ES256"]), Reason.ALGORITHM),
    "somebody else's signature": (_signed(OTHER), Reason.SIGNATURE),
    "other claims under the signature": (_other_claims_under_the_signature, Reason.SIGNATURE),
    "no key named": (_headed(kid=None), Reason.KEY),
    "an unknown key": (_headed(kid="second"), Reason.KEY),
    "a key named by a number": (_headed(kid=5), Reason.KEY),
    "its own key brought along": (_signed(OTHER, jwk=OTHER.as_dict(private=False)), Reason.HEADER),
    "the place of its own key": (_headed(jku="https://attacker.example/keys"), Reason.HEADER),
    "something critical": (_headed(crit=["exp"], exp=1), Reason.HEADER),
    "the type of an access token": (_headed(typ="at+jwt"), Reason.HEADER),
    "the type of a logout token": (_headed(typ="logout+jwt"), Reason.HEADER),
    "the type of a proof": (_headed(typ="dpop+jwt"), Reason.HEADER),
    "a type that is a list": (_headed(typ=["JWT"]), Reason.HEADER),
    "another issuer": (_says(iss="https://attacker.example"), Reason.ISSUER),
    "its issuer with a slash": (lambda o, claims: o.sign(claims | {"iss": o.issuer + "/"}), Reason.ISSUER),
    "no issuer": (_says(iss=None), Reason.ISSUER),
    "another audience": (_says(aud="another-system"), Reason.AUDIENCE),
    "us and another": (_says(aud=["register-console", "another-system"]), Reason.AUDIENCE),
    "nobody": (_says(aud=[]), Reason.AUDIENCE),
    "no audience": (_says(aud=None), Reason.AUDIENCE),
    "an audience that is an object": (_says(aud={"register-console": 1}), Reason.AUDIENCE),
    "us, given to another": (_says(azp="another-system"), Reason.AUDIENCE),
    "no nonce": (_says(nonce=None), Reason.NONCE_WRONG),
    "another nonce": (_says(nonce="n" * 43), Reason.NONCE_WRONG),
    "a nonce that is a list": (_says(nonce=["n"]), Reason.NONCE_WRONG),
    "an empty nonce": (_says(nonce=""), Reason.NONCE_WRONG),
    "expired this second": (_later(exp=0, iat=-300), Reason.EXPIRED),
    "issued before it was asked for": (_later(iat=-11), Reason.EXPIRED),
    "of the future": (_later(iat=11), Reason.FUTURE),
    "not valid yet": (_later(nbf=11), Reason.FUTURE),
    "good for two days": (_later(exp=172_800), Reason.LIFETIME),
    "no end": (_says(exp=None), Reason.TIMES),
    "an end that is a text": (_says(exp="9999999999"), Reason.TIMES),
    "an end that is true": (_says(exp=True), Reason.TIMES),
    "no beginning": (_says(iat=None), Reason.TIMES),
    "an authentication of the future": (_later(auth_time=11), Reason.TIMES),
    "an authentication before there was time": (_says(auth_time=-1), Reason.TIMES),
    "an authentication at a text": (_says(auth_time="now"), Reason.TIMES),
    "no subject": (_says(sub=None), Reason.CLAIMS),
    "a subject that is a number": (_says(sub=17), Reason.CLAIMS),
    "a subject without end": (_says(sub="x" * 256), Reason.CLAIMS),
    "a subject with a zero byte": (_says(sub="kw-1\0"), Reason.CLAIMS),
    "no name by which staff are enrolled": (_says(staff=None), Reason.CLAIMS),
    "several names by which staff are enrolled": (_says(staff=["kw-1", "sm-1"]), Reason.CLAIMS),
    "a session that is a list": (_says(sid=["x"]), Reason.CLAIMS),
    "no level": (_says(acr=None), Reason.ASSURANCE),
    "an unknown level": (_says(acr="urn:example:whatever"), Reason.ASSURANCE),
    "a level that is a number": (_says(acr=2), Reason.ASSURANCE),
    "a level that is an object": (_says(acr={"two-factor": True}), Reason.ASSURANCE),
    "a claim twice": (_repeated_member, Reason.MALFORMED),
    "four parts": (lambda outside, claims: outside.sign(claims) + ".AA", Reason.MALFORMED),
    "encrypted": (lambda outside, claims: "a.b.c.d.e", Reason.MALFORMED),
    "padded": (lambda outside, claims: outside.sign(claims) + "=", Reason.MALFORMED),
    "nothing": (lambda outside, claims: "", Reason.MISSING),
    "no end to it": (lambda outside, claims: "a" * 20_000, Reason.OVERSIZE),
    "a list of claims": (lambda o, claims: sign({"alg": "ES256", "kid": "first"}, b"[]", o.signing), Reason.MALFORMED),
    "brackets": (
        lambda o, claims: sign({"alg": "ES256", "kid": "first"}, b"[" * 5_000, o.signing), Reason.MALFORMED,
    ),
}  # fmt: skip


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_id_token_lets_nobody_in(at: Desk, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, reason = HOSTILE[name]
    right = at.outside.id_token

    def hostile(asked: Mapping[str, str], **_: Any) -> str:
        payload = right(asked).split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return make(at.outside, claims)

    monkeypatch.setattr(at.outside, "id_token", hostile)
    assert await at.refusal(await at.begin()) == reason
    assert at.store.rows == {}


async def test_the_same_tokens_as_they_should_be_let_their_owner_in(at: Desk) -> None:
    for changes in ({}, {"aud": ["register-console"]}, {"azp": "register-console"}, {"sid": None}, {"auth_time": None}):
        at.outside.said = {"acr": "two-factor", **changes}
        await at.signed_in()
    at.outside.said, at.outside.header = {"acr": "one-factor"}, {"typ": None}
    await at.signed_in()
    assert len(at.store.rows) == 6


async def test_rs256_is_believed_where_it_is_configured() -> None:
    with desk(ExternalProvider(algorithm="RS256", signing=RSA)) as made:
        await made.signed_in()
        await made.provider.close()
    with desk(ExternalProvider(algorithm="RS256", signing=RSA), algorithms=frozenset({"ES256"})) as made:
        # Whatever discovery offers (trap 10 of the design).
        assert await made.refusal(await made.begin()) == Reason.ALGORITHM
        await made.provider.close()


@pytest.mark.rule("ENQ-3")
async def test_a_refusal_that_cannot_be_recorded_is_not_given(at: Desk) -> None:
    at.store.recording_fails = True
    at.outside.said = {"acr": "unknown"}
    with pytest.raises(RefusalNotRecorded) as unrecorded:
        await at.finish(await at.begin())
    assert str(unrecorded.value) == "ConnectionError"
