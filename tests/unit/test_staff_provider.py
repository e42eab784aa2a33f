"""The provider as it is reached over real HTTP: what it is asked, how we prove who we are, what it may not do.

Whatever a provider answers that is not to the point is ProviderUnavailable, with a fault in fixed words: never a
session, and never an error of the service.
"""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from external_provider import CLIENT_ID, SECRET, ExternalProvider, Given, new_key
from staff_doubles import BASE_URL, Desk, desk

from auth.errors import ProviderUnavailable, Reason, SignInRefused

METHODS = ("private_key_jwt", "client_secret_basic", "client_secret_post")


@pytest.fixture
async def at() -> AsyncIterator[Desk]:
    with desk() as made:
        yield made
        await made.provider.close()


@pytest.mark.parametrize("pushes", [True, False], ids=["pushed", "in the address"])
@pytest.mark.parametrize("method", METHODS)
async def test_a_person_signs_in_however_we_prove_who_we_are(method: str, pushes: bool) -> None:
    with desk(ExternalProvider(authentication=method, pushes=pushes)) as made:
        identifier, window = await made.signed_in()
        await made.provider.close()
    assert len(made.store.rows) == 1
    assert identifier not in window.url

    asked = parse_qs(urlsplit(window.url).query)
    if pushes:  # RFC 9126 section 4: nothing else travels through the browser
        assert asked.keys() == {"client_id", "request_uri"}
        (pushed,) = made.outside.paths("/par")
        asked = {name: [value] for name, value in pushed.form.items()}
    assert asked["response_type"] == ["code"]
    assert asked["client_id"] == [CLIENT_ID]
    assert asked["redirect_uri"] == [f"{BASE_URL}/sign-in/callback"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) == len(asked["nonce"][0]) == len(asked["code_challenge"][0]) == 43
    (redeemed,) = made.outside.paths("/token")
    assert len(redeemed.form["code_verifier"]) == 43
    addresses = " ".join(f"{request.path} {request.query}" for request in made.outside.received)
    assert SECRET not in addresses
    assert redeemed.form["code_verifier"] not in addresses


async def test_every_attempt_has_a_state_a_nonce_and_a_verifier_of_its_own(at: Desk) -> None:
    for _ in range(3):
        await at.signed_in()
    pushed = [request.form for request in at.outside.paths("/par")]
    verifiers = [request.form["code_verifier"] for request in at.outside.paths("/token")]
    values = [form[name] for form in pushed for name in ("state", "nonce", "code_challenge")] + verifiers
    assert len(set(values)) == 12


async def test_an_assertion_of_ours_is_for_a_minute_for_once_and_for_the_provider(at: Desk) -> None:
    await at.signed_in()
    sent = [request.form["client_assertion"] for request in at.outside.received if request.method == "POST"]
    claims = [json.loads(base64.urlsafe_b64decode(one.split(".")[1] + "==")) for one in sent]
    assert len({one["jti"] for one in claims}) == 2
    for one in claims:
        assert (one["iss"], one["sub"], one["aud"]) == (CLIENT_ID, CLIENT_ID, at.outside.issuer)
        assert one["exp"] - one["iat"] == 60


async def test_stepping_up_asks_for_it_in_every_way_that_providers_know(at: Desk) -> None:
    identifier, _ = await at.signed_in()
    await at.begin(session=identifier, step_up=True)
    plain, stepping = (request.form for request in at.outside.paths("/par"))
    assert not {"max_age", "prompt", "acr_values"} & plain.keys()
    assert (stepping["max_age"], stepping["prompt"], stepping["acr_values"]) == ("0", "login", "two-factor")


HTML = Given(200, b"<html>Welcome</html>", (("Content-Type", "text/html"),))
ELSEWHERE = Given(302, b"", (("Location", "http://127.0.0.1:9/elsewhere"),))
NONSENSE: dict[str, Given] = {
    "a page": HTML,
    "sent on": ELSEWHERE,
    "an error": Given(500, b"{}"),
    "not found": Given(404, b"{}"),
    "nothing": Given(200, b""),
    "a list": Given(200, b"[]"),
    "null": Given(200, b"null"),
    "a number": Given(200, b"5"),
    "brackets": Given(200, b"[" * 100_000),
    "not UTF-8": Given(200, b"\xff\xfe{}"),
    "too long": Given(200, b'{"x": "' + b"a" * 300_000 + b'"}'),
    "packed": Given(200, b"{}", (("Content-Encoding", "gzip"),)),
    "cut off": Given(cut=True),
}


@pytest.mark.parametrize("name", NONSENSE)
@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/par", "/keys", "/token"])
async def test_a_provider_that_answers_nonsense_is_one_that_cannot_be_reached(at: Desk, path: str, name: str) -> None:
    at.outside.instead[path] = NONSENSE[name]
    with pytest.raises(ProviderUnavailable):
        await at.finish(await at.begin())
    assert at.store.rows == {}
    assert at.store.refusals == []
    del at.outside.instead[path]
    at.clock.forward(30)
    await at.signed_in()  # once it is well again, so are we


