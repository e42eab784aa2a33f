"""An enquiry is answered at every hour, and the answer is the same: only whom to call now depends on the clock."""

from datetime import UTC, datetime
from typing import Any

import pytest
from builders import World, entry, question

from registry_api.register.entry import PlanKind

HOURS = {
    "in office hours": datetime(2026, 3, 4, 10, 0, tzinfo=UTC),
    "at night": datetime(2026, 3, 5, 3, 0, tzinfo=UTC),
    "on a Sunday": datetime(2026, 3, 8, 14, 0, tzinfo=UTC),
    "while the clocks go forward": datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
    "on a public holiday": datetime(2026, 4, 3, 11, 0, tzinfo=UTC),  # Good Friday
}


def _apart_from_the_hour(answer: dict[str, Any]) -> dict[str, Any]:
    of_the_hour = {"reference", "received_at", "contact_now", "receipt"}
    return {name: value for name, value in answer.items() if name not in of_the_hour}


@pytest.mark.rule("ENQ-1")
@pytest.mark.parametrize("plan", [PlanKind.FULL, None], ids=["on a plan", "open case"])
async def test_the_answer_is_the_same_at_every_hour(world: World, plan: PlanKind | None) -> None:
    await world.add(entry(plan=plan, key_worker=world.members["kw-1"].id))
    answers = {}
    for hour, moment in HOURS.items():
        world.clock.now = moment
        said = await world.ask("nurse-1", question())
        assert said.status_code == 200, hour
        answers[hour] = said.json()
    first = _apart_from_the_hour(answers["in office hours"])
    assert first["key_worker"]["name"] == "Testperson Kw-1"
    assert [hour for hour, said in answers.items() if _apart_from_the_hour(said) != first] == []
    assert [hour for hour, said in answers.items() if said["contact_now"]["office_hours"]] == ["in office hours"]
    assert all(said["contact_now"]["phone"] for said in answers.values())
    told = await world.inbox("kw-1")
    assert {note["about"]["reference"] for note in told} == {said["reference"] for said in answers.values()}
