"""Whom a request claims to come from, read before anything of it is verified: worth nothing but to count it by.

Failures to show who is asking are counted by network address. Many callers can share one – a whole police force behind
its proxy – so that what fails is told apart from what does not by the client that a request names, and by the
credential that it shows.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from fastapi import Request

from auth.compact import read_compact, text
from auth.errors import InvalidToken
from auth.staff.sessions import COOKIE, cookies
from policies.enquirer import CONSOLE

TOKEN_PATH = "/oauth2/"  # noqa: S105 - where tokens are asked for, and no token
_API_PATH = "/api/"
_MAX_FIELDS = 16


@dataclass(frozen=True, slots=True)
class Claimed:
    """``client``: whom the request names, if anybody. ``credential``: a digest of what it shows for itself."""

    client: str | None = None
    credential: bytes | None = None


def claimed_by(request: Request, body: bytes) -> Claimed:
    """Return whom a request claims to come from.

    A token names the client that it was issued to; a request for one, the client that asks and the individual for whom;
    a session, and whoever is about to open one, the console. Whatever cannot be read names nobody.
    """
    path: str = request.scope["path"]
    if path.startswith(TOKEN_PATH):
        return _by_form(body)
    held = cookies(request, COOKIE)
    if held:
        return Claimed(CONSOLE, _digest(held))
    tokens = request.headers.getlist("authorization")
    if tokens:
        return Claimed(_said(tokens[0].partition(" ")[2], "client_id"), _digest(tokens))
    return Claimed() if path.startswith(_API_PATH) else Claimed(CONSOLE)


def note_outcome(request: Request, *, failed: bool) -> None:
    """Note whether ``request`` failed to show who is asking, where its status alone does not tell: 401 is a failure,
    but for the challenge to send a proof again with a nonce."""
    request.state.authentication_failed = failed


def _by_form(body: bytes) -> Claimed:
    try:
        form = parse_qs(body.decode("ascii"), max_num_fields=_MAX_FIELDS)
    except ValueError:
        return Claimed()
    client = _said(form.get("client_assertion", [""])[0], "iss") or form.get("client_id", [None])[0]
    subjects = (form.get(name, [""])[0] for name in ("assertion", "subject_token"))
    named = [subject for shown in subjects if (subject := _said(shown, "sub"))]
    return Claimed(client, _digest([client or "", *named]))


def _said(token: str, claim: str) -> str | None:
    try:
        return text(read_compact(token).claims, claim)
    except InvalidToken:
        return None


def _digest(texts: Sequence[str]) -> bytes:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogateescape")).digest()
