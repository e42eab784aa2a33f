"""Enquiries made one after another through the whole application, in this process, and the statements they send."""

import json
import time
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI
from sqlalchemy import event
from sqlalchemy.engine import make_url

from auth.client import OrganisationSigner
from auth.sending import AsProfessional
from registry_api.kernel.postgres import EmbeddedPostgres
from registry_api.kernel.roles import DatabaseUrls
from registry_api.kernel.settings import Settings
from registry_api.main import create_app

PATH = "/api/v1/enquiries"
BASE_URL = "http://bench.invalid"
_NO_LIMIT = 10**9
_TOKENS_LAST = 120.0
"""Seconds after which fresh tokens are obtained: they last for five minutes, however long an enquiry takes."""

_SESSION = "SELECT name, setting FROM pg_settings WHERE source = 'client' AND category NOT LIKE 'Preset%'"

_sent: ContextVar[list["Call"] | None] = ContextVar("sent", default=None)


@dataclass(frozen=True, slots=True)
class Call:
    """One statement as the driver sent it."""

    sql: str
    arguments: tuple[Any, ...]


def clients(state: Path) -> dict[str, Any]:
    """Return by client id what each enquiring organisation keeps: its private key and its professionals' subjects."""
    kept: dict[str, Any] = json.loads((state / "clients.json").read_text())
    return kept


@dataclass(frozen=True, slots=True)
class Asked:
    """The statements of each enquiry, and the settings that the service gives its sessions."""

    calls: list[list[Call]]
    session: dict[str, str]


def service_urls(state: Path, url: str) -> DatabaseUrls:
    """Return where a service signs in to a database of the cluster in ``state``, which runs."""
    logins, name = EmbeddedPostgres(state).service_urls, make_url(url).database
    there = (make_url(login).set(database=name) for login in (logins.api, logins.register, logins.sequencer))
    return DatabaseUrls(*(login.render_as_string(hide_password=False) for login in there))


def application(state: Path, url: str, *, connections: int) -> FastAPI:
    """Return the application over the database at ``url``, with the limits out of reach, as ``BASE_URL``."""
    settings = Settings(
        state_dir=state,
        base_url=BASE_URL,
        pool_size=connections,
        enquiries_per_minute_organisation=_NO_LIMIT,
        enquiries_per_minute_professional=_NO_LIMIT,
        requests_per_minute_address=_NO_LIMIT,
    )
    return create_app(settings, service_urls(state, url))


async def ask(state: Path, url: str, bodies: Sequence[bytes]) -> Asked:
    """Make these enquiries over the database at ``url``, and return what they sent.

    The driver's own query log is read, and of it what belongs to the request: not what the application does beside.
    Raises httpx2.HTTPStatusError when one is refused.
    """
    app = application(state, url, connections=1)

    def note(query: Any) -> None:
        if (calls := _sent.get()) is not None:
            calls.append(Call(query.query, tuple(query.args or ())))

    @event.listens_for(app.state.database.engine.sync_engine, "connect")
    def listen(connection: Any, _: object) -> None:
        connection.driver_connection.add_query_logger(note)

    made: list[list[Call]] = []
    session: dict[str, str] = {}
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE_URL) as http,
    ):
        askers, obtained = await askers_of(state, http), time.monotonic()
        for n, body in enumerate(bodies):
            if time.monotonic() - obtained >= _TOKENS_LAST:
                obtained, askers = time.monotonic(), await askers_of(state, http)
            calls: list[Call] = []
            token = _sent.set(calls)
            asker, access = askers[n % len(askers)]
            headers = {**asker.headers("POST", BASE_URL + PATH, access), "Content-Type": "application/json"}
            answer = await http.post(PATH, content=body, headers=headers)
            _sent.reset(token)
            answer.raise_for_status()
            made.append(calls)
        async with app.state.database.connection() as connection:
            session.update(await connection.fetch(_SESSION))
    return Asked(made, session)


def professionals(state: Path, url: str) -> list[AsProfessional]:
    """Return all who enquire of the service at ``url``."""
    return [
        AsProfessional(signer, url, subject, "enquiry")
        for client_id, kept in clients(state).items()
        for signer in [OrganisationSigner(client_id, kept["private_jwk"], url)]
        for subject in kept["subjects"]
    ]


async def askers_of(state: Path, http: httpx2.AsyncClient) -> list[tuple[AsProfessional, str]]:
    """Return all who enquire, each with a token of their own, obtained with ``http``."""
    return [(one, await one.token_async(http)) for one in professionals(state, BASE_URL)]
