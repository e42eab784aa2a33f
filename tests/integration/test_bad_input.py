"""Whatever is sent: the right 4xx problem document, nothing of what was sent in it or in the logs, and nothing lost.

Every request carries a marker in its personal data. It may come back in no answer and appear in nothing that is
printed, and the enquirer, where known, stands in the log.
"""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from builders import World, entry, question

MARKER = "Wyvernmark"
URL = "/api/v1/enquiries"


def _body(**child: Any) -> dict[str, Any]:
    return {
        "child": {**question(given=MARKER, family=f"{MARKER}-Test"), **child},
        "reason": "injury",
        "reason_text": f"{MARKER} has a bruise.",
        "urgency": "urgent",
        "call_back_number": "01632 960321",
    }


def _day(days: float) -> str:
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


async def _post(world: World, content: bytes | str, *, url: str = URL, **headers: str) -> httpx2.Response:
    scope = "transfer" if "transfers" in url else "enquiry"
    who = "custodian-1" if scope == "transfer" else "officer-1"
    given = {"Content-Type": "application/json", **headers}
    return await world.http.post(url, content=content, headers=given, auth=world.auth(who, scope))


@pytest.fixture
async def watched(world: World, capfd: pytest.CaptureFixture[str]) -> AsyncIterator[World]:
    """A world of which nothing that is printed or logged may hold the marker."""
    yield world
    printed = capfd.readouterr()
    assert MARKER not in printed.out + printed.err


