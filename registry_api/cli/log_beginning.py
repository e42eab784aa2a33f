"""`registry-api log begin-anew`: another tree under fresh keys, for a database that was put back."""

from dataclasses import replace

from policies import access
from policies.profile import load_profile
from registry_api.access_log import tree_store
from registry_api.access_log.log_keys import LogKeys
from registry_api.access_log.sealing import BEGUN_ANEW
from registry_api.access_log.sequencer import Sequencer
from registry_api.cli.log_acting import Who, intend
from registry_api.cli.log_keeping import with_log
from registry_api.cli.output import Failure, note
from registry_api.kernel.clock import utc_now
from registry_api.kernel.crypto import LocalKeys, Vault
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.settings import Settings


def begin_anew(name: str, who: Who) -> None:
    """Begin another tree after the database was put back; its first entry says who, and why. Raises Failure,
    KeysUnusable."""

    async def run(settings: Settings, database: Database, local: LocalKeys) -> str:
        retention = load_profile(settings.profile).retention
        doing = await intend(settings, database, local, who, access.may_begin_log, kind=BEGUN_ANEW)
        path = settings.log_keys_file
        made, kept = path.with_name("log-keys-new"), path.with_name(f"log-keys-until-{utc_now():%Y%m%dT%H%M%S}")
        async with database.connection() as connection:
            state = await tree_store.state(connection)
            if made.exists() and state and state["origin"] == LogKeys.load(made).origin:
                # It broke off last time after the tree was begun: what is left to do is to put its keys in place. Who
                # began it stands in it.
                if path.exists():
                    LogKeys.load(path).set_aside(kept)
                LogKeys.load(made).set_aside(path)
                return f"{state['origin']} had been begun already; its keys are in place now."
            if await tree_store.has_begun(connection, name):
                raise Failure("There is or was a log of that name: the new one needs another.")
        old = LogKeys.load(path)
        if made.exists() and LogKeys.load(made).fence.read() is None:
            made.unlink()  # of an attempt that broke off before anything was signed with them
        fresh = LogKeys.create(made, name)

        async def first(connection: Connection, before: str) -> int:
            return await replace(doing, reference=before).add(connection, Vault(local), retention)

        sequencer = Sequencer(database=database, local=local, keys=old, clock=utc_now, retention=retention)
        said = await sequencer.begin_anew(fresh, first)
        old.set_aside(kept)
        fresh.set_aside(path)
        return f"{name} begins with {said}. The keys of the old log are in {kept}."

    note(with_log(run))
