"""What holds of every pattern of misuse, whatever was asked and in whatever order."""

from datetime import date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oversight_doubles import CHILD, COLLEAGUE, GIVEN, NURSE, at, child, seen

from registry_api.oversight.rules import (
    DAY,
    HOUR,
    Seen,
    Sign,
    bursts,
    least_unusual,
    merged,
    trying_out,
)

pytestmark = pytest.mark.rule("ENQ-3")


@given(floor=st.integers(2, 200), times=st.integers(1, 10), enquiries=st.integers(0, 10_000), spans=st.integers(0, 700))
def test_what_is_usual_moves_the_bar_between_two_bounds_and_one_way(
    floor: int, times: int, enquiries: int, spans: int
) -> None:
    least = least_unusual(floor, times, enquiries, spans)
    assert floor <= least <= max(floor, times * floor)
    assert least <= least_unusual(floor, times, enquiries + 1, spans)


_EVENTS = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 9)), max_size=25, unique_by=lambda event: event).map(
    lambda drawn: [(at(minute), UUID(int=number), value) for number, (minute, value) in enumerate(drawn)]
)


@given(events=_EVENTS, least=st.integers(2, 6), data=st.data())
def test_bursts_do_not_overlap_nor_depend_on_the_order(
    events: list[tuple[datetime, UUID, int]], least: int, data: st.DataObject
) -> None:
    groups = bursts(events, HOUR, least)
    assert sum(map(len, groups)) == len(frozenset().union(*groups))
    assert all(len({value for _, id_, value in events if id_ in group}) >= least for group in groups)
    assert set(bursts(data.draw(st.permutations(events)), HOUR, least)) == set(groups)


@given(events=_EVENTS, least=st.integers(2, 6))
def test_every_full_hour_is_found_and_nothing_that_is_in_none(
    events: list[tuple[datetime, UUID, int]], least: int
) -> None:
    expected: set[UUID] = set()
    for end, last, _ in events:
        inside = [event for event in events if end - HOUR < event[0] and (event[0], event[1]) <= (end, last)]
        if len({value for *_, value in inside}) >= least:
            expected |= {id_ for _, id_, _ in inside}
    assert frozenset().union(*bursts(events, HOUR, least)) == expected


@given(events=_EVENTS, least=st.integers(2, 6), minute=st.integers(0, 300), value=st.integers(0, 9))
def test_one_enquiry_more_never_takes_a_sign_away(
    events: list[tuple[datetime, UUID, int]], least: int, minute: int, value: int
) -> None:
    before = frozenset[UUID]().union(*bursts(events, HOUR, least))
    after = frozenset[UUID]().union(*bursts([*events, (at(minute), UUID(int=999), value)], HOUR, least))
    assert before <= after


@given(
    groups=st.lists(st.frozensets(st.integers(1, 12).map(lambda n: UUID(int=n)), min_size=1, max_size=4), max_size=8)
)
def test_what_shares_an_enquiry_is_one_alert_and_nothing_is_lost(groups: list[frozenset[UUID]]) -> None:
    apart = merged(groups)
    assert frozenset().union(*apart) == frozenset().union(*groups)
    assert sum(map(len, apart)) == len(frozenset().union(*apart))
    assert all(any(group <= one for one in apart) for group in groups)


_ASKED = st.lists(
    st.tuples(st.integers(0, 3000), st.sampled_from(GIVEN), st.booleans(), st.booleans(), st.sampled_from([6, 7, 8])),
    max_size=16,
).map(
    lambda drawn: [
        seen(
            number,
            minute,
            child(given, born=date(2019, 5, day)),
            by=NURSE if mine else COLLEAGUE,
            found=CHILD if found else None,
        )
        for number, (minute, given, mine, found, day) in enumerate(drawn)
    ]
)


def _covered(signs: list[Sign]) -> dict[UUID | None, frozenset[UUID]]:
    return {
        whose: frozenset[UUID]().union(*(sign.enquiries for sign in signs if sign.professional == whose))
        for whose in {sign.professional for sign in signs}
    }


@given(asked=_ASKED, data=st.data())
def test_trying_out_depends_on_no_order_and_accuses_nobody_of_another_s(asked: list[Seen], data: st.DataObject) -> None:
    signs = trying_out(asked, within=DAY, tries=3)
    assert _covered(trying_out(data.draw(st.permutations(asked)), within=DAY, tries=3)) == _covered(signs)
    whose = {one.id: one.professional for one in asked}
    assert all({whose[id_] for id_ in sign.enquiries} == {sign.professional} for sign in signs)
    together = trying_out(asked, within=DAY, tries=3, by_several=True)
    assert all(len({whose[id_] for id_ in sign.enquiries}) > 1 and sign.professional is None for sign in together)
