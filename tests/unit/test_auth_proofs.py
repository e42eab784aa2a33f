"""DPoP proofs that are in order (RFC 9449): what may differ between them, what they are good for, and how often."""

from typing import Any

import pytest
from auth_doubles import ISSUER, NONCE_KEY, b64, decoded
from joserfc.jwk import ECKey
from proof_doubles import (
    BINDING,
    CLAIMS,
    EC,
    ED,
    HOUSE,
    NOW,
    PATH,
    RSA,
    TOKEN,
    check,
    named,
    nonce_of,
    proof,
    public,
)

from auth.binding import Binding
from auth.client import ProofSigner
from auth.dpop import ProofVerifier
from auth.errors import InvalidToken, Reason
from auth.possession import Possession, Shown


def test_the_proof_they_all_derive_from_is_accepted() -> None:
    assert check(proof()) == check(proof({"jwk": {**public(EC), "kid": "1", "use": "sig", "key_ops": ["verify"]}}))


@pytest.mark.parametrize(
    ("algorithm", "key"), [("ES256", EC), ("PS256", RSA), ("Ed25519", ED)], ids=["ES256", "PS256", "Ed25519"]
)
def test_each_allowed_algorithm_is_accepted(algorithm: str, key: Any) -> None:
    assert check(proof({"alg": algorithm, "jwk": public(key)}, key), binding=Binding("jkt", key.thumbprint()))


def test_ed25519_is_accepted_by_its_older_name_too() -> None:
    signing_input = named(alg="EdDSA", jwk=public(ED)).rpartition(".")[0]
    signature = ED.get_op_key("sign").sign(signing_input.encode())  # type: ignore[union-attr]
    assert check(f"{signing_input}.{b64(signature)}", binding=Binding("jkt", ED.thumbprint()))


@pytest.mark.parametrize("iat", [NOW - 60, NOW, NOW + 10])
def test_a_minute_ago_and_ten_seconds_of_a_fast_clock_are_accepted(iat: int) -> None:
    assert check(proof(iat=iat)).remember_until.timestamp() > iat + 60


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_nonce_is_good_for_five_minutes_whoever_made_it(seconds: int) -> None:
    assert check(proof(nonce=nonce_of(NONCE_KEY, seconds)))


def test_a_proof_with_ath_does_not_serve_for_a_token_nor_one_without_for_a_call() -> None:
    verifier = ProofVerifier(ISSUER, HOUSE.services.possession.nonces, HOUSE.clock)
    for presented, token in ((proof(), None), (proof(ath=...), TOKEN), (proof(ath=None), TOKEN)):
        with pytest.raises(InvalidToken) as refused:
            verifier.verify([presented], "POST", PATH, token=token)
        assert refused.value.reason is Reason.ATH


@pytest.mark.parametrize(
    ("base", "htu"),
    [
        ("https://register.example", "https://register.example:443/who"),
        ("https://register.example:443", "HTTPS://REGISTER.example/who"),
        ("http://register.example", "http://register.example:80/who"),
        ("https://register.example/cp", "https://register.example/cp/who"),
        ("https://[2001:db8::1]", "https://[2001:DB8::1]/who"),
    ],
)
def test_an_address_may_be_spelled_as_rfc_3986_allows(base: str, htu: str) -> None:
    verifier = ProofVerifier(base, HOUSE.services.possession.nonces, HOUSE.clock)
    assert verifier.verify([proof(htu=htu, htm="GET")], "GET", "/who", token=TOKEN).use


def test_below_a_base_url_with_a_path_the_path_belongs_to_it() -> None:
    verifier = ProofVerifier("https://register.example/cp", HOUSE.services.possession.nonces, HOUSE.clock)
    with pytest.raises(InvalidToken):
        verifier.verify([proof(htu="https://register.example/who", htm="GET")], "GET", "/who", token=TOKEN)


def test_one_jti_of_two_keys_is_two_uses_and_of_one_key_is_one() -> None:
    other = ECKey.generate_key("P-256")
    first = check(proof())
    again = check(proof(iat=NOW - 1, htu=f"{ISSUER}/other", htm="GET"), path="/other", method="GET")
    of_another = check(proof({"jwk": public(other)}, other), binding=Binding("jkt", other.thumbprint()))
    assert first.digest == again.digest != of_another.digest


def test_imported_keys_are_remembered_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    imports: list[Any] = []
    real = ECKey.import_key

    def counted(value: Any, *more: Any) -> Any:
        imports.append(value)
        return real(value, *more)

    verifier = ProofVerifier(ISSUER, HOUSE.services.possession.nonces, HOUSE.clock, remembered=2)
    signers = [ProofSigner(clock=HOUSE.clock) for _ in range(3)]
    monkeypatch.setattr(ECKey, "import_key", counted)
    for signer in (*signers[:2], signers[0], signers[2], signers[0], signers[1]):
        signer.nonce = CLAIMS["nonce"]
        verifier.verify([signer.proof("POST", ISSUER + PATH)], "POST", PATH)
    assert len(imports) == 4, "three keys, of which the least recently used was forgotten"


def test_a_signer_proves_what_it_is_told_and_never_twice_the_same() -> None:
    signer = ProofSigner(clock=HOUSE.clock)
    one, two = (signer.proof("GET", f"{ISSUER}/x?name=secret#y", TOKEN) for _ in range(2))
    assert decoded(one, 1)["jti"] != decoded(two, 1)["jti"]
    assert decoded(one, 1)["htu"] == f"{ISSUER}/x"
    assert "nonce" not in decoded(one, 1)
    assert set(decoded(one, 0)["jwk"]) == {"kty", "crv", "x", "y"}


async def test_at_the_token_endpoint_the_same_rules_hold() -> None:
    possession: Possession = HOUSE.services.possession
    bound = await possession.establish(Shown("POST", PATH, [proof(ath=..., jti="for a token")]))
    assert bound == BINDING
    with pytest.raises(InvalidToken) as refused:
        await possession.establish(Shown("POST", PATH, [proof(ath=..., jti="for a token")]))
    assert refused.value.reason is Reason.REPLAYED
