"""The whole table of who may do what: every role, every function, every way of not standing, each with its reason."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations
from uuid import UUID

import pytest

from policies.access import (
    Decision,
    Permitted,
    RefusalReason,
    Refused,
    may_allocate,
    may_consider,
    may_enquire,
    may_notify_transfer,
    may_read_inbox,
    standing,
)
from policies.enquirer import Agreement, Enquirer, Purpose, Role

TODAY = date(2026, 3, 4)
DAY = timedelta(days=1)
AGREEMENT = Agreement(UUID(int=1), frozenset(Purpose), TODAY - DAY, TODAY + DAY)
ASKER = Enquirer(
    client_id="system",
    client_suspended=False,
    organisation_id=UUID(int=2),
    organisation_suspended=False,
    own_authority=False,
    professional_id=UUID(int=3),
    professional_suspended=False,
    role=Role.NURSE,
    agreements=(AGREEMENT,),
    scope=frozenset({"enquiry", "casework", "transfer"}),
)

OWN_STAFF = {Role.KEY_WORKER, Role.DUTY_SOCIAL_WORKER, Role.TEAM_MANAGER, Role.SAFEGUARDING_MANAGER}
OTHERS = {
    Role.POLICE_OFFICER,
    Role.NURSE,
    Role.DOCTOR,
    Role.MIDWIFE,
    Role.HEALTH_VISITOR,
    Role.TEACHER,
    Role.PROBATION_OFFICER,
    Role.SOCIAL_WORKER,
}


def _enquire(enquirer: Enquirer, today: date) -> Decision:
    return may_enquire(enquirer, Purpose.CHILD_PROTECTION, today)


def _enquire_missing(enquirer: Enquirer, today: date) -> Decision:
    return may_enquire(enquirer, Purpose.MISSING_CHILD, today)


# function: scope, purpose, roles in a foreign organisation, roles in the authority itself
ALLOWED: dict[Callable[[Enquirer, date], Decision], tuple[str, Purpose, set[Role], set[Role]]] = {
    _enquire: ("enquiry", Purpose.CHILD_PROTECTION, OTHERS, OTHERS | OWN_STAFF),
    _enquire_missing: ("enquiry", Purpose.MISSING_CHILD, OTHERS, OTHERS | OWN_STAFF),
    may_read_inbox: ("casework", Purpose.CASEWORK, set(), OWN_STAFF),
    may_consider: ("casework", Purpose.CASEWORK, set(), {Role.SAFEGUARDING_MANAGER}),
    may_allocate: ("casework", Purpose.CASEWORK, set(), {Role.SAFEGUARDING_MANAGER, Role.TEAM_MANAGER}),
    may_notify_transfer: ("transfer", Purpose.TRANSFER, {Role.CUSTODIAN, Role.SOCIAL_WORKER}, set()),
}
FLAWS: dict[RefusalReason, list[dict[str, object]]] = {
    RefusalReason.ORGANISATION_SUSPENDED: [{"organisation_suspended": True}],
    RefusalReason.CLIENT_SUSPENDED: [{"client_suspended": True}],
    RefusalReason.PROFESSIONAL_SUSPENDED: [{"professional_suspended": True}],
    RefusalReason.NO_AGREEMENT: [
        {"agreements": ()},
        {"agreements": (replace(AGREEMENT, suspended=True),)},
        {"agreements": (replace(AGREEMENT, valid_to=TODAY - DAY),)},
        {"agreements": (replace(AGREEMENT, valid_from=TODAY + DAY),)},
    ],
}
EVERYTHING = [(may, role, own) for may in ALLOWED for role in Role for own in (False, True)]


def _asker(role: Role, *, own: bool, **changes: object) -> Enquirer:
    return replace(ASKER, role=role, own_authority=own, **changes)  # type: ignore[arg-type]


def _roles(may: Callable[[Enquirer, date], Decision], *, own: bool) -> set[Role]:
    _, _, foreign, authority = ALLOWED[may]
    return authority if own else foreign


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(("may", "role", "own"), EVERYTHING)
def test_each_function_is_for_its_roles_alone(may: Callable[[Enquirer, date], Decision], role: Role, own: bool) -> None:
    expected: Decision = Permitted() if role in _roles(may, own=own) else Refused(RefusalReason.ROLE_NOT_PERMITTED)
    assert may(_asker(role, own=own), TODAY) == expected


@pytest.mark.rule("ENQ-2", "ENQ-3")
@pytest.mark.parametrize(("may", "role", "own"), EVERYTHING)
def test_whoever_does_not_stand_may_do_nothing(
    may: Callable[[Enquirer, date], Decision], role: Role, own: bool
) -> None:
    for reason, flaws in FLAWS.items():
        for flaw in flaws:
            decision = may(_asker(role, own=own, **flaw), TODAY)
            assert isinstance(decision, Refused)
            if role in _roles(may, own=own):
                assert decision.reason is reason
    for one, other in combinations([flaws[0] for flaws in FLAWS.values()], 2):
        assert isinstance(may(_asker(role, own=own, **{**one, **other}), TODAY), Refused)


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(
    ("may", "role", "own"), [each for each in EVERYTHING if each[1] in _roles(each[0], own=each[2])]
)
def test_the_token_and_the_agreement_have_to_be_for_this(
    may: Callable[[Enquirer, date], Decision], role: Role, own: bool
) -> None:
    scope, purpose, *_ = ALLOWED[may]
    without_scope = _asker(role, own=own, scope=ASKER.scope - {scope})
    assert may(without_scope, TODAY) == Refused(RefusalReason.SCOPE_MISSING)
    agreement = replace(AGREEMENT, purposes=frozenset(Purpose) - {purpose})
    without_purpose = _asker(role, own=own, agreements=(agreement,))
    assert may(without_purpose, TODAY) == Refused(RefusalReason.PURPOSE_NOT_AGREED)
    # An expired agreement lends its purpose to nobody, not even beside one that stands.
    expired = replace(AGREEMENT, valid_to=TODAY - DAY)
    both = _asker(role, own=own, agreements=(expired, agreement))
    assert may(both, TODAY) == Refused(RefusalReason.PURPOSE_NOT_AGREED)
    assert may(_asker(role, own=own, agreements=(expired, agreement, AGREEMENT)), TODAY) == Permitted()


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(("offset", "stands"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_both_days_of_an_agreement_are_included(offset: int, stands: bool) -> None:
    decision = standing(ASKER, TODAY + offset * DAY)
    assert decision == (Permitted() if stands else Refused(RefusalReason.NO_AGREEMENT))
