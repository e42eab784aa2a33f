"""What each process of a running service starts from: ``uvicorn --factory registry_api.cli.worker:app``."""

import sys
from multiprocessing import parent_process

if parent_process() is not None:
    # structlog takes in rich wherever it is installed, to colour what a worker never writes: 3 MB in each.
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]

from fastapi import FastAPI

from registry_api.kernel.logs import configure_logs
from registry_api.kernel.postgres import EmbeddedPostgres
from registry_api.kernel.roles import DatabaseUrls
from registry_api.kernel.settings import Settings
from registry_api.main import create_app


class LoginMissing(RuntimeError):
    """The settings do not say under which login the service is to use the database."""


def service_urls(settings: Settings) -> DatabaseUrls:
    """Return where the service signs in: at what the settings name, else at the embedded one, which must be running.

    Raises LoginMissing: what whoever runs commands may do is no measure for what answers enquiries.
    """
    if settings.embedded:
        return EmbeddedPostgres(settings.state_dir).service_urls
    api, register = settings.api_database_url, settings.register_database_url
    # Workers that leave the log to another process have no login that could write its tree.
    signs = settings.log_sequencer == "inside"
    sequencer = settings.sequencer_database_url if signs else api
    if api is None or register is None or sequencer is None:
        raise LoginMissing(
            "The service signs in to its database under logins of its own: set REGISTRY_API_DATABASE_URL, "
            f"REGISTRY_REGISTER_DATABASE_URL{' and REGISTRY_SEQUENCER_DATABASE_URL' if signs else ''} "
            "(docs/database-roles.md)."
        )
    return DatabaseUrls(api.get_secret_value(), register.get_secret_value(), sequencer.get_secret_value())


def app() -> FastAPI:
    """Return the application as the environment describes it (``kernel.settings``)."""
    configure_logs()
    settings = Settings()
    return create_app(settings, service_urls(settings))
