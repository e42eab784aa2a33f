"""What is limited counts whatever it holds: malformed bodies and keys too; and a call counts once, not once for each
application of the process."""

from pathlib import Path
from typing import Any

import pytest
from builders import World, question, running_world

from registry_api.main import create_app

URLS = {
    "/api/v1/enquiries": ("POST", "officer-1", "enquiry"),
    "/api/v1/transfers/in": ("POST", "custodian-1", "transfer"),
    "/api/v1/transfers/T-00000-00000/key-worker": ("PUT", "sm-1", "casework"),
    "/api/v1/considerations/00000000-0000-4000-8000-000000000000/decision": ("POST", "sm-1", "casework"),
}


@pytest.fixture
async def narrow(database_url: str, tmp_path: Path) -> Any:
    """A world in which a professional may do three things a minute."""
    async with running_world(database_url, tmp_path / "state", enquiries_per_minute_professional=3) as world:
        yield world


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("url", URLS)
async def test_malformed_bodies_are_counted_and_refused_from_the_fourth_on(narrow: World, url: str) -> None:
    method, who, scope = URLS[url]
    headers, auth = {"Content-Type": "application/json", "If-Match": '"1"'}, narrow.auth(who, scope)
    statuses = [
        (await narrow.http.request(method, url, content='{"child"', headers=headers, auth=auth)).status_code
        for _ in range(30)
    ]
    assert statuses == [400] * 3 + [429] * 27
    reasons = [row["reason"] for row in await narrow.log("request.refused")]
    assert reasons == ["malformed-json"] * 3 + ["too-many-requests"] * 27


@pytest.mark.rule("ENQ-3")
async def test_malformed_idempotency_keys_are_counted_too(narrow: World) -> None:
    statuses = [(await narrow.ask("officer-1", question(), key="short")).status_code for _ in range(5)]
    assert statuses == [422, 422, 422, 429, 429]


async def test_an_address_is_counted_once_for_each_call_however_many_applications_there_are(
    database_url: str, tmp_path: Path
) -> None:
    async with running_world(database_url, tmp_path / "state", requests_per_minute_address=5) as world:
        create_app(world.settings, world.urls)
        form = world.signers["police-system"].token_form
        statuses = [(await world.request_token(form("officer-1", "enquiry"))).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
