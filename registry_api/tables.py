"""Every room's tables, imported so that Alembic and the tests see the whole schema."""

from sqlmodel import SQLModel

from registry_api.access_log import keeping_models as log_keeping_models
from registry_api.access_log import models as access_log_models
from registry_api.directory import models as directory_models
from registry_api.enquiries import models as enquiries_models
from registry_api.identity import models as identity_models
from registry_api.kernel import installation_models, limits_models
from registry_api.oversight import models as oversight_models
from registry_api.register import models as register_models
from registry_api.routing import models as routing_models
from registry_api.transfers import models as transfers_models

METADATA = SQLModel.metadata

__all__ = [
    "METADATA",
    "access_log_models",
    "directory_models",
    "enquiries_models",
    "identity_models",
    "installation_models",
    "limits_models",
    "log_keeping_models",
    "oversight_models",
    "register_models",
    "routing_models",
    "transfers_models",
]
