"""The identity file: what may stand in it, and that whatever else does is an error that names the key."""

import re
import tomllib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from auth.identity_file import Identity, read_identity_file
from auth.providers import IdentityInvalid, ProviderTable
from policies.enquirer import Assurance, Role
from policies.written import Table, read_table

WRITTEN = """
[[provider]]
name = "hospitals"
issuer = "https://sign-in.hospitals.example/realm"
jwks_uri = "https://sign-in.hospitals.example/realm/keys"
algorithms = ["RS256", "ES256"]
subject_claim = "staff_number"
token_minutes = 5
sign_in_hours = 12

[provider.organisations]
general = ["records-system", "ward-system"]
children = ["childrens-system"]

[provider.assurance]
claim = "acr"
levels = { strong = "aal3", usual = "aal2" }
if_absent = "aal1"

[provider.roles]
claim = "roles"
names = { "Ward nurse" = "nurse", "Theatre nurse" = "nurse", Physician = "doctor" }

[[provider]]
name = "police"
issuer = "https://sign-in.police.example"
jwks_file = "police-keys.json"
algorithms = ["EdDSA"]
subject_claim = "sub"
also_assertions = true
organisations = { police = ["records-system"] }
assurance = { claim = "amr", levels = { pwd = "aal1", mfa = "aal2" } }
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    (tmp_path / "police-keys.json").write_text('{"keys": []}')
    (tmp_path / "authority.pem").write_text("")

    def written(text: str) -> Path:
        file = tmp_path / "identity.toml"
        file.write_text(text)
        return file

    return written


def test_without_a_file_nobody_vouches_for_anybody() -> None:
    assert read_identity_file(None, development=False) == Identity()


def test_every_organisation_gets_its_provider(write: Callable[[str], Path], tmp_path: Path) -> None:
    providers = read_identity_file(write(WRITTEN), development=False).providers
    assert providers.keys() == {"general", "children", "police"}
    hospitals, police = providers["general"], providers["police"]
    assert providers["children"] is hospitals
    assert hospitals.issuer == "https://sign-in.hospitals.example/realm"
    assert hospitals.keys.address == "https://sign-in.hospitals.example/realm/keys"
    assert hospitals.algorithms == {"RS256", "ES256"}
    assert hospitals.relying_parties == {"general": {"records-system", "ward-system"}, "children": {"childrens-system"}}
    assert (hospitals.token_age, hospitals.sign_in_age) == (timedelta(minutes=5), timedelta(hours=12))
    assert not hospitals.also_assertions
    assert police.keys.address == tmp_path / "police-keys.json"
    assert (police.token_age, police.sign_in_age) == (timedelta(minutes=10), None)
    assert police.also_assertions


def test_other_parts_of_the_file_are_left_to_those_who_own_them(write: Callable[[str], Path], tmp_path: Path) -> None:
    class SignIn(Table, frozen=True):
        issuer: str

    identity = read_identity_file(
        write('proxy = "http://proxy.example:3128"\n[sign_in]\nissuer = "https://x.example"\n' + WRITTEN),
        development=False,
    )
    assert read_table(identity.sign_in, SignIn, "sign_in", IdentityInvalid) == SignIn("https://x.example")
    assert identity.folder == tmp_path
    assert {provider.keys.proxy for provider in identity.providers.values()} == {"http://proxy.example:3128"}


@pytest.mark.parametrize(
    ("claims", "level"),
    [
        ({"acr": "strong"}, Assurance.AAL3),
        ({"acr": "usual"}, Assurance.AAL2),
        ({"acr": ["usual", "strong"]}, Assurance.AAL3),
        ({"acr": ["whatever", "usual", 7, None]}, Assurance.AAL2),
        ({}, Assurance.AAL1),
        ({"acr": "Strong"}, None),
        ({"acr": ""}, None),
        ({"acr": None}, None),
        ({"acr": 3}, None),
        ({"acr": []}, None),
        ({"acr": {"strong": True}}, None),
        ({"acr": [["strong"]]}, None),
    ],
)
def test_assurance_is_what_the_claim_says_and_nothing_else(
    write: Callable[[str], Path], claims: dict[str, object], level: Assurance | None
) -> None:
    provider = read_identity_file(write(WRITTEN), development=False).providers["general"]
    assert provider.assurance_of(claims) is level


def test_without_a_level_for_it_an_absent_claim_assures_of_nothing(write: Callable[[str], Path]) -> None:
    assert read_identity_file(write(WRITTEN), development=False).providers["police"].assurance_of({}) is None


@pytest.mark.parametrize(
    ("claims", "roles"),
    [
        ({"roles": ["Ward nurse"]}, {Role.NURSE}),
        ({"roles": "Theatre nurse"}, {Role.NURSE}),
        ({"roles": ["Physician", "Ward nurse", "Porter"]}, {Role.NURSE, Role.DOCTOR}),
        ({"roles": ["nurse"]}, set()),
        ({"roles": []}, set()),
        ({"roles": None}, set()),
        ({"roles": [["Physician"]]}, set()),
        ({}, set()),
    ],
)
def test_a_role_is_borne_out_by_the_names_that_were_listed(
    write: Callable[[str], Path], claims: dict[str, object], roles: set[Role]
) -> None:
    providers = read_identity_file(write(WRITTEN), development=False).providers
    assert {role for role in Role if providers["general"].allows_role(claims, role)} == roles
    assert all(providers["police"].allows_role(claims, role) for role in Role), "it is not asked to"


def put(old: str, new: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


ISSUER, JWKS = '"https://sign-in.hospitals.example/realm"', '"https://sign-in.hospitals.example/realm/keys"'


@pytest.mark.parametrize(
    ("path", "edit"),
    [
        ("identity.toml", put("[[provider]]", "[[provider")),
        ("providers", put("[[provider]]", "[providers]\n[[provider]]")),
        ("proxy", lambda text: 'proxy = "https://proxy.example"' + text),
        ("proxy", lambda text: 'proxy = "http://name:password@proxy.example"' + text),
        ("provider[0].secret", put("token_minutes = 5", 'secret = "x"')),
        ("provider[0].name", put('name = "hospitals"', "")),
        ("provider[0].name", put('name = "hospitals"', 'name = ""')),
        ("provider[1].name", put('name = "police"', 'name = "hospitals"')),
        ("provider[0].issuer", put(f"issuer = {ISSUER}", "")),
        ("provider[0].issuer", put(ISSUER, '"http://sign-in.hospitals.example/realm"')),
        ("provider[0].issuer", put(ISSUER, '"http://127.0.0.1:9000"')),
        ("provider[0].issuer", put(ISSUER, '"https://name:word@sign-in.hospitals.example"')),
        ("provider[0].issuer", put(ISSUER, '"https://sign-in.hospitals.example?realm=1"')),
        ("provider[0].issuer", put(ISSUER, '"https://"')),
        ("provider[0].issuer", put(ISSUER, '"https://sign-in.example:port"')),
        ("provider[0].issuer", put(ISSUER, '"https://sign-in .example"')),
        ("provider[0].issuer", put(ISSUER, '"sign-in.hospitals.example"')),
        ("provider[0].jwks_uri", put(JWKS, '"file:///etc/keys"')),
        ("provider[0].jwks_uri", put(JWKS, '"http://sign-in.hospitals.example/keys"')),
        ("provider[0].jwks_uri", put(JWKS, '"https://sign-in.hospitals.example/keys#1"')),
        ("provider[0].jwks_uri", put(f"jwks_uri = {JWKS}", "")),
        ("provider[0].jwks_uri", put(f"jwks_uri = {JWKS}", f'jwks_uri = {JWKS}\njwks_file = "police-keys.json"')),
        ("provider[1].jwks_file", put("police-keys.json", "missing.json")),
        ("provider[0].ca_file", put("token_minutes = 5", 'ca_file = "missing.pem"')),
        ("provider[0].algorithms", put('["RS256", "ES256"]', "[]")),
        ("provider[0].algorithms[0]", put('["RS256", "ES256"]', '["none"]')),
        ("provider[0].algorithms[1]", put('["RS256", "ES256"]', '["RS256", "HS256"]')),
        ("provider[0].algorithms[0]", put('["RS256", "ES256"]', '["RS512"]')),
        ("provider[0].subject_claim", put('subject_claim = "staff_number"', "")),
        ("provider[0].token_minutes", put("token_minutes = 5", "token_minutes = 0")),
        ("provider[0].token_minutes", put("token_minutes = 5", "token_minutes = 61")),
        ("provider[0].sign_in_hours", put("sign_in_hours = 12", "sign_in_hours = 25")),
        ("provider[1].also_assertions", put("also_assertions = true", 'also_assertions = "yes"')),
        ("provider[1].organisations", put('{ police = ["records-system"] }', "{}")),
        ("provider[1].organisations[...]", put('{ police = ["records-system"] }', "{ police = [] }")),
        ("provider[1].organisations[...]", put('{ police = ["records-system"] }', '{ police = "records-system" }')),
        ("provider[1].organisations.general", put("{ police =", "{ general =")),
        ("provider[0].organisations.children", put('["childrens-system"]', '["ward-system"]')),
        ("provider[0].assurance.claim", put('claim = "acr"', "")),
        ("provider[0].assurance.levels", put('{ strong = "aal3", usual = "aal2" }', "{}")),
        ("provider[0].assurance.levels[...]", put('strong = "aal3"', 'strong = "aal4"')),
        ("provider[0].assurance.levels[...]", put('strong = "aal3"', 'strong = "stated"')),
        ("provider[0].assurance.if_absent", put('if_absent = "aal1"', 'if_absent = "aal9"')),
        ("provider[0].roles.names[...]", put('Physician = "doctor"', 'Physician = "surgeon"')),
    ],
)
def test_a_wrong_file_is_refused_by_the_path_of_the_key(
    write: Callable[[str], Path], path: str, edit: Callable[[str], str]
) -> None:
    with pytest.raises(IdentityInvalid) as refused:
        read_identity_file(write(edit(WRITTEN)), development=False)
    assert refused.value.path == path
    assert refused.value.reason


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IdentityInvalid, match=r"missing\.toml: it cannot be read"):
        read_identity_file(tmp_path / "missing.toml", development=False)


@pytest.mark.parametrize("here", ["http://127.0.0.1:9000", "http://localhost:9000/realm", "http://[::1]:9000"])
def test_in_development_and_nowhere_else_a_provider_may_be_this_machine_without_tls(
    write: Callable[[str], Path], here: str
) -> None:
    text = put(JWKS, f'"{here}/keys"')(put(ISSUER, f'"{here}"')(WRITTEN))
    assert read_identity_file(write(text), development=True).providers["general"].issuer == here
    with pytest.raises(IdentityInvalid, match="https"):
        read_identity_file(write(text), development=False)


def test_development_does_not_lift_tls_from_elsewhere(write: Callable[[str], Path]) -> None:
    with pytest.raises(IdentityInvalid, match="https"):
        read_identity_file(write(put(ISSUER, '"http://127.0.0.1.example"')(WRITTEN)), development=True)


def test_the_same_relying_party_may_stand_with_two_issuers(write: Callable[[str], Path]) -> None:
    providers = read_identity_file(write(WRITTEN), development=False).providers
    assert (
        "records-system"
        in providers["general"].relying_parties["general"] & providers["police"].relying_parties["police"]
    )


DOCUMENT = Path(__file__).parents[2] / "docs" / "identity-providers.md"
EXAMPLES = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES, ids=[str(tomllib.loads(text)["provider"][0]["name"]) for text in EXAMPLES])
def test_each_example_of_the_document_can_be_used(write: Callable[[str], Path], tmp_path: Path, text: str) -> None:
    (tmp_path / "probation-keys.json").write_text('{"keys": []}')
    providers = read_identity_file(write(text), development=False).providers
    assert providers
    for provider in providers.values():
        assert provider.assurance_of({provider.assurance.claim: next(iter(provider.assurance.levels))})
        assert provider.assurance_of({provider.assurance.claim: "nothing that is known"}) is None
        assert not provider.issuer.endswith("/")


def test_the_examples_stand_beside_each_other_and_every_key_is_explained(
    write: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "probation-keys.json").write_text('{"keys": []}')
    assert len(EXAMPLES) == 4
    assert len(read_identity_file(write("\n".join(EXAMPLES)), development=False).providers) == 6
    document = DOCUMENT.read_text("utf-8")
    for key in ProviderTable.__struct_fields__:
        assert re.search(rf"^\| `{key}`|^\| .*or `{key}` \|", document, re.MULTILINE), key
