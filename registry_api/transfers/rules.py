"""What a notified move brings about, from how the child stands here. Pure."""

from dataclasses import replace
from datetime import date
from enum import StrEnum

from registry_api.register.entry import ChildEntry, Residence
from registry_api.register.merging import distinct_homes, home_key, with_details_of


class PlacedAs(StrEnum):
    """What stands on the register because of the notification, or stood there before."""

    TEMPORARY_ENTRY = "temporary_entry"
    """A child who was not known, or had no plan here, now has a temporary entry (TRF-2)."""
    ALREADY_ON_PLAN = "already_on_plan"
    """The child is on a plan here, which is left as it is; the conference has to settle the two."""
    ALREADY_NOTIFIED = "already_notified"
    """The same authority has notified this child before; its temporary entry now says what the latest notice says."""
    WITH_THE_MANAGER = "with_the_manager"
    """The entry may be seen by few: whatever was done, the other authority hears of it from the manager only."""


WHAT_IT_MEANS = {
    PlacedAs.TEMPORARY_ENTRY: (
        "A temporary entry stands from now on. Every enquiry shows it with your key worker's name and number."
    ),
    PlacedAs.ALREADY_ON_PLAN: (
        "The child is on a plan here already; that plan stands, and the safeguarding manager has been told."
    ),
    PlacedAs.ALREADY_NOTIFIED: (
        "You have notified this child before. The temporary entry now says what you say in this notice, and the "
        "safeguarding manager has been told; the conference stays due as of your first notification."
    ),
    PlacedAs.WITH_THE_MANAGER: (
        "The notification is recorded. The safeguarding manager has it and will call you; please do not send it again."
    ),
}


def placed_as(plan_kind: str | None, *, notified_by_same_authority: bool) -> PlacedAs:
    """Return what becomes of a notification about a child with an active plan of ``plan_kind``, or none."""
    if plan_kind is None:
        return PlacedAs.TEMPORARY_ENTRY
    return PlacedAs.ALREADY_NOTIFIED if notified_by_same_authority else PlacedAs.ALREADY_ON_PLAN


def shown_as(place: PlacedAs, *, restricted: bool) -> PlacedAs:
    """Return what the notifying authority is told: of a restricted child neither whether nor how it is known here."""
    return PlacedAs.WITH_THE_MANAGER if restricted else place


def with_move(standing: ChildEntry, moved: ChildEntry, *, moved_on: date, today: date, place: PlacedAs) -> ChildEntry:
    """Return a standing entry with what the notifying authority said of the child added to it (REG-1: one entry).

    Args:
        standing: the child as it stands here. No name and no address of it is lost.
        moved: the temporary entry that the notice alone would make.
        moved_on: the day of the move. Where the child lived here before ends on it, once it has come: until then an
            enquiry about the present home has to reach the child's key worker (ENQ-5).
        today: the local day.
        place: on a plan here already, that plan stands and no home is ended, for the conference has to settle which
            authority is right. Otherwise the notified plan becomes the active one: where the same authority had
            notified before, it takes the place of its own earlier word.
    """
    if place is PlacedAs.ALREADY_ON_PLAN:
        return with_details_of(standing, moved)
    here = {home_key(home) for home in moved.residences if home.valid_to is None}
    left = (
        standing.residences if moved_on > today else tuple(_left(home, here, moved_on) for home in standing.residences)
    )
    known = tuple(plan for plan in standing.plans if plan.ended_on)
    joined = with_details_of(replace(standing, residences=distinct_homes(left)), moved)
    return replace(joined, plans=moved.plans + known)


def _left(home: Residence, here: set[tuple[str, str]], moved_on: date) -> Residence:
    if home.valid_to or home_key(home) in here:
        return home
    return replace(home, valid_to=max(moved_on, home.valid_from or moved_on))
