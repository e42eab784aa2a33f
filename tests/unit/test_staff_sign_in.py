"""An attempt to sign in from its begin to its end: whose it is, what its answer may say, and stepping up.

Over real HTTP to a provider; the stores are in memory.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from staff_doubles import LONGEST, STEPPED_UP, Desk, desk

from auth.errors import Reason, SignInRefused
from auth.protocols import RegisteredProfessional
from auth.providers import AssuranceTable
from auth.staff.sessions import digest_of
from policies.enquirer import Assurance


@pytest.fixture
async def at() -> AsyncIterator[Desk]:
    with desk() as made:
        yield made
        await made.provider.close()


# -- whose an attempt is


async def _unheard(at: Desk, answer: dict[str, list[str]], browser: str | None) -> None:
    """Come back so that nothing is asked of the provider, nothing used up, and nobody named in the record."""
    attempts, asked = list(at.store.attempts), len(at.outside.paths("/token"))
    with pytest.raises(SignInRefused):
        await at.sign_in.finish(answer, browser)
    assert (at.store.attempts, len(at.outside.paths("/token"))) == (attempts, asked)
    assert at.store.refusals == []


async def test_only_the_browser_that_began_an_attempt_ends_it(at: Desk) -> None:
    window, other = await at.begin(), await at.begin()
    answer = await at.visit(window)
    for browser in (other.browser, None, "", window.browser + "x", "x" * 43):
        await _unheard(at, answer, browser)
    assert (await at.sign_in.finish(answer, window.browser)).return_to == "/account"


async def test_a_state_is_good_once(at: Desk) -> None:
    window = await at.begin()
    answer = await at.visit(window)
    await at.sign_in.finish(answer, window.browser)
    await _unheard(at, answer, window.browser)


async def test_a_state_that_is_not_ours_or_comes_twice_is_not_looked_at(at: Desk) -> None:
    window = await at.begin()
    answer = await at.visit(window)
    (state,) = answer["state"]
    for states in ([], [state, state], ["x" * 43], [state + "\n"], [""], ["é" * 43]):
        await _unheard(at, {**answer, "state": states}, window.browser)


async def test_an_attempt_is_over_after_ten_minutes_to_the_second(at: Desk) -> None:
    late, in_time = await at.begin(), await at.begin()
    at.clock.forward(599)
    await at.finish(in_time)
    at.clock.forward(1)
    await _unheard(at, await at.visit(late), late.browser)


async def test_a_refused_answer_uses_the_attempt_up(at: Desk) -> None:
    window = await at.begin()
    answer = await at.visit(window)
    with pytest.raises(SignInRefused):
        await at.sign_in.finish({**answer, "iss": ["https://attacker.example"]}, window.browser)
    at.store.refusals.clear()
    await _unheard(at, answer, window.browser)


# -- what an answer may say


ANSWERS: dict[str, tuple[dict[str, list[str] | None], Reason]] = {
    "from another issuer": ({"iss": ["https://attacker.example"]}, Reason.ISSUER),
    "from nobody, where a name was promised": ({"iss": None}, Reason.ISSUER),
    "from two issuers": ({"iss": ["x", "y"]}, Reason.ISSUER),
    "from another issuer, and an error": (
        {"iss": ["https://attacker.example"], "error": ["access_denied"]}, Reason.ISSUER,
    ),
    "an error": ({"error": ["access_denied"], "code": None}, Reason.PROVIDER_REFUSED),
    "an error and a code": ({"error": ["access_denied"]}, Reason.PROVIDER_REFUSED),
    "no code": ({"code": None}, Reason.REQUEST),
    "an empty code": ({"code": [""]}, Reason.REQUEST),
    "two codes": ({"code": ["a", "b"]}, Reason.REQUEST),
}  # fmt: skip


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_that_is_not_in_order_is_refused(at: Desk, name: str) -> None:
    changes, reason = ANSWERS[name]
    assert await at.refusal(await at.begin(), **changes) == reason
    assert at.outside.paths("/token") == []


async def test_the_issuer_counts_also_where_it_was_not_promised(at: Desk) -> None:
    at.outside.names_itself = False
    await at.signed_in()
    assert await at.refusal(await at.begin(), iss=["https://attacker.example"]) == Reason.ISSUER


async def test_a_code_of_another_attempt_is_of_no_use(at: Desk) -> None:
    # Somebody puts the code that they have got hold of into an attempt of their own: PKCE (RFC 9700 section 4.5).
    stolen = (await at.visit(await at.begin()))["code"]
    assert await at.refusal(await at.begin(), code=stolen) == Reason.PROVIDER_REFUSED


async def test_a_code_of_another_attempt_is_of_no_use_where_the_provider_ignores_pkce(at: Desk) -> None:
    stolen = (await at.visit(await at.begin()))["code"]
    at.outside.checks_pkce = False
    assert await at.refusal(await at.begin(), code=stolen) == Reason.NONCE_WRONG


# -- who may sign in


async def test_who_is_not_enrolled_is_told_so_and_it_is_recorded(at: Desk) -> None:
    at.outside.person = "somebody"
    with pytest.raises(SignInRefused) as refused:
        await at.finish(await at.begin())
    assert refused.value.person
    assert at.store.refusals[-1]["reason"] == Reason.INDIVIDUAL_UNKNOWN


async def test_who_is_suspended_is_refused_and_named_in_the_record(at: Desk) -> None:
    at.store.people["kw-1"] = RegisteredProfessional(at.professional_id, False)
    assert await at.refusal(await at.begin()) == Reason.INDIVIDUAL_SUSPENDED
    assert at.store.refusals[-1]["professional_id"] == at.professional_id


@pytest.mark.parametrize(("ago", "reason"), [(3610, None), (3611, Reason.AUTHENTICATION_OLD)])
async def test_how_long_ago_somebody_signed_in_at_the_provider(ago: int, reason: Reason | None) -> None:
    with desk(max_age=timedelta(hours=1)) as made:
        made.outside.said |= {"auth_time": made.clock.seconds() - ago}
        if reason:
            assert await made.refusal(await made.begin()) == reason
        else:
            await made.signed_in()
        assert made.outside.paths("/par")[0].form["max_age"] == "3600"
        made.outside.said |= {"auth_time": None}
        assert await made.refusal(await made.begin()) == Reason.AUTHENTICATION_OLD
        await made.provider.close()


# -- a new session every time


async def test_every_sign_in_has_an_identifier_of_its_own_and_ends_what_the_browser_had(at: Desk) -> None:
    first, window = await at.signed_in()
    second = (await at.finish(await at.begin(window.browser, first))).identifier
    assert first != second
    assert at.store.rows[digest_of(first)].ended_at is not None
    assert at.store.rows[digest_of(second)].ended_at is None
    assert at.store.ended == [(at.professional_id, "replaced")]


async def test_two_windows_both_come_to_their_end_and_leave_one_session(at: Desk) -> None:
    one = await at.begin()
    two = await at.begin(one.browser)
    assert one.browser == two.browser
    first = (await at.finish(one)).identifier
    second = (await at.finish(two)).identifier
    assert at.store.rows[digest_of(first)].ended_at is not None
    assert at.store.rows[digest_of(second)].ended_at is None


async def test_an_identifier_of_the_browsers_own_choice_never_becomes_a_session(at: Desk) -> None:
    planted = "p" * 43
    identifier = (await at.finish(await at.begin(None, planted))).identifier
    assert identifier != planted
    assert digest_of(planted) not in at.store.rows
    assert (await at.begin("planted")).browser != "planted"


# -- stepping up


async def test_stepping_up_gives_a_new_identifier_and_no_longer_life(at: Desk) -> None:
    at.outside.said = {"acr": "one-factor"}
    first, window = await at.signed_in()
    began = at.clock()
    at.clock.forward(600)
    at.outside.said = {"acr": "two-factor"}
    second = (await at.finish(await at.begin(window.browser, first, step_up=True))).identifier
    assert second != first
    assert at.store.rows[digest_of(first)].ended_at == at.clock()
    row = at.store.rows[digest_of(second)]
    assert (row.started_at, row.expires_at) == (began, began + LONGEST)
    assert (row.assurance, row.stepped_up_at) == (Assurance.AAL2, at.clock())
    assert at.sessions.stepped_up_until(row) == at.clock() + STEPPED_UP
    at.clock.forward(599)
    assert at.sessions.stepped_up_until(row) is not None
    at.clock.forward(1)
    assert at.sessions.stepped_up_until(row) is None


async def test_two_windows_that_step_up_both_come_to_their_end(at: Desk) -> None:
    identifier, window = await at.signed_in()
    one = await at.begin(window.browser, identifier, step_up=True)
    two = await at.begin(window.browser, identifier, step_up=True)
    await at.finish(one)
    last = (await at.finish(two)).identifier
    assert [digest for digest, row in at.store.rows.items() if row.ended_at is None] == [digest_of(last)]


def _ago(seconds: int) -> dict[str, Any]:
    return {"ago": seconds}


NOT_STEPPED_UP: dict[str, tuple[dict[str, Any], Reason]] = {
    "one factor": ({"acr": "one-factor"}, Reason.STEP_UP),
    "an authentication from before it was asked for": (_ago(11), Reason.AUTHENTICATION_OLD),
    "an authentication of no known time": ({"auth_time": None}, Reason.AUTHENTICATION_OLD),
    "an unknown level": ({"acr": "urn:example:other"}, Reason.ASSURANCE),
}


@pytest.mark.parametrize("name", NOT_STEPPED_UP)
async def test_what_does_not_show_two_factors_now_does_not_step_up(at: Desk, name: str) -> None:
    identifier, window = await at.signed_in()
    changes, reason = NOT_STEPPED_UP[name]
    stepping = await at.begin(window.browser, identifier, step_up=True)
    at.outside.said |= {key: value for key, value in changes.items() if key != "ago"}
    if "ago" in changes:
        at.outside.said["auth_time"] = at.clock.seconds() - changes["ago"]
    assert await at.refusal(stepping) == reason
    (row,) = at.store.rows.values()
    assert (row.ended_at, row.stepped_up_at) == (None, None)  # and the session goes on as it was


async def test_a_level_that_is_only_presumed_does_not_step_up() -> None:
    with desk(assurance=AssuranceTable("acr", {"one-factor": "aal1"}, if_absent="aal3")) as made:
        made.outside.said = {"acr": None}
        identifier, window = await made.signed_in()
        assert await made.refusal(await made.begin(window.browser, identifier, step_up=True)) == Reason.STEP_UP
        await made.provider.close()


@pytest.mark.parametrize("enrolled", [True, False])
async def test_stepping_up_as_somebody_else_ends_the_session(at: Desk, enrolled: bool) -> None:
    identifier, window = await at.signed_in()
    if enrolled:
        at.store.enrol("kw-2")
    at.outside.person = "kw-2"
    assert await at.refusal(await at.begin(window.browser, identifier, step_up=True)) == Reason.SUBJECT
    assert at.store.ended == [(at.professional_id, Reason.SUBJECT)]
    assert len(at.store.rows) == 1


async def test_stepping_up_under_a_name_that_now_means_somebody_else_ends_the_session(at: Desk) -> None:
    identifier, window = await at.signed_in()
    at.store.enrol("kw-1")
    assert await at.refusal(await at.begin(window.browser, identifier, step_up=True)) == Reason.SUBJECT


async def test_a_session_that_has_ended_is_not_stepped_up(at: Desk) -> None:
    identifier, window = await at.signed_in()
    stepping = await at.begin(window.browser, identifier, step_up=True)
    await at.store.end(at.professional_id, None, None, "signed_out")
    assert await at.refusal(stepping) == Reason.SESSION_ENDED


async def test_a_session_past_its_absolute_end_is_not_stepped_up(at: Desk) -> None:
    identifier, window = await at.signed_in()
    at.clock.forward(int(LONGEST.total_seconds()) - 1)
    stepping = await at.begin(window.browser, identifier, step_up=True)
    at.clock.forward(1)
    assert await at.refusal(stepping) == Reason.SESSION_ENDED


async def test_a_step_up_that_was_overtaken_by_another_sign_in_steps_nobody_up(at: Desk) -> None:
    identifier, window = await at.signed_in()
    stepping = await at.begin(window.browser, identifier, step_up=True)
    at.store.enrol("kw-2")
    at.outside.person = "kw-2"
    await at.finish(await at.begin(window.browser, identifier))
    at.outside.person = "kw-1"
    assert await at.refusal(stepping) == Reason.SESSION_ENDED
    assert [row.stepped_up_at for row in at.store.rows.values()] == [None, None]
