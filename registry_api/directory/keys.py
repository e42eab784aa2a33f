"""The public keys of organisations' systems: fit, named, and each of one client alone (RFC 7517)."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from auth.client_keys import PrivateKeyGiven, UnfitKey, WithoutKid, fit_public_key, thumbprint
from registry_api.directory.recording import ImpossibleChange
from registry_api.directory.rules import MOST_KEYS, Obstacle

_OF_ANOTHER = text(
    "SELECT true FROM client WHERE id <> :client_id AND CAST(jwks AS jsonb) @> CAST(:key AS jsonb) LIMIT 1"
)


async def fit(session: AsyncSession, client_id: str, given: Sequence[Any]) -> list[dict[str, str]]:
    """Return the keys of a client as they are kept: the members of a public key and no others.

    Raises:
        ImpossibleChange: one is not fit, or is private; two are the same, or of one name; another client has one.
    """
    if len(given) > MOST_KEYS:
        raise ImpossibleChange(Obstacle.TOO_MANY_KEYS)
    try:
        public = [fit_public_key(one) for one in given]
    except PrivateKeyGiven:
        raise ImpossibleChange(Obstacle.PRIVATE_KEY) from None
    except WithoutKid:
        raise ImpossibleChange(Obstacle.KEY_WITHOUT_KID) from None
    except UnfitKey:
        raise ImpossibleChange(Obstacle.UNFIT_KEY) from None
    if len({one["kid"] for one in public}) < len(public) or len({thumbprint(one) for one in public}) < len(public):
        raise ImpossibleChange(Obstacle.KEY_TWICE)
    for one in public:
        # A key says which system signed: held by two, it says neither.
        same = {name: value for name, value in one.items() if name not in ("kid", "use", "alg")}
        known = await (await session.connection()).execute(
            _OF_ANOTHER, {"client_id": client_id, "key": json.dumps({"keys": [same]})}
        )
        if known.first():
            raise ImpossibleChange(Obstacle.OTHER_CLIENTS_KEY)
    return public
