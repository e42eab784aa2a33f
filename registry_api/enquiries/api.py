"""The route of the main job."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from auth.dependencies import CurrentEnquirer
from registry_api.enquiries.schemas import Answer, EnquiryRequest
from registry_api.enquiries.service import Enquiries
from registry_api.kernel import limits
from registry_api.kernel.idempotency import idempotency_key

router = APIRouter(prefix="/api/v1", tags=["enquiries"])


async def _question(request: Request, enquirer: CurrentEnquirer) -> EnquiryRequest:
    # Parsed straight from the bytes, in one pass. It depends on the enquirer so that a body is never looked at, nor
    # its faults told, before it is known who sent it.
    try:
        return EnquiryRequest.model_validate_json(await request.body())
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        raise RequestValidationError(faults) from None


@router.post(
    "/enquiries",
    summary="Is this child known?",
    response_model=Answer,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/EnquiryRequest"}}},
        }
    },
)
@limits.by_organisation
@limits.by_professional
async def make_enquiry(
    request: Request,
    enquirer: CurrentEnquirer,
    question: Annotated[EnquiryRequest, Depends(_question)],
    key: Annotated[str | None, Depends(idempotency_key)],
) -> Response:
    """Record the enquiry, look for the child, tell those who have to follow it up, and answer.

    The enquiry is recorded before anything is looked up, and the answer before it is sent.
    """
    service: Enquiries = request.app.state.enquiries
    answered = await service.make_enquiry(enquirer, question, idempotency_key=key)
    headers = {"Idempotency-Replayed": "true"} if answered.repeated else None
    return Response(answered.body, media_type="application/json", headers=headers)
