"""Brings a database to the schema of this release. Imports Alembic, which a worker has no use for (``schema``)."""

from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from alembic import command


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
    """Return the newest revision of the scripts; ``schema.EXPECTED`` is the same (a test holds them together)."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head() or ""
