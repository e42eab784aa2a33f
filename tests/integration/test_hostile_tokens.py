"""Hostile access tokens and proofs, sent to the real application: none is accepted, none a 500, each a 401 in a problem
document, and each recorded where its author is known.

Every one is named, and made from a request that is in order by changing one thing. What the token itself can be made of
is tried more closely in ``tests/unit/test_auth_hostile_tokens.py`` and ``test_auth_hostile_proofs.py``.
"""

from collections.abc import Callable

import pytest
from builders import BASE_URL, World
from hostile_scene import URL, Scene
from joserfc.jwk import ECKey, OKPKey, RSAKey
from jws_by_hand import b64

from auth.staff.sessions import COOKIE
from registry_api.problems import MEDIA_TYPE

YEAR = 31_536_000
STRANGER = ECKey.generate_key("P-256")
RSA, ED = RSAKey.generate_key(2048), OKPKey.generate_key("Ed25519")


NOBODY, KEY_WORKER = None, "kw-1"
"""Whether it is known who sent it: what the server has not signed accuses nobody, for anybody could have made it."""

Hostile = tuple[str | None, str | None, Callable[[Scene], str]]
"""Who is recorded, with what reason, and the token or the proof."""

TOKENS: dict[str, Hostile] = {
    "alg none, with no signature": (NOBODY, None, lambda s: s.relabelled(alg="none").rpartition(".")[0] + "."),
    "alg none, with the old signature": (NOBODY, None, lambda s: s.relabelled(alg="none")),
    "alg NONE": (NOBODY, None, lambda s: s.relabelled(alg="NONE")),
    "alg nOnE, signature empty": (NOBODY, None, lambda s: s.relabelled(alg="nOnE").rpartition(".")[0] + "."),
    "HS256 with the public key as JSON": (NOBODY, None, lambda s: s.with_secret("HS256", s.public_json)),
    "HS256 with the public key as PEM": (NOBODY, None, lambda s: s.with_secret("HS256", s.public_pem)),
    "HS384 with the public key as PEM": (NOBODY, None, lambda s: s.with_secret("HS384", s.public_pem)),
    "HS256 with nothing": (NOBODY, None, lambda s: s.with_secret("HS256", b"")),
    "RS256 by a stranger": (NOBODY, None, lambda s: s.forged(RSA, alg="RS256")),
    "EdDSA by a stranger": (NOBODY, None, lambda s: s.forged(ED, alg="Ed25519")),
    "ES256 by a stranger": (NOBODY, None, lambda s: s.forged(STRANGER)),
    "ES256 by a stranger whose key it brings": (
        NOBODY, None, lambda s: s.forged(STRANGER, jwk=STRANGER.as_dict(private=False)),
    ),
    "says where its keys are": (NOBODY, None, lambda s: s.resigned({"jku": "https://keys.example/jwks.json"})),
    "brings a certificate": (NOBODY, None, lambda s: s.resigned({"x5c": ["MIIB"]})),
    "typ JWT": (NOBODY, None, lambda s: s.resigned({"typ": "JWT"})),
    "typ of an ID token, none": (NOBODY, None, lambda s: s.resigned({"typ": ...})),
    "typ dpop+jwt": (NOBODY, None, lambda s: s.resigned({"typ": "dpop+jwt"})),
    "typ logout+jwt": (NOBODY, None, lambda s: s.resigned({"typ": "logout+jwt"})),
    "kid of nobody": (NOBODY, None, lambda s: s.resigned({"kid": "another"})),
    "kid is missing": (NOBODY, None, lambda s: s.resigned({"kid": ...})),
    "kid is a path": (NOBODY, None, lambda s: s.relabelled(kid="../../../dev/null")),
    "kid is SQL": (NOBODY, None, lambda s: s.relabelled(kid="' OR 1=1 --")),
    "crit of what nobody knows": (NOBODY, None, lambda s: s.relabelled(crit=["urn:x"], **{"urn:x": True})),
    "crit b64": (NOBODY, None, lambda s: s.relabelled(crit=["b64"], b64=False)),
    "the signature of zeros": (NOBODY, None, lambda s: s.relabelled(b64(bytes(64)))),
    "the signature cut short": (NOBODY, None, lambda s: s.token[:-2]),
    "claims changed, the signature kept": (NOBODY, None, lambda s: s.with_more_scope()),
    "encrypted, as it seems": (NOBODY, None, lambda s: f"{s.token}.a.b"),
    "two tokens in one": (NOBODY, None, lambda s: f"{s.token},{s.token}"),
    "not a token": (NOBODY, None, lambda s: "token"),
    "longer than any": (NOBODY, None, lambda s: s.token + "A" * 9000),
    "a client assertion": (NOBODY, None, lambda s: s.world.signers["authority-system"].client_assertion()),
    "a proof": (NOBODY, None, lambda s: s.proof(s.token)),
    "of another issuer": (KEY_WORKER, "issuer_wrong", lambda s: s.resigned(iss="https://issuer.example")),
    "of our issuer with a slash": (KEY_WORKER, "issuer_wrong", lambda s: s.resigned(iss=f"{BASE_URL}/")),
    "iss is missing": (KEY_WORKER, "issuer_wrong", lambda s: s.resigned(iss=...)),
    "for another audience": (KEY_WORKER, "audience_wrong", lambda s: s.resigned(aud="https://other.example")),
    "for us and for another": (KEY_WORKER, "audience_wrong", lambda s: s.resigned(aud=[s.claims["aud"], "x"])),
    "aud is missing": (KEY_WORKER, "audience_wrong", lambda s: s.resigned(aud=...)),
    "expired this second": (KEY_WORKER, "expired", lambda s: s.resigned(iat=s.now - 300, nbf=s.now - 300, exp=s.now)),
    "expired a year ago": (
        KEY_WORKER, "expired", lambda s: s.resigned(iat=s.now - YEAR - 300, nbf=s.now - YEAR - 300, exp=s.now - YEAR),
    ),
    "exp is missing": (KEY_WORKER, "times_invalid", lambda s: s.resigned(exp=...)),
    "exp is null": (KEY_WORKER, "times_invalid", lambda s: s.resigned(exp=None)),
    "good for ten years": (KEY_WORKER, "lifetime_too_long", lambda s: s.resigned(exp=s.now + 315_360_000)),
    "from the future": (
        KEY_WORKER, "not_yet_valid", lambda s: s.resigned(iat=s.now + 61, nbf=s.now + 61, exp=s.now + 300),
    ),
    "from a year ahead": (
        KEY_WORKER, "not_yet_valid", lambda s: s.resigned(iat=s.now + YEAR, nbf=s.now, exp=s.now + YEAR + 300),
    ),
    "not good before a minute from now": (KEY_WORKER, "not_yet_valid", lambda s: s.resigned(nbf=s.now + 60)),
    "bound to nothing": (KEY_WORKER, "bound_to_another_key", lambda s: s.resigned(cnf=...)),
    "bound to a name": (KEY_WORKER, "bound_to_another_key", lambda s: s.resigned(cnf={"kid": s.key.thumbprint()})),
    "bound to another key": (
        KEY_WORKER, "bound_to_another_key", lambda s: s.resigned(cnf={"jkt": STRANGER.thumbprint()}),
    ),
    "bound to a certificate that is not shown": (
        KEY_WORKER, "certificate_not_accepted", lambda s: s.resigned(cnf={"x5t#S256": STRANGER.thumbprint()}),
    ),
    "nobody acts": (KEY_WORKER, "claims_invalid", lambda s: s.resigned(act=...)),
    "another client acts": (KEY_WORKER, "claims_invalid", lambda s: s.resigned(act={"sub": "police-system"})),
    "scope of no API of ours": (KEY_WORKER, "scope_not_allowed", lambda s: s.resigned(scope="casework everything")),
    "of another organisation": (
        KEY_WORKER, "standing_changed", lambda s: s.resigned(org=str(s.world.organisations["police"])),
    ),
    "of a professional who is none": (NOBODY, None, lambda s: s.resigned(sub="kw-1")),
    "of nobody": (NOBODY, None, lambda s: s.resigned(sub=...)),
}  # fmt: skip
"""Each is sent with a proof that is in order for it, but for those that have a key of their own."""

