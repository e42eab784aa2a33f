"""The keys that sign access tokens: each signs from a moment on, and verifies until its last token has expired.

Pure: the time is given, so that every worker comes to the same answer from the same keys. ``auth.key_file`` keeps them,
``auth.rotation`` adds to them.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

ALGORITHM = "ES256"
_SIGNS_FROM, _VERIFIES_UNTIL = "signs_from", "verifies_until"


class UnusableKeys(Exception):
    """A set of keys is not what it must be. The message never holds any of its content."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key. Times are whole seconds since the epoch.

    It signs from ``signs_from`` until the next one does, and is published before. Once another is to follow it, it is
    accepted and published until ``verifies_until``.
    """

    key: ECKey
    signs_from: int = 0
    verifies_until: int | None = None

    @classmethod
    def generate(cls, signs_from: int = 0) -> "SigningKey":
        """Return a new P-256 key whose ``kid`` is its thumbprint (RFC 7638)."""
        key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, private=True)
        key.ensure_kid()
        return cls(key, signs_from)

    @property
    def kid(self) -> str:
        """By which tokens name it."""
        return str(self.key.kid)

    def verifies_at(self, now: int) -> bool:
        """Return whether tokens that it signed are accepted."""
        return self.verifies_until is None or now < self.verifies_until

    def public(self) -> dict[str, Any]:
        """Return its public half, with ``kid``, ``use`` and ``alg`` (RFC 7517)."""
        return {**self.key.as_dict(private=False), "kid": self.kid, "use": "sig", "alg": ALGORITHM}


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The keys of the authorization server, in the order in which they sign. The last one has none to follow it."""

    keys: tuple[SigningKey, ...]

    @classmethod
    def generate(cls) -> "SigningKeys":
        """Return one new key, kept nowhere."""
        return cls((SigningKey.generate(),))

    def signing(self, now: int) -> SigningKey:
        """Return the key that signs; the first one where none has begun to, by a clock that is behind."""
        begun = [key for key in self.keys if key.signs_from <= now]
        return begun[-1] if begun else self.keys[0]

    def accepted(self, kid: str, now: int) -> SigningKey | None:
        """Return the key of that name, if tokens that it signed are accepted."""
        return next((key for key in self.keys if key.kid == kid and key.verifies_at(now)), None)

    def public_jwks(self, now: int) -> dict[str, Any]:
        """Return the public halves of all that are accepted, as a JWK set (RFC 7517 section 5)."""
        return {"keys": [key.public() for key in self.keys if key.verifies_at(now)]}


class KeySource(Protocol):
    """Where the keys are had from, at every use anew."""

    def __call__(self, *, again: bool = False) -> SigningKeys:
        """Return the keys: the same object as long as they are the same.

        ``again``: look whether they are, however short ago that was done.
        """
        ...


def written(keys: SigningKeys) -> dict[str, Any]:
    """Return the private keys as they are kept: a JWK set whose members carry their times as well."""
    return {
        "keys": [
            {
                **key.key.as_dict(private=True),
                _SIGNS_FROM: key.signs_from,
                **({} if key.verifies_until is None else {_VERIFIES_UNTIL: key.verifies_until}),
            }
            for key in keys.keys
        ]
    }


def read(document: Any) -> SigningKeys:
    """Return the keys of what ``written`` returned.

    Raises:
        UnusableKeys: it is no JWK set of P-256 private keys with distinct ``kid`` and distinct times from which they
            sign, or not exactly the last one of them is to verify without an end.
    """
    try:
        keys = sorted(map(_read_key, document["keys"]), key=lambda key: key.signs_from)
    except (ValueError, TypeError, KeyError, JoseError):
        raise UnusableKeys("the signing key file is not a JWK set") from None
    fits = all(key.key.is_private and key.key.curve_name == "P-256" and key.key.kid for key in keys)
    if not keys or not fits or len({key.kid for key in keys}) != len(keys):
        raise UnusableKeys("the signing key file must hold P-256 private keys with distinct kid")
    if len({key.signs_from for key in keys}) != len(keys):
        raise UnusableKeys("two keys of the signing key file would sign from the same moment on")
    if [key.verifies_until is None for key in keys] != [False] * (len(keys) - 1) + [True]:
        raise UnusableKeys("each key of the signing key file that another follows needs an end, and no other one")
    return SigningKeys(tuple(keys))


def _read_key(kept: Any) -> SigningKey:
    if not isinstance(kept, dict):
        raise TypeError("no JWK")
    since, until = kept.get(_SIGNS_FROM, 0), kept.get(_VERIFIES_UNTIL)
    # type() and not isinstance(): True is an int to Python.
    if type(since) is not int or (until is not None and type(until) is not int):
        raise ValueError("no time")
    jwk = {name: value for name, value in kept.items() if name not in (_SIGNS_FROM, _VERIFIES_UNTIL)}
    return SigningKey(ECKey.import_key(jwk), since, until)
