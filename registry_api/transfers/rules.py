"""What a notified move brings about, from how the child stands here. Pure."""

from dataclasses import replace
from datetime import date
from enum import StrEnum

from registry_api.register.entry import ChildEntry, Residence


class PlacedAs(StrEnum):
    """What stands on the register because of the notification, or stood there before."""

    TEMPORARY_ENTRY = "temporary_entry"
    """A child who was not known, or had no plan here, now has a temporary entry (TRF-2)."""
    ALREADY_ON_PLAN = "already_on_plan"
    """The child is on a plan here; that entry is left as it is, and the conference has to settle the two."""
    ALREADY_NOTIFIED = "already_notified"
    """The same authority has notified this child before, and the temporary entry still stands."""


WHAT_IT_MEANS = {
    PlacedAs.TEMPORARY_ENTRY: (
        "A temporary entry stands from now on. Every enquiry shows it with your key worker's name and number."
    ),
    PlacedAs.ALREADY_ON_PLAN: (
        "The child is on a plan here already; that entry stands, and the safeguarding manager has been told."
    ),
    PlacedAs.ALREADY_NOTIFIED: (
        "You have notified this child before; the temporary entry and the due date of that notification stand."
    ),
}


def placed_as(plan_kind: str | None, *, notified_by_same_authority: bool) -> PlacedAs:
    """Return what becomes of a notification about a child with an active plan of ``plan_kind``, or none."""
    if plan_kind is None:
        return PlacedAs.TEMPORARY_ENTRY
    return PlacedAs.ALREADY_NOTIFIED if notified_by_same_authority else PlacedAs.ALREADY_ON_PLAN


def with_move(standing: ChildEntry, moved: ChildEntry, moved_on: date) -> ChildEntry:
    """Return a standing entry with what the notifying authority said of the child added to it (REG-1: one entry).

    Names and addresses are added, none is lost; where the child lived here before ends on the day of the move. The
    temporary plan joins the history of plans; there is no other active one.
    """
    known = set(standing.identity.names)
    names = standing.identity.names + tuple(name for name in moved.identity.names if name not in known)
    left = tuple(
        home if home.valid_to else replace(home, valid_to=max(moved_on, home.valid_from or moved_on))
        for home in standing.residences
    )
    identity = replace(
        standing.identity,
        names=names,
        mother=standing.identity.mother or moved.identity.mother,
        nhs_number=standing.identity.nhs_number or moved.identity.nhs_number,
    )
    return replace(
        standing,
        identity=identity,
        residences=_distinct(moved.residences + left),
        plans=moved.plans + standing.plans,
        looked_after=standing.looked_after or moved.looked_after,
    )


def _distinct(homes: tuple[Residence, ...]) -> tuple[Residence, ...]:
    seen: dict[tuple[str, str, bool], Residence] = {}
    for home in homes:
        seen.setdefault((home.lines.casefold(), home.postcode.casefold(), home.valid_to is None), home)
    return tuple(seen.values())
