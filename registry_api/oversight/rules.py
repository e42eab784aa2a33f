"""What looks like misuse: four patterns in enquiries that have been answered, each a pure function of what was asked.

A sign says that a person should look, and nothing more: no sign stops anybody. Whatever the order in which enquiries
are given, the signs are the same, and one enquiry more never takes a sign away: it adds to it or leaves it alone.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil
from typing import TypeAlias
from uuid import UUID

from policies.enquirer import Role
from registry_api.matching.address import AddressKeys, same_address
from registry_api.matching.frequency import is_common_family
from registry_api.matching.names import family_words, sounds
from registry_api.matching.record import Record, Words


class AlertKind(StrEnum):
    """Which pattern it is."""

    UNUSUAL_VOLUME = "unusual_volume"
    SAME_CHILD_AGAIN = "same_child_again"
    TRYING_OUT = "trying_out"
    OWN_ADDRESS = "own_address"
    OWN_SURNAME = "own_surname"


@dataclass(frozen=True, slots=True)
class Seen:
    """One enquiry as it is looked over. ``child``: who was found; ``record``: None where it cannot be read."""

    id: UUID
    at: datetime
    professional: UUID
    organisation: UUID
    child: UUID | None = None
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Sign:
    """A pattern, the enquiries that show it, and whose they are: ``professional`` None is the whole organisation."""

    kind: AlertKind
    organisation: UUID
    professional: UUID | None
    enquiries: frozenset[UUID]


def owner_of(role: Role | None, *, own_authority: bool) -> Role:
    """Return who decides about an alert; nobody is to judge their own enquiries.

    ``role``: of the professional whom it is about; None for a whole organisation, and then it matters whether that is
    the safeguarding manager's own.
    """
    if role is Role.SAFEGUARDING_MANAGER or (role is None and own_authority):
        return Role.INFORMATION_GOVERNANCE_OFFICER
    return Role.SAFEGUARDING_MANAGER


def may_see(role: Role, owner: Role) -> bool:
    """Return whether ``role`` sees an alert of ``owner``: its own; the information governance officer sees all."""
    return role in (owner, Role.INFORMATION_GOVERNANCE_OFFICER)


Event: TypeAlias = tuple[datetime, UUID, Hashable]
"""When, which enquiry, and what counts as one of it: the same twice is one, None is none."""


def bursts(events: Iterable[Event], within: timedelta, least: int) -> list[frozenset[UUID]]:
    """Return the enquiries that stand closer than usual, as groups that do not overlap.

    A group is made of every span of ``within`` that ends with an enquiry and holds ``least`` different values.
    """
    ordered = sorted(events, key=lambda event: (event[0], event[1]))
    spans: list[tuple[int, int]] = []
    inside: Counter[Hashable] = Counter()
    start = 0
    for end, (at, _, value) in enumerate(ordered):
        if value is not None:
            inside[value] += 1
        while ordered[start][0] <= at - within:
            gone = ordered[start][2]
            if gone is not None:
                inside[gone] -= 1
                if not inside[gone]:
                    del inside[gone]
            start += 1
        if len(inside) >= least:
            if spans and start <= spans[-1][1]:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((start, end))
    return [frozenset(id_ for _, id_, _ in ordered[first : last + 1]) for first, last in spans]


@dataclass(frozen=True, slots=True)
class Usual:
    """What somebody asked in the weeks before: enquiries, and in how many hours and days there were any."""

    enquiries: int = 0
    hours: int = 0
    days: int = 0


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def least_unusual(floor: int, times_usual: int, enquiries: int, spans: int) -> int:
    """Return from how many enquiries on an hour or a day is unusual: never fewer than ``floor``.

    ``spans``: in how many hours, or days, ``enquiries`` were asked. Those without any do not count, so that who works
    a few nights a month is measured by those nights. Never more than ``times_usual`` floors: who asks a little more
    each week must not come to where nothing they do is unusual.
    """
    usual = ceil(times_usual * enquiries / spans) if spans else 0
    return max(floor, min(usual, times_usual * floor))


def unusual_volume(
    asked: Collection[tuple[datetime, UUID]], usual: Usual, *, hour: int, day: int, times_usual: int
) -> list[frozenset[UUID]]:
    """Return the enquiries that are more than is usual for whoever made them, within an hour or within a day."""
    events = [(at, id_, id_) for at, id_ in asked]
    an_hour = least_unusual(hour, times_usual, usual.enquiries, usual.hours)
    a_day = least_unusual(day, times_usual, usual.enquiries, usual.days)
    return merged([*bursts(events, HOUR, an_hour), *bursts(events, DAY, a_day)])


def same_child_again(
    about_one_child: Collection[Seen], *, within: timedelta, least: int, by_several: bool = False
) -> list[frozenset[UUID]]:
    """Return the enquiries about one child, given those of one professional or organisation, that are too many.

    A retry of a request is the same enquiry and not another one. ``by_several``: only where more than one professional
    asked, for what one of them does is looked at by itself.
    """
    whose = {seen.id: seen.professional for seen in about_one_child}
    groups = bursts(((seen.at, seen.id, seen.id) for seen in about_one_child), within, least)
    return [group for group in groups if not by_several or len({whose[id_] for id_ in group}) > 1]


def trying_out(asked: Iterable[Seen], *, within: timedelta, tries: int, by_several: bool = False) -> list[Sign]:
    """Return the runs of one professional's questions that share all details but one, which takes value after value.

    ``by_several``: the runs of a whole organisation instead, and only where more than one professional asked.

    At least two details are shared. Only what found no child is a try, so that asking after the brothers and sisters
    of a family is none; the hit at the end of a run belongs to it all the same. Names count by their sound: three
    spellings of a name that was heard are one value.
    """
    runs: dict[tuple[UUID, UUID | None, str, Hashable], list[tuple[Seen, Hashable]]] = defaultdict(list)
    for seen in asked:
        if seen.record is None:
            continue
        details = _details(seen.record)
        for varied in _VARIED:
            rest = tuple(value for name, value in details.items() if name not in varied)
            value = tuple(details[name] for name in varied)
            if any(value) and sum(map(bool, rest)) >= 2:
                whose = None if by_several else seen.professional
                runs[seen.organisation, whose, varied[0], rest].append((seen, value))
    return [
        Sign(AlertKind.TRYING_OUT, organisation, professional, group)
        for (organisation, professional, _, _), run in runs.items()
        for group in bursts(
            ((seen.at, seen.id, value if seen.child is None else None) for seen, value in run), within, tries
        )
        if not by_several or len({seen.professional for seen, _ in run if seen.id in group}) > 1
    ]


_VARIED = (("given",), ("family",), ("born",), ("house",), ("place", "house"), ("mother",), ("nhs",))
"""What may be tried out while the rest stands; an address as a whole counts as one detail."""


def _details(record: Record) -> dict[str, Hashable]:
    homes = record.addresses
    return {
        "given": _heard(record.givens),
        "family": _heard(record.families),
        "born": (record.born, record.age, record.due) if record.born or record.age >= 0 or record.due else (),
        "place": tuple(filter(any, ((home.postcode, home.street) for home in homes))),
        "house": tuple(filter(any, ((home.number, home.name, home.flat) for home in homes))),
        "mother": _heard(record.mother_givens) + _heard(record.mother_families),
        "nhs": record.nhs,
    }


def _heard(names: Iterable[Words]) -> tuple[str, ...]:
    return tuple(sounds(words[0])[0] for words in names)


@dataclass(frozen=True, slots=True)
class Private:
    """What of a professional's private life an enquiry is compared with."""

    surnames: frozenset[str] = field(default_factory=frozenset)
    home: AddressKeys | None = None