def _problem(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    document: dict[str, Any] = answer.json()
    assert document["type"] == f"urn:registry:problem:{code}"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert document["request_id"] == answer.headers["x-request-id"]
    assert MARKER.casefold() not in answer.text.casefold()
    return document


async def _noted(world: World, reason: str) -> None:
    (noted,) = await world.log("request.refused")
    assert noted["reason"] == reason
    assert noted["professional_id"] in {world.members["officer-1"].id, world.members["custodian-1"].id}
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM enquiry") == 0


GOOD = json.dumps(_body())
MALFORMED = {
    "empty": "",
    "not JSON": MARKER,
    "cut short": GOOD[:-20],
    "trailing": GOOD + "}",
    "two documents": GOOD + GOOD,
    "raw NUL": GOOD.replace("bruise", "bru\x00ise"),
    "raw line break in a string": GOOD.replace("bruise", "bru\nise"),
    "not UTF-8": GOOD.encode().replace(b"bruise", b"bru\xffise"),
    "UTF-16": GOOD.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + GOOD.encode(),
    "lone surrogate": GOOD.replace("bruise", "\\ud800"),
    "deep nesting": '{"child":' + '{"a":' * 8000 + f'"{MARKER}"' + "}" * 8001,
    "deep arrays": "[" * 30000,
    "duplicate key": GOOD[:-1] + f', "reason_text": "{MARKER} again"}}',
    "duplicate key of the child": GOOD.replace('"given_names"', f'"given_names": "{MARKER}", "given_names"', 1),
}


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
async def test_what_is_not_well_formed_json_is_refused_and_recorded(watched: World, content: bytes | str) -> None:
    _problem(await _post(watched, content), 400, "malformed-json")
    await _noted(watched, "malformed-json")


INVALID: dict[str, tuple[Any, str]] = {
    "no object": ([MARKER], ""),
    "a string": (MARKER, ""),
    "null": (None, ""),
    "nothing in it": ({}, "child"),
    "unknown field named by the caller": ({**_body(), MARKER: 1}, ""),
    "unknown field of the child": (_body(**{MARKER: MARKER}), "child"),
    "unknown field of the address": (_body(address={MARKER: MARKER}), "child.address"),
    "no such day": (_body(date_of_birth="2019-02-30"), "child.date_of_birth"),
    "a day as words": (_body(date_of_birth=MARKER), "child.date_of_birth"),
    "a day as seconds": (_body(date_of_birth=1_557_100_800), "child.date_of_birth"),
    "a day as digits": (_body(date_of_birth="1557100800"), "child.date_of_birth"),
    "a moment for a day": (_body(date_of_birth="2019-05-06T00:00:00"), "child.date_of_birth"),
    "a day of thirty centuries hence": (_body(date_of_birth="5019-02-03"), "child"),
    "born in the future": (_body(date_of_birth=_day(3)), "child"),
    "born forty years ago": (_body(date_of_birth=_day(-40 * 365.25)), "child"),
    "born and unborn": (_body(expected_delivery_date=_day(30)), "child"),
    "a delivery two years hence": (_body(date_of_birth=None, expected_delivery_date=_day(730)), "child"),
    "a mother of the future": (_body(mother={"given_names": MARKER, "date_of_birth": _day(3)}), "child"),
    "age 40": (_body(age_years=40), "child.age_years"),
    "age 18": (_body(age_years=18), "child.age_years"),
    "age -1": (_body(age_years=-1), "child.age_years"),
    "age as text": (_body(age_years="7"), "child.age_years"),
    "age 7.5": (_body(age_years=7.5), "child.age_years"),
    "age true": (_body(age_years=True), "child.age_years"),
    "age beyond any number": (_body(age_years=10**400), "child.age_years"),
    "NUL in a name": (_body(given_names=f"{MARKER}\x00"), "child.given_names"),
    "escape in a name": (_body(given_names=f"{MARKER}\x1b[2J"), "child.given_names"),
    "two kilobytes of name": (_body(given_names=MARKER * 200), "child.given_names"),
    "a name that is a list": (_body(given_names=[MARKER]), "child.given_names"),
    "nine other names": (_body(other_names=[{"given_names": MARKER}] * 9), "child.other_names"),
    "a NUL in an address": (_body(address={"lines": f"{MARKER}\x00"}), "child.address.lines"),
    "an NHS number of letters": (_body(nhs_number=MARKER), "child.nhs_number"),
    "a UPRN of letters": (_body(address={"uprn": MARKER}), "child.address.uprn"),
    "a long postcode": (_body(address={"postcode": MARKER * 2}), "child.address.postcode"),
    "another sex": (_body(sex=MARKER), "child.sex"),
    "another reason": ({**_body(), "reason": MARKER}, "reason"),
    "NaN": ({**_body(), "urgency": float("nan")}, "urgency"),
    "another urgency": ({**_body(), "urgency": MARKER}, "urgency"),
    "no reason in words": ({**_body(), "reason_text": "  "}, "reason_text"),
    "a book of a reason": ({**_body(), "reason_text": MARKER * 300}, "reason_text"),
    "a number that nobody can call": ({**_body(), "call_back_number": MARKER}, "call_back_number"),
}


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(("body", "place"), INVALID.values(), ids=INVALID)
async def test_what_cannot_be_is_refused_by_place_and_never_by_value(watched: World, body: Any, place: str) -> None:
    document = _problem(await _post(watched, json.dumps(body)), 422, "invalid-request")
    assert place in [fault["field"] for fault in document["errors"]]
    assert all(set(fault) == {"field", "code", "message"} for fault in document["errors"])
    await _noted(watched, "invalid-request")


@pytest.mark.parametrize("ill", [MARKER, f'{{"child": "{MARKER}"}}', GOOD[:-9]], ids=["text", "wrong", "cut"])
@pytest.mark.parametrize("url", ["/api/v1/transfers/in", URL])
async def test_each_route_that_takes_a_body_refuses_and_records_alike(watched: World, url: str, ill: str) -> None:
    answer = await _post(watched, ill, url=url)
    assert answer.status_code in {400, 422}
    _problem(answer, answer.status_code, "malformed-json" if answer.status_code == 400 else "invalid-request")
    assert len(await watched.log("request.refused")) == 1


@pytest.mark.rule("ENQ-2", "ENQ-3")
@pytest.mark.parametrize("content", [GOOD, MARKER, "[" * 30000], ids=["good", "malformed", "deep"])
@pytest.mark.parametrize("url", ["/api/v1/transfers/in", URL])
async def test_of_whom_nobody_knows_the_body_is_not_judged(watched: World, url: str, content: str) -> None:
    headers = {"Content-Type": "application/json"}
    _problem(await watched.http.post(url, content=content, headers=headers), 401, "not-authenticated")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/xml"])
@pytest.mark.parametrize("url", ["/api/v1/transfers/in", URL])
async def test_a_body_of_another_kind_is_refused(watched: World, url: str, kind: str) -> None:
    answer = await _post(watched, f"given_names={MARKER}", url=url, **{"Content-Type": kind})
    _problem(answer, 415, "unsupported-media-type")
    await _noted(watched, "unsupported-media-type")


async def _in_parts(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 65536):
        yield MARKER.encode() * (65536 // len(MARKER))


@pytest.mark.parametrize("declared", [True, False])
async def test_ten_megabytes_are_not_read(watched: World, declared: bool) -> None:
    auth = watched.auth("officer-1", "enquiry")
    content: Any = MARKER.encode() * 1_000_000 if declared else _in_parts(10_000_000)
    answer = await watched.http.post(URL, content=content, auth=auth)
    _problem(answer, 413, "body-too-large")
    assert (await watched.ask("officer-1", question())).status_code == 200


NAMES = {
    "emoji": ("🦄✨", "👩‍👧‍👦-Test"),
    "right to left": ("مريم", "الاختبار"),
    "right-to-left override": ("\u202eWyn\u202c", "Ashgrove-Test"),
    "of a later Unicode": ("\U0002ebf0", "\U0001fae8-Test"),
    "Han": ("测试", "样本"),
    "combining": ("Zo\u0308e\u0301", "N\u0303an\u0303ez-Test"),
    "apostrophes": ("D'Arcy", "O’Test"),
    "SQL": ("Robert'); DROP TABLE child;--", "' OR '1'='1"),
    "format": ("%s%n{0}{child}", "${jndi:test}"),
    "markup": ("<script>alert(1)</script>", "&amp;"),
    "nothing but marks": ("-", "."),
    "120 characters": ("Q" * 120, "A" * 120),
}


@pytest.mark.rule("ENQ-1", "ENQ-2")
@pytest.mark.parametrize(("given", "family"), NAMES.values(), ids=NAMES)
async def test_names_come_as_people_have_them(world: World, given: str, family: str) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    number = "999 000 0018"  # so that even a name that nobody can be found by is no reason to be turned away
    answer = await world.ask("officer-1", question(given, family, nhs_number=number))
    assert answer.status_code == 200, answer.text
    assert len(given) < 2 or given not in answer.text
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM child") == 1
        kept = await connection.fetchrow("SELECT id, data_key, sealed_question FROM enquiry")
    assert kept is not None
    opened = world.vault.key("enquiry", kept["id"], kept["data_key"]).open("question", kept["sealed_question"])
    assert json.loads(opened)["child"]["given_names"] == given
    # Nothing is lost: the next enquiry is answered from the same register.
    assert (await world.ask("officer-1", question())).json()["outcome"] == "open_case"


async def test_reasons_and_addresses_may_have_lines(world: World) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    asked = question(address="7 Larkspur Rise\nTesttown")
    answer = await world.ask("officer-1", asked, reason_text="First.\r\n\tSecond.\n")
    assert answer.json()["outcome"] == "open_case"
    (told,) = await world.inbox("kw-1")
    assert told["about"]["details"]["reason_text"] == "First.\r\n\tSecond."


@pytest.mark.rule("ENQ-2")
async def test_a_name_like_sql_finds_the_child_who_bears_it(world: World) -> None:
    name = "Robert'); DROP TABLE child;--"
    await world.add(entry(name, key_worker=world.members["kw-1"].id))
    assert (await world.ask("officer-1", question(name))).json()["outcome"] == "open_case"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_other_methods_are_not_offered(watched: World, method: str) -> None:
    answer = await watched.http.request(method, URL, auth=watched.auth("officer-1", "enquiry"))
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    if method != "HEAD":
        _problem(answer, 405, "method-not-allowed")


@pytest.mark.parametrize("path", [f"/{MARKER}", f"/api/v1/enquiries/{MARKER}", "/docs", "/api/v1/../../etc/passwd"])
async def test_unknown_paths_are_not_found_and_not_repeated(watched: World, path: str) -> None:
    _problem(await watched.http.get(path), 404, "not-found")


@pytest.mark.parametrize(
    "query", [f"given_names={MARKER}", f"child={MARKER}&child=%00", f"{MARKER}=1", "access_token=x"]
)
async def test_a_query_string_says_nothing(watched: World, query: str) -> None:
    answer = await watched.http.post(f"{URL}?{query}", json={}, auth=watched.auth("officer-1", "enquiry"))
    _problem(answer, 422, "invalid-request")
    # A token in the URL is no token (RFC 6750 section 2.3 is not offered): URLs end up in logs.
    token = await watched.token("officer-1", "enquiry")
    _problem(await watched.http.post(f"{URL}?access_token={token}", json=_body()), 401, "not-authenticated")


@pytest.mark.parametrize(
    "query", [f"limit={MARKER}", "limit=0", "limit=201", f"waiting={MARKER}", f"cursor={'x' * 201}"]
)
async def test_parameters_of_the_inbox_are_judged_without_being_repeated(watched: World, query: str) -> None:
    answer = await watched.http.get(f"/api/v1/notifications?{query}", auth=watched.auth("kw-1", "casework"))
    _problem(answer, 422, "invalid-request")


@pytest.mark.rule("ENQ-2")
async def test_a_failure_that_nobody_foresaw_tells_nothing(watched: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError(f"about {MARKER}")

    monkeypatch.setattr("registry_api.enquiries.found.find", broken)
    transport = httpx2.ASGITransport(app=watched.app, raise_app_exceptions=False)
    auth = watched.auth("officer-1", "enquiry")
    async with httpx2.AsyncClient(transport=transport, base_url="https://register.test") as http:
        _problem(await http.post(URL, json=_body(), auth=auth), 500, "internal-error")
