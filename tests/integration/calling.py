"""Calls of every operation of the API description: one that is in order, and as many made by schemathesis as wanted.

Who sends them is drawn with them: the one who may, others who may not, somebody signed in, nobody. What a path can name
is half the time something that exists. Schemathesis works in a thread of its own and sends through the test's loop, to
the real application over a real PostgreSQL.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx2
import requests
import schemathesis
from browsing import Browser
from builders import BASE_URL, World, entry, question
from oversight_scenes import alerts, look_over, try_out
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation.case import Case

from auth.client import ProofSigner, generate_client_key
from registry_api.register.entry import PlanKind
from tests.house.routes import ADDING, DIRECTORY, GOVERNED, ONE, SESSION, Key

load_all_checks()
CHECKED = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
    )
]
_SENT = {"method", "url", "headers", "params", "data", "json", "cookies"}
NOBODY, SIGNED_IN, SYSTEM = "nobody", "signed in", "system"
ANYBODY = ("officer-1 enquiry", "nurse-1 enquiry", "kw-1 casework", "sm-1 casework", "custodian-1 transfer", SIGNED_IN)
EVERYWHERE = {
    "content-length",
    "content-type",
    "cache-control",
    "pragma",
    "content-security-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "referrer-policy",
    "x-content-type-options",
}
"""Headers that say nothing of this interface in particular."""


def described(world: World) -> Any:
    """The description as the application serves it, as schemathesis reads it."""
    # What is refused for its version is refused before its body is looked at, which is as well.
    refusals = [400, 401, 403, 404, 412, 413, 415, 422, 428]
    config = schemathesis.Config.from_dict(
        {
            "generation": {"with-security-parameters": False},
            "checks": {"negative_data_rejection": {"expected-statuses": refusals}},
        }
    )
    return schemathesis.openapi.from_dict(world.app.openapi(), config=config)


def check(case: Case, answer: httpx2.Response) -> None:
    """Hold an answer against the description: status, media type, headers, body; what is wrong fails.

    AssertionError, or the failures that schemathesis found.
    """
    case.validate_response(answer, checks=CHECKED)
    said = case.operation.definition.raw["responses"][str(answer.status_code)]
    undocumented = {name.lower() for name in answer.headers} - EVERYWHERE - {name.lower() for name in said["headers"]}
    assert not undocumented, f"{answer.status_code} comes with {undocumented}, which the description does not name"
    if answer.status_code >= 400:
        assert answer.headers["content-type"].partition(";")[0] in said["content"]


@dataclass
class Callers:
    """Those who call an application in which there is one of everything, and what its paths can name."""

    world: World
    loop: asyncio.AbstractEventLoop
    named: dict[str, list[str]] = field(default_factory=dict)
    browser: Browser = field(init=False)

    @classmethod
    async def of(cls, world: World) -> "Callers":
        """Fill a world with one of everything."""
        callers = cls(world, asyncio.get_running_loop())
        callers.browser = Browser(world)
        await callers.populate()
        return callers

    async def populate(self) -> None:
        world = self.world
        await try_out(world)
        unknown = question("Barnabas", "Unheardof-Test", born="2015-01-02", address="3 Sandpiper Close")
        for asker in ("officer-1", "nurse-1"):
            await world.ask(asker, unknown)
        child = await world.add(entry(plan=PlanKind.FULL, key_worker=world.members["kw-1"].id))
        await world.ask("officer-2", question())
        transfer = await self._made("/api/v1/transfers/in")
        calls = [await self._made("/api/v1/telephone-enquiries") for _ in range(2)]
        await look_over(world)
        self.named = {
            "notification_id": [one["id"] for one in await world.inbox("kw-1")],
            "tile": ["0/000.p/1", "entries/000.p/1"],
            "index": ["0"],
            "old": ["1"],
            "new": ["2"],
            "number": ["1"],
            "consideration_id": [one["id"] for one in await world.considerations()],
            "search_id": [(await self._made("/api/v1/access-log/search"))["search_id"]],
            "child_id": [str(child)],
            "alert_id": [one["id"] for one in await alerts(world)],
            "reference": [transfer["reference"]],
            "enquiry_reference": [call["reference"] for call in calls],
            **await self._enrolled(),
        }
        assert all(self.named.values()), self.named

    async def _enrolled(self) -> dict[str, list[str]]:
        """Have an organisation that nobody else here needs, with one of everything, and somebody away."""
        organisation = await self._made(f"{DIRECTORY}/organisations")
        below = f"{DIRECTORY}/organisations/{organisation['id']}"
        client = ADDING["POST", f"{ONE}/clients"] | {"public_keys": [generate_client_key()[1]]}
        made = {
            name: await self._made(f"{below}/{name}", body)
            for name, body in {
                "agreements": ADDING["POST", f"{ONE}/agreements"],
                "clients": client,
                "professionals": ADDING["POST", f"{ONE}/professionals"],
            }.items()
        }
        own, away = self.world.organisations["authority"], self.world.members["kw-3"].id
        path = f"{DIRECTORY}/organisations/{own}/professionals/{away}/absences"
        absence = await self._made(path, ADDING["POST", f"{ONE}/professionals/{{professional_id}}/absences"])
        return {
            "organisation_id": [organisation["id"]],
            "agreement_id": [made["agreements"]["id"]],
            "client_id": [made["clients"]["client_id"]],
            "professional_id": [made["professionals"]["id"]],
            "absence_id": [absence["id"]],
        }

    async def _made(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        governed = GOVERNED.get(("POST", path)) or GOVERNED["POST", f"{DIRECTORY}/organisations"]
        auth = self.world.auth(governed.asker, governed.scope)
        answer = await self.world.http.post(path, json=body or governed.body, auth=auth)
        assert answer.status_code < 300, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def in_order(self, operation: Any, key: Key) -> httpx2.Response:
        """Make the call that is in order, as the one who may, and hold the answer against the description."""
        governed = GOVERNED.get(key)
        paths = {parameter.name: await self.names(parameter.name) for parameter in operation.path_parameters}
        body = governed and governed.body
        if asker_of(key) is SYSTEM:
            schema = next(iter(operation.body)).definition["schema"]
            forms = schema.get("oneOf", [schema])
            # Of several forms that of an assertion, which is what the hospital's system has.
            form = next((one for one in forms if "assertion" in one["properties"]), forms[0])
            body = dict.fromkeys(form["properties"], "")
        if body and "child_id" in body:
            body = body | {"child_id": self.named["child_id"][0]}
        case = operation.Case(
            path_parameters={name: named[0] for name, named in paths.items()},
            headers=dict(governed.headers) if governed else {},
            **({} if body is None else {"body": body}),
        )
        return await self.send(case, asker_of(key), genuine=True)

    async def names(self, name: str) -> list[str]:
        """What exists of what a path names so."""
        if name == "session_id":
            await self.signed_in()
            return [one["id"] for one in (await self.browser.get("/sessions")).json()["sessions"]]
        assert name in self.named, f"nothing is known that {name} could name: have Callers.populate make some"
        return self.named[name]

    async def signed_in(self) -> None:
        if self.browser.session is None or (await self.browser.get("/session")).status_code != 200:
            assert (await self.browser.sign_in("sm-1")).status_code == 200

    async def send(self, case: Case, asker: str, *, genuine: bool = False) -> httpx2.Response:
        """Send a call as somebody, and hold the answer against the description.

        ``genuine``: of an organisation's system, with what only that can sign.
        """
        if asker is SYSTEM and genuine:
            await self._signed(case)
        prepared = requests.Request(
            **{name: value for name, value in case.as_transport_kwargs(BASE_URL).items() if name in _SENT}
        ).prepare()
        headers = {name: value for name, value in prepared.headers.items() if name.lower() != "content-length"}
        sent: dict[str, Any] = {"headers": headers, "content": prepared.body}
        method, url = str(prepared.method), str(prepared.url)
        if asker is SIGNED_IN:
            await self.signed_in()
            answer = await self.browser.send(method, url, **sent)
        elif asker in {NOBODY, SYSTEM}:
            answer = await self.world.http.request(method, url, **sent)
        else:
            subject, scope = asker.split()
            answer = await self.world.http.request(method, url, auth=self.world.auth(subject, scope), **sent)
        check(case, answer)
        return answer

    async def _signed(self, case: Case) -> None:
        proofs = ProofSigner(clock=self.world.clock)
        proofs.nonce = self.world.app.state.auth.possession.nonces.fresh()
        case.headers["DPoP"] = proofs.proof("POST", BASE_URL + case.path)
        if isinstance(case.body, dict):
            signed = self.world.signers["hospital-system"].token_form("nurse-1", "enquiry")
            signed["token"] = await self.world.token("nurse-1", "enquiry")
            case.body = {name: signed.get(name, value) for name, value in case.body.items()}


def asker_of(key: Key) -> str:
    """Who may make a call."""
    if key in GOVERNED:
        return f"{GOVERNED[key].asker} {GOVERNED[key].scope}"
    if key in SESSION or key == ("GET", "/account"):
        return SIGNED_IN
    return SYSTEM if key[1].startswith("/oauth2/") else NOBODY
