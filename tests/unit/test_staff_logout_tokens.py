"""Back-channel logout: what a provider may end, and the logout tokens that end nothing (OpenID Connect Back-Channel
Logout 1.0 section 2.6)."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from external_provider import LOGOUT_EVENT, ExternalProvider, new_key, sign
from joserfc.jwk import OctKey
from staff_doubles import Desk, desk

from auth.errors import InvalidToken, Reason

Make = Callable[[ExternalProvider], str]
OTHER = new_key("first")


@pytest.fixture
async def at() -> AsyncIterator[Desk]:
    with desk() as made:
        yield made
        await made.provider.close()


def _claims(outside: ExternalProvider) -> dict[str, Any]:
    now = outside.seconds()
    about = {"iss": outside.issuer, "aud": "register-console", "iat": now, "exp": now + 60, "jti": "one"}
    return {**about, "events": {LOGOUT_EVENT: {}}, "sub": "person kw-1"}


def _says(**changes: Any) -> Make:
    return lambda outside: outside.logout_token(**changes)


def _later(**seconds: int) -> Make:
    return lambda outside: outside.logout_token(**{name: outside.seconds() + by for name, by in seconds.items()})


def _headed(**header: Any) -> Make:
    return lambda outside: outside.logout_token(header=header)


def _public_key_as_secret(outside: ExternalProvider) -> str:
    secret = OctKey.import_key(json.dumps(outside.signing.as_dict(private=False)).encode())
    return sign({"alg": "HS256", "kid": "first", "typ": "logout+jwt"}, _claims(outside), secret)


HOSTILE: dict[str, tuple[Make, Reason]] = {
    "no signature": (
        lambda o: sign({"alg": "none", "typ": "logout+jwt"}, _claims(o), None) + "AA", Reason.ALGORITHM,
    ),
    "the public key as a shared secret": (_public_key_as_secret, Reason.ALGORITHM),
    "somebody else's signature": (
        lambda o: sign({"alg": "ES256", "kid": "first", "typ": "logout+jwt"}, _claims(o), OTHER), Reason.SIGNATURE,
    ),
    "an unknown key": (_headed(kid="second"), Reason.KEY),
    "something critical": (_headed(crit=["exp"]), Reason.HEADER),
    "no type": (_headed(typ=None), Reason.HEADER),
    "the type of an ID token": (_headed(typ="JWT"), Reason.HEADER),
    "the type of an access token": (_headed(typ="at+jwt"), Reason.HEADER),
    "a type that is a list": (_headed(typ=["logout+jwt"]), Reason.HEADER),
    "another issuer": (_says(iss="https://attacker.example"), Reason.ISSUER),
    "another audience": (_says(aud="another-system"), Reason.AUDIENCE),
    "us and another": (_says(aud=["register-console", "another-system"]), Reason.AUDIENCE),
    "a nonce": (_says(nonce="n"), Reason.CLAIMS),
    "an empty nonce": (_says(nonce=""), Reason.CLAIMS),
    "no events": (_says(events=None), Reason.CLAIMS),
    "events that are a list": (_says(events=[LOGOUT_EVENT]), Reason.CLAIMS),
    "another event": (_says(events={"http://schemas.openid.net/event/other": {}}), Reason.CLAIMS),
    "an event that is no object": (_says(events={LOGOUT_EVENT: True}), Reason.CLAIMS),
    "nobody named": (_says(sid=None), Reason.CLAIMS),
    "a session that is a list": (_says(sid=["session of kw-1"]), Reason.CLAIMS),
    "a subject that is a number": (_says(sub=5), Reason.CLAIMS),
    "no name of its own": (_says(jti=None), Reason.CLAIMS),
    "expired this second": (_later(iat=-60, exp=0), Reason.EXPIRED),
    "no end": (_says(exp=None), Reason.TIMES),
    "of the future": (_later(iat=11), Reason.FUTURE),
    "good for an hour": (_later(exp=3600), Reason.LIFETIME),
    "an ID token": (lambda o: o.id_token({"nonce": "n"}), Reason.HEADER),
    "nothing": (lambda o: "", Reason.MISSING),
    "nonsense": (lambda o: "a.b", Reason.MALFORMED),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_logout_token_ends_nothing(at: Desk, name: str) -> None:
    await at.signed_in()
    make, reason = HOSTILE[name]
    with pytest.raises(InvalidToken) as refused:
        await at.sign_in.end_by_provider(make(at.outside))
    assert refused.value.reason == reason
    assert at.store.ended == []
    assert at.store.used_up == set()


@pytest.mark.parametrize(
    "changes",
    [{}, {"sid": None, "sub": "person kw-1"}, {"sub": "person kw-1"}],
    ids=["the session", "the subject", "both"],
)
async def test_the_provider_ends_what_it_names_and_nothing_else(at: Desk, changes: dict[str, Any]) -> None:
    await at.signed_in()
    at.store.enrol("kw-2")
    at.outside.person = "kw-2"
    await at.signed_in()
    at.outside.person = "kw-1"
    token = at.outside.logout_token(**changes)
    await at.sign_in.end_by_provider(token)
    assert at.store.ended == [(at.professional_id, "ended_by_provider")]
    with pytest.raises(InvalidToken) as again:
        await at.sign_in.end_by_provider(token)
    assert again.value.reason == Reason.REPLAYED


async def test_a_session_of_the_subject_ends_also_where_its_own_name_was_never_told(at: Desk) -> None:
    at.outside.said = {"acr": "two-factor", "sid": None}
    await at.signed_in()
    await at.sign_in.end_by_provider(at.outside.logout_token(sid="some session"))
    assert at.store.ended == []  # nothing says that it is this one
    await at.sign_in.end_by_provider(at.outside.logout_token(sid="some session", sub="person kw-1"))
    assert at.store.ended == [(at.professional_id, "ended_by_provider")]


async def test_a_provider_that_does_not_type_its_logout_tokens_has_to_be_known_for_it() -> None:
    with desk(untyped_logout=True) as made:
        await made.signed_in()
        await made.sign_in.end_by_provider(made.outside.logout_token(header={"typ": None}))
        assert len(made.store.ended) == 1
        with pytest.raises(InvalidToken):  # and even then an ID token is none
            await made.sign_in.end_by_provider(made.outside.id_token({"nonce": "n"}))
        with pytest.raises(InvalidToken):
            await made.sign_in.end_by_provider(made.outside.logout_token(header={"typ": "at+jwt"}))
        await made.provider.close()


async def test_a_step_up_under_way_does_not_bring_back_what_the_provider_has_ended(at: Desk) -> None:
    identifier, window = await at.signed_in()
    stepping = await at.begin(window.browser, identifier, step_up=True)
    await at.sign_in.end_by_provider(at.outside.logout_token())
    assert await at.refusal(stepping) == Reason.SESSION_ENDED
