"""Each outcome over HTTP: what the enquirer is answered, and who finds it in their inbox."""

import pytest
from builders import World, entry, question

from registry_api.register.entry import PlanKind


@pytest.mark.rule("ENQ-4")
async def test_an_open_case_names_the_key_worker_and_tells_them(world: World) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    answer = await world.ask("officer-1", question())
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["outcome"] == "open_case"
    assert said["key_worker"]["name"] == "Testperson Kw-1"
    (told,) = await world.inbox("kw-1")
    assert told["kind"] == "child_enquired_about"
    assert told["about"]["reference"] == said["reference"]
    assert await world.inbox("kw-2") == []


@pytest.mark.rule("ENQ-6")
async def test_a_child_who_is_not_known_is_recorded_with_the_advice(world: World) -> None:
    answer = await world.ask("nurse-1", question())
    assert answer.json()["outcome"] == "not_known"
    assert answer.json()["advice"]


@pytest.mark.rule("ENQ-9")
async def test_a_plan(world: World) -> None:
    await world.add(entry(plan=PlanKind.FULL, key_worker=world.members["kw-1"].id))
    said = (await world.ask("officer-1", question())).json()
    assert said["outcome"] == "on_plan"