PROOFS: dict[str, Hostile] = {
    "of another key": (KEY_WORKER, "bound_to_another_key", lambda s: s.proof(s.token, key=STRANGER)),
    "of the token's key, signed by another": (
        KEY_WORKER, "signature_invalid", lambda s: s.proof(s.token, {"jwk": s.key.as_dict(private=False)}, STRANGER),
    ),
    "alg none": (KEY_WORKER, "algorithm_not_allowed", lambda s: s.named(s.token, alg="none")),
    "HS256 under the public key": (KEY_WORKER, "algorithm_not_allowed", lambda s: s.named(s.token, alg="HS256")),
    "typ JWT": (KEY_WORKER, "header_not_allowed", lambda s: s.proof(s.token, {"typ": "JWT"})),
    "typ at+jwt": (KEY_WORKER, "header_not_allowed", lambda s: s.proof(s.token, {"typ": "at+jwt"})),
    "crit": (KEY_WORKER, "header_not_allowed", lambda s: s.named(s.token, crit=["exp"])),
    "the private key shown": (
        KEY_WORKER, "key_unknown", lambda s: s.proof(s.token, {"jwk": s.key.as_dict(private=True)}),
    ),
    "for another token": (KEY_WORKER, "proof_for_another_token", lambda s: s.proof("another.token.here")),
    "for no token": (KEY_WORKER, "proof_for_another_token", lambda s: s.proof(s.token, ath=...)),
    "for another method": (KEY_WORKER, "proof_for_another_request", lambda s: s.proof(s.token, htm="POST")),
    "for another path": (KEY_WORKER, "proof_for_another_request", lambda s: s.proof(s.token, htu=f"{BASE_URL}/")),
    "for another host": (
        KEY_WORKER, "proof_for_another_request", lambda s: s.proof(s.token, htu=f"https://evil.example{URL}"),
    ),
    "from the future": (KEY_WORKER, "proof_not_of_now", lambda s: s.proof(s.token, iat=s.now + 61)),
    "of two minutes ago": (KEY_WORKER, "proof_not_of_now", lambda s: s.proof(s.token, iat=s.now - 120)),
    "without an identifier": (KEY_WORKER, "claims_invalid", lambda s: s.proof(s.token, jti=...)),
    "with a nonce of another server": (NOBODY, None, lambda s: s.proof(s.token, nonce="A" * 32)),
    "without a nonce": (NOBODY, None, lambda s: s.proof(s.token, nonce=...)),
    "the token itself": (KEY_WORKER, "header_not_allowed", lambda s: s.token),
    "longer than any": (KEY_WORKER, "oversize", lambda s: s.proof(s.token, more="x" * 5000)),
}  # fmt: skip


