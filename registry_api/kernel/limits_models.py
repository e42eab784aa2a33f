"""The table in which the workers add up how often each caller has called (``kernel.limits``)."""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel


class RateCount(SQLModel, table=True):
    """Hits of one key in one window. Unlogged: after a crash the counting starts anew."""

    __tablename__ = "rate_count"
    __table_args__ = {"prefixes": ["UNLOGGED"]}
    key: str = Field(primary_key=True)
    window_start: int = Field(primary_key=True, sa_type=BigInteger)
    """Unix time in seconds."""
    window_seconds: int
    hits: int
