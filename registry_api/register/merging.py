"""What two sources say of one child becomes one entry (REG-1): nothing by which the child is found gets lost (REG-2).

Promises: pure; no name, address or number that either source gave is dropped, and none stands twice.
"""

from collections.abc import Iterable
from dataclasses import replace

from registry_api.matching.person import Name
from registry_api.register.entry import ChildEntry, Identity, Residence


def with_details_of(entry: ChildEntry, other: ChildEntry) -> ChildEntry:
    """Return ``entry`` with the details of ``other`` that it does not have itself.

    Args:
        entry: what stands where the two contradict each other; its plans, cases and household are kept as they are.
        other: the same child as another source knows it. A home that it calls current stays current: while two
            sources disagree, an enquiry about either home has to reach the child's key worker (ENQ-5).
    """
    return replace(
        entry,
        identity=_joined(entry.identity, other.identity),
        residences=distinct_homes((*entry.residences, *other.residences)),
        household=entry.household or other.household,
        looked_after=entry.looked_after or other.looked_after,
    )


def home_key(home: Residence) -> tuple[str, str]:
    """Return what two residences at one place have in common, however the letters are set."""
    return " ".join(home.lines.casefold().split()), "".join(home.postcode.casefold().split())


def distinct_homes(homes: Iterable[Residence]) -> tuple[Residence, ...]:
    """Return the homes, each once as lived at now and once as lived at before; of equal ones the first stays."""
    seen: dict[tuple[tuple[str, str], bool], Residence] = {}
    for home in homes:
        seen.setdefault((home_key(home), home.valid_to is None), home)
    return tuple(seen.values())


def _joined(child: Identity, other: Identity) -> Identity:
    born = child.date_of_birth or other.date_of_birth
    return replace(
        child,
        household_id=child.household_id or other.household_id,
        names=_names(child.names, other.names),
        date_of_birth=born,
        # One source may have heard of the birth before the other (REG-3).
        expected_delivery=None if born else child.expected_delivery or other.expected_delivery,
        sex=child.sex or other.sex,
        place_of_birth=child.place_of_birth or other.place_of_birth,
        mother=_names(child.mother, other.mother),
        mother_date_of_birth=child.mother_date_of_birth or other.mother_date_of_birth,
        nhs_number=child.nhs_number or other.nhs_number,
    )


def _names(first: tuple[Name, ...], second: tuple[Name, ...]) -> tuple[Name, ...]:
    return tuple(dict.fromkeys((*first, *second)))
