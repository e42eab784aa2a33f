"""How one signing key follows another without an interruption: published first, used later, accepted to the end.

Three periods follow from who has to have heard of a key before it is used. Our own workers look at their file each
second, and at once when they meet a key that they do not know. Others, who verify tokens by themselves, may keep the
published keys for ``PUBLISHED_SECONDS``. Clocks differ by ``CLOCKS_APART_SECONDS`` at the most.
"""

from dataclasses import replace
from datetime import UTC, datetime

from auth.keys import SigningKey, SigningKeys
from auth.tokens import LIFETIME_SECONDS

PUBLISHED_SECONDS = 300
"""How long anybody may go on with the published keys (``Cache-Control``)."""
CLOCKS_APART_SECONDS = 60
SHORTEST_LEAD_SECONDS = PUBLISHED_SECONDS + 2 * CLOCKS_APART_SECONDS
"""Between the publication of a key and its first use: clocks may differ at both ends."""


class RotationUnderWay(Exception):
    """A key is published already that does not sign yet. ``since`` is when it will."""

    def __init__(self, since: datetime) -> None:
        super().__init__(since.isoformat())
        self.since = since


def with_next(keys: SigningKeys, now: int, lead: int) -> SigningKeys:
    """Return the keys with a new one, which signs ``lead`` seconds after ``now``; what is over is left out.

    The key that signs until then is accepted until the last token that it can have signed has expired, by anybody's
    clock.

    Raises:
        RotationUnderWay: there is one already that does not sign yet.
        ValueError: the lead is shorter than SHORTEST_LEAD_SECONDS.
    """
    if lead < SHORTEST_LEAD_SECONDS:
        raise ValueError("not everybody would know the key before it signs")
    *before, last = keys.keys
    if last.signs_from > now:
        raise RotationUnderWay(datetime.fromtimestamp(last.signs_from, UTC))
    begins = now + lead
    followed = replace(last, verifies_until=begins + LIFETIME_SECONDS + CLOCKS_APART_SECONDS)
    kept = [key for key in before if key.verifies_at(now)]
    return SigningKeys((*kept, followed, SigningKey.generate(begins)))


def only_new(now: int) -> SigningKeys:
    """Return one new key that signs at once, for when an old one may have become known: no token of an old key, ours or
    forged, is accepted any more."""
    return SigningKeys((SigningKey.generate(now),))
