"""Who may read and who may change the directory: every route by every role, and never one's own entry or system.

What the authority cannot be without stays, and what is suspended is out at the next request, by token or by session.
"""

import re

import httpx2
import pytest
from browsing import Browser
from builders import World, question
from directory_calls import WHY, Keeper, because

from policies.enquirer import OWN_ROLES, Role
from tests.house.routes import ADDING, CHANGING, EXAMPLES, READING, Key

pytestmark = pytest.mark.rule("ENQ-3")
MAY_READ = {Role.DIRECTORY_ADMINISTRATOR, Role.SAFEGUARDING_MANAGER, Role.INFORMATION_GOVERNANCE_OFFICER}
MAY_CHANGE = {Role.DIRECTORY_ADMINISTRATOR, Role.SAFEGUARDING_MANAGER}


async def _try(world: World, key: Key, subject: str, scope: str) -> httpx2.Response:
    method, path = key
    body = ADDING.get(key) or CHANGING.get(key) or ({} if method == "POST" else None)
    url = re.sub(r"{(\w+)}", lambda name: EXAMPLES[name[1]], path)
    headers = {"If-Match": '"0"'} if key in CHANGING else {}
    return await world.http.request(method, url, json=body, headers=headers, auth=world.auth(subject, scope))


async def test_every_route_by_every_role(world: World) -> None:
    staff = {member.role: subject for subject, member in world.members.items() if member.role in OWN_ROLES}
    assert staff.keys() == OWN_ROLES
    for role, subject in sorted(staff.items()):
        for key in (*READING, *ADDING, *CHANGING):
            answer = await _try(world, key, subject, "directory")
            may = role in (MAY_READ if key in READING else MAY_CHANGE)
            assert (answer.status_code in {200, 201, 404}) if may else (answer.status_code == 403), (role, key)
            if not may:
                assert answer.json()["because"] == "role_not_permitted", (role, key)


async def test_a_token_for_something_else_and_other_organisations_get_nowhere(world: World) -> None:
    for key in (*READING, *ADDING, *CHANGING):
        for subject, scope, why in (
            ("da-1", "casework", "scope_missing"),
            ("officer-1", "enquiry", None),
            ("custodian-1", "transfer", None),
        ):
            answer = await _try(world, key, subject, scope)
            assert answer.status_code == 403, (key, subject)
            assert why is None or answer.json()["because"] == why, key
    other = await world.request_token(world.signers["police-system"].token_form("officer-1", "directory"))
    assert other.status_code == 400


@pytest.mark.parametrize("subject", ["da-1", "sm-1"])
async def test_nobody_changes_their_own_entry_or_the_system_they_come_by(world: World, subject: str) -> None:
    keeper = Keeper(world, subject)
    own, client = keeper.professional(subject), keeper.below("authority", "clients", "authority-system")
    role = {"role": "safeguarding_manager", "name": "Testperson", "phone": ""}
    (key,) = (await keeper.get(client)).json()["public_keys"]
    refused = [
        await keeper.change(own, role),
        await keeper.suspend(own),
        await keeper.suspend(own, suspended=False),
        await keeper.change(client, {"scopes": ["enquiry", "casework", "directory", "transfer"]}, "/scopes"),
        await keeper.change(client, {"public_key": key}, "/keys", "POST"),
        await keeper.change(client, {"kid": key["kid"]}, "/retired-keys", "POST"),
        await keeper.suspend(client),
        await keeper.send(
            "POST",
            keeper.professional("kw-1") + "/absences",
            {
                "starts_at": "2026-03-04T08:00:00Z",
                "ends_at": "2026-03-09T08:00:00Z",
                "covered_by": str(world.members[subject].id),
            },
        ),
    ]
    for answer in refused:
        assert (answer.status_code, answer.json().get("because")) == (403, "ones_own")
    assert await keeper.history() == []
    assert [row["reason"] for row in await world.log("request.refused")] == ["ones_own"] * len(refused)


@pytest.mark.rule("ENQ-11")
async def test_ones_own_absence_need_not_wait_for_a_colleague(world: World) -> None:
    keeper = Keeper(world, "sm-1")
    body = {"starts_at": "2026-03-04T08:00:00Z", "ends_at": "2026-03-09T08:00:00Z"}
    mine = await keeper.send("POST", keeper.professional("sm-1") + "/absences", body)
    assert mine.status_code == 201
    path = f"/absences/{mine.json()['id']}"
    ended = {"covered_by": str(world.members["sm-2"].id), "ends_at": "2026-03-05T08:00:00Z"}
    assert (await keeper.change(path, ended)).status_code == 200
    taken = await Keeper(world, "sm-2").change(path, ended | {"ends_at": "2026-03-06T08:00:00Z"})
    assert taken.status_code == 200, "who stands in already stays so when the end is moved"


