"""The whole table of who may do what: every role, every function, every way of not standing, each with its reason."""

from dataclasses import replace
from itertools import combinations
from uuid import UUID

import pytest

from policies import access
from policies.access import Permitted, RefusalReason, Refused
from policies.cedar import permissions
from policies.enquirer import Disclosure, Enquirer, Purpose, Role
from tests.house.permission_table import AGREEMENT, ASKER, DAY, TABLE, TODAY, Row

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
EVERYTHING = [(row, role, own) for row in TABLE for role in Role for own in (False, True)]
PERMITTED = [each for each in EVERYTHING if each[1] in each[0].roles(own_authority=each[2])]


def _names(value: object) -> str | None:
    return value.says if isinstance(value, Row) else {True: "own", False: "other"}.get(value)  # type: ignore[call-overload, no-any-return]


def _asker(role: Role, *, own: bool, **changes: object) -> Enquirer:
    return replace(ASKER, role=role, own_authority=own, **changes)  # type: ignore[arg-type]


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(("row", "role", "own"), EVERYTHING, ids=_names)
def test_each_thing_is_for_its_roles_alone(row: Row, role: Role, own: bool) -> None:
    decision = row.may(_asker(role, own=own), TODAY)
    if role in row.roles(own_authority=own):
        assert isinstance(decision, Permitted)
        assert decision.policies
    else:
        assert decision == Refused(RefusalReason.ROLE_NOT_PERMITTED)


@pytest.mark.rule("ENQ-2", "ENQ-3")
@pytest.mark.parametrize(("row", "role", "own"), EVERYTHING, ids=_names)
def test_whoever_does_not_stand_may_do_nothing(row: Row, role: Role, own: bool) -> None:
    for reason, flaws in FLAWS.items():
        for flaw in flaws:
            assert row.may(_asker(role, own=own, **flaw), TODAY) == Refused(reason)
    for one, other in combinations([flaws[0] for flaws in FLAWS.values()], 2):
        assert isinstance(row.may(_asker(role, own=own, **{**one, **other}), TODAY), Refused)


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("role", Role)
def test_whoever_stands_has_a_token_that_is_worth_something_whatever_it_is_for(role: Role, own: bool) -> None:
    assert access.stands(_asker(role, own=own, scope=frozenset()), TODAY) == Permitted()
    for reason, flaws in FLAWS.items():
        for flaw in flaws:
            assert access.stands(_asker(role, own=own, **flaw), TODAY) == Refused(reason)


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(("row", "role", "own"), PERMITTED, ids=_names)
def test_the_token_and_the_agreement_have_to_be_for_this(row: Row, role: Role, own: bool) -> None:
    without_scope = _asker(role, own=own, scope=ASKER.scope - {row.scope})
    assert row.may(without_scope, TODAY) == Refused(RefusalReason.SCOPE_MISSING)
    agreement = replace(AGREEMENT, purposes=frozenset(Purpose) - {row.purpose})
    decision = row.may(_asker(role, own=own, agreements=(agreement,)), TODAY)
    assert isinstance(decision, Refused)
    # An expired agreement lends its purpose to nobody, not even beside one that stands.
    expired = replace(AGREEMENT, valid_to=TODAY - DAY)
    assert row.may(_asker(role, own=own, agreements=(expired, agreement)), TODAY) == decision
    assert isinstance(row.may(_asker(role, own=own, agreements=(expired, agreement, AGREEMENT)), TODAY), Permitted)


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("row", [row for row in TABLE if row.purpose is not Purpose.CASEWORK], ids=_names)
def test_a_purpose_that_was_not_agreed_is_named(row: Row) -> None:
    agreement = replace(AGREEMENT, purposes=frozenset(Purpose) - {row.purpose})
    for own in (False, True):
        for role in row.roles(own_authority=own):
            decision = row.may(_asker(role, own=own, agreements=(agreement,)), TODAY)
            assert decision == Refused(RefusalReason.PURPOSE_NOT_AGREED)


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(("row", "role", "own"), PERMITTED, ids=_names)
def test_nobody_acts_on_what_is_about_themselves(row: Row, role: Role, own: bool) -> None:
    asker = _asker(role, own=own)
    if row.ones_own is not None:
        assert row.ones_own(asker, TODAY) == Refused(RefusalReason.ONES_OWN)
        assert isinstance(row.ones_own(replace(asker, professional_id=UUID(int=9)), TODAY), Refused)
        assert isinstance(row.may(asker, TODAY, about=UUID(int=9)), Permitted)


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("row", [row for row in TABLE if row.step_up], ids=_names)
def test_what_wants_a_step_up_is_refused_without_and_only_to_whom_it_would_help(row: Row) -> None:
    for role in Role:
        decision = row.may(_asker(role, own=True, stepped_up=False), TODAY)
        needed = RefusalReason.STEP_UP_NEEDED if role in row.own else RefusalReason.ROLE_NOT_PERMITTED
        assert decision == Refused(needed)


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(("offset", "stands"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_both_days_of_an_agreement_are_included(offset: int, stands: bool) -> None:
    decision = access.may_enquire(ASKER, Purpose.CHILD_PROTECTION, TODAY + offset * DAY)
    assert decision == (Permitted() if stands else Refused(RefusalReason.NO_AGREEMENT))


@pytest.mark.rule("ENQ-4", "ENQ-9")
@pytest.mark.parametrize(
    ("agreements", "told"),
    [
        ((AGREEMENT,), Disclosure.FULL),
        ((replace(AGREEMENT, disclosure=Disclosure.CONTACT),), Disclosure.CONTACT),
        ((AGREEMENT, replace(AGREEMENT, disclosure=Disclosure.CONTACT)), Disclosure.FULL),
        # A fuller one that is for something else, is over or is suspended adds nothing.
        (
            (
                replace(AGREEMENT, disclosure=Disclosure.CONTACT),
                replace(AGREEMENT, purposes=frozenset({Purpose.MISSING_CHILD})),
                replace(AGREEMENT, valid_to=TODAY - DAY),
                replace(AGREEMENT, suspended=True),
            ),
            Disclosure.CONTACT,
        ),
        ((), Disclosure.CONTACT),
    ],
)
def test_as_much_is_told_as_an_agreement_for_this_very_purpose_says(agreements: tuple[object, ...], told: str) -> None:
    asker = replace(ASKER, agreements=agreements)  # type: ignore[arg-type]
    assert access.decide_enquiry(asker, Purpose.CHILD_PROTECTION, TODAY).disclosure is told


@pytest.mark.rule("ENQ-2")
def test_a_decision_names_the_policies_that_made_it_and_the_bundle_that_they_are_of() -> None:
    decision = access.decide_enquiry(ASKER, Purpose.CHILD_PROTECTION, TODAY)
    assert decision.policies == ("enquiry.professionals", "disclosure.full")
    assert decision.bundle == permissions().digest
    manager = _asker(Role.SAFEGUARDING_MANAGER, own=True)
    assert access.decide_enquiry(manager, Purpose.CHILD_PROTECTION, TODAY).policies == (
        "enquiry.own_caseworkers",
        "disclosure.full",
        "address.own_caseworkers",
        "restricted.safeguarding_manager",
    )
    suspended = access.decide_enquiry(replace(ASKER, client_suspended=True), Purpose.CHILD_PROTECTION, TODAY)
    assert suspended.policies == ("standing.client",)
    assert (suspended.by_address, suspended.opens_restricted) == (False, False)


@pytest.mark.rule("ENQ-3")
def test_the_policies_can_be_asked() -> None:
    access.check_policies()
