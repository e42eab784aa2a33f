"""The table of the one row that says under which keys a database was filled (``kernel.installation``)."""

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel


class Installation(SQLModel, table=True):
    """This installation. There is one row at the most."""

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("the_one"),)
    the_one: bool = Field(default=True, primary_key=True)
    keys_fingerprint: bytes
