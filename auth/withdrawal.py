"""Why a good token is good no longer: what the directory and the list of revoked tokens say of it now."""

from auth.errors import Reason
from auth.protocols import Presented
from auth.tokens import VerifiedToken


def withdrawn(token: VerifiedToken, known: Presented) -> Reason | None:
    """Return why ``token`` is accepted no longer, by what is known of it at this moment; None if it is.

    Whether those whom it names are suspended is not judged here: they are refused as such, by ``policies``.
    """
    if known.revoked:
        return Reason.REVOKED
    if known.enquirer is None:
        return Reason.INDIVIDUAL_UNKNOWN
    if known.enquirer.organisation_id != token.organisation_id:
        return Reason.STANDING_CHANGED
    return None
