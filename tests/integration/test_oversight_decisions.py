"""Alerts are read and decided by whoever they are for: recorded, on what was read, once, and never one's own."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from builders import World, entry, question
from oversight_scenes import REASON, URL, alerts, decide, look_over, try_out
from typer.testing import CliRunner

from auth.client import generate_client_key
from registry_api.cli import following_up
from registry_api.cli.commands import app
from registry_api.cli.remote import ClientFile, Remote
from registry_api.problems import MEDIA_TYPE
from registry_api.register.entry import PlanKind

pytestmark = pytest.mark.rule("ENQ-3")


async def raised(world: World, who: str = "officer-1") -> dict[str, Any]:
    """Have an alert raised about somebody, and return it as the information governance officer sees it."""
    await try_out(world, who)
    await look_over(world)
    (alert,) = await alerts(world, "igo-1")
    return alert


@pytest.mark.parametrize("decision", ["legitimate", "to_discuss", "misuse_suspected"])
async def test_a_decision_is_recorded_with_who_when_and_why(world: World, decision: str) -> None:
    alert = await raised(world)
    world.clock.advance(hours=5)
    answer = await decide(world, alert["id"], body={"decision": decision, "reason": REASON})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    decided = answer.json()
    assert (decided["decision"], decided["reason"], decided["version"]) == (decision, REASON, 2)
    assert decided["decided_at"] == world.clock().isoformat().replace("+00:00", "Z")
    (entry_,) = await world.log("alert.decided")
    assert (entry_["professional_id"], entry_["reference"]) == (world.members["sm-1"].id, alert["id"])
    async with world.database.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM alert")
    assert row is not None
    assert (row["decision"], row["decided_by"]) == (decision, world.members["sm-1"].id)
    assert REASON.encode() not in row["sealed_reason"]
    assert await alerts(world) == []
    assert [one["reason"] for one in await alerts(world, open="false")] == [REASON]


@pytest.mark.parametrize(("version", "status"), [(None, 428), ('"2"', 412), ('"0"', 412), ("*", 412), ('W/"1"', 412)])
async def test_a_decision_names_the_version_that_was_read(world: World, version: str | None, status: int) -> None:
    alert = await raised(world)
    answer = await decide(world, alert["id"], version=version)
    assert answer.status_code == status
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert (await alerts(world))[0]["decision"] is None


async def test_two_managers_at_once_decide_once(world: World) -> None:
    alert = await raised(world)
    answers = await asyncio.gather(*(decide(world, alert["id"], who=who) for who in ("sm-1", "sm-2")))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert (await decide(world, alert["id"], version='"2"')).status_code == 409


async def test_nobody_sees_or_decides_what_is_about_themselves(world: World) -> None:
    alert = await raised(world, "sm-1")
    assert alert["owner"] == "information_governance_officer"
    for manager in ("sm-1", "sm-2"):
        assert await alerts(world, manager) == []
        refused = await decide(world, alert["id"], who=manager)
        unknown = await decide(world, str(uuid4()), who=manager)
        assert (refused.status_code, unknown.status_code) == (404, 404)
        assert refused.json()["detail"] == unknown.json()["detail"]
    assert (await decide(world, alert["id"], who="igo-1")).status_code == 200


@pytest.mark.parametrize("who", ["kw-1", "duty-1", "tm-1", "officer-1", "nurse-1"])
async def test_others_have_no_part_in_it(world: World, who: str) -> None:
    alert = await raised(world)
    scope = "casework" if world.members[who].client_id == "authority-system" else "enquiry"
    read = await world.http.get(URL, auth=world.auth(who, scope))
    body = {"decision": "legitimate", "reason": REASON}
    path = f"{URL}/{alert['id']}/decision"
    decided = await world.http.post(path, json=body, headers={"If-Match": '"1"'}, auth=world.auth(who, scope))
    assert (read.status_code, decided.status_code) == (403, 403)
    assert (await alerts(world))[0]["decision"] is None


@pytest.mark.parametrize("body", [{}, {"decision": "legitimate"}, {"decision": "fine", "reason": REASON},
                                  {"decision": "legitimate", "reason": "ok"}])  # fmt: skip
async def test_a_decision_without_a_reason_is_none(world: World, body: dict[str, str]) -> None:
    alert = await raised(world)
    assert (await decide(world, alert["id"], body=body)).status_code == 422


async def test_an_enquiry_is_answered_while_nothing_can_be_looked_over(world: World) -> None:
    """An enquiry neither waits for the looking nor needs any of its tables."""
    await world.add(entry(plan=PlanKind.FULL))
    await world.token("officer-1", "enquiry")
    async with world.database.transaction() as connection:
        await connection.execute("LOCK TABLE alert, looked_over IN ACCESS EXCLUSIVE MODE")
        looking = asyncio.create_task(look_over(world))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(4):  # sooner than any statement is given up
            answer = await world.ask("officer-1", question(), urgency="immediate")
        assert (answer.status_code, answer.json()["outcome"]) == (200, "on_plan")
        assert not looking.done()
    await looking


async def test_an_enquiry_is_answered_where_looking_over_always_fails(world: World) -> None:
    async with world.database.connection() as connection:
        await connection.execute("ALTER TABLE alert RENAME TO alert_away")
        await connection.execute("ALTER TABLE looked_over RENAME TO looked_over_away")
    await try_out(world)
    with pytest.raises(Exception, match="looked_over"):
        await look_over(world)
    async with world.database.connection() as connection:
        await connection.execute("ALTER TABLE alert_away RENAME TO alert")
        await connection.execute("ALTER TABLE looked_over_away RENAME TO looked_over")
    await look_over(world)  # late, and not lost
    assert len(await alerts(world)) == 1


# On the command line.


@pytest.fixture
def client_file(tmp_path: Path) -> Path:
    path = tmp_path / "authority.json"
    ClientFile("authority-system", generate_client_key()[0], "https://register.test").write(path)
    return path


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[Any], list[httpx2.Request]]]:
    """What the service is to answer, and what it was asked."""
    waiting: list[Any] = []
    received: list[httpx2.Request] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/.well-known/oauth-authorization-server":
            origin = "https://register.test"
            return httpx2.Response(200, json={"issuer": origin, "token_endpoint": f"{origin}/oauth2/token"})
        if request.url.path == "/oauth2/token":
            return httpx2.Response(200, json={"access_token": "a-token"})
        received.append(request)
        return httpx2.Response(200, json=waiting.pop(0))

    def remote(credentials: ClientFile) -> Remote:
        return Remote(credentials, transport=httpx2.MockTransport(handle))

    monkeypatch.setattr(following_up, "Remote", remote)
    yield waiting, received
    assert waiting == []


def _words(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


async def test_the_manager_reads_and_decides_on_the_command_line(
    world: World, client_file: Path, answers: tuple[list[Any], list[httpx2.Request]]
) -> None:
    waiting, received = answers
    alert = await raised(world)
    page = (await world.http.get(URL, auth=world.auth("sm-1", "casework"))).json()
    run = CliRunner()
    whose = ["--client-file", str(client_file), "--as", "sm-1"]

    waiting.append(page)
    said = _words(run.invoke(app, ["alerts", *whose]).stdout)
    assert received[-1].url.params == httpx2.QueryParams(open="true", limit=20)
    for shown in (
        "Is this misuse?",
        "4 enquiries that said the same of a child but for one detail",
        "Testperson Officer-1, police officer, Test Police",
        "safeguarding manager",
        alert["id"],
        *(one["reference"] for one in alert["enquiries"]),
    ):
        assert shown in said
    assert "Ashgrove" not in said

    waiting.append((await decide(world, alert["id"], body={"decision": "to_discuss", "reason": REASON})).json())
    decision = [alert["id"], "--decision", "to_discuss", "--reason", "-", "--version", "1"]
    said = _words(run.invoke(app, ["decide-alert", *whose, *decision], input=REASON).stdout)
    assert f"Decided to discuss, 4 March 2026, 10:06 UTC Reason {REASON} Version 2" in said
    assert received[-1].headers["if-match"] == '"1"'
    assert received[-1].url.path == f"{URL}/{alert['id']}/decision"
    assert json.loads(received[-1].content) == {"decision": "to_discuss", "reason": REASON}

    waiting.append({"alerts": [], "next": None})
    nothing = run.invoke(app, ["alerts", *whose, "--all", "--limit", "5"])
    assert received[-1].url.params == httpx2.QueryParams(open="false", limit=5)
    assert nothing.exit_code == 0

    waiting.append(page)
    assert json.loads(run.invoke(app, ["alerts", *whose, "--json"]).stdout) == page


async def test_of_a_whole_organisation_it_says_everybody(
    world: World, client_file: Path, answers: tuple[list[Any], list[httpx2.Request]]
) -> None:
    for number in range(6):
        await try_out(world, f"officer-{number % 2 + 1}", tries=range(number, number + 1))
        world.clock.advance(hours=3)
    await look_over(world)
    answers[0].append((await world.http.get(URL, auth=world.auth("sm-1", "casework"))).json())
    said = CliRunner().invoke(app, ["alerts", "--client-file", str(client_file), "--as", "sm-1"]).stdout
    assert "Everybody of Test Police together" in _words(said)
