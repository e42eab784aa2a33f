"""Signed texts of any content, sound or not: what an attacker can make, and the libraries would not."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from joserfc import jws
from joserfc.jwk import import_key


def signed(header: Mapping[str, Any], claims: Mapping[str, Any] | bytes, private_jwk: Mapping[str, Any]) -> str:
    """Sign anything: ``claims`` may be raw bytes, and header and key need not fit any rule of ours."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    key = import_key({name: value for name, value in private_jwk.items() if name not in {"alg", "use"}})
    registry = jws.JWSRegistry(algorithms=[header["alg"]], strict_check_header=False)
    return jws.serialize_compact(dict(header), payload, key, registry=registry)


def b64(data: bytes | str) -> str:
    return base64.urlsafe_b64encode(data.encode() if isinstance(data, str) else data).rstrip(b"=").decode()


def decoded(token: str, index: int) -> dict[str, Any]:
    """The header (0) or the claims (1) of a token."""
    part = token.split(".")[index]
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return value
