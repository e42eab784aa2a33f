"""The routes of the main job: an enquiry of one's own, and one that is taken down for somebody who telephones."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from auth.dependencies import CurrentEnquirer
from registry_api.enquiries.explaining import Explaining
from registry_api.enquiries.explaining_schemas import Explanation
from registry_api.enquiries.schemas import Answer, EnquiryRequest
from registry_api.enquiries.service import Enquiries
from registry_api.enquiries.telephone import TelephoneEnquiries
from registry_api.enquiries.telephone_schemas import (
    CallBackRequest,
    CalledBack,
    HeldEnquiries,
    HeldShown,
    TelephoneEnquiryRequest,
)
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
    return Response(answered.sent(), media_type="application/json", headers=headers)


@router.post(
    "/telephone-enquiries",
    status_code=201,
    summary="Enquire for somebody who telephones",
    openapi_extra=described(TelephoneEnquiryRequest),
)
@limits.by_organisation
@limits.by_professional
async def take_telephone_enquiry(
    request: Request,
    enquirer: CurrentEnquirer,
    question: Annotated[Unread[TelephoneEnquiryRequest], Depends(json_body(TelephoneEnquiryRequest))],
    key: IdempotencyKey = None,
) -> HeldShown:
    """Record the caller's enquiry and tell those who have to follow it up, and say where to call the caller back.

    The answer is held until the caller has been reached on a number of the directory.
    """
    service: TelephoneEnquiries = request.app.state.telephone_enquiries
    return await service.take(enquirer, question.read(), idempotency_key=checked(key))


@router.get("/telephone-enquiries", summary="Enquiries whose callers have not been reached")
@limits.by_organisation
@limits.by_professional
async def held_telephone_enquiries(request: Request, enquirer: CurrentEnquirer) -> HeldEnquiries:
    """List the enquiries whose answers are held, the most urgent first. The reading is recorded."""
    service: TelephoneEnquiries = request.app.state.telephone_enquiries
    return await service.waiting(enquirer)


@router.post(
    "/telephone-enquiries/{enquiry_reference}/call-backs",
    response_model_exclude_none=True,
    summary="Record a call-back, and get the answer once the caller was reached",
    openapi_extra=described(CallBackRequest),
)
@limits.by_organisation
@limits.by_professional
async def record_call_back(
    request: Request,
    enquirer: CurrentEnquirer,
    enquiry_reference: Annotated[str, Path(pattern=r"^E-[0-9A-Z]{5}-[0-9A-Z]{5}$")],
    attempt: Annotated[Unread[CallBackRequest], Depends(json_body(CallBackRequest))],
) -> CalledBack:
    """Record on which number the caller was called back, and whether they were reached there.

    Reached, the answer is handed out, to be read to them.
    """
    service: TelephoneEnquiries = request.app.state.telephone_enquiries
    return await service.called_back(enquirer, enquiry_reference, attempt.read())


@router.get("/enquiries/{enquiry_reference}/explanation", summary="Why an enquiry finds whom it finds")
@limits.by_organisation
@limits.by_professional
async def explain(
    request: Request,
    enquirer: CurrentEnquirer,
    enquiry_reference: Annotated[str, Path(pattern=r"^E-[0-9A-Z]{5}-[0-9A-Z]{5}$")],
) -> Explanation:
    """Return, for each candidate, what each detail says for and against: for those who answer for the log alone.

    It is weighed on the register as it stands now. The reading is recorded.
    """
    service: Explaining = request.app.state.explaining
    return await service.explain(enquirer, enquiry_reference)
