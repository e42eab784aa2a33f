"""The routes of a move: for another authority's system, and for the manager who allocates a key worker."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from auth.dependencies import CurrentEnquirer
from registry_api.kernel import limits
from registry_api.kernel.body import Unread, described, json_body
from registry_api.kernel.idempotency import IdempotencyKey, checked
from registry_api.transfers.schemas import Allocated, AllocationRequest, TransferInReceipt, TransferInRequest
from registry_api.transfers.service import Transfers

router = APIRouter(prefix="/api/v1/transfers", tags=["transfers"])


@router.post(
    "/in", status_code=201, summary="A child on your plan has moved here", openapi_extra=described(TransferInRequest)
)
@limits.by_organisation
@limits.by_professional
async def notify_in(
    request: Request,
    enquirer: CurrentEnquirer,
    notice: Annotated[Unread[TransferInRequest], Depends(json_body(TransferInRequest))],
    key: IdempotencyKey = None,
) -> TransferInReceipt:
    """Record the move, place a temporary entry at once and tell the safeguarding manager (TRF-1, TRF-2)."""
    service: Transfers = request.app.state.transfers
    return await service.notify_in(enquirer, notice.read(), idempotency_key=checked(key))


@router.put(
    "/{reference}/key-worker", summary="Allocate the local key worker", openapi_extra=described(AllocationRequest)
)
@limits.by_organisation
@limits.by_professional
async def allocate(
    request: Request,
    enquirer: CurrentEnquirer,
    reference: Annotated[str, Path(pattern=r"^T-[0-9A-Z]{5}-[0-9A-Z]{5}$")],
    allocation: Annotated[Unread[AllocationRequest], Depends(json_body(AllocationRequest))],
) -> Allocated:
    """Give the child a key worker here, who is told; enquiries then show both authorities' key workers."""
    service: Transfers = request.app.state.transfers
    return await service.allocate(enquirer, reference, allocation.read())
