"""What a client can know of the authorization server without having to ask anybody (RFC 8414).

Every value is taken from what carries it out, so that what is told is so.
"""

from collections.abc import Collection
from typing import Any
from urllib.parse import urljoin, urlsplit

from auth.algorithms import VERIFIED_AS
from auth.client_authentication import AUTH_METHOD
from auth.tokens import SCOPES

TOKEN, REVOCATION, INTROSPECTION = "/oauth2/token", "/oauth2/revoke", "/oauth2/introspect"
JWKS = "/.well-known/jwks.json"
_WELL_KNOWN = "/.well-known/oauth-authorization-server"
_ENDPOINTS = {"token": TOKEN, "revocation": REVOCATION, "introspection": INTROSPECTION}


def well_known_paths(issuer: str) -> list[str]:
    """Return where the metadata of ``issuer`` is looked for, on its host (RFC 8414 section 3.1).

    Where the issuer has a path, that comes last, and the proxy passes the address on as it is. It is also found below
    the issuer itself, where many look in vain first.
    """
    path = urlsplit(issuer).path.rstrip("/")
    return [_WELL_KNOWN + path, _WELL_KNOWN] if path else [_WELL_KNOWN]


def metadata_address(issuer: str) -> str:
    """Return where a client reads the metadata of ``issuer`` (RFC 8414 section 3.1)."""
    return urljoin(issuer, well_known_paths(issuer)[0])


def metadata(
    issuer: str, *, grant_types: Collection[str], certificates: bool, certificate_url: str | None = None
) -> dict[str, Any]:
    """Return the metadata of the authorization server.

    Args:
        issuer: its identifier, and the base URL of its endpoints.
        grant_types: what its token endpoint grants.
        certificates: whether tokens are bound to certificates where a client shows one (RFC 8705).
        certificate_url: the base URL at which it does so; None where that is the issuer itself.
    """
    told: dict[str, Any] = {
        "issuer": issuer,
        "jwks_uri": issuer + JWKS,
        "scopes_supported": sorted(SCOPES),
        # Required, though nobody is sent to an authorization endpoint: there is none.
        "response_types_supported": [],
        "grant_types_supported": sorted(grant_types),
        "dpop_signing_alg_values_supported": list(VERIFIED_AS),
        "tls_client_certificate_bound_access_tokens": certificates,
    }
    for name, path in _ENDPOINTS.items():
        told[f"{name}_endpoint"] = issuer + path
        told[f"{name}_endpoint_auth_methods_supported"] = [AUTH_METHOD]
        told[f"{name}_endpoint_auth_signing_alg_values_supported"] = list(VERIFIED_AS)
    if certificates and certificate_url is not None:
        told["mtls_endpoint_aliases"] = {
            f"{name}_endpoint": certificate_url + path for name, path in _ENDPOINTS.items()
        }
    return told
