"""Tokens that are bound to the certificate of a TLS connection, which a trusted proxy passes on (RFC 8705)."""

import base64
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import quote

import httpx2
import pytest
from auth_doubles import CERTIFICATE_HEADER, House, application, b64, decoded
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from auth.certificates import certificate_thumbprint
from auth.errors import InvalidToken, Reason


def certificate() -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hospital.example")])
    return (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
        .sign(key, SHA256())
    )


CERTIFICATE, ANOTHER = certificate(), certificate()
DER, PEM = CERTIFICATE.public_bytes(Encoding.DER), CERTIFICATE.public_bytes(Encoding.PEM).decode()


def passed_on(certificate: x509.Certificate) -> str:
    return f":{base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()}:"


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def http(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=application(house))
    async with httpx2.AsyncClient(transport=transport, base_url="https://register.example") as client:
        yield client


async def certified_token(house: House, http: httpx2.AsyncClient) -> str:
    headers = {CERTIFICATE_HEADER: passed_on(CERTIFICATE)}
    answer = await http.post("/oauth2/token", data=house.form(), headers=headers)
    assert (answer.status_code, answer.json()["token_type"]) == (200, "Bearer")
    return str(answer.json()["access_token"])


@pytest.mark.parametrize(
    "value",
    [passed_on(CERTIFICATE), quote(PEM), quote(PEM, safe="+/ ")],
    ids=["RFC 9440", "quoted", "quoted without plus, slash and blank"],
)
def test_both_spellings_of_proxies_are_one_thumbprint(value: str) -> None:
    assert certificate_thumbprint(value) == b64(hashlib.sha256(DER).digest())


@pytest.mark.parametrize(
    "value",
    [
        "",
        ":",
        "::",
        ":AAAA:",
        pytest.param(":" + "A" * 20_000 + ":", id="too long"),
        "MII",
        pytest.param(passed_on(CERTIFICATE)[:-1], id="no colon at the end"),
        pytest.param(passed_on(CERTIFICATE).replace(":", ""), id="no colons"),
        pytest.param(passed_on(CERTIFICATE)[:-9] + ":", id="cut short"),
        pytest.param(quote(PEM)[:-60], id="PEM, cut short"),
        "%FF%FE",
        "-----BEGIN CERTIFICATE-----",
        "é",
        "%00",
    ],
)
def test_what_is_no_certificate_is_refused(value: str) -> None:
    with pytest.raises(InvalidToken) as refused:
        certificate_thumbprint(value)
    assert refused.value.reason is Reason.CERTIFICATE


async def test_a_token_of_a_certificate_works_with_it_and_is_called_bearer(
    house: House, http: httpx2.AsyncClient
) -> None:
    token = await certified_token(house, http)
    assert decoded(token, 1)["cnf"] == {"x5t#S256": b64(hashlib.sha256(DER).digest())}
    headers = {"Authorization": f"Bearer {token}", CERTIFICATE_HEADER: quote(PEM)}
    for _ in range(2):
        assert (await http.get("/who", headers=headers)).status_code == 200
    assert house.register.proofs == set()


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(
    ("scheme", "certificates", "proven", "reason"),
    [
        ("Bearer", [], False, Reason.CERTIFICATE),
        ("Bearer", [passed_on(ANOTHER)], False, Reason.BINDING),
        ("Bearer", [passed_on(CERTIFICATE)] * 2, False, Reason.CERTIFICATE),
        ("Bearer", [":AAAA:"], False, Reason.CERTIFICATE),
        ("Bearer", [], True, Reason.CERTIFICATE),
        ("DPoP", [passed_on(CERTIFICATE)], False, Reason.CERTIFICATE),
        ("DPoP", [], True, Reason.CERTIFICATE),
    ],
)
async def test_without_its_certificate_it_is_refused_and_that_is_recorded(
    house: House, http: httpx2.AsyncClient, scheme: str, certificates: list[str], proven: bool, reason: Reason
) -> None:
    token = await certified_token(house, http)
    sent = [("Authorization", f"{scheme} {token}"), *((CERTIFICATE_HEADER, value) for value in certificates)]
    if proven:
        sent.append(("DPoP", house.proof("GET", "/who", token)))
    answer = await http.get("/who", headers=sent)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert [refusal["reason"] for refusal in house.register.refusals] == [reason]


async def test_a_token_of_a_proof_is_not_opened_by_a_certificate(house: House, http: httpx2.AsyncClient) -> None:
    token = await house.token()
    headers = {"Authorization": f"Bearer {token}", CERTIFICATE_HEADER: passed_on(CERTIFICATE)}
    assert (await http.get("/who", headers=headers)).json()["reason"] == "proof_missing"


async def test_where_both_are_shown_the_proof_counts(house: House, http: httpx2.AsyncClient) -> None:
    headers = {"DPoP": house.proof(), CERTIFICATE_HEADER: passed_on(CERTIFICATE)}
    answer = await http.post("/oauth2/token", data=house.form(), headers=headers)
    assert answer.json()["token_type"] == "DPoP"


async def test_an_empty_header_is_no_certificate(house: House, http: httpx2.AsyncClient) -> None:
    headers = {"DPoP": house.proof(), CERTIFICATE_HEADER: ""}
    assert (await http.post("/oauth2/token", data=house.form(), headers=headers)).json()["token_type"] == "DPoP"
    answer = await http.post("/oauth2/token", data=house.form(), headers={CERTIFICATE_HEADER: ""})
    assert answer.json()["error"] == "invalid_dpop_proof"


@pytest.mark.parametrize("values", [[passed_on(CERTIFICATE)] * 2, ["", passed_on(CERTIFICATE)], ["", ""]])
async def test_more_than_one_header_gets_no_token(house: House, http: httpx2.AsyncClient, values: list[str]) -> None:
    headers = [(CERTIFICATE_HEADER, value) for value in values]
    answer = await http.post("/oauth2/token", data=house.form(), headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert [refusal["reason"] for refusal in house.register.refusals] == ["certificate_not_accepted"]


async def test_a_damaged_certificate_gets_no_token(house: House, http: httpx2.AsyncClient) -> None:
    headers = {CERTIFICATE_HEADER: ":AAAA:"}
    answer = await http.post("/oauth2/token", data=house.form(), headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert [refusal["reason"] for refusal in house.register.refusals] == ["certificate_not_accepted"]


async def test_where_no_proxy_is_trusted_no_certificate_counts(house: House) -> None:
    house.services.possession._certificate_header = None
    transport = httpx2.ASGITransport(app=application(house))
    async with httpx2.AsyncClient(transport=transport, base_url="https://register.example") as http:
        headers = {CERTIFICATE_HEADER: passed_on(CERTIFICATE)}
        answer = await http.post("/oauth2/token", data=house.form(), headers=headers)
    assert answer.json()["error"] == "invalid_dpop_proof"
