"""The metadata of the authorization server (RFC 8414): found where clients look, and true."""

from typing import Any

import httpx2
import pytest
from auth_doubles import ISSUER, House, application
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from fastapi import FastAPI

from auth.algorithms import VERIFIED_AS
from auth.client import EXCHANGE, GRANT_TYPE
from auth.metadata import metadata, well_known_paths
from auth.tokens import SCOPES

ISSUERS = ["https://register.example", "https://register.example/cpr", "https://register.example:8443/a/b"]


def told(issuer: str = ISSUERS[0], **more: Any) -> dict[str, Any]:
    return metadata(issuer, **{"grant_types": [GRANT_TYPE], "certificates": False, **more})


def test_exchange_is_offered_where_an_organisation_has_a_sign_in_service() -> None:
    house = House()
    assert house.services.endpoint.grant_types == [GRANT_TYPE]
    house.exchange.providers = {"hospital": object()}  # type: ignore[dict-item]
    assert sorted(house.services.endpoint.grant_types) == sorted([GRANT_TYPE, EXCHANGE])


async def test_it_is_published_with_what_the_endpoints_do() -> None:
    house = House()
    app = application(house)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="https://register.example") as http:
        answer = await http.get("/.well-known/oauth-authorization-server")
        said = answer.json()
        assert (
            said.items()
            >= {
                "issuer": ISSUER,
                "grant_types_supported": [GRANT_TYPE],
                "response_types_supported": [],
                "scopes_supported": sorted(SCOPES),
                "dpop_signing_alg_values_supported": list(VERIFIED_AS),
                "tls_client_certificate_bound_access_tokens": True,
            }.items()
        )
        assert "authorization_endpoint" not in said
        assert "mtls_endpoint_aliases" not in said
        assert answer.headers["cache-control"] == "public, max-age=300"
        for name in ("token", "revocation", "introspection"):
            assert said[f"{name}_endpoint_auth_methods_supported"] == ["private_key_jwt"]
            assert said[f"{name}_endpoint_auth_signing_alg_values_supported"] == list(VERIFIED_AS)
            path = said[f"{name}_endpoint"].removeprefix(ISSUER)
            assert (await http.post(path)).status_code == 415, "it is there, and wants a form"
        assert (await http.get(said["jwks_uri"].removeprefix(ISSUER))).json() == house.services.published()


@pytest.mark.parametrize("issuer", ISSUERS)
def test_it_is_found_where_rfc_8414_has_it(issuer: str) -> None:
    assert get_well_known_url(issuer) == well_known_paths(issuer)[0]
    said = told(issuer)
    assert said["issuer"] == issuer
    assert said["token_endpoint"] == f"{issuer}/oauth2/token"
    assert said["jwks_uri"] == f"{issuer}/.well-known/jwks.json"


@pytest.mark.parametrize("issuer", ISSUERS[1:])
async def test_of_an_issuer_with_a_path_it_is_served_at_both_addresses(issuer: str) -> None:
    house = House()
    house.services = type(house.services)(
        **{name: getattr(house.services, name) for name in house.services.__slots__} | {"metadata": told(issuer)}
    )
    app: FastAPI = application(house)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="https://register.example") as http:
        for path in well_known_paths(issuer):
            assert (await http.get(path)).json()["issuer"] == issuer
        assert len(well_known_paths(issuer)) == 2
        assert (await http.get(well_known_paths("https://register.example/other")[0])).status_code == 404


@pytest.mark.parametrize("issuer", ISSUERS)
def test_a_library_finds_nothing_wrong_with_it(issuer: str) -> None:
    # But that a server without an authorization endpoint has no response type, which Authlib does not expect.
    AuthorizationServerMetadata(told(issuer, certificates=True) | {"response_types_supported": ["none"]}).validate()


def test_where_certificates_are_shown_elsewhere_that_is_told() -> None:
    elsewhere = "https://mtls.register.example"
    said = told(certificates=True, certificate_url=elsewhere)
    assert said["mtls_endpoint_aliases"] == {
        "token_endpoint": f"{elsewhere}/oauth2/token",
        "revocation_endpoint": f"{elsewhere}/oauth2/revoke",
        "introspection_endpoint": f"{elsewhere}/oauth2/introspect",
    }
    assert said["token_endpoint"].startswith(ISSUERS[0])


def test_without_a_proxy_that_passes_certificates_on_none_is_promised() -> None:
    said = told(certificate_url="https://mtls.register.example")
    assert said["tls_client_certificate_bound_access_tokens"] is False
    assert "mtls_endpoint_aliases" not in said
