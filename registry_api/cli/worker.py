"""What each process of a running service starts from: ``uvicorn --factory registry_api.cli.worker:app``."""

import sys
from multiprocessing import parent_process

if parent_process() is not None:
    # structlog takes in rich wherever it is installed, to colour what a worker never writes: 3 MB in each.
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]

from fastapi import FastAPI

from registry_api.kernel.logs import configure_logs
from registry_api.kernel.postgres import EmbeddedPostgres
from registry_api.kernel.settings import Settings
from registry_api.main import create_app


def database_url(settings: Settings) -> str:
    """Return the URL of the database that the settings name, else of the embedded one, which must be running."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return EmbeddedPostgres(settings.state_dir).url


def app() -> FastAPI:
    """Return the application as the environment describes it (``kernel.settings``)."""
    configure_logs()
    settings = Settings()
    return create_app(settings, database_url(settings))
