"""Rate limits at the routes of an application: they bite, count callers rightly, and never fail open."""

import logging
from pathlib import Path
from uuid import UUID

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from limits_doubles import Table, Time, storage_at, synchronise
from slowapi.errors import RateLimitExceeded

from policies.enquirer import Enquirer, Role
from registry_api.kernel import limits
from registry_api.kernel.errors import StoreUnavailable
from registry_api.kernel.limits import Limits, RouteLimiter, limits_of, network_of
from registry_api.kernel.settings import Settings
from registry_api.kernel.shared_window import CLOSED_AFTER_SECONDS, SharedWindowStorage

POLICE, HOSPITAL = UUID(int=1), UUID(int=2)


async def identify(request: Request) -> None:
    """Read ``organisation/professional`` from a header, as an authentication would from a token."""
    if "asker" not in request.headers:
        return
    organisation, professional = request.headers["asker"].split("/")
    request.state.enquirer = Enquirer(
        client_id="client",
        client_suspended=False,
        organisation_id=UUID(int=int(organisation)),
        organisation_suspended=False,
        own_authority=False,
        professional_id=UUID(int=int(professional)),
        professional_suspended=False,
        role=Role.NURSE,
        agreements=(),
    )


def router_of(limiter: RouteLimiter) -> APIRouter:
    """Return limited routes, in a router included in a router."""
    inner = APIRouter()

    @inner.post("/enquiries")
    @limiter.by_organisation
    @limiter.by_professional
    async def make_enquiry(request: Request) -> str:
        return "answered"

    @inner.post("/enquiries/{name}/repeat")
    @limiter.by_professional
    def repeat_enquiry(request: Request, name: str) -> str:
        return name

    @inner.post("/token")
    @limiter.by_address
    async def issue_token(request: Request) -> str:
        return "issued"

    outer = APIRouter(prefix="/v1")
    outer.include_router(inner)
    return outer


def app_of(router: APIRouter, time: Time, **amounts: int) -> FastAPI:
    app = FastAPI(dependencies=[Depends(identify)])
    app.include_router(router, prefix="/api")
    app.state.limits = Limits(Settings(**amounts), b"secret", storage_at(time))  # type: ignore[arg-type]

    @app.exception_handler(RateLimitExceeded)
    async def exceeded(request: Request, _: RateLimitExceeded) -> JSONResponse:
        return JSONResponse({}, 429, {"Retry-After": str(limits.retry_after(request))})

    @app.exception_handler(StoreUnavailable)
    async def unavailable(_: Request, error: StoreUnavailable) -> JSONResponse:
        return JSONResponse({}, 503)

    return app


class Caller:
    """Calls one application, whose clock and table the test holds."""

    def __init__(self, router: APIRouter | None = None, **amounts: int) -> None:
        self.time = Time()
        self.table = Table()
        self.app = app_of(router or router_of(RouteLimiter()), self.time, **amounts)
        self.storage: SharedWindowStorage = self.app.state.limits.storage

    async def call(self, path: str, asker: str | None = None, address: str = "192.0.2.1") -> httpx2.Response:
        transport = httpx2.ASGITransport(self.app, client=(address, 1))
        async with httpx2.AsyncClient(transport=transport, base_url="https://registry.example") as client:
            return await client.post(f"/api/v1{path}", headers={"asker": asker} if asker else {})

    async def statuses(self, count: int, path: str, asker: str | None = None, address: str = "192.0.2.1") -> list[int]:
        return [(await self.call(path, asker, address)).status_code for _ in range(count)]


async def opened(router: APIRouter | None = None, **amounts: int) -> Caller:
    caller = Caller(router, **amounts)
    await synchronise(caller.storage, caller.table)
    return caller


async def test_a_professional_who_asks_too_often_is_refused_until_the_next_minute() -> None:
    caller = await opened(enquiries_per_minute_professional=3)
    assert await caller.statuses(4, "/enquiries", "1/7") == [200, 200, 200, 429]
    caller.time.now += 59.5
    await synchronise(caller.storage, caller.table)
    refused = await caller.call("/enquiries", "1/7")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert await caller.statuses(1, "/enquiries", "1/8") == [200]  # a colleague
    caller.time.now += 0.5
    assert await caller.statuses(4, "/enquiries", "1/7") == [200, 200, 200, 429]


async def test_an_organisation_is_limited_whoever_of_it_asks() -> None:
    caller = await opened(enquiries_per_minute_organisation=3)
    statuses = [(await caller.call("/enquiries", f"1/{person}")).status_code for person in range(1, 5)]
    assert statuses == [200, 200, 200, 429]
    assert await caller.statuses(1, "/enquiries", "2/9") == [200]


async def test_who_is_refused_alone_takes_nothing_from_colleagues() -> None:
    caller = await opened(enquiries_per_minute_organisation=3, enquiries_per_minute_professional=1)
    assert await caller.statuses(9, "/enquiries", "1/7") == [200] + [429] * 8
    assert await caller.statuses(1, "/enquiries", "1/8") == [200]


