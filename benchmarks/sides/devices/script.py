"""What somebody writes around netmiko to keep configurations as Rookery does, with well-known libraries.

The secrets of IOS masked by `re`, the text compressed, the raw one sealed by Fernet, a row and an audit entry
through SQLAlchemy's ORM in one transaction on SQLite; without a hash chain, a diff or an index.
"""

from __future__ import annotations

import re
import zlib
from hashlib import sha256
from pathlib import Path
from time import time

from cryptography.fernet import Fernet
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from rookery.domains.devices.library import Library


class Base(DeclarativeBase):
    """Of the script's own tables."""


class Version(Base):
    """A configuration."""

    __tablename__ = "version"

    id: Mapped[int] = mapped_column(primary_key=True)
    taken: Mapped[float]
    digest: Mapped[str]
    content: Mapped[bytes]
    raw: Mapped[bytes]


class Entry(Base):
    """That it was taken."""

    __tablename__ = "entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[float]
    what: Mapped[str]


class Script:
    """`keep` is called by many threads."""

    def __init__(self, folder: Path) -> None:
        self._engine = create_engine(f"sqlite:///{folder}/kept.db", connect_args={"timeout": 60})
        Base.metadata.create_all(self._engine)
        with self._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        self._fernet = Fernet(Fernet.generate_key())
        self._secrets = [re.compile(f"(?m){each}") for each in Library(folder).get("ios").secrets]

    def keep(self, text: str) -> None:
        """One configuration."""
        masked = text
        for each in self._secrets:
            masked = each.sub(_without_groups, masked)
        packed = zlib.compress(masked.encode(), 1)
        raw = self._fernet.encrypt(zlib.compress(text.encode(), 1))
        version = Version(taken=time(), digest=sha256(masked.encode()).hexdigest(), content=packed, raw=raw)
        with Session(self._engine) as session, session.begin():
            session.add_all((version, Entry(at=time(), what=f"taken {version.digest}")))


def _without_groups(match: re.Match[str]) -> str:
    said = match[0]
    for secret in filter(None, match.groups()):
        said = said.replace(secret, "***")
    return said
