"""The keys that sign access tokens, changed while the service runs (``auth.rotation``), with who and why."""

from datetime import UTC, datetime
from pathlib import Path

from auth.errors import InsecureEnvironment
from auth.key_file import Replacement, load
from auth.keys import SigningKeys, UnusableKeys
from auth.rotation import RotationUnderWay, only_new, with_next
from registry_api.cli.output import Failure, note
from registry_api.cli.service import read_settings
from registry_api.cli.standing import make_here, own_authority
from registry_api.directory.changes import Changes
from registry_api.kernel.clock import utc_now
from registry_api.kernel.db import Database


def rotate(*, lead_minutes: int, at_once: bool, why: str, by: str | None) -> None:
    """Put a new key into the file. Raises Failure; then the file is as it was."""
    path = read_settings().signing_keys_file
    now = int(utc_now().timestamp())
    replacement, keys, dropped = _drafted(path, now, None if at_once else lead_minutes * 60)

    async def change(changes: Changes, database: Database) -> None:
        own = await own_authority(changes, database)
        await changes.note("signing_key", "added", keys.keys[-1].kid, of=own.id)
        for kid in dropped:
            await changes.note("signing_key", "retired", kid, of=own.id)

    try:
        # Recorded first: a key of which nobody knows whence it came is worse than a record of one that never came.
        make_here(change, why=why, by=by)
        if not replacement.put_in_place():
            raise Failure("Somebody else has changed the signing keys meanwhile; theirs stay. See them and try again.")
    finally:
        replacement.discard()
    _say(keys)


def _drafted(path: Path, now: int, lead: int | None) -> tuple[Replacement, SigningKeys, list[str]]:
    """Return the next content of the file, and the keys that are not in it any more. ``lead`` None: at once."""
    try:
        stamp, keys = load(path)
        following = only_new(now) if lead is None else with_next(keys, now, lead)
        kept = {key.kid for key in following.keys}
        return Replacement(path, following, stamp), following, [key.kid for key in keys.keys if key.kid not in kept]
    except RotationUnderWay as waiting:
        since = _moment(int(waiting.since.timestamp()))
        raise Failure(f"A new key waits already, and signs from {since} on. Nothing was changed.") from None
    except FileNotFoundError:
        raise Failure(
            "There is no signing key yet: the service makes the first one when it starts. Nothing was changed."
        ) from None
    except (UnusableKeys, InsecureEnvironment) as error:
        raise Failure(f"The signing keys cannot be used: {error}. Nothing was changed.") from None
    except OSError as error:
        raise Failure(f"The file of the signing keys cannot be changed: {error.strerror}.") from None


def _say(keys: SigningKeys) -> None:
    *before, new = keys.keys
    note(f"Key {new.kid} signs from {_moment(new.signs_from)} on, and is published from now on.")
    for key in before:
        if key.verifies_until is not None:
            note(f"Key {key.kid} is accepted until {_moment(key.verifies_until)}.")


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
