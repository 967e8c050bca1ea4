"""The stored log, in one snapshot of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Engine

from rookery.domains.audit.rows import StoredLog
from rookery.domains.audit.witness import Witness
from rookery.mechanisms.store import explained, read_only


@contextmanager
def stored_log(engine: Engine, witness: Witness) -> Iterator[StoredLog]:
    """The log of this database, in one snapshot for the whole context. Raises a DatabaseUnavailable."""
    # The witness first: it follows each commit, so it never knows more than a later snapshot.
    known = witness.read()
    snapshot = read_only(engine)
    with explained(engine), snapshot.connect() as connection, connection.begin():
        yield StoredLog(connection.connection.driver_connection, engine.dialect.name, known)


def driver_url(url: URL) -> str:
    """What the driver itself takes: a path for sqlite3, a URL, with its password, for psycopg."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
