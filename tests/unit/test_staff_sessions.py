"""Sessions at each request: whose they are, when they end to the second, and which requests they carry.

A small application with the real dependencies and pages; the store is in memory.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any

import httpx2
import pytest
from auth_doubles import House, application
from fastapi import Depends, Request
from fastapi.responses import JSONResponse
from staff_doubles import BASE_URL, IDLE, LONGEST, Desk, desk

from auth.dependencies import AuthServices, current_session
from auth.errors import CrossSite, Reason
from auth.staff import api
from auth.staff.api import StaffServices, local_path
from auth.staff.sessions import COOKIE, Session, Sessions, digest_of, new_identifier, origin_of
from policies.enquirer import CONSOLE

OURS = {"Origin": BASE_URL, "Sec-Fetch-Site": "same-origin"}


class Service:
    """A service with a desk, somebody who has signed in at it, and one thing that can be changed."""

    def __init__(self, at: Desk, identifier: str) -> None:
        self.at, self.identifier = at, identifier
        house = House()
        house.register.refusals = at.store.refusals
        self.app = application(house)
        self.house = house
        services: AuthServices = house.services
        self.app.state.auth = replace(services, sessions=at.sessions)
        api.configure(self.app, StaffServices(at.sign_in, at.sessions, BASE_URL), limited=lambda endpoint: endpoint)

        @self.app.post("/change")
        async def change(session: Annotated[Session, Depends(current_session)]) -> str:
            return session.staff_subject

        @self.app.exception_handler(CrossSite)
        async def cross_site(request: Request, error: CrossSite) -> JSONResponse:
            return JSONResponse({"cross": True}, 403)

        self.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.app), base_url=BASE_URL)

    @property
    def token(self) -> str:
        return self.at.sessions.csrf_token(self.identifier)

    async def ask(self, method: str, path: str, cookie: str | None = None, **options: Any) -> httpx2.Response:
        headers = [("Cookie", cookie if cookie is not None else f"{COOKIE}={self.identifier}")]
        headers += list(dict(options.pop("headers", {})).items()) + options.pop("more", [])
        return await self.http.request(method, path, headers=headers, **options)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    with desk() as at:
        service = Service(at, (await at.signed_in())[0])
        yield service
        await service.http.aclose()
        await at.provider.close()


# -- whose it is


async def test_whoever_has_signed_in_asks_as_themselves(service: Service) -> None:
    answer = await service.ask("GET", "/who")
    assert answer.json() == {"client": CONSOLE, "scope": ["casework", "directory", "enquiry"], "assurance": 2}


@pytest.mark.parametrize(
    ("cookie", "reason"),
    [
        ("", "missing"),
        (f"{COOKIE}=", "session_unknown"),
        (f"{COOKIE}={'a' * 43}", "session_unknown"),
        (f"{COOKIE}={'a' * 42}", "session_unknown"),
        (f"{COOKIE}={'ä' * 43}", "session_unknown"),
        (f'{COOKIE}="MINE"', "session_unknown"),
        (f"{COOKIE}=MINE; {COOKIE}=MINE", "request_malformed"),
        (f"{COOKIE}={'a' * 43}; {COOKIE}=MINE", "request_malformed"),
        ("registry-session=MINE", "missing"),
        ("__Secure-registry-session=MINE", "missing"),
        ("__host-registry-session=MINE", "missing"),
    ],
)
async def test_a_cookie_that_is_not_the_one_of_a_session_is_none(service: Service, cookie: str, reason: str) -> None:
    sent = cookie.replace("MINE", service.identifier)
    answer = await service.http.get("/who", headers=[(b"Cookie", sent.encode("utf-8"))])
    assert (answer.status_code, answer.json()["reason"]) == (401, reason)


async def test_two_cookie_headers_are_two_cookies(service: Service) -> None:
    answer = await service.ask("GET", "/who", more=[("Cookie", f"{COOKIE}={service.identifier}")])
    assert (answer.status_code, answer.json()["reason"]) == (401, "request_malformed")


@pytest.mark.parametrize("authorization", ["DPoP x", "Bearer x", "Basic x", ""])
async def test_a_session_and_a_token_together_are_neither(service: Service, authorization: str) -> None:
    answer = await service.ask("GET", "/who", headers={"Authorization": authorization})
    assert (answer.status_code, answer.json()["reason"]) == (401, "request_malformed")


async def test_a_token_is_never_stepped_up_however_surely_its_owner_is_known(service: Service) -> None:
    # Stepping up is of sessions: an organisation's token says how surely, and never that it was just now.
    token = await service.house.token()
    headers = service.house.headers("GET", "/who", token)
    said: list[bool] = []

    @service.app.middleware("http")
    async def look(request: Request, call_next: Any) -> Any:
        answer = await call_next(request)
        said.append(request.state.enquirer.stepped_up)
        return answer

    assert (await service.http.get("/who", headers=headers)).status_code == 200
    assert said == [False]


# -- when it ends


async def test_the_idle_limit_holds_to_the_second(service: Service) -> None:
    service.at.clock.forward(int(IDLE.total_seconds()))
    assert (await service.ask("GET", "/who")).status_code == 200
    service.at.clock.forward(int(IDLE.total_seconds()) + 1)
    answer = await service.ask("GET", "/who")
    assert (answer.status_code, answer.json()["reason"]) == (401, Reason.SESSION_EXPIRED)
    assert (await service.ask("GET", "/who")).status_code == 401  # and the attempt was no use of it


async def test_the_absolute_limit_holds_to_the_second_however_much_it_is_used(service: Service) -> None:
    left = int(LONGEST.total_seconds())
    while left > 600:
        service.at.clock.forward(600)
        left -= 600
        assert (await service.ask("GET", "/who")).status_code == 200
    service.at.clock.forward(599)
    assert (await service.ask("GET", "/who")).status_code == 200
    service.at.clock.forward(1)
    answer = await service.ask("GET", "/who")
    assert (answer.status_code, answer.json()["reason"]) == (401, Reason.SESSION_EXPIRED)


async def test_it_tells_until_when_it_lasts(service: Service) -> None:
    service.at.clock.forward(600)
    told = (await service.ask("GET", "/session")).json()
    assert told["idle_until"] == (service.at.clock() + IDLE).isoformat().replace("+00:00", "Z")


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("suspended", ["professional_suspended", "organisation_suspended"])
async def test_who_is_suspended_has_no_session_any_more(service: Service, suspended: str) -> None:
    store, owner = service.at.store, service.at.professional_id
    standing = store.standing[owner]
    store.standing[owner] = replace(standing, **{suspended: True})
    answer = await service.ask("GET", "/who")
    assert (answer.status_code, answer.json()["reason"]) == (401, Reason.INDIVIDUAL_SUSPENDED)
    assert store.refusals[-1]["professional_id"] == owner
    store.standing[owner] = standing  # taken back: the session does not come back with it
    answer = await service.ask("GET", "/who")
    assert (answer.status_code, answer.json()["reason"]) == (401, Reason.SESSION_ENDED)


# -- which requests it carries


async def test_a_request_from_a_page_of_ours_changes_something(service: Service) -> None:
    for evidence in (OURS, {"Origin": BASE_URL}, {"Sec-Fetch-Site": "same-origin"}):
        answer = await service.ask("POST", "/change", headers={**evidence, "X-CSRF-Token": service.token})
        assert answer.status_code == 200
        answer = await service.ask("POST", "/change", headers=evidence, data={"csrf_token": service.token})
        assert answer.status_code == 200


CROSS: dict[str, dict[str, Any]] = {
    "no evidence of where it comes from": {"headers": {"Origin": None, "Sec-Fetch-Site": None}},
    "another site": {"headers": {"Sec-Fetch-Site": "cross-site"}},
    "another site, by its origin alone": {"headers": {"Sec-Fetch-Site": None, "Origin": "https://attacker.example"}},
    "the same site, another origin": {"headers": {"Sec-Fetch-Site": "same-site"}},
    "the user, by hand": {"headers": {"Sec-Fetch-Site": "none"}},
    "nowhere": {"headers": {"Origin": "null"}},
    "our name without TLS": {"headers": {"Origin": "http://register.test"}},
    "our name on another port": {"headers": {"Origin": "https://register.test:444"}},
    "a name that begins like ours": {"headers": {"Origin": "https://register.test.attacker.example"}},
    "ours and another": {"more": [("Origin", "https://attacker.example")]},
    "no token": {"headers": {"X-CSRF-Token": None}},
    "an empty token": {"headers": {"X-CSRF-Token": ""}},
    "a token of another session": {"headers": {"X-CSRF-Token": "OTHER"}},
    "the identifier itself as the token": {"headers": {"X-CSRF-Token": "IDENTIFIER"}},
    "two tokens": {"more": [("X-CSRF-Token", "x")]},
    "the token in the address": {"headers": {"X-CSRF-Token": None}, "params": {"csrf_token": "TOKEN"}},
    "the token in a cookie": {"headers": {"X-CSRF-Token": None, "Cookie": "csrf_token=TOKEN"}},
    "a form as plain text": {
        "headers": {"X-CSRF-Token": None, "Content-Type": "text/plain"}, "content": "csrf_token=TOKEN",
    },
    "a form in parts": {"headers": {"X-CSRF-Token": None}, "files": {"csrf_token": (None, "TOKEN")}},
    "a form without a type": {"headers": {"X-CSRF-Token": None}, "content": "csrf_token=TOKEN"},
    "a form with two tokens": {
        "headers": {"X-CSRF-Token": None, "Content-Type": "application/x-www-form-urlencoded"},
        "content": "csrf_token=TOKEN&csrf_token=TOKEN",
    },
    "a form that is not ASCII": {
        "headers": {"X-CSRF-Token": None, "Content-Type": "application/x-www-form-urlencoded"},
        "content": "csrf_token=TOKEN&x=ä",
    },
    "JSON": {"headers": {"X-CSRF-Token": None}, "json": {"csrf_token": "TOKEN"}},
}  # fmt: skip


@pytest.mark.parametrize("name", CROSS)
async def test_a_request_from_elsewhere_changes_nothing(service: Service, name: str) -> None:
    other = (await service.at.signed_in())[0]
    words = {
        "OTHER": service.at.sessions.csrf_token(other), "IDENTIFIER": service.identifier, "TOKEN": service.token,
    }  # fmt: skip

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            for word, meant in words.items():
                value = value.replace(word, meant)
        elif isinstance(value, tuple):
            value = tuple(map(filled, value))
        elif isinstance(value, dict):
            value = {key: filled(inner) for key, inner in value.items()}
        return value

    options = {key: filled(value) for key, value in CROSS[name].items()}
    headers = {**OURS, "X-CSRF-Token": service.token, **options.pop("headers", {})}
    kept = {key: value for key, value in headers.items() if value is not None}
    answer = await service.ask("POST", "/change", headers=kept, **options)
    assert answer.status_code == 403
    answer = await service.ask("GET", "/who", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200  # what only reads needs none of it


def test_a_token_is_of_one_session_and_of_one_service() -> None:
    def made(key: bytes) -> Sessions:
        return Sessions(None, key, BASE_URL, lambda: None, idle=IDLE, stepped_up=IDLE)  # type: ignore[arg-type]

    one, other = new_identifier(), new_identifier()
    tokens = {made(key).csrf_token(identifier) for key in (b"a" * 32, b"b" * 32) for identifier in (one, other)}
    assert len(tokens) == 4
    assert all(digest_of(identifier).hex() not in tokens for identifier in (one, other))


def test_an_origin_is_as_browsers_write_it() -> None:
    assert origin_of("https://Register.Test:443/console") == "https://register.test"
    assert origin_of("http://localhost:8080") == "http://localhost:8080"
    assert origin_of("http://[::1]:80") == "http://[::1]"


# -- where it leads


@pytest.mark.parametrize("path", ["/", "/account", "/a/b-c/d_e.f", "/a/", "/a?b=c&d=e", "/a?cursor=x.y~z"])
def test_a_path_of_ours_is_gone_back_to(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None, "", "account", "//attacker.example", "///attacker.example", "/\\attacker.example", "\\\\attacker.example",
        "https://attacker.example", "HTTPS:attacker.example", "javascript:alert(1)", "/%2f/attacker.example",
        "/%5cattacker.example", "/a//b", "/./x", "/../x", "/a/../../x", "/a/..", "/.well-known", "/a\n", "/a\r\nX: y",
        "/a b", "/a#b", "/a;b", "/a@b", "/a:b", "/\t/attacker.example", "/ä", "/a?b=https://attacker.example", "/a?b?c",
        '/a"onload="x', "/a<b>", " /a", "/a?b=%0d%0a",
    ],
)  # fmt: skip
def test_a_path_that_is_not_plainly_ours_is_not(path: str | None) -> None:
    assert local_path(path) == "/account"
