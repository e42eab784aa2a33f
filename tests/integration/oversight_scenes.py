"""What the tests of oversight share: enquiries of each pattern made over the API, a round of looking, the alerts."""

from typing import Any
from uuid import UUID

import httpx2
from builders import Member, World, question

from policies.enquirer import Role
from policies.profile import load_profile
from registry_api.directory import service as directory
from registry_api.oversight.rounds import Rounds

URL = "/api/v1/alerts"
REASON = "They were on night duty and brought in a whole family."
HOME = {"lines": "3 Sandpiper Close", "postcode": "ZX1 4QP"}


def rounds(world: World) -> Rounds:
    """Return the looking of one worker."""
    profile = load_profile(world.settings.profile)
    return Rounds(vault=world.vault, token_keys=world.token_keys, profile=profile, clock=world.clock)


async def look_over(world: World) -> int:
    """Let a little time pass and look over what was asked until then."""
    world.clock.advance(minutes=2)
    return await rounds(world).look_over(world.keeping)


GIVEN = ("Peregrine", "Ottoline", "Thaddeus", "Wilhelmina", "Barnaby", "Guinevere", "Quentin", "Lysander")


async def try_out(world: World, who: str = "officer-1", *, tries: range = range(4)) -> None:
    """Ask for a child of one family and one day with one given name after the other, a minute apart."""
    for number in tries:
        answer = await world.ask(who, question(GIVEN[number]))
        assert answer.status_code == 200, answer.text
        world.clock.advance(minutes=1)


async def alerts(world: World, who: str = "sm-1", **query: Any) -> list[dict[str, Any]]:
    """Read the alerts as somebody who may."""
    answer = await world.http.get(URL, params=query, auth=world.auth(who, "casework"))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["alerts"]
    return found


async def decide(
    world: World, alert: str, *, who: str = "sm-1", version: str | None = '"1"', body: Any = None
) -> httpx2.Response:
    """Decide on an alert."""
    return await world.http.post(
        f"{URL}/{alert}/decision",
        json={"decision": "legitimate", "reason": REASON} if body is None else body,
        headers={} if version is None else {"If-Match": version},
        auth=world.auth(who, "casework"),
    )


async def enrol(
    world: World, subject: str, role: Role, organisation: str, name: str, home: dict[str, str] | None = None
) -> UUID:
    """Enrol one more professional, by a name and perhaps a home address that matter."""
    async with world.database.session() as session:
        person = directory.enrol_professional(
            session,
            world.vault,
            organisation_id=world.organisations[organisation],
            subject=subject,
            role=role,
            name=name,
            phone="01632 960201",
            home_address=directory.HomeAddress(**home) if home else None,
        )
    world.members[subject] = Member(subject, role, f"{organisation}-system", person.id)
    return person.id
