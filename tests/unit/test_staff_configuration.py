"""The table by which a deployment knows the provider of its staff, and where sign-in refuses to be built at all."""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from auth.errors import InsecureEnvironment, Reason
from auth.identity_file import Identity, read_identity_file
from auth.keys import SigningKeys
from auth.providers import IdentityInvalid
from auth.staff.building import StaffSettings, check_staff
from auth.staff.configuration import ClientKey, ClientSecret, SignInProvider, SignInTable, sign_in_provider, signer_of
from auth.staff.credential import new_certified_credential, new_credential
from auth.staff.development import provider_for

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/sign-in.md").read_text("utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
PRIVATE, PUBLIC = new_credential()
RIGHT: dict[str, Any] = {
    "issuer": "https://sign-in.example",
    "client_id": "register",
    "authentication": "private_key_jwt",
    "credential_file": "sign-in-key.json",
    "algorithms": ["ES256"],
    "staff_claim": "sub",
    "assurance": {"claim": "acr", "levels": {"mfa": "aal2"}},
}
SETTINGS = StaffSettings(
    base_url="https://register.example",
    host="0.0.0.0",
    development=False,
    idle=timedelta(minutes=20),
    longest=timedelta(hours=10),
    stepped_up=timedelta(minutes=10),
    development_keys_file=Path("keys.json"),
)
Read = Callable[..., SignInProvider | None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in {"sign-in-key.json": json.dumps(PRIVATE), "sign-in-secret": "a secret\n"}.items():
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)
    (tmp_path / "authority-ca.pem").write_text("")
    return tmp_path


@pytest.fixture
def read(folder: Path) -> Read:
    def made(*, development: bool = False, **changes: Any) -> SignInProvider | None:
        table = {name: value for name, value in (RIGHT | changes).items() if value is not None}
        return sign_in_provider(Identity(sign_in=table, folder=folder), development=development)

    return made


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_of_the_document_can_be_used(folder: Path, example: str) -> None:
    file = folder / "identity.toml"
    file.write_text(example)
    assert sign_in_provider(read_identity_file(file, development=False), development=False) is not None


def test_the_document_has_the_examples_it_speaks_of() -> None:
    assert len(EXAMPLES) == 3


def test_the_document_explains_every_key_and_every_fault() -> None:
    for name in SignInTable.__struct_fields__:
        assert f"| `{name}` |" in DOCUMENT
    faults = set(re.findall(r'ProviderUnavailable\("(\w+)"\)', (ROOT / "auth/staff/provider.py").read_text("utf-8")))
    assert len(faults) == 5
    for fault in faults | {"unreachable"}:
        assert f"| `{fault}` |" in DOCUMENT
    named = set(re.findall(r"^\| `(\w+)` \| ", DOCUMENT.partition("## When it does not work")[2], re.MULTILINE))
    assert named - faults - {"unreachable"} <= {reason.value for reason in Reason}


def test_what_is_written_is_what_is_used(read: Read) -> None:
    provider = read(sign_in_hours=12, scope="openid profile", step_up={"acr_values": "mfa"}, untyped_logout=True)
    assert provider is not None
    assert isinstance(provider.authentication, ClientKey)
    assert (provider.max_age, provider.scope) == (timedelta(hours=12), "openid profile")
    assert (dict(provider.step_up), provider.untyped_logout) == ({"acr_values": "mfa"}, True)
    basic = read(authentication="client_secret_basic", credential_file="sign-in-secret")
    assert basic is not None
    assert basic.authentication == ClientSecret("a secret", basic=True)
    assert "a secret" not in repr(basic)
    assert str(PRIVATE["d"]) not in repr(provider)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no issuer": ({"issuer": None}, "issuer"),
    "an issuer without TLS": ({"issuer": "http://sign-in.example"}, "sign_in.issuer"),
    "an issuer of this machine without TLS": ({"issuer": "http://127.0.0.1:9"}, "sign_in.issuer"),
    "an issuer with a query": ({"issuer": "https://sign-in.example/?x=y"}, "sign_in.issuer"),
    "no signature": ({"algorithms": ["none"]}, "algorithms"),
    "a shared secret as a signature": ({"algorithms": ["HS256"]}, "algorithms"),
    "no algorithm": ({"algorithms": []}, "algorithms"),
    "no proof of ours": ({"authentication": "none"}, "authentication"),
    "a signature by shared secret": ({"authentication": "client_secret_jwt"}, "authentication"),
    "an unknown key": ({"verify": False}, "verify"),
    "a scope without openid": ({"scope": "profile"}, "sign_in.scope"),
    "openid as a part of a scope": ({"scope": "openid2"}, "sign_in.scope"),
    "no level": ({"assurance": {"claim": "acr", "levels": {}}}, "assurance"),
    "a level that is none": ({"assurance": {"claim": "acr", "levels": {"x": "aal9"}}}, "assurance"),
    "no claim of staff": ({"staff_claim": None}, "staff_claim"),
    "a file that is not there": ({"credential_file": "nothing"}, "sign_in.credential_file"),
    "a secret where a key belongs": ({"credential_file": "sign-in-secret"}, "sign_in.credential_file"),
    "certificates that are not there": ({"ca_file": "nothing"}, "sign_in.ca_file"),
    "no time at all": ({"sign_in_hours": 0}, "sign_in_hours"),
    **{
        f"a step-up that sets {name}": ({"step_up": {name: "x"}}, f"sign_in.step_up.{name}")
        for name in ("state", "nonce", "code_challenge", "code_challenge_method", "redirect_uri", "client_id",
                     "request", "request_uri", "response_type", "response_mode", "scope", "max_age", "prompt")
    },
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_table_that_makes_no_sense_is_an_error_that_names_the_key(read: Read, name: str) -> None:
    changes, key = WRONG[name]
    with pytest.raises(IdentityInvalid, match=re.escape(key)):
        read(**changes)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
