"""The log as FHIR R4 AuditEvents, held against what R4 demands of each element (ENQ-3).

Cardinalities and required value sets: https://hl7.org/fhir/R4/auditevent.html (4.0.1). Shape of agents and entities:
IHE BALP 1.1.4, StructureDefinition IHE.BasicAudit.PatientRead and IHE.BasicAudit.Query.
"""

import json
import re
from typing import Any

import pytest
from builders import World, entry, question

pytestmark = pytest.mark.rule("ENQ-3")
PATH = "/api/v1/access-log"
_ONE, _MAYBE, _SOME, _ANY = (1, 1), (0, 1), (1, None), (0, None)
_EVENT = {
    "resourceType": _ONE, "id": _MAYBE, "type": _ONE, "subtype": _ANY, "action": _MAYBE, "recorded": _ONE,
    "outcome": _MAYBE, "outcomeDesc": _MAYBE, "purposeOfEvent": _ANY, "agent": _SOME, "source": _ONE, "entity": _ANY,
}  # fmt: skip
_AGENT = {
    "type": _MAYBE, "role": _ANY, "who": _MAYBE, "requestor": _ONE, "policy": _ANY, "purposeOfUse": _ANY,
}  # fmt: skip
_SOURCE = {"site": _MAYBE, "observer": _ONE, "type": _ANY}
_ENTITY = {"what": _MAYBE, "type": _MAYBE, "role": _MAYBE, "query": _MAYBE, "detail": _ANY}
_REPEATED = {"subtype", "purposeOfEvent", "agent", "entity", "role", "policy", "purposeOfUse", "detail"}
_INTERACTIONS = {"read", "search", "update", "create", "delete"}


def _held(what: dict[str, Any], cardinalities: dict[str, tuple[int, int | None]], lists: set[str]) -> None:
    assert what.keys() <= cardinalities.keys()
    for name, (least, _) in cardinalities.items():
        if name in what:
            assert isinstance(what[name], list) is (name in lists), name
            assert what[name] not in ([], "", None), name
        else:
            assert least == 0, name


def _is_an_audit_event(event: dict[str, Any]) -> None:
    _held(event, _EVENT, _REPEATED)
    assert event["resourceType"] == "AuditEvent"
    assert event["action"] in {"C", "R", "U", "D", "E"}
    assert event["outcome"] in {"0", "4", "8", "12"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)", event["recorded"])
    assert event["type"]["code"] == "rest"
    assert event["subtype"][0]["system"] == "http://hl7.org/fhir/restful-interaction"
    assert event["subtype"][0]["code"] in _INTERACTIONS
    _held(event["source"], _SOURCE, {"type"})
    for agent in event["agent"]:
        _held(agent, _AGENT, _REPEATED)
        assert isinstance(agent["requestor"], bool)
    assert sum(agent["requestor"] for agent in event["agent"]) == 1
    kinds = [agent["type"]["coding"][0]["code"] for agent in event["agent"]]
    assert kinds[:2] == ["110153", "110152"]
    for one in event.get("entity", ()):
        _held(one, _ENTITY, {"detail"})
        for detail in one.get("detail", ()):
            assert detail.keys() == {"type", "valueString"}


async def _events(world: World, who: str, wanted: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    body = {"purpose": "audit", "why": "The yearly audit of who was told.", **wanted}
    auth = world.auth(who, "casework")
    search = (await world.http.post(f"{PATH}/search", json=body, auth=auth)).json()["search_id"]
    answer = await world.http.get(f"{PATH}/searches/{search}/audit-events", auth=auth)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/fhir+ndjson"
    (exported,) = [row for row in await world.log("log.events_exported") if row["reference"] == search]
    assert exported["professional_id"] == world.members[who].id
    return answer.text, [json.loads(line) for line in answer.text.splitlines()]


async def test_each_line_is_an_audit_event_with_user_client_source_and_patient(world: World) -> None:
    child = await world.add(entry(key_worker=world.members["kw-1"].id))
    await world.ask("officer-1", question())
    text, events = await _events(world, "igo-1", {"child_id": str(child)})
    assert len(events) == 2
    for event in events:
        _is_an_audit_event(event)
        user = event["agent"][2]
        assert user["type"]["coding"][0]["code"] == "IRCP"
        assert user["role"][0]["coding"][0]["code"] == "police_officer"
        assert user["who"]["identifier"]["value"] == str(world.members["officer-1"].id)
        patient, asked = event["entity"]
        assert (patient["type"]["code"], patient["role"]["code"]) == ("1", "1")
        assert patient["what"]["identifier"]["value"] == str(child)
        assert (asked["type"]["code"], asked["role"]["code"]) == ("2", "24")
        assert "query" not in asked  # what was asked leaves this service with nobody
    for word in ("Quillon", "Ashgrove", "Larkspur", "960321", "Bruise"):
        assert word not in text


async def test_what_was_refused_says_so_and_ones_own_are_left_out_openly(world: World) -> None:
    child = await world.add(entry())
    await world.http.post(f"{PATH}/accesses", json={"child_id": str(child)}, auth=world.auth("duty-1", "casework"))
    await world.http.get("/api/v1/notifications", auth=world.auth("sm-1", "casework"))
    _, events = await _events(world, "sm-1", {"organisation_id": str(world.organisations["authority"])})
    *others, last = events
    assert last["resourceType"] == "OperationOutcome"
    assert {"severity", "code"} <= last["issue"][0].keys()
    assert "are your own" in last["issue"][0]["diagnostics"]
    for event in others:
        _is_an_audit_event(event)
    assert {event["outcome"] for event in others if event["subtype"][1]["code"] == "request.refused"} == {"4"}
    assert str(world.members["sm-1"].id) not in str(others)