def surnames_of(name: str) -> frozenset[str]:
    """Return what may be the family name of somebody called ``name``, run together: all but a first word, or less."""
    words = name.split()
    tails = (family_words(" ".join(words[start:])) for start in range(1, len(words)))
    return frozenset(tail[0] for tail in tails if tail)


def own_family(question: Record, private: Private, elsewhere: Iterable[Record] = ()) -> AlertKind | None:
    """Return whether somebody asked about a child at their own address, or with their own surname, if it is rare.

    ``elsewhere``: the register's entries of the child who was found; their current addresses count as well. The
    address says it whatever the names are: children bear the names of others too. The surname alone says little where
    many bear it, and it is not taken for a sign then: an alert a day about Smith would teach people to look away.
    """
    records = (question, *elsewhere)
    homes = [*question.addresses, *(home for record in elsewhere for home in record.addresses[: record.current])]
    if private.home is not None and any(same_address(private.home, home) for home in homes):
        return AlertKind.OWN_ADDRESS
    asked = {words[0] for record in records for words in (*record.families, *record.mother_families)}
    if any(not is_common_family(name) for name in asked & private.surnames):
        return AlertKind.OWN_SURNAME
    return None


def merged(groups: Iterable[frozenset[UUID]]) -> list[frozenset[UUID]]:
    """Return the same enquiries in groups that share none."""
    apart: list[frozenset[UUID]] = []
    for group in groups:
        touching = [one for one in apart if one & group]
        apart = [one for one in apart if not one & group]
        apart.append(group.union(*touching))
    return apart
