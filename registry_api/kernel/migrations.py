"""Brings a database to the schema that this code expects, and says whether it is there."""

from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from alembic import command
from registry_api.kernel.db import Database


def alembic_config(url: str = "") -> Config:
    """Return Alembic's configuration for the database at ``url`` (``postgresql+asyncpg://…``)."""
    packaged = Path(__file__).parents[1] / "migrations"  # in the wheel
    config = Config()
    config.set_main_option(
        "script_location", str(packaged if packaged.exists() else Path(__file__).parents[2] / "alembic")
    )
    config.set_main_option("path_separator", "os")
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Migrate the database at ``url`` up to ``revision``. Blocks; runs an event loop of its own."""
    command.upgrade(alembic_config(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Migrate the database at ``url`` down to ``revision``."""
    command.downgrade(alembic_config(url), revision)


def head() -> str:
    """Return the one revision that this code expects."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head() or ""


async def is_current(database: Database) -> bool:
    """Return whether the database stands at ``head``. Raises StoreUnavailable."""
    async with database.connection() as connection:
        exists = await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL")
        return bool(exists) and await connection.fetchval("SELECT version_num FROM alembic_version") == head()
