"""A person who may pose a risk, as the keeper of the register is notified of one."""

from pathlib import Path

from builders import World

from policies.profile import load_profile
from registry_api.register.importer import ImportReport
from registry_api.register.people_import import COLUMNS, import_people
from registry_api.register.source import SourceKeys

NAME = "Testperson-Thornquist"


async def notify(world: World, tmp_path: Path, **cells: str) -> ImportReport:
    """Import one notification as the keeper does."""
    row = {
        "record_id": "R-1",
        "given_names": "Demo",
        "family_name": NAME,
        "date_of_birth": "1980-02-03",
        "address": "7 Larkspur Rise",
        "postcode": "JE5 7QX",
        "concern": "Convicted of an offence against a child",
        "notified_by": "Test Probation",
        "notified_on": "2026-01-05",
        **cells,
    }
    file = tmp_path / "people.csv"
    file.write_text(",".join(COLUMNS) + "\n" + ",".join(row.get(column, "") for column in COLUMNS) + "\n")
    return await import_people(
        file,
        database=world.database,
        vault=world.vault,
        token_keys=world.token_keys,
        source_keys=SourceKeys(bytes(32)),
        profile=load_profile(world.settings.profile),
        now=world.clock(),
    )