@pytest.mark.parametrize(
    "keys",
    [5, None, {}, "x", ["x"], [None], [{"kid": "first"}], [{"kid": "first", "kty": "EC", "alg": ["ES256"]}],
     [{"kid": "first", "kty": "EC", "crv": "P-256", "x": 1, "y": []}]],
    ids=str,
)  # fmt: skip
async def test_keys_that_are_none_let_nobody_in(at: Desk, keys: Any) -> None:
    at.outside.instead["/keys"] = Given(200, json.dumps({"keys": keys}).encode())
    with pytest.raises((ProviderUnavailable, SignInRefused)):
        await at.finish(await at.begin())
    assert at.store.rows == {}


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token"])
async def test_a_provider_that_hangs_holds_nobody_up_for_long(at: Desk, path: str) -> None:
    at.outside.instead[path] = Given(delay=6)
    with pytest.raises(ProviderUnavailable):
        await at.finish(await at.begin())


METADATA: dict[str, tuple[dict[str, Any], str]] = {
    "of another issuer": ({"issuer": "https://attacker.example"}, "metadata_of_another_issuer"),
    "of the issuer with a slash": ({"issuer": "SLASH"}, "metadata_of_another_issuer"),
    "without an issuer": ({"issuer": None}, "metadata_of_another_issuer"),
    "without a token endpoint": ({"token_endpoint": None}, "metadata_unusable"),
    "with a token endpoint without TLS": ({"token_endpoint": "http://sign-in.example/token"}, "metadata_unusable"),
    "with a token endpoint that is a list": ({"token_endpoint": ["x"]}, "metadata_unusable"),
    "with keys in a file": ({"jwks_uri": "file:///etc/passwd"}, "metadata_unusable"),
    "with a script to go to": ({"authorization_endpoint": "javascript:alert(1)"}, "metadata_unusable"),
    "with a script to leave by": ({"end_session_endpoint": "javascript:alert(1)"}, "metadata_unusable"),
    "with a name in an address": ({"jwks_uri": "https://a:b@sign-in.example/keys"}, "metadata_unusable"),
    "pushing to nowhere": ({"pushed_authorization_request_endpoint": None}, "metadata_unusable"),
}


@pytest.mark.parametrize("name", METADATA)
async def test_metadata_that_is_not_the_providers_own_is_not_used(at: Desk, name: str) -> None:
    changes, fault = METADATA[name]
    at.outside.metadata = {
        key: f"{at.outside.issuer}/" if value == "SLASH" else value for key, value in changes.items()
    }
    with pytest.raises(ProviderUnavailable) as unavailable:
        await at.begin()
    assert unavailable.value.fault == fault
    assert at.store.attempts == []


async def test_a_provider_that_does_not_know_us_is_no_fault_of_the_person(at: Desk) -> None:
    window = await at.begin()
    at.outside.instead["/token"] = Given(401, b'{"error": "invalid_client", "error_description": "<b>who?</b>"}')
    with pytest.raises(ProviderUnavailable) as unavailable:
        await at.finish(window)
    assert unavailable.value.fault == "client_refused"
    at.outside.instead["/par"] = Given(401, b'{"error": "invalid_client"}')
    with pytest.raises(ProviderUnavailable) as unavailable:
        await at.begin()
    assert unavailable.value.fault == "request_not_taken"


async def test_a_code_that_is_not_taken_is_a_refusal(at: Desk) -> None:
    assert await at.refusal(await at.begin(), code=["made up"]) == Reason.PROVIDER_REFUSED


async def test_tokens_without_an_id_token_are_not_enough(at: Desk) -> None:
    at.outside.instead["/token"] = Given(200, b'{"access_token": "x", "token_type": "Bearer"}')
    with pytest.raises(ProviderUnavailable) as unavailable:
        await at.finish(await at.begin())
    assert unavailable.value.fault == "no_id_token"


async def test_no_token_of_the_person_is_kept(at: Desk) -> None:
    await at.signed_in()
    assert at.provider._http.token is None


async def test_nothing_that_the_provider_is_given_shows_in_what_is_printed(at: Desk) -> None:
    with desk(ExternalProvider(authentication="client_secret_post")) as made:
        shown = repr(made.provider.settings)
        await made.provider.close()
    assert SECRET not in shown
    assert "client_secret" not in shown
    assert '"d"' not in repr(at.provider.settings)
    assert "'d'" not in repr(at.provider.settings)


async def test_a_new_key_is_followed_and_a_withdrawn_one_forgotten(at: Desk) -> None:
    await at.signed_in()
    old = at.outside.signing
    at.outside.signing = new_key("second")
    at.outside.published = [at.outside.signing, old]
    at.clock.forward(31)
    await at.signed_in()

    at.outside.published = [at.outside.signing]
    at.outside.signing = old
    at.clock.forward(901)
    assert await at.refusal(await at.begin()) == Reason.KEY


async def test_made_up_keys_do_not_make_us_ask_again_and_again(at: Desk) -> None:
    await at.signed_in()
    asked = len(at.outside.paths("/keys"))
    at.outside.published = [at.outside.signing]
    at.outside.signing = new_key("made up")
    for _ in range(5):
        assert await at.refusal(await at.begin()) == Reason.KEY
    assert len(at.outside.paths("/keys")) == asked
