"""Proofs that must not be believed (RFC 9449 section 4.3): each is refused with a reason of the closed set."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from auth_doubles import ISSUER, NONCE_KEY, b64, signed
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey
from proof_doubles import (
    CLAIMS,
    EC,
    ED,
    ED448,
    HEADER,
    NOW,
    P384,
    PATH,
    RSA,
    SECP,
    TOKEN,
    check,
    named,
    nonce_of,
    proof,
    public,
    with_jwk,
    without,
)

from auth.dpop import token_hash
from auth.errors import InvalidToken, Reason

STRANGER = ECKey.generate_key("P-256")

HOSTILE: dict[str, tuple[Callable[[], str], Reason]] = {
    "empty": (lambda: "", Reason.MISSING),
    "not a token": (lambda: "proof", Reason.MALFORMED),
    "unicode": (lambda: "é.日.🔑", Reason.MALFORMED),
    "two in one header": (lambda: f"{proof()}, {proof()}", Reason.MALFORMED),
    "padded": (lambda: proof() + "=", Reason.MALFORMED),
    "longer than 4 KiB": (lambda: proof(more="x" * 4096), Reason.OVERSIZE),
    "repeats a claim": (
        lambda: signed(
            HEADER, json.dumps(CLAIMS).replace('"htm"', '"htm": "GET", "htm"').encode(), EC.as_dict(private=True)
        ),
        Reason.MALFORMED,
    ),
    "claims are a list": (lambda: signed(HEADER, b"[]", EC.as_dict(private=True)), Reason.MALFORMED),
    "typ is missing": (lambda: without("typ"), Reason.HEADER),
    "typ JWT": (lambda: proof({"typ": "JWT"}), Reason.HEADER),
    "typ at+jwt": (lambda: proof({"typ": "at+jwt"}), Reason.HEADER),
    "typ DPOP+JWT": (lambda: proof({"typ": "DPOP+JWT"}), Reason.HEADER),
    "jwk is missing": (lambda: without("jwk"), Reason.HEADER),
    "alg is missing": (lambda: without("alg"), Reason.HEADER),
    "any further member": (lambda: proof({"cty": "JWT"}), Reason.HEADER),
    "a kid beside the key": (lambda: proof({"kid": "1"}), Reason.HEADER),
    "crit": (lambda: named(crit=["exp"]), Reason.HEADER),
    "b64": (lambda: named(b64=True), Reason.HEADER),
    "says where its key is": (lambda: named(jku="https://keys.example"), Reason.HEADER),
    "brings a certificate": (lambda: named(x5c=["MII"]), Reason.HEADER),
    "alg none": (lambda: named(alg="none"), Reason.ALGORITHM),
    "alg RS256": (lambda: proof({"alg": "RS256", "jwk": public(RSA)}, RSA), Reason.ALGORITHM),
    "alg ES384": (lambda: proof({"alg": "ES384", "jwk": public(P384)}, P384), Reason.ALGORITHM),
    "alg ES256K": (lambda: named(alg="ES256K", jwk=public(SECP)), Reason.ALGORITHM),
    "alg Ed448": (lambda: proof({"alg": "Ed448", "jwk": public(ED448)}, ED448), Reason.ALGORITHM),
    "alg is a list": (lambda: named(alg=["ES256"]), Reason.ALGORITHM),
    "HS256 with the public key": (
        lambda: proof({"alg": "HS256"}, OctKey.import_key(json.dumps(public(EC)))),
        Reason.ALGORITHM,
    ),
    "a symmetric key": (lambda: named(jwk={"kty": "oct", "k": "c2VjcmV0"}), Reason.KEY),
    "the private key": (lambda: proof({"jwk": EC.as_dict(private=True)}), Reason.KEY),
    "a private RSA factor": (lambda: named(alg="PS256", jwk={**public(RSA), "p": "AQ"}), Reason.KEY),
    "the key is a text": (lambda: named(jwk="key"), Reason.KEY),
    "the key is null": (lambda: named(jwk=None), Reason.KEY),
    "the key is empty": (lambda: named(jwk={}), Reason.KEY),
    "the key is of another kind than alg": (lambda: proof({"jwk": public(ED)}), Reason.KEY),
    "P-384 under ES256": (lambda: named(jwk=public(P384)), Reason.KEY),
    "secp256k1 under ES256": (lambda: named(jwk=public(SECP)), Reason.KEY),
    "Ed448 under EdDSA": (lambda: named(alg="EdDSA", jwk=public(ED448)), Reason.KEY),
    "an RSA key of 1024 bits": (lambda: named(alg="PS256", jwk={**public(RSA), "n": b64(b"\xff" * 128)}), Reason.KEY),
    "an RSA key of 8192 bits": (
        lambda: named(alg="PS256", jwk={**public(RSA), "n": b64(b"\xff" * 1024)}),
        Reason.KEY,
    ),
    "an RSA exponent of one": (lambda: named(alg="PS256", jwk={**public(RSA), "e": "AQ"}), Reason.KEY),
    "an RSA exponent as long as the modulus": (
        lambda: named(alg="PS256", jwk={**public(RSA), "e": public(RSA)["n"]}),
        Reason.KEY,
    ),
    "a point that is not on the curve": (lambda: with_jwk(x=b64(bytes(31) + b"\x05")), Reason.KEY),
    "a coordinate that is too short": (lambda: with_jwk(x=b64(b"x" * 31)), Reason.KEY),
    "a coordinate with surplus bits": (lambda: with_jwk(x="A" * 42 + "B"), Reason.KEY),
    "a coordinate that is a number": (lambda: with_jwk(x=5), Reason.KEY),
    "a coordinate that is missing": (lambda: with_jwk(y=None), Reason.KEY),
    "a key for encryption": (lambda: with_jwk(use="enc"), Reason.KEY),
    "a key for another alg": (lambda: with_jwk(alg="PS256"), Reason.KEY),
    "a key for a list of algs": (lambda: with_jwk(alg=["ES256"]), Reason.KEY),
    "signed by another key": (lambda: proof({}, STRANGER), Reason.SIGNATURE),
    "signature of another proof": (
        lambda: proof().rpartition(".")[0] + "." + proof(jti="two").rpartition(".")[2],
        Reason.SIGNATURE,
    ),
    "signature of zeros": (lambda: f"{proof().rpartition('.')[0]}.{b64(bytes(64))}", Reason.SIGNATURE),
    "signature too short": (lambda: f"{proof().rpartition('.')[0]}.{b64(bytes(63))}", Reason.SIGNATURE),
    "htm is missing": (lambda: proof(htm=...), Reason.TARGET),
    "htm of another method": (lambda: proof(htm="GET"), Reason.TARGET),
    "htm in small letters": (lambda: proof(htm="post"), Reason.TARGET),
    "htm is a list": (lambda: proof(htm=["POST"]), Reason.TARGET),
    "htu is missing": (lambda: proof(htu=...), Reason.TARGET),
    "htu is a list": (lambda: proof(htu=[ISSUER + PATH]), Reason.TARGET),
    "htu of another path": (lambda: proof(htu=f"{ISSUER}/api/v1/notifications"), Reason.TARGET),
    "htu with a slash at the end": (lambda: proof(htu=f"{ISSUER}{PATH}/"), Reason.TARGET),
    "htu in another case": (lambda: proof(htu=f"{ISSUER}{PATH.upper()}"), Reason.TARGET),
    "htu of another host": (lambda: proof(htu=f"http://register.example{PATH}"), Reason.TARGET),
    "htu of another port": (lambda: proof(htu=f"http://127.0.0.1:8001{PATH}"), Reason.TARGET),
    "htu without the port": (lambda: proof(htu=f"http://127.0.0.1{PATH}"), Reason.TARGET),
    "htu of another scheme": (lambda: proof(htu=f"https://127.0.0.1:8000{PATH}"), Reason.TARGET),
    "htu with a query": (lambda: proof(htu=f"{ISSUER}{PATH}?a=b"), Reason.TARGET),
    "htu with a fragment": (lambda: proof(htu=f"{ISSUER}{PATH}#a"), Reason.TARGET),
    "htu with credentials": (lambda: proof(htu=f"http://x:y@127.0.0.1:8000{PATH}"), Reason.TARGET),
    "htu with a dot segment": (lambda: proof(htu=f"{ISSUER}/api/v1/x/../enquiries"), Reason.TARGET),
    "htu that goes on": (lambda: proof(htu=f"{ISSUER}.example{PATH}"), Reason.TARGET),
    "htu with a line break": (lambda: proof(htu=f"{ISSUER}{PATH}\n"), Reason.TARGET),
    "htu with a port that is none": (lambda: proof(htu=f"http://127.0.0.1:99999{PATH}"), Reason.TARGET),
    "htu with half an address": (lambda: proof(htu=f"http://[::1{PATH}"), Reason.TARGET),
    "htu is a path": (lambda: proof(htu=PATH), Reason.TARGET),
    "ath is missing": (lambda: proof(ath=...), Reason.ATH),
    "ath of another token": (lambda: proof(ath=token_hash("another")), Reason.ATH),
    "ath is the token": (lambda: proof(ath=TOKEN), Reason.ATH),
    "ath is padded": (lambda: proof(ath=token_hash(TOKEN) + "="), Reason.ATH),
    "ath is null": (lambda: proof(ath=None), Reason.ATH),
    "jti is missing": (lambda: proof(jti=...), Reason.CLAIMS),
    "jti is empty": (lambda: proof(jti=""), Reason.CLAIMS),
    "jti is a number": (lambda: proof(jti=1), Reason.CLAIMS),
    "jti of 256": (lambda: proof(jti="a" * 256), Reason.CLAIMS),
    "jti with NUL": (lambda: proof(jti="a\x00b"), Reason.CLAIMS),
    "iat is missing": (lambda: proof(iat=...), Reason.PROOF_TIME),
    "iat is null": (lambda: proof(iat=None), Reason.PROOF_TIME),
    "iat is true": (lambda: proof(iat=True), Reason.PROOF_TIME),
    "iat is a text": (lambda: proof(iat=str(NOW)), Reason.PROOF_TIME),
    "iat is a fraction": (lambda: proof(iat=NOW + 0.5), Reason.PROOF_TIME),
    "iat is huge": (lambda: proof(iat=10**400), Reason.PROOF_TIME),
    "iat of 61 seconds ago": (lambda: proof(iat=NOW - 61), Reason.PROOF_TIME),
    "iat in 11 seconds": (lambda: proof(iat=NOW + 11), Reason.PROOF_TIME),
    "of another key than the token's": (
        lambda: proof({"jwk": public(STRANGER)}, STRANGER),
        Reason.BINDING,
    ),
    "nonce is missing": (lambda: proof(nonce=...), Reason.NONCE),
    "nonce is a number": (lambda: proof(nonce=1), Reason.NONCE),
    "nonce of nobody": (lambda: proof(nonce="a" * 32), Reason.NONCE),
    "nonce is not ASCII": (lambda: proof(nonce="é" * 32), Reason.NONCE),
    "nonce of another server": (lambda: proof(nonce=nonce_of(bytes(32), 0)), Reason.NONCE),
    "nonce of five minutes ago": (lambda: proof(nonce=nonce_of(NONCE_KEY, -301)), Reason.NONCE),
    "nonce of a time to come": (lambda: proof(nonce=nonce_of(NONCE_KEY, 301)), Reason.NONCE),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_proof_is_refused(name: str) -> None:
    make, reason = HOSTILE[name]
    with pytest.raises(InvalidToken) as refused:
        check(make())
    assert refused.value.reason is reason
    assert refused.value.client_id is None


@pytest.mark.parametrize(
    ("headers", "reason"), [([], Reason.PROOF_MISSING), ([proof(), proof()], Reason.REQUEST)], ids=["none", "two"]
)
def test_there_is_exactly_one_header(headers: list[str], reason: Reason) -> None:
    with pytest.raises(InvalidToken) as refused:
        check(*headers)
    assert refused.value.reason is reason


GOOD = proof().encode()


@settings(max_examples=400, deadline=None)
@given(position=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255))
def test_any_changed_byte_is_refused(position: int, byte: int) -> None:
    changed = bytearray(GOOD)
    changed[position] = byte
    if changed == GOOD:
        return
    with pytest.raises(InvalidToken):
        check(changed.decode("latin-1"))


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(CLAIMS)), _ANYTHING)
def test_any_value_in_any_claim_is_judged_in_order(name: str, value: Any) -> None:
    try:
        check(proof(**{name: value}))
    except InvalidToken:
        return
    assert name in {"jti", "iat"}, "of the others there is one value that is right"


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["alg", "typ", "jwk", "kty", "crv", "x", "y", "n", "e", "use"]), _ANYTHING)
def test_any_value_in_any_member_of_the_header_is_judged_in_order(name: str, value: Any) -> None:
    changed = {**HEADER, name: value} if name in HEADER else {**HEADER, "jwk": {**public(EC), name: value}}
    try:
        check(named(**changed))
    except InvalidToken:
        return
    pytest.fail("the signature is over another header")
