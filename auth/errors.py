"""How a caller fails to be who they say, in codes that are safe to keep, to count and to log.

No message of this module ever holds a token, an assertion, a subject or a name: a reason is one of a closed set.
"""

from enum import StrEnum
from uuid import UUID


class Reason(StrEnum):
    """Why a token, an assertion or a request for a token was refused. The values are written to the access log."""

    MISSING = "missing"
    MALFORMED = "malformed"
    OVERSIZE = "oversize"
    HEADER = "header_not_allowed"
    ALGORITHM = "algorithm_not_allowed"
    KEY = "key_unknown"
    SIGNATURE = "signature_invalid"
    CLAIMS = "claims_invalid"
    TIMES = "times_invalid"
    LIFETIME = "lifetime_too_long"
    EXPIRED = "expired"
    FUTURE = "not_yet_valid"
    ISSUER = "issuer_wrong"
    AUDIENCE = "audience_wrong"
    SUBJECT = "subject_wrong"
    SCOPE = "scope_not_allowed"
    REPLAYED = "replayed"
    REQUEST = "request_malformed"
    GRANT_TYPE = "grant_type_not_offered"
    GRANT_NOT_THEIRS = "grant_type_not_for_this_organisation"
    RESOURCE = "resource_wrong"
    CLIENT_AUTHENTICATION = "client_authentication_missing"
    CLIENT_UNKNOWN = "client_unknown"
    CLIENT_SUSPENDED = "client_suspended"
    INDIVIDUAL_MISSING = "individual_missing"
    INDIVIDUAL_UNKNOWN = "individual_unknown"
    INDIVIDUAL_SUSPENDED = "individual_suspended"
    STANDING_CHANGED = "standing_changed"
    REVOKED = "revoked"
    OTHER_CLIENT = "issued_to_another_client"
    BINDING = "bound_to_another_key"
    CERTIFICATE = "certificate_not_accepted"
    PROOF_MISSING = "proof_missing"
    PROOF_TIME = "proof_not_of_now"
    TARGET = "proof_for_another_request"
    ATH = "proof_for_another_token"
    NONCE = "nonce_needed"
    NONCE_WRONG = "nonce_wrong"
    ID_TOKEN_OLD = "id_token_too_old"  # noqa: S105
    ROLE = "role_not_borne_out"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    AUTHENTICATION_OLD = "authentication_too_old"
    ASSURANCE = "assurance_unknown"
    STEP_UP = "step_up_not_shown"
    SIGN_IN_UNKNOWN = "sign_in_not_begun_here"
    PROVIDER_REFUSED = "provider_refused"
    SESSION_UNKNOWN = "session_unknown"
    SESSION_ENDED = "session_ended"
    SESSION_EXPIRED = "session_expired"


class InvalidToken(Exception):
    """A token or an assertion that is not accepted.

    ``client_id`` and ``professional_id`` are set only when the signature was good: then the refusal has an author.
    """

    def __init__(self, reason: Reason, *, client_id: str | None = None, professional_id: UUID | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.client_id = client_id
        self.professional_id = professional_id


class NotAuthenticated(Exception):
    """The request does not show who is asking: answered with 401 and ``WWW-Authenticate`` (RFC 9449 section 7.1).

    ``error`` is the code that goes there: ``invalid_token``, ``invalid_dpop_proof`` or ``use_dpop_nonce``.
    """

    def __init__(self, reason: Reason, error: str = "invalid_token") -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.error = error


class InsufficientScope(Exception):
    """The token is good, but was not issued for this: answered with 403 (RFC 6750 section 3.1)."""

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.scope = scope


class CrossSite(Exception):
    """A request that changes something came with a session, and not from a page of ours: answered with 403."""


class ProviderUnavailable(Exception):
    """The provider at which staff sign in cannot be reached, or answers nonsense: answered with 503.

    ``fault`` is for whoever has to mend it, in fixed words that are safe to log.
    """

    def __init__(self, fault: str = "unreachable") -> None:
        super().__init__(fault)
        self.fault = fault


class SignInRefused(Exception):
    """A sign-in did not come to its end, and that is recorded: answered with 400, or with 403 where it is known that
    the provider's person may not sign in here (``person``)."""

    def __init__(self, *, person: bool = False) -> None:
        super().__init__()
        self.person = person


class SessionNotFound(Exception):
    """There is no such session, or it is somebody else's: answered with 404."""


class RefusalNotRecorded(Exception):
    """A refusal could not be written down (ENQ-3): answered with 503, for no answer goes out unrecorded."""


class InsecureEnvironment(Exception):
    """The process was started with a setting that switches a safeguard off."""
