"""What looks like misuse, as whole tables: who decides, how much is unusual, again and again, trying out, one's own."""

from collections.abc import Iterable
from datetime import date, timedelta
from uuid import UUID

import pytest
from oversight_doubles import CHILD, COLLEAGUE, GIVEN, NURSE, OTHER_WARD, WARD, at, child, seen

from policies.enquirer import Role
from policies.profile import available_profiles, load_profile
from registry_api.matching.address import normalise_address
from registry_api.matching.person import Address, Name, Person
from registry_api.matching.record import Record, record_of
from registry_api.oversight.rules import (
    DAY,
    HOUR,
    AlertKind,
    Private,
    Usual,
    least_unusual,
    may_see,
    merged,
    own_family,
    owner_of,
    same_child_again,
    surnames_of,
    trying_out,
    unusual_volume,
)

pytestmark = pytest.mark.rule("ENQ-3")

# Who decides.


@pytest.mark.parametrize("own_authority", [True, False])
@pytest.mark.parametrize("role", [*Role, None])
def test_nobody_judges_their_own(role: Role | None, own_authority: bool) -> None:
    to_the_officer = role is Role.SAFEGUARDING_MANAGER or (role is None and own_authority)
    expected = Role.INFORMATION_GOVERNANCE_OFFICER if to_the_officer else Role.SAFEGUARDING_MANAGER
    assert owner_of(role, own_authority=own_authority) is expected


@pytest.mark.parametrize("owner", [Role.SAFEGUARDING_MANAGER, Role.INFORMATION_GOVERNANCE_OFFICER])
@pytest.mark.parametrize("role", Role)
def test_who_sees_an_alert(role: Role, owner: Role) -> None:
    assert may_see(role, owner) == (role is owner or role is Role.INFORMATION_GOVERNANCE_OFFICER)


# Unusual volume.


@pytest.mark.parametrize(
    ("enquiries", "spans", "least"),
    [
        (0, 0, 20),  # never asked before: the floor
        (4, 4, 20),  # one an hour: the floor
        (26, 4, 20),  # six and a half an hour: still the floor
        (27, 4, 21),  # rounded up, in favour of whoever asks
        (40, 4, 30),
        (1, 1, 20),
        (80, 4, 60),
        (800, 4, 60),  # however much they have come to ask: never more than three floors
    ],
)
def test_from_when_on_it_is_unusual(enquiries: int, spans: int, least: int) -> None:
    assert least_unusual(20, 3, enquiries, spans) == least


@pytest.mark.parametrize(
    ("minutes", "usual", "groups"),
    [
        ([], Usual(), []),
        (range(0, 60, 12), Usual(), [5]),
        (range(0, 48, 12), Usual(), []),
        ([0, 1, 2, 3, 60], Usual(), []),  # an hour ends before it is full
        ([0, 1, 2, 3, 59.9], Usual(), [5]),
        (range(0, 60, 12), Usual(40, 20, 5), [5]),  # two an hour are usual: twice that is less than the floor
        (range(0, 60, 12), Usual(60, 20, 5), []),  # three are: six are needed
        (range(0, 60, 10), Usual(60, 20, 5), [6]),
        (range(0, 60, 6), Usual(9000, 20, 5), [10]),  # whatever is usual, twice the floor is unusual
        (range(0, 24 * 60, 144), Usual(), [10]),  # slowly, all day long
        (range(0, 24 * 60, 160), Usual(), []),
        ([*range(0, 60, 12), *range(3000, 3060, 12)], Usual(), [5, 5]),
    ],
)
def test_unusual_volume(minutes: Iterable[float], usual: Usual, groups: list[int]) -> None:
    asked = [(at(minute), UUID(int=number)) for number, minute in enumerate(minutes)]
    found = unusual_volume(asked, usual, hour=5, day=10, times_usual=2)
    assert sorted(map(len, found)) == groups


def test_a_ward_s_busy_night_is_no_alert_and_one_who_asks_for_the_whole_ward_is() -> None:
    figures = load_profile("jersey").oversight
    hour, day = figures.floors_of(Role.NURSE)
    nurses = [UUID(int=100 + number) for number in range(10)]
    night = [(at(7 * number + 0.1 * who), UUID(int=2000 + 100 * who + number), nurses[who])
             for who in range(10) for number in range(8)]  # fmt: skip
    for nurse in nurses:
        own = [(when, id_) for when, id_, by in night if by == nurse]
        assert unusual_volume(own, Usual(), hour=hour, day=day, times_usual=figures.times_usual) == []
    everybody = [(when, id_) for when, id_, _ in night]
    bars = {"hour": figures.organisation_hour, "day": figures.organisation_day, "times_usual": figures.times_usual}
    assert unusual_volume(everybody, Usual(), **bars) == []
    assert len(unusual_volume(everybody, Usual(), hour=hour, day=day, times_usual=figures.times_usual)) == 1


