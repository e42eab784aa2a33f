"""Why an enquiry finds whom it finds: for those who answer for the log, and with no detail of anybody (ENQ-3)."""

import pytest
from builders import World, entry, question

pytestmark = pytest.mark.rule("ENQ-3")


async def _explained(world: World, reference: str, who: str = "sm-1", scope: str = "casework") -> tuple[int, str]:
    answer = await world.http.get(f"/api/v1/enquiries/{reference}/explanation", auth=world.auth(who, scope))
    return answer.status_code, answer.text


async def test_each_candidate_is_explained_field_by_field_without_a_detail(world: World) -> None:
    child = await world.add(entry(key_worker=world.members["kw-1"].id))
    reference = (await world.ask("officer-1", question("Qillon"))).json()["reference"]
    for who in ("sm-1", "igo-1"):
        status, text = await _explained(world, reference, who)
        assert status == 200, text
        for word in ("Quillon", "Ashgrove", "2019", "Larkspur", "JE5"):
            assert word.lower() not in text.lower()
    answer = await world.http.get(f"/api/v1/enquiries/{reference}/explanation", auth=world.auth("sm-1", "casework"))
    said = answer.json()
    assert (said["outcome"], said["band"]) == ("open_case", "match")
    (candidate,) = said["candidates"]
    assert candidate["child_id"] == str(child)
    assert candidate["may_be_disclosed"] is True
    assert candidate["levels"]["given"] == "close"
    assert candidate["contributions"]["address"] > candidate["contributions"]["given name"] > 0
    explained = await world.log("enquiry.explained")
    assert [(one["reference"], one["child_ids"]) for one in explained] == [(reference, [child])] * 3


@pytest.mark.parametrize(("who", "scope"), [("officer-1", "enquiry"), ("kw-1", "casework"), ("duty-1", "casework")])
async def test_nobody_else_is_told(world: World, who: str, scope: str) -> None:
    await world.add(entry())
    reference = (await world.ask("officer-1", question())).json()["reference"]
    status, text = await _explained(world, reference, who, scope)
    assert status == 403, text
    assert "contributions" not in text


async def test_an_enquiry_that_there_is_not_is_not_found(world: World) -> None:
    assert (await _explained(world, "E-00000-00000"))[0] == 404
