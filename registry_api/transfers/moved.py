"""A notified move becomes an entry of the register: what the other authority says of the child, as it says it. Pure."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

from registry_api.matching.person import Name
from registry_api.register.entry import ChildEntry, ChildPlan, Identity, OtherKeyWorker, PlanKind, Residence
from registry_api.transfers.schemas import MovedAddress, TransferInRequest


def moved_entry(request: TransferInRequest, originating: UUID, today: date) -> ChildEntry:
    """Return the temporary entry of a child as notified (TRF-2).

    Args:
        request: the notification.
        originating: the authority that notifies, which stays responsible.
        today: the local day. Of a move that lies ahead, the first previous address is where the child lives until
            then; the others were left at the latest today.
    """
    child = request.child
    principal = (Name(child.given_names, child.family_name),) if child.given_names or child.family_name else ()
    mother = child.mother
    return ChildEntry(
        identity=Identity(
            names=principal + tuple(Name(name.given_names, name.family_name) for name in child.other_names),
            date_of_birth=child.date_of_birth,
            expected_delivery=child.expected_delivery_date,
            sex={None: "", "female": "f", "male": "m"}[child.sex],
            mother=(Name(mother.given_names, mother.family_name),) if mother else (),
            mother_date_of_birth=mother.date_of_birth if mother else None,
            nhs_number=child.nhs_number.replace(" ", ""),
        ),
        residences=(
            _residence(child.address_here, request.moved_on, None),
            *_before(request, today),
        ),
        plans=(
            ChildPlan(
                kind=PlanKind.TEMPORARY,
                categories=request.plan.categories,
                started_on=request.plan.started_on,
                responsible_organisation_id=originating,
                other_key_worker=OtherKeyWorker(request.key_worker.name, request.key_worker.phone),
            ),
        ),
        looked_after=child.looked_after,
    )


def _before(request: TransferInRequest, today: date) -> Iterator[Residence]:
    ahead = request.moved_on > today
    for number, address in enumerate(request.child.previous_addresses):
        left = today if ahead else request.moved_on
        yield _residence(address, None, None if ahead and number == 0 else left)


def _residence(address: MovedAddress, valid_from: date | None, valid_to: date | None) -> Residence:
    return Residence(
        lines=address.lines, postcode=address.postcode, uprn=address.uprn, valid_from=valid_from, valid_to=valid_to
    )