@pytest.mark.parametrize("profile", available_profiles())
def test_the_figures_of_a_profile_fit_each_other(profile: str) -> None:
    figures = load_profile(profile).oversight
    for role in Role:
        hour, day = figures.floors_of(role)
        assert hour <= day
        assert hour <= figures.organisation_hour, "one person alone is seen before their whole organisation"
        assert day <= figures.organisation_day
    assert figures.floors_of(Role.DUTY_SOCIAL_WORKER)[0] > figures.floors_of(Role.NURSE)[0]
    assert figures.same_child_professional <= figures.same_child_organisation
    assert figures.trying_out_tries <= figures.trying_out_slow_tries
    assert timedelta(minutes=figures.trying_out_minutes) <= timedelta(days=figures.trying_out_days)


# The same child again and again.


@pytest.mark.parametrize(
    ("days", "who", "by_several", "group"),
    [
        ([0, 1, 2, 3], "nnnn", False, 0),
        ([0, 1, 2, 3, 4], "nnnnn", False, 5),
        ([0, 2, 4, 6, 8], "nnnnn", False, 0),  # five, but never within seven days
        ([0, 1, 2, 3, 6.9], "nnnnn", False, 5),
        ([0, 1, 2, 3, 7], "nnnnn", False, 0),
        ([0, 1, 2, 3, 4], "nnnnn", True, 0),  # one professional: looked at by itself
        ([0, 1, 2, 3, 4], "ncncn", True, 5),
    ],
)
def test_the_same_child_again_and_again(days: list[float], who: str, by_several: bool, group: int) -> None:
    asked = [
        seen(number, day * 24 * 60, by=NURSE if one == "n" else COLLEAGUE)
        for number, (day, one) in enumerate(zip(days, who, strict=True))
    ]
    found = same_child_again(asked, within=timedelta(days=7), least=5, by_several=by_several)
    assert sum(map(len, found)) == group


def test_the_same_enquiry_twice_is_one() -> None:
    assert same_child_again([seen(1, 0)] * 9, within=DAY, least=2) == []


# Trying out.


def _family_of_four() -> list[Record]:
    return [child(given, born=date(2010 + number, 1, 2)) for number, given in enumerate(GIVEN[:4])]


@pytest.mark.parametrize(
    ("records", "tries"),
    [
        ([child(given) for given in GIVEN[:4]], 4),
        ([child(given) for given in GIVEN[:3]], 0),
        ([child(given) for given in (*GIVEN[:3], GIVEN[0])], 0),  # the same again is no other try
        ([child(family=family) for family in ("Ashgrove", "Kittiwake", "Sandpiper", "Larkspur")], 4),
        ([child(born=date(2019, 5, day)) for day in (6, 7, 8, 9)], 4),
        ([child(address=f"{number} Larkspur Rise") for number in (1, 3, 5, 7)], 4),
        ([child(address=f"7 {street}") for street in ("Larkspur Rise", "Mill Lane", "Elm Row", "Fuller Road")], 4),
        ([child(mother=given) for given in ("Ottoline", "Guinevere", "Wilhelmina", "Peregrine")], 4),
        ([child(nhs=nhs) for nhs in ("999 000 0018", "9990000026", "9990000034", "9990000042")], 4),
        (_family_of_four(), 0),  # brothers and sisters: two details differ
        ([child(given) for given in ("Catherine", "Kathryn", "Katharine", "Cathryn")], 0),  # one name, as it was heard
        ([child(given, "", born=None, address="") for given in GIVEN[:4]], 0),  # nothing stands
        ([child(given, born=None, address="") for given in GIVEN[:4]], 0),  # one detail alone stands
        ([child(given, address="") for given in GIVEN[:4]], 4),
    ],
    ids=[
        "given name", "three only", "three and one again", "family name", "day of birth", "house", "address", "mother",
        "NHS number", "siblings", "spellings", "nothing shared", "one detail shared", "two details shared",
    ],
)  # fmt: skip
def test_trying_out(records: list[Record], tries: int) -> None:
    asked = [seen(number, 10 * number, record) for number, record in enumerate(records)]
    found = trying_out(asked, within=HOUR, tries=4)
    assert sum(len(group) for group in merged([sign.enquiries for sign in found])) == tries
    assert all((sign.organisation, sign.professional) == (WARD, NURSE) for sign in found)


