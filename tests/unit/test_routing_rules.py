"""Who follows up: every state of the key worker and of the team manager, and that somebody always does (ENQ-11)."""

from itertools import product
from uuid import UUID

import pytest

from policies.enquirer import Role
from registry_api.routing.rules import DUTY, Contact, Recipient, WhyYou, who_follows_up

WORKER, WORKER_COVER, MANAGER, MANAGER_COVER = (UUID(int=number) for number in range(1, 5))


def _states(who: UUID, cover: UUID) -> dict[str, Contact | None]:
    return {
        "none": None,
        "present": Contact(who),
        "covered": Contact(who, away=True, cover=cover),
        "away": Contact(who, away=True),
        "cover away too": Contact(who, away=True, cover=cover, cover_away=True),
    }


WORKERS, MANAGERS = _states(WORKER, WORKER_COVER), _states(MANAGER, MANAGER_COVER)
FOR_RETURN = Recipient(WhyYou.FOR_YOUR_RETURN, person=WORKER)
BY_MANAGER = {
    "none": DUTY,
    "present": Recipient(WhyYou.TEAM_MANAGER, person=MANAGER),
    "covered": Recipient(WhyYou.TEAM_MANAGER_COVER, person=MANAGER_COVER),
    "away": DUTY,
    "cover away too": DUTY,
}


@pytest.mark.rule("ENQ-10", "ENQ-11")
@pytest.mark.parametrize(("worker", "manager"), list(product(WORKERS, MANAGERS)))
def test_the_whole_table(worker: str, manager: str) -> None:
    match worker:
        case "present":
            expected: tuple[Recipient, ...] = (Recipient(WhyYou.KEY_WORKER, person=WORKER),)
        case "covered":
            expected = (Recipient(WhyYou.COVER, person=WORKER_COVER), FOR_RETURN)
        case "none":
            expected = (BY_MANAGER[manager],)
        case _:
            expected = (BY_MANAGER[manager], FOR_RETURN)
    told = who_follows_up(WORKERS[worker], MANAGERS[manager])
    assert told == expected
    assert [recipient.acts for recipient in told] == [True, False][: len(told)]
    assert all((recipient.person is None) != (recipient.role is None) for recipient in told)


@pytest.mark.rule("ENQ-11")
def test_a_team_manager_who_is_the_key_worker_as_well_is_told_once() -> None:
    assert who_follows_up(Contact(WORKER), Contact(WORKER)) == (Recipient(WhyYou.KEY_WORKER, person=WORKER),)


@pytest.mark.rule("ENQ-11")
def test_a_team_manager_who_covers_is_told_as_cover() -> None:
    acting, informed = who_follows_up(Contact(WORKER, away=True, cover=MANAGER), Contact(MANAGER))
    assert acting == Recipient(WhyYou.COVER, person=MANAGER)
    assert informed == FOR_RETURN


@pytest.mark.rule("ENQ-10")
def test_the_end_of_the_chain_is_a_role_that_is_always_staffed() -> None:
    assert DUTY.role is Role.DUTY_SOCIAL_WORKER
    assert who_follows_up(None, None) == (DUTY,)
