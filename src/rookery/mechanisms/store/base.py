"""The declarative base: one metadata for all tables, names for all constraints."""

from __future__ import annotations

from sqlalchemy import BigInteger, MetaData, Text
from sqlalchemy.orm import DeclarativeBase

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The base of every model. `Mapped[str]` is TEXT, `Mapped[int]` is BIGINT."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {str: Text(), int: BigInteger()}  # noqa: RUF012  as SQLAlchemy reads it
