"""The keys that sign access tokens: made once, kept in a file nobody else can read, their public halves published.

The file is a JWK set (RFC 7517) of P-256 private keys. The first key signs; every key verifies. To rotate, put a new
key in front, restart, and drop the old one when its last token has expired.
"""

import json
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from auth.errors import InsecureEnvironment

ALGORITHM = "ES256"


class UnusableKeys(Exception):
    """The key file does not hold what it must. The message never holds any of its content."""


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The private keys of the authorization server. ``keys`` is not empty, and its first one signs."""

    keys: tuple[ECKey, ...]

    @classmethod
    def generate(cls) -> "SigningKeys":
        """Return one new key, kept nowhere."""
        key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, private=True)
        key.ensure_kid()
        return cls((key,))

    @classmethod
    def load_or_create(cls, path: Path) -> "SigningKeys":
        """Load the keys of a file, which is made first when there is none.

        Several processes may start at once: one makes the file, and all end up with the same keys.

        Raises:
            UnusableKeys: the file is not a JWK set of P-256 private keys with distinct ``kid``.
            InsecureEnvironment: others than its owner may read it.
            OSError: it cannot be read or made.
        """
        if not path.exists():
            cls.generate().save_new(path)
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise InsecureEnvironment("the signing key file must be readable by its owner alone (mode 0600)")
        return cls(_read(path))

    @property
    def current(self) -> str:
        """The ``kid`` of the key that signs."""
        return str(self.keys[0].kid)

    def public_jwks(self) -> dict[str, Any]:
        """Return the public halves as a JWK set, each with ``kid``, ``use`` and ``alg`` (RFC 7517 section 5)."""
        return {
            "keys": [
                {**key.as_dict(private=False), "kid": key.kid, "use": "sig", "alg": ALGORITHM} for key in self.keys
            ]
        }

    def save_new(self, path: Path) -> None:
        """Write the private keys to a file that only its owner may read, unless there is one already: that one stays.

        Atomic: nobody ever sees half a file.
        """
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                json.dump({"keys": [key.as_dict(private=True) for key in self.keys]}, file)
                file.flush()
                os.fsync(file.fileno())
            # A link, unlike a rename, refuses to replace what another process put there meanwhile.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()


def _read(path: Path) -> tuple[ECKey, ...]:
    try:
        keys = tuple(ECKey.import_key(jwk) for jwk in json.loads(path.read_bytes())["keys"])
    except (ValueError, TypeError, KeyError, JoseError):
        raise UnusableKeys("the signing key file is not a JWK set") from None
    fits = all(key.is_private and key.curve_name == "P-256" and key.kid for key in keys)
    if not keys or not fits or len({key.kid for key in keys}) != len(keys):
        raise UnusableKeys("the signing key file must hold P-256 private keys with distinct kid")
    return keys
