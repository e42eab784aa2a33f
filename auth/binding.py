"""The key that an access token is bound to: whoever presents the token must show that they hold it.

Two ways to show it are accepted: a DPoP proof (RFC 9449), or the certificate of the caller's TLS connection as a
trusted proxy passes it on (RFC 8705). A token that is bound to neither is never issued and never accepted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from auth.errors import InvalidToken, Reason

Method = Literal["jkt", "x5t#S256"]
THUMBPRINT_LENGTH = 43
"""Base64url characters of a SHA-256."""


@dataclass(frozen=True, slots=True)
class Binding:
    """The confirmation of a token (``cnf``, RFC 7800).

    ``thumbprint`` is the base64url SHA-256 of the public key (``jkt``: RFC 7638, RFC 9449 section 6.1) or of the
    certificate (``x5t#S256``: RFC 8705 section 3.1).
    """

    method: Method
    thumbprint: str

    @classmethod
    def of(cls, claims: Mapping[str, Any]) -> "Binding":
        """Return the one binding that a token's claims name. Raises InvalidToken: BINDING."""
        confirmation = claims.get("cnf")
        if isinstance(confirmation, dict) and len(confirmation) == 1:
            ((method, thumbprint),) = confirmation.items()
            if (
                method in ("jkt", "x5t#S256")
                and isinstance(thumbprint, str)
                and len(thumbprint) == THUMBPRINT_LENGTH
                and thumbprint.isascii()
            ):
                return cls(method, thumbprint)
        raise InvalidToken(Reason.BINDING)

    @property
    def claim(self) -> dict[str, str]:
        """The value of ``cnf``."""
        return {self.method: self.thumbprint}

    @property
    def token_type(self) -> str:
        """What the token endpoint calls the token, and the scheme of the Authorization header it is presented under."""
        return "DPoP" if self.method == "jkt" else "Bearer"