async def test_what_the_authority_cannot_be_without_stays(world: World) -> None:
    keeper = Keeper(world)
    assert because(await keeper.suspend(keeper.below("authority"))) == "own_authority_needed"

    agreement = await keeper.agreement("authority")
    ended = {"valid_to": "2026-03-03", "reviewed_on": "2026-03-03", "disclosure": "full"}
    assert because(await keeper.suspend(agreement)) == "own_agreement_needed"
    assert because(await keeper.change(agreement, ended)) == "own_agreement_needed"
    next_one = {"purposes": ["casework"], "valid_from": "2026-03-01", "valid_to": "2027-03-01"}
    assert (await keeper.send("POST", keeper.below("authority", "agreements"), next_one)).status_code == 201
    assert (await keeper.suspend(agreement)).status_code == 200
    assert because(await keeper.suspend(await keeper.agreement("authority"))) == "own_agreement_needed"

    assert (await keeper.suspend(keeper.professional("sm-2"))).status_code == 200
    last = keeper.professional("sm-1")
    assert because(await keeper.suspend(last)) == "last_safeguarding_manager"
    role = {"role": "team_manager", "name": "Testperson", "phone": ""}
    assert because(await keeper.change(last, role)) == "last_safeguarding_manager"
    renamed = {"role": "safeguarding_manager", "name": "Testperson", "phone": ""}
    assert (await keeper.change(last, renamed)).status_code == 200
    assert (await keeper.suspend(keeper.professional("sm-2"), suspended=False)).status_code == 200
    assert (await keeper.suspend(last)).status_code == 200


async def test_a_suspended_administrator_keeps_the_directory_no_more(world: World) -> None:
    keeper, rival = Keeper(world), Keeper(world, "da-2")
    signed_in = Browser(world)
    await signed_in.sign_in("da-2")
    reads = "/api/v1/directory/organisations"
    assert (await rival.get("/organisations")).status_code == (await signed_in.get(reads)).status_code == 200
    assert (await keeper.suspend(keeper.professional("da-2"))).status_code == 200
    refused = await rival.get("/organisations")
    assert refused.status_code == 403
    assert refused.json()["because"] == "professional_suspended"
    assert (await signed_in.get(reads)).status_code == 401


async def test_the_directory_is_kept_by_session_as_by_token(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in("da-1")
    client = f"/api/v1/directory/organisations/{world.organisations['authority']}/clients/authority-system"
    version = (await browser.get(client)).headers["etag"]
    body = {"suspended": True, "why": WHY}
    headers = {"If-Match": version}
    forged = await browser.http.put(f"{client}/suspension", json=body, headers=headers)
    assert forged.status_code == 403, "without the token of the session's pages"
    assert (await world.http.get("/api/v1/notifications", auth=world.auth("kw-1", "casework"))).status_code == 200
    done = await browser.send("PUT", f"{client}/suspension", json=body, headers=headers)
    assert done.status_code == 200, done.text
    assert (await world.http.get("/api/v1/notifications", auth=world.auth("kw-1", "casework"))).status_code == 403
    assert (await browser.get(client)).status_code == 200, "who has signed in does not come by that system"


async def test_a_change_of_role_holds_from_the_next_request_by_token_and_by_session(world: World) -> None:
    keeper, browser = Keeper(world), Browser(world)
    await browser.sign_in("kw-1")
    inbox = "/api/v1/notifications"
    by_token = world.auth("kw-1", "casework")
    assert (await world.http.get(inbox, auth=by_token)).status_code == (await browser.get(inbox)).status_code == 200
    teacher = {"role": "teacher", "name": "Testperson Kw-1", "phone": ""}
    assert (await keeper.change(keeper.professional("kw-1"), teacher)).status_code == 200
    assert (await world.http.get(inbox, auth=by_token)).status_code == 403
    assert (await browser.get(inbox)).status_code in {401, 403}


async def test_an_agreement_that_is_narrowed_or_ended_tells_less_from_the_next_enquiry_on(world: World) -> None:
    keeper = Keeper(world)
    agreement = await keeper.agreement("hospital")
    assert (await world.ask("nurse-1", question())).status_code == 200
    ended = {"valid_to": "2026-03-03", "reviewed_on": "2026-03-03", "disclosure": "full"}
    assert (await keeper.change(agreement, ended)).status_code == 200
    refused = await world.ask("nurse-1", question())
    assert (refused.status_code, refused.json()["because"]) == (403, "no_agreement")