Headers = list[tuple[str, str]]

REQUESTS: dict[str, tuple[str | None, str | None, Callable[[Scene], Headers]]] = {
    "no token": (NOBODY, None, lambda s: [("DPoP", s.proof(s.token))]),
    "a token without a proof": (KEY_WORKER, "proof_missing", lambda s: s.sent()[:1]),
    "as a bearer token": (KEY_WORKER, "proof_missing", lambda s: [("Authorization", f"Bearer {s.token}")]),
    "as a bearer token with a proof": (
        KEY_WORKER, "proof_missing", lambda s: [("Authorization", f"Bearer {s.token}"), s.sent()[1]],
    ),
    "as a password": (NOBODY, None, lambda s: [("Authorization", f"Basic {b64(s.token)}"), s.sent()[1]]),
    "without saying what it is": (NOBODY, None, lambda s: [("Authorization", s.token), s.sent()[1]]),
    "two tokens": (NOBODY, None, lambda s: [s.sent()[0], *s.sent()]),
    "two proofs": (KEY_WORKER, "request_malformed", lambda s: [*s.sent(), s.sent()[1]]),
    "two proofs in one header": (
        KEY_WORKER, "malformed", lambda s: [s.sent()[0], ("DPoP", f"{s.proof(s.token)}, {s.proof(s.token)}")],
    ),
    "the token in a cookie": (NOBODY, None, lambda s: [("Cookie", f"access_token={s.token}"), s.sent()[1]]),
    "a token and a session": (NOBODY, None, lambda s: [*s.sent(), ("Cookie", f"{COOKIE}={'A' * 43}")]),
}  # fmt: skip


@pytest.fixture(scope="module")
async def scene(shared_world: World) -> Scene:
    return await Scene.of(shared_world)


async def refused(scene: Scene, headers: Callable[[], Headers], who: str | None, reason: str | None) -> None:
    """Send a request twice: the second time would be answered from a cache, had anything been kept."""
    world = scene.world
    for _ in range(2):
        before = len(await world.log())
        answer = await world.http.get(URL, headers=headers())
        assert answer.status_code == 401, answer.text
        assert answer.headers["content-type"] == MEDIA_TYPE
        assert answer.json()["type"] == "urn:registry:problem:not-authenticated"
        assert answer.headers["www-authenticate"].startswith("DPoP ")
        noted = [(entry["kind"], entry["professional_id"], entry["reason"]) for entry in (await world.log())[before:]]
        assert noted == ([("access.refused", world.members[who].id, reason)] if who else [])


async def test_the_request_that_they_all_derive_from_is_accepted(scene: Scene) -> None:
    again = scene.resigned()
    assert again != scene.token
    for token in (scene.token, again):
        answer = await scene.world.http.get(URL, headers=scene.sent(token))
        assert answer.status_code == 200, answer.text


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("name", TOKENS)
async def test_a_hostile_token_is_refused_over_http(scene: Scene, name: str) -> None:
    who, reason, make = TOKENS[name]
    token = make(scene)
    await refused(scene, lambda: scene.sent(token), who, reason)


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("name", PROOFS)
async def test_a_hostile_proof_is_refused_over_http(scene: Scene, name: str) -> None:
    who, reason, make = PROOFS[name]
    await refused(scene, lambda: [scene.sent()[0], ("DPoP", make(scene))], who, reason)


@pytest.mark.rule("ENQ-3")
async def test_a_proof_that_was_used_is_refused_over_http(scene: Scene) -> None:
    used = scene.sent()
    assert (await scene.world.http.get(URL, headers=used)).status_code == 200
    await refused(scene, lambda: used, KEY_WORKER, "replayed")


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("name", REQUESTS)
async def test_a_good_token_shown_in_the_wrong_way_is_refused(scene: Scene, name: str) -> None:
    who, reason, make = REQUESTS[name]
    await refused(scene, lambda: make(scene), who, reason)


async def test_a_token_in_the_address_is_not_even_looked_at(scene: Scene) -> None:
    answer = await scene.world.http.get(f"{URL}?access_token={scene.token}", headers=scene.sent()[1:])
    assert answer.status_code == 401


def test_there_are_more_than_forty_that_are_hostile() -> None:
    assert len(TOKENS) >= 40
    assert len(PROOFS) >= 20