@pytest.mark.parametrize("name", ["sign-in-key.json", "sign-in-secret"])
def test_a_secret_that_others_can_read_is_not_used(read: Read, folder: Path, name: str, mode: int) -> None:
    (folder / name).chmod(mode)
    authentication = "private_key_jwt" if name.endswith("json") else "client_secret_post"
    with pytest.raises(IdentityInvalid, match="0600"):
        read(credential_file=name, authentication=authentication)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        "null",
        pytest.param(json.dumps(PUBLIC), id="public"),
        pytest.param(json.dumps({**PRIVATE, "kid": None}), id="nameless"),
        '{"kty": "oct"}',
    ],
)
def test_a_key_that_is_none_is_not_used(read: Read, folder: Path, content: str) -> None:
    (folder / "sign-in-key.json").write_text(content)
    with pytest.raises(IdentityInvalid, match="credential_file") as invalid:
        read()
    assert str(PRIVATE["d"]) not in str(invalid.value)


def test_an_empty_secret_is_none(read: Read, folder: Path) -> None:
    (folder / "sign-in-secret").write_text("\n")
    with pytest.raises(IdentityInvalid, match="empty"):
        read(authentication="client_secret_post", credential_file="sign-in-secret")


# -- where sign-in is not built


HERE = {"development": True, "host": "127.0.0.1", "base_url": "http://localhost:8080"}


def test_without_a_provider_there_is_no_sign_in_outside_development() -> None:
    assert check_staff(SETTINGS, Identity()) is None


@pytest.mark.parametrize(
    "settings",
    [HERE, {**HERE, "host": "::1", "base_url": "http://[::1]:8080"}, {**HERE, "base_url": "https://register.test"}],
)
def test_the_development_provider_is_for_this_machine(settings: dict[str, Any]) -> None:
    assert check_staff(replace(SETTINGS, **settings), Identity()) is None


@pytest.mark.parametrize(
    "settings",
    [
        {"host": "0.0.0.0"}, {"host": "::"}, {"host": "192.0.2.1"}, {"host": "register.example"},
        {"base_url": "https://register.example"}, {"base_url": "http://192.0.2.1:8080"},
        {"base_url": "https://localhost.example"}, {"base_url": "https://localhost@register.example"},
    ],
    ids=str,
)  # fmt: skip
def test_the_development_provider_is_not_where_others_reach_it(settings: dict[str, Any]) -> None:
    with pytest.raises(InsecureEnvironment, match="in development"):
        check_staff(replace(SETTINGS, **{**HERE, **settings}), Identity())


def test_the_development_provider_is_not_made_outside_development() -> None:
    with pytest.raises(InsecureEnvironment, match="believes anybody"):
        provider_for(
            "http://localhost", b"s" * 32, SigningKeys.generate(), None, None, None, development=False,  # type: ignore[arg-type]
        )  # fmt: skip


def test_people_sign_in_over_tls_alone(folder: Path) -> None:
    identity = Identity(sign_in=RIGHT, folder=folder)
    assert check_staff(SETTINGS, identity) is not None
    with pytest.raises(InsecureEnvironment, match="https://"):
        check_staff(replace(SETTINGS, base_url="http://register.example"), identity)


# -- the key of ours


def test_a_certified_key_names_its_certificate_in_every_assertion(folder: Path, read: Read) -> None:
    now = datetime(2026, 3, 4, tzinfo=UTC)
    private, pem = new_certified_credential("Test register", now, days=30)
    (folder / "sign-in-key.json").write_text(json.dumps(private))
    provider = read()
    assert provider is not None
    assert isinstance(provider.authentication, ClientKey)
    assertion = signer_of(provider, provider.authentication, provider.issuer).client_assertion()
    header = json.loads(base64.urlsafe_b64decode(assertion.split(".")[0] + "=="))
    certificate = x509.load_pem_x509_certificate(pem)
    digest = base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).rstrip(b"=").decode()
    assert (header["alg"], header["x5t#S256"], header["kid"]) == ("PS256", digest, digest)
    assert (certificate.not_valid_after_utc - now).days == 30
    numbers = certificate.public_key().public_numbers()  # type: ignore[union-attr]
    assert base64.urlsafe_b64decode(private["n"] + "==") == numbers.n.to_bytes(384, "big")  # type: ignore[union-attr]
