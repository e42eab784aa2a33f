"""Who looked at one child: the last accesses for those who work with it, and the report for whoever may have it.

The report is for an answer to a subject-access request (UK GDPR article 15(1)(c): the recipients to whom it was
disclosed). Professionals are named: whoever looked as a part of their office is no third party to be kept secret (DPA
2018 schedule 2 paragraphs 16(2) and 17). What only a third party could be harmed by is never in it: a caller's number,
what an enquirer wrote, and how another child stands. What else is to be left out, and by which exemption, is decided by
the person who makes it, case by case; that anything was left out is not said, for that alone could tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from policies.access import Refused, may_open_restricted, may_read_accesses, may_report_disclosures
from policies.enquirer import Disclosure, Enquirer, Role
from policies.profile import Profile
from registry_api.access_log.admitting import admit
from registry_api.audit import searching, showing, store
from registry_api.audit.schemas import (
    Accesses,
    AccessesRequest,
    DisclosureMade,
    DisclosureReport,
    DisclosureReportRequest,
)
from registry_api.audit.service import Covered
from registry_api.enquiries.rules import Outcome, as_told
from registry_api.kernel.clock import Clock
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Database
from registry_api.kernel.errors import Forbidden, NotFound

MOST_SHOWN: Final = 25
_AT_ONCE: Final = 200
"""Entries of a report that are read at once: few enough that the answers which share the worker hardly wait."""
_EXPLANATION: Final = (
    "Who looked at what the register holds of this child, when, why, and what they were told. Roles and organisations "
    "are as they were at the time."
)
_TOLD: Final = {
    "on_plan": "That the child is under a child protection plan, and whom to turn to.",
    "temporary_entry": "That the child is on a temporary entry, and whom to turn to.",
    "open_case": "That Children's Services have an open case, and whom to turn to.",
    "known_before": "That the child was known before.",
    "known": "That the child is known, and whom to turn to; no more.",
    "address": "If the child lived there then: that a child on a plan lives at the address, and whom to turn to.",
    "call_back": "Nothing yet: that they would be called back.",
    "more_information_needed": "Nothing: that more details were needed.",
}
_WHAT: Final = {
    "enquiry.answered": "An enquiry was answered.",
    "enquiry.restricted_opened": "An enquiry was answered.",
    "enquiry.finished_unsent": "An enquiry was answered, after whoever asked was no longer there.",
    "enquiry.matched_again": "An enquiry from before was compared with the child's record.",
    "enquiry.explained": "It was checked how an enquiry was matched.",
    "transfer.allocated": "A key worker was named for the child.",
    "log.searched": "The record of who looked was searched.",
    "log.subject_key_given": "The key to the entries about this child was given out.",
    "child.accesses_read": "Somebody who works with the child read who had looked.",
    "child.disclosures_reported": "A report such as this one was made.",
}


@dataclass(frozen=True, slots=True)
class AboutChildren:
    """The use-cases, over what they need. ``covered`` returns when an entry lies under a signed head."""

    database: Database
    vault: Vault
    profile: Profile
    clock: Clock
    covered: Covered

    async def accesses(self, enquirer: Enquirer, request: AccessesRequest) -> Accesses:
        """Record it, and return who last looked at a child whom the asker works with. Their own are withheld.

        Raises Forbidden, StoreUnavailable; NotFound where there is no such child or it is not theirs: those look alike,
        and whoever answers the request records which child it was.
        """
        now, child = self.clock(), request.child_id
        may = may_read_accesses(enquirer, self.profile.today(now))
        if isinstance(may, Refused):
            raise Forbidden(may.reason)
        opens = self._opens(enquirer)  # of every child, so that the time of an answer tells nothing of one
        async with self.database.connection() as connection:
            manager = enquirer.role is Role.SAFEGUARDING_MANAGER
            restricted = await store.restricted(connection, child)
            theirs = await store.works_with(connection, child, enquirer.professional_id, now)
            if restricted is None or not (theirs or (manager and (opens or not restricted))):
                raise NotFound([child])
            entry = await admit(connection, enquirer, may, "child.accesses_read", at=now, child_ids=[child])
        await self.covered(entry)
        async with self.database.connection() as connection:
            rows = await store.about(connection, child, MOST_SHOWN + 1)
            rows = [row for row in rows if row["id"] != entry][:MOST_SHOWN]
            names = await showing.names(connection, self.vault, rows)
        return Accesses(
            child_id=child,
            accesses=tuple(
                showing.shown(row, names, to=enquirer.professional_id, tells_outcome=_is_about(row, child))
                for row in rows
            ),
        )

    async def report(self, enquirer: Enquirer, request: DisclosureReportRequest) -> DisclosureReport:
        """Record it, with what is left out and why, and return all that was told about a child, the oldest first.

        Raises Forbidden, StoreUnavailable; NotFound where there is no such child, or its record is restricted and the
        asker may not open it: as of ``accesses``.
        """
        now, child = self.clock(), request.child_id
        may = may_report_disclosures(enquirer, self.profile.today(now))
        if isinstance(may, Refused):
            raise Forbidden(may.reason)
        opens = self._opens(enquirer)
        async with self.database.connection() as connection:
            restricted = await store.restricted(connection, child)
        if restricted is None or (restricted and not opens):
            raise NotFound([child])
        recorded = await searching.record(
            self.database,
            self.vault,
            self.profile.retention,
            enquirer,
            may,
            "child.disclosures_reported",
            request,
            at=now,
            child_ids=[child],
        )
        await self.covered(recorded.entry)
        left_out = {one.reference for one in request.left_out}
        disclosures: list[DisclosureMade] = []
        names: dict[UUID, str] = {}
        # However many there are, and all of one moment, whatever is erased meanwhile.
        async with (
            self.database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            numbers = await store.numbers_about(connection, child, recorded.up_to)
            for first in range(0, len(numbers), _AT_ONCE):
                rows = await store.numbered(connection, numbers[first : first + _AT_ONCE])
                rows = [row for row in rows if row["reference"] not in left_out]
                names |= await showing.names(connection, self.vault, rows)
                disclosures += [_disclosure(row, names, child) for row in rows]
        return DisclosureReport(made_at=now, child_id=child, explanation=_EXPLANATION, disclosures=tuple(disclosures))

    def _opens(self, enquirer: Enquirer) -> bool:
        return not isinstance(may_open_restricted(enquirer, self.profile.today(self.clock())), Refused)


def _is_about(row: Mapping[str, Any], child: UUID) -> bool:
    """Return whether what an entry ends in is about this child, and not one at the same address or of a like name."""
    return not str(row["kind"]).startswith("enquiry.") or row["answered_about"] == child


def _disclosure(row: Mapping[str, Any], names: Mapping[UUID, str], child: UUID) -> DisclosureMade:
    says = showing.said(row)
    return DisclosureMade(
        at=row["at"],
        reference=row["reference"],
        what=_WHAT.get(row["kind"], "The record was looked at."),
        name=names.get(row["professional_id"]),
        role=says.get("role"),
        organisation=says.get("organisation"),
        purpose=says.get("purpose"),
        reason=says.get("why"),
        told=_told(row, says, child),
    )


def _told(row: Mapping[str, Any], says: Mapping[str, str], child: UUID) -> str:
    """Return what was told of a child, as far as it is known to have been: never more than their agreement was for."""
    kind = str(row["kind"])
    if not kind.startswith("enquiry."):
        return "Nothing of this child beyond this list."
    if kind == "enquiry.matched_again":
        return "Nothing by this: those who work with children were told of the enquiry."
    held = kind == "enquiry.finished_unsent" or says.get("taken_by")
    if held and not row["handed_out"]:
        return "Nothing: the answer has not reached whoever asked."
    if row["reason"] == Outcome.ADDRESS:
        return _TOLD[Outcome.ADDRESS]
    if row["answered_about"] != child:
        return "The enquiry was about somebody else; this child's record was looked at to answer it."
    reason = row["reason"]
    if reason in set(Outcome) and says.get("disclosure") in set(Disclosure):
        reason = as_told(Outcome(reason), Disclosure(says["disclosure"]))
    return _TOLD.get(reason, "Nothing of this child.")
