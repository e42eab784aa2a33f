"""The route of the main job."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from auth.dependencies import CurrentEnquirer
from registry_api.enquiries.schemas import Answer, EnquiryRequest
from registry_api.enquiries.service import Enquiries
from registry_api.kernel import limits
from registry_api.kernel.body import Unread, described, json_body
from registry_api.kernel.idempotency import IdempotencyKey, checked

router = APIRouter(prefix="/api/v1", tags=["enquiries"])


@router.post(
    "/enquiries",
    summary="Is this child known?",
    response_model=Answer,
    openapi_extra=described(EnquiryRequest),
)
@limits.by_organisation
@limits.by_professional
async def make_enquiry(
    request: Request,
    enquirer: CurrentEnquirer,
    question: Annotated[Unread[EnquiryRequest], Depends(json_body(EnquiryRequest))],
    key: IdempotencyKey = None,
) -> Response:
    """Record the enquiry, look for the child, tell those who have to follow it up, and answer.

    The enquiry is recorded before anything is looked up, and the answer before it is sent.
    """
    service: Enquiries = request.app.state.enquiries
    answered = await service.make_enquiry(enquirer, question.read(), idempotency_key=checked(key))
    headers = {"Idempotency-Replayed": "true"} if answered.repeated else None
    return Response(answered.body, media_type="application/json", headers=headers)