async def test_an_address_is_limited() -> None:
    caller = await opened(requests_per_minute_address=2)
    assert await caller.statuses(3, "/token") == [200, 200, 429]
    assert await caller.statuses(1, "/token", address="192.0.2.2") == [200]


async def test_callers_without_an_address_share_one_count() -> None:
    caller = await opened(requests_per_minute_address=2)
    assert await caller.statuses(3, "/token", address="") == [200, 200, 429]


async def test_a_route_is_one_route_whatever_stands_in_its_path() -> None:
    caller = await opened(enquiries_per_minute_professional=2)
    statuses = [(await caller.call(f"/enquiries/{name}/repeat", "1/7")).status_code for name in "abc"]
    assert statuses == [200, 200, 429]


async def test_the_limits_are_those_of_the_application_that_serves() -> None:
    router = router_of(RouteLimiter())
    strict = await opened(router, enquiries_per_minute_professional=1)
    other = await opened(router, enquiries_per_minute_professional=2)
    assert await strict.statuses(2, "/enquiries", "1/7") == [200, 429]
    assert await other.statuses(3, "/enquiries", "1/7") == [200, 200, 429]


async def test_without_an_enquirer_nothing_is_answered() -> None:
    caller = await opened()
    with pytest.raises(RuntimeError, match="enquirer"):
        await caller.call("/enquiries")


async def test_an_application_without_counters_answers_nothing() -> None:
    caller = await opened()
    del caller.app.state.limits
    with pytest.raises(AttributeError):
        await caller.call("/token")


async def test_closed_before_the_first_count_and_when_the_table_has_long_been_out_of_reach() -> None:
    caller = Caller()
    assert await caller.statuses(1, "/token") == [503]
    await synchronise(caller.storage, caller.table)
    caller.time.now += CLOSED_AFTER_SECONDS
    assert await caller.statuses(1, "/token") == [200]
    caller.time.now += 0.1
    assert await caller.statuses(1, "/token") == [503]
    assert await caller.statuses(1, "/enquiries", "1/7") == [503]
    await synchronise(caller.storage, caller.table)
    assert await caller.statuses(1, "/token") == [200]


async def test_the_environment_cannot_switch_a_limit_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    against = {
        "RATELIMIT_ENABLED": "false",
        "RATELIMIT_SWALLOW_ERRORS": "true",
        "RATELIMIT_IN_MEMORY_FALLBACK": "1000/second",
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": "true",
        "RATELIMIT_STORAGE_URL": "memory://",
        "RATELIMIT_STRATEGY": "moving-window",
        "RATELIMIT_KEY_PREFIX": "mine",
    }
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in against.items()))
    for name, value in against.items():
        monkeypatch.setenv(name, value)
    caller = await opened(requests_per_minute_address=2)
    assert await caller.statuses(3, "/token") == [200, 200, 429]
    caller.time.now += CLOSED_AFTER_SECONDS + 1
    assert await caller.statuses(2, "/token") == [503, 503]


async def test_neither_log_nor_table_tells_who_called(caplog: pytest.LogCaptureFixture) -> None:
    caller = await opened(requests_per_minute_address=1, enquiries_per_minute_professional=1)
    with caplog.at_level(logging.DEBUG):
        await caller.statuses(2, "/token", address="198.51.100.7")
        await caller.statuses(2, "/enquiries", f"{POLICE.int}/7")
    await synchronise(caller.storage, caller.table)
    written = caplog.text + str(caller.table.hits)
    assert "ratelimit" in caplog.text
    assert len(caller.table.hits) == 3
    for told in ("198.51.100", str(POLICE), str(UUID(int=7))):
        assert told not in written


def test_a_route_tells_what_limits_it() -> None:
    limiter = RouteLimiter()

    async def open_to_all(request: Request) -> None: ...

    assert limits_of(open_to_all) == frozenset()
    both = limiter.by_organisation(limiter.by_professional(open_to_all))
    assert limits_of(both) == {"organisation", "professional"}


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1%eth0", "2001:db8:1:2::/64"),
        ("a:b", "a:b"),
        ("", ""),
    ],
)
def test_a_caller_with_a_whole_network_of_addresses_is_one_caller(host: str, network: str) -> None:
    assert network_of(host) == network


def test_keys_differ_by_caller_kind_and_deployment_and_are_never_empty() -> None:
    ours, theirs = Limits(Settings(), b"ours"), Limits(Settings(), b"theirs")
    keys = [ours.key("organisation", b""), ours.key("professional", b""), theirs.key("organisation", b"")]
    keys += [ours.key("organisation", POLICE.bytes), ours.key("organisation", HOSPITAL.bytes)]
    assert len(set(keys)) == 5
    assert {len(key) for key in keys} == {32}
