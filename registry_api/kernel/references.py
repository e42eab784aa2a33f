"""References that people read to each other over the telephone."""

import secrets

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O or U to be misheard or misread


def new_reference(kind: str) -> str:
    """Return a fresh reference such as ``E-7K3MQ-09XDV``: 50 random bits, not a count, not guessable in practice."""
    drawn = int.from_bytes(secrets.token_bytes(7), "big")
    letters = "".join(_ALPHABET[drawn >> 5 * place & 31] for place in range(10))
    return f"{kind}-{letters[:5]}-{letters[5:]}"
