"""The application of one worker: what it is made of, and how its parts are given to each other."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator
from datetime import timedelta, tzinfo
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

import auth.api
from auth.exchange import Exchange
from auth.identity_file import read_identity_file
from auth.key_file import KeyFile
from auth.staff.building import StaffSettings, build_staff
from policies.access import check_policies
from policies.profile import load_profile
from registry_api import admission, description, health, housekeeping, privileges, problems
from registry_api.access_log import api as log_api
from registry_api.access_log.anchoring import Anchors
from registry_api.access_log.awaiting import Awaiting
from registry_api.audit import api as audit_api
from registry_api.audit.children import AboutChildren
from registry_api.audit.service import Audit
from registry_api.directory import api as directory_api
from registry_api.directory import api_clients, api_people
from registry_api.directory import store as directory_store
from registry_api.directory.desk import Desk
from registry_api.enquiries import api as enquiries_api
from registry_api.enquiries.afterwards import Afterwards
from registry_api.enquiries.answers import Authority
from registry_api.enquiries.erasing import erasure_of
from registry_api.enquiries.explaining import Explaining
from registry_api.enquiries.reindexing import Reindexing
from registry_api.enquiries.service import Enquiries
from registry_api.enquiries.telephone import TelephoneEnquiries
from registry_api.identity.for_auth import StoredIdentity
from registry_api.identity.sessions import StoredSessions
from registry_api.kernel import installation, limits, schema
from registry_api.kernel.clock import Clock, utc_now
from registry_api.kernel.crypto import LocalKeys, Vault, derive_key
from registry_api.kernel.db import Database
from registry_api.kernel.errors import StoreUnavailable
from registry_api.kernel.guards import Guards
from registry_api.kernel.limits import Limits
from registry_api.kernel.proxies import Proxies
from registry_api.kernel.readiness import Readiness
from registry_api.kernel.redis_counts import RedisCounts
from registry_api.kernel.roles import DatabaseUrls
from registry_api.kernel.settings import Settings
from registry_api.kernel.shared_window import SharedCounts, SharedWindowStorage, SqlCounts
from registry_api.matching.token_keys import TokenKeys
from registry_api.oversight import api as oversight_api
from registry_api.oversight.erasing import WatchedContent
from registry_api.oversight.rounds import Rounds
from registry_api.oversight.service import Oversight
from registry_api.routing import api as routing_api
from registry_api.routing.service import Routing
from registry_api.transfers import api as transfers_api
from registry_api.transfers.service import Transfers

_KEEPING_REGISTER = 4
"""Connections of each worker for the few who change the register or read it otherwise than by an enquiry."""
_by_address = functools.cache(limits.by_address)
"""Once for each endpoint: decorated anew for each application of a process, it would count a call as often."""


class NotSetUp(RuntimeError):
    """The database has no authority in it yet, or an older schema: the message says which command mends it."""


class _Application(FastAPI):
    """FastAPI with the guards around everything, its own handling of unexpected errors included, and the proxies."""

    def __init__(self, settings: Settings, **described: Any) -> None:
        super().__init__(**described)
        self._settings = settings

    def build_middleware_stack(self) -> ASGIApp:
        guarded = Guards(
            super().build_middleware_stack(),
            body_limit_bytes=self._settings.body_limit_bytes,
            body_seconds=self._settings.body_seconds,
            requests_in_flight=self._settings.pool_size,
            queue_seconds=self._settings.queue_seconds,
            unqueued_paths=health.PATHS,
        )
        return Proxies(
            guarded,
            trusted=self._settings.trusted_proxies,
            certificate_header=self._settings.client_certificate_header,
        )


def create_app(settings: Settings, urls: DatabaseUrls, *, clock: Clock = utc_now) -> FastAPI:
    """Return the application over a migrated database that holds an authority.

    ``urls``: where it signs in. The application connects when it starts; it raises NotSetUp there when the database is
    not ready for it, or its login may do more than it should, UnlimitedRoute when a route carries no limit, and
    KeysUnusable when the keys are not those of the database. Raises KeysUnusable here when there are none: ``set-up``
    makes them; and PoliciesInvalid.
    """
    database = Database(urls.api, pool_size=settings.pool_size)
    # Of its own, so that requests which take every connection cannot keep the limits from being counted: a count that
    # has not been shared for some seconds closes the service.
    keeping_house = Database(urls.api, pool_size=1)
    # Of its own again: a round of looking is one transaction, for which the counting must not wait. This and the next
    # are under another login: what answers enquiries cannot read the register but through its gate (docs/adr/0016).
    looking_over = Database(urls.register, pool_size=1)
    register = Database(urls.register, pool_size=_KEEPING_REGISTER)
    # And for what sends the log out and erases of it: it waits for others far away, within transactions of its own.
    # Where another process signs the log, that one does this too.
    keeping_log = Database(urls.sequencer, pool_size=2)
    keys = LocalKeys.load(settings.keys_file)
    vault, token_keys = Vault(keys), TokenKeys(keys.index_master)
    profile = load_profile(settings.profile)
    check_policies()
    authority = Authority(profile.name, "", "")
    identity = StoredIdentity(database, clock)
    awaiting = Awaiting.build(settings, urls, keys, clock)
    anchors = Anchors.build(settings, clock)
    vouching = read_identity_file(settings.identity_file, development=settings.development)
    exchange = Exchange(vouching.providers, clock)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as ending:  # also when it does not come to serving
            ending.push_async_callback(database.close)
            ending.push_async_callback(keeping_house.close)
            ending.push_async_callback(looking_over.close)
            ending.push_async_callback(register.close)
            ending.push_async_callback(keeping_log.close)
            ending.push_async_callback(awaiting.close)
            ending.push_async_callback(exchange.close)
            limits.require_on_every_route(app.routes)
            counts: SharedCounts = SqlCounts(keeping_house)
            if settings.redis_url is not None:
                counts = redis = RedisCounts(settings.redis_url.get_secret_value())
                ending.push_async_callback(redis.close)
            if not (await schema.is_current(database) and await privileges.are_current(database)):
                raise NotSetUp("The database is not at the schema of this release: run `registry-api migrate`.")
            if not await housekeeping.refresh(database, authority):
                raise NotSetUp("The database has no authority in it: run `registry-api set-up`.")
            await reindexing.expect(register)
            async with database.connection() as connection:
                if await privileges.reads_register(connection):
                    raise NotSetUp(privileges.NO_GATE)
                await installation.claim(connection, keys)
                strangers = await directory_store.not_enrolled(connection, vouching.providers)
            if strangers:
                raise NotSetUp(f"The identity file names organisations that are not enrolled: {', '.join(strangers)}.")
            if staff is not None:
                ending.push_async_callback(staff.sign_in.provider.close)
            services.possession.nonces.begin_at(await identity.proofs_since())
            profile.consideration_due(clock())  # reads the public holidays now and not during the first enquiry
            with contextlib.suppress(StoreUnavailable):  # closed then, until it comes back
                await app.state.limits.storage.synchronise(counts)
            keeping = [
                asyncio.create_task(housekeeping.keep_house(keeping_house, authority, enquiries, clock)),
                asyncio.create_task(app.state.limits.storage.synchronise_forever(counts)),
                asyncio.create_task(housekeeping.look_over(looking_over, rounds, afterwards, reindexing)),
                asyncio.create_task(awaiting.drive()),
            ]
            if settings.log_sequencer == "inside":
                keeping.append(asyncio.create_task(housekeeping.keep_log(keeping_log, erasure, anchors)))
            try:
                yield
            finally:
                for task in keeping:
                    task.cancel()
                await asyncio.gather(*keeping, return_exceptions=True)

    app = _Application(
        settings,
        title="Child Protection Register Enquiry Service",
        version="0.1.0",
        summary="Is this child known? Every enquirer is recorded before anything is answered.",
        lifespan=lifespan,
        docs_url=None,  # the default pages load their scripts from a public network
        redoc_url=None,
        openapi_url=None,  # the framework's own route carries no limit
    )
    problems.install(app)
    app.state.database = database
    app.state.readiness = Readiness(database, keys, log_answers=awaiting.answers)
    app.state.limits = Limits(settings, keys.index_master, SharedWindowStorage(now=lambda: clock().timestamp()))
    app.state.enquiries = enquiries = Enquiries(
        database=database,
        vault=vault,
        token_keys=token_keys,
        digest_key=derive_key(keys.index_master, "request digest"),
        profile=profile,
        clock=clock,
        authority=authority,
        covered=awaiting.covered,
    )
    app.state.telephone_enquiries = TelephoneEnquiries(
        database=database, vault=vault, profile=profile, clock=clock, enquiries=enquiries
    )
    app.state.transfers = transfers = Transfers(
        database=register,
        vault=vault,
        token_keys=token_keys,
        digest_key=derive_key(keys.index_master, "request digest"),
        profile=profile,
        clock=clock,
    )
    app.state.routing = Routing(
        database=database,
        vault=vault,
        profile=profile,
        clock=clock,
        describe_enquiries=enquiries.describe,
        describe_transfers=transfers.describe,
        covered=awaiting.covered,
    )
    staff = build_staff(
        staff_settings(settings, profile.timezone),
        vouching,
        store=StoredSessions(database, clock),
        spent=identity,
        refusals=identity,
        csrf_key=derive_key(keys.index_master, "csrf"),
        development_secret=derive_key(keys.index_master, "development provider"),
        clock=clock,
    )
    app.state.oversight = Oversight(database=database, vault=vault, profile=profile, clock=clock)
    app.state.audit = Audit(register, vault, profile, clock, awaiting.covered, settings.base_url)
    app.state.about_children = AboutChildren(register, vault, profile, clock, awaiting.covered)
    app.state.directory = Desk(database, vault, profile, clock, settings.agreement_review_months)
    app.state.explaining = Explaining(
        database=register, vault=vault, token_keys=token_keys, profile=profile, clock=clock
    )
    reindexing = Reindexing(vault=vault, token_keys=token_keys)
    afterwards = Afterwards(vault=vault, token_keys=token_keys, clock=clock)
    app.state.erasure = erasure = erasure_of(keys, profile.retention, clock, awaiting.covered, WatchedContent)
    rounds = Rounds(vault=vault, token_keys=token_keys, profile=profile, clock=clock)
    services = auth.api.build_services(
        issuer=settings.base_url,
        audience=settings.base_url,
        keys=KeyFile(settings.signing_keys_file, clock),
        directory=identity,
        spent=identity,
        presentations=identity,
        revocations=identity,
        refusals=identity,
        nonce_key=derive_key(keys.index_master, "dpop nonce"),
        clock=clock,
        today=lambda: profile.today(clock()),
        sessions=staff.sessions if staff else None,
        certificate_header=settings.client_certificate_header or None,
        certificate_url=settings.client_certificate_url or None,
        exchange=exchange,
    )
    auth.api.configure(app, services, limited=_by_address)
    if staff is not None:
        staff.configure(app, limited=_by_address)
    rooms = (log_api, enquiries_api, routing_api, transfers_api, oversight_api, audit_api)
    for room in (*rooms, directory_api, api_clients, api_people):
        app.include_router(room.router)
    app.include_router(health.router)
    description.complete(app)
    app.add_middleware(admission.Admission, limits=app.state.limits, free_paths=health.PATHS)
    return app


def staff_settings(settings: Settings, zone: tzinfo) -> StaffSettings:
    """Return what a deployment's settings say of how staff sign in; ``zone`` is that of the authority."""
    return StaffSettings(
        base_url=settings.base_url,
        host=settings.host,
        development=settings.development,
        idle=timedelta(minutes=settings.session_idle_minutes),
        longest=timedelta(hours=settings.session_hours),
        stepped_up=timedelta(minutes=settings.step_up_minutes),
        development_keys_file=settings.state_dir / "development-provider-keys.json",
        zone=zone,
    )
