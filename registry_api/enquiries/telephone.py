"""Enquiries by telephone: a duty worker takes one down for a caller, who learns the answer when called back (ENQ-1).

Nobody's voice proves who they are. So the enquiry is recorded under the caller, and whoever has to follow it up is told
at once; but the answer is held until the caller has been reached on a number that the directory has for their
organisation, never on one that they give. Both, the enquiry and each call-back, are recorded (ENQ-2).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from policies.access import Refused, decide_enquiry, may_take_enquiry
from policies.enquirer import Enquirer, Purpose
from policies.profile import Profile
from registry_api.access_log import store as access_log
from registry_api.access_log.admitting import admit
from registry_api.directory import service as directory
from registry_api.directory import store as directory_store
from registry_api.directory.callers import caller_by_phone
from registry_api.enquiries import telephone_store as store
from registry_api.enquiries.asked import tells_less
from registry_api.enquiries.schemas import Answer, EnquiryRequest, Urgency
from registry_api.enquiries.service import Enquiries
from registry_api.enquiries.telephone_schemas import (
    CallBackRequest,
    CalledBack,
    Caller,
    CallerShown,
    HeldEnquiries,
    HeldShown,
    Line,
    NumberShown,
    TelephoneEnquiryRequest,
)
from registry_api.kernel.clock import Clock
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.errors import Forbidden, NotFound, NotPossible

_SCOPE = frozenset({"enquiry"})
"""What calling is for: a caller has no token that could say so."""
_MOST_HELD = 200
HELD = timedelta(hours=2)
"""How long an answer is held at the most: a child may have come onto the register since, or be restricted now."""

CALL_BACK = (
    "Do not give an answer yet. Hang up, and call back on a number shown here, not on one that the caller gave: "
    "ask the switchboard for the caller by name. Then record whether you reached them."
)
REACHED = "Read the caller the answer, its advice included, and give them the reference."
NOT_REACHED = "The answer stays held. Try the other number, or again shortly; it waits among the held enquiries."


@dataclass(frozen=True, slots=True)
class TelephoneEnquiries:
    """The use-cases, over what they need."""

    database: Database
    vault: Vault
    profile: Profile
    clock: Clock
    enquiries: Enquiries

    async def take(
        self, duty: Enquirer, request: TelephoneEnquiryRequest, *, idempotency_key: str | None = None
    ) -> HeldShown:
        """Make an enquiry for a caller, whose answer is held, and return whom to call back and where.

        The caller may ask what they may ask by themselves, and no more; who is not enrolled is put into the directory.

        Raises:
            Forbidden: the asker may take no enquiries, or the caller may not ask; recorded, the latter as the enquiry
                of the caller.
            NotPossible: the directory has no such organisation, no such professional or no number to call back on; or
                the caller is of the authority's own staff, who can sign in.
            MoreDetailsNeeded, IdempotencyKeyReused, StoreUnavailable: as ``Enquiries.make_enquiry``.
        """
        now = self.clock()
        async with self.database.connection() as connection:
            await admit(connection, duty, may_take_enquiry(duty, self.profile.today(now)), "telephone.taken", at=now)
            organisation = await directory_store.organisation(connection, request.caller.organisation)
            if organisation is None:
                raise NotPossible("organisation_unknown")
            if organisation["own_authority"]:
                raise NotPossible("own_staff_sign_in")
            numbers = _numbers(organisation)
            if not numbers:
                raise NotPossible("no_number_to_call_back")
            enrolled = await self._enrolled(connection, organisation["id"], request.caller)
        # Outside: it takes a connection of its own, and somebody who holds one must not wait for another.
        caller_id = enrolled or await self._put_down(organisation["id"], request.caller, duty)
        async with self.database.connection() as connection:
            caller = await self._caller(connection, caller_id, duty.client_id)
        question = EnquiryRequest(
            child=request.child,
            reason=request.reason,
            reason_text=request.reason_text,
            urgency=request.urgency,
            call_back_number=self._first(numbers).phone,
        )
        answered = await self.enquiries.make_enquiry(
            caller, question, idempotency_key=idempotency_key, taken_by=duty.professional_id
        )
        reference = Answer.model_validate_json(answered.body).reference
        async with self.database.connection() as connection:
            row = await store.by_reference(connection, reference)
            people = await directory.people(connection, self.vault, {caller_id})
        return self._shown(row, people)

    async def waiting(self, duty: Enquirer) -> HeldEnquiries:
        """Return the enquiries whose callers have not been reached yet (ENQ-10). Raises Forbidden, StoreUnavailable."""
        now = self.clock()
        async with self.database.connection() as connection:
            may = may_take_enquiry(duty, self.profile.today(now))
            await admit(connection, duty, may, "telephone.waiting_read", at=now)
            rows = await store.waiting(connection, _MOST_HELD)
            people = await directory.people(connection, self.vault, {row["professional_id"] for row in rows})
        return HeldEnquiries(held=tuple(self._shown(row, people) for row in rows))

    async def called_back(self, duty: Enquirer, reference: str, request: CallBackRequest) -> CalledBack:
        """Record an attempt to call back, and hand out the answer once it has reached the caller.

        Whether the caller may still be told is decided anew: their agreement may have ended since they called.

        Raises:
            NotFound: there is no such enquiry, or it was not taken down on the telephone.
            NotPossible: the directory has no such number of the organisation's; or they have to be asked anew, for the
                answer was held too long to be relied on, or their agreement tells less now.
            Forbidden: the asker may take no enquiries; or the caller may not be told any more, and then the call-back
                is recorded.
            StoreUnavailable: a write was not confirmed. Nothing is disclosed.
        """
        now = self.clock()
        today = self.profile.today(now)
        async with self.database.transaction() as connection:
            kind = "telephone.reached" if request.reached else "telephone.not_reached"
            await admit(connection, duty, may_take_enquiry(duty, today), kind, at=now, reference=reference)
            row = await store.by_reference(connection, reference)
            if row is None:
                raise NotFound
            if request.called not in {number.which for number in _numbers(row)}:
                raise NotPossible("no_such_number")
            await store.note_call_back(
                connection, row["id"], at=now, by=duty.professional_id, called=request.called, reached=request.reached
            )
        if not request.reached:
            return CalledBack(reference=reference, reached=False, what_to_do=NOT_REACHED)
        async with self.database.connection() as connection:
            caller = await self._caller(connection, row["professional_id"], row["client_id"])
        decided = decide_enquiry(caller, Purpose(row["purpose"]), today)
        if isinstance(decided.may_ask, Refused):
            raise Forbidden(decided.may_ask.reason, reference)
        if now - row["received_at"] > HELD or tells_less(decided.disclosure, row["disclosure"]):
            raise NotPossible("ask_anew")
        answer = await self._answer(row)
        return CalledBack(reference=reference, reached=True, what_to_do=REACHED, answer=answer)

    async def _answer(self, row: Mapping[str, Any]) -> Answer:
        """Return the held answer, and record that it is handed out for the caller to be told."""
        body = await self.enquiries.held_answer(row)
        async with self.database.connection() as connection:
            entry = access_log.values(
                at=self.clock(),
                kind="telephone.answered",
                client_id=row["client_id"],
                organisation_id=row["organisation_id"],
                professional_id=row["professional_id"],
                reference=row["reference"],
            )
            receipt = await self.enquiries.receipt(connection, await access_log.append(connection, entry))
        return Answer.model_validate_json(body).model_copy(update={"receipt": bytes(receipt).decode()})

    async def _enrolled(self, connection: Connection, organisation_id: UUID, caller: Caller) -> UUID | None:
        """Return whom a caller's identifier names; None where they gave a name. Raises NotPossible where nobody."""
        if not caller.professional:
            return None
        row = await directory_store.professional(connection, organisation_id, caller.professional)
        if row is None:
            raise NotPossible("professional_unknown")
        return UUID(str(row["id"]))

    async def _put_down(self, organisation_id: UUID, caller: Caller, duty: Enquirer) -> UUID:
        assert caller.role is not None
        return await caller_by_phone(
            self.database,
            self.vault,
            organisation_id=organisation_id,
            name=caller.name,
            role=caller.role,
            taken_by=duty,
            at=self.clock(),
        )

    async def _caller(self, connection: Connection, professional_id: UUID, client_id: str) -> Enquirer:
        caller = await directory_store.standing_of(connection, professional_id, client_id)
        assert caller is not None, "the directory deletes nobody"
        return replace(caller, scope=_SCOPE)

    def _first(self, numbers: tuple[NumberShown, ...]) -> NumberShown:
        """Return the number that is likelier to be answered at this hour."""
        return numbers[0] if self.profile.is_office_open(self.clock()) else numbers[-1]

    def _shown(self, row: Mapping[str, Any], people: Mapping[UUID, directory.Person]) -> HeldShown:
        person = people[row["professional_id"]]
        return HeldShown(
            reference=row["reference"],
            received_at=row["received_at"],
            urgency=Urgency(row["urgency"]),
            caller=CallerShown(name=person.name, role=person.role, organisation=person.organisation),
            call_back=_numbers(row),
            attempts=row["attempts"],
            what_to_do=CALL_BACK,
        )


def _numbers(organisation: Mapping[str, Any]) -> tuple[NumberShown, ...]:
    phones = {Line.OFFICE: organisation["office_phone"], Line.OUT_OF_HOURS: organisation["out_of_hours_phone"]}
    return tuple(NumberShown(which=which, phone=phone) for which, phone in phones.items() if phone)