def test_what_finds_a_child_is_no_try_and_belongs_to_the_run_that_led_to_it() -> None:
    family = [seen(number, number, child(given), found=CHILD) for number, given in enumerate(GIVEN[:6])]
    assert trying_out(family, within=HOUR, tries=4) == []
    run = [seen(number, number, child(given)) for number, given in enumerate(GIVEN[:4])]
    (sign,) = trying_out([*run, seen(9, 9, child(GIVEN[4]), found=CHILD)], within=HOUR, tries=4)
    assert len(sign.enquiries) == 5


@pytest.mark.parametrize(
    ("who", "of", "by_several", "signs"),
    [
        ("nnnnnn", "wwwwww", False, [(NURSE, 6)]),
        ("ncncnc", "wwwwww", False, []),  # three each
        ("ncncnc", "wwwwww", True, [(None, 6)]),
        ("nnnnnn", "wwwwww", True, []),  # one professional: looked at by itself
        ("ncncnc", "wowowo", True, []),  # two organisations know nothing of each other
        ("nnnnnc", "wwwwww", True, [(None, 6)]),
    ],
)
def test_by_whom_it_is_tried_out(who: str, of: str, by_several: bool, signs: list[tuple[UUID | None, int]]) -> None:
    asked = [
        seen(
            number,
            1440 * number,
            child(GIVEN[number]),
            by=NURSE if one == "n" else COLLEAGUE,
            of=WARD if where == "w" else OTHER_WARD,
        )
        for number, (one, where) in enumerate(zip(who, of, strict=True))
    ]
    found = trying_out(asked, within=timedelta(days=7), tries=6, by_several=by_several)
    assert [(sign.professional, len(sign.enquiries)) for sign in found] == signs


def test_what_cannot_be_read_is_passed_over() -> None:
    asked = [seen(number, number, None if number % 2 else child(GIVEN[number])) for number in range(8)]
    (sign,) = trying_out(asked, within=HOUR, tries=4)
    assert len(sign.enquiries) == 4


# One's own family.

HOME = normalise_address("7 Larkspur Rise", "JE5 7QX")


@pytest.mark.parametrize(
    ("name", "home", "question", "elsewhere", "kind"),
    [
        ("Testperson Ashgrove", True, child(), None, AlertKind.OWN_ADDRESS),
        ("Testperson Other", True, child(), None, AlertKind.OWN_ADDRESS),
        ("Testperson Ashgrove", False, child(), None, AlertKind.OWN_SURNAME),
        ("Testperson Other", False, child(), None, None),
        ("Testperson Other", True, child(address="9 Mill Lane"), None, None),
        ("Testperson Other", True, child(address=""), child(), AlertKind.OWN_ADDRESS),  # as the register knows
        ("Testperson Ashgrove", False, child(family="Kittiwake"), child(), AlertKind.OWN_SURNAME),
        ("Testperson Smith", False, child(family="Smith"), None, None),  # many are called that
        ("Testperson Smith", True, child(family="Smith"), None, AlertKind.OWN_ADDRESS),
        ("Testperson O'Kestrel-Wren", False, child(family="OKestrel Wren"), None, AlertKind.OWN_SURNAME),
        ("Testperson van der Wren", False, child(family="Van der Wren"), None, AlertKind.OWN_SURNAME),
        ("Ashgrove", False, child(), None, None),  # one word alone may be a given name
        ("", False, child(), None, None),
    ],
)
def test_ones_own_family(
    name: str, home: bool, question: Record, elsewhere: Record | None, kind: AlertKind | None
) -> None:
    private = Private(surnames_of(name), HOME if home else None)
    assert own_family(question, private, [elsewhere] if elsewhere else []) == kind


def test_a_home_that_the_child_has_left_is_not_theirs() -> None:
    left = record_of(
        Person((Name("Quillon", "Ashgrove"),), addresses=(Address("7 Larkspur Rise", "JE5 7QX", current=False),))
    )
    assert own_family(child(address=""), Private(frozenset(), HOME), [left]) is None
