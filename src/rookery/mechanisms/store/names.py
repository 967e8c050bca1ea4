"""Rows by their ids, of which people type the beginning."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from rookery.base.errors import NotFound

SHORTEST_PREFIX = 6
"""Characters of an id that may stand for the whole."""

Row = TypeVar("Row")


class Called(NamedTuple):
    """What such a row is called, the command that lists them, and the error for one that is not there."""

    what: str
    listed_by: str
    missing: type[NotFound]


def by_id(session: Session, kind: type[Row], id_: str, called: Called) -> Row:
    """The row with this id, or whose id alone begins with it. Raises what `called` says."""
    if (row := session.get(kind, id_)) is not None:
        return row
    matches = _beginning_with(session, kind, id_) if len(id_) >= SHORTEST_PREFIX else []
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise called.missing(f"More than one {called.what}'s id begins with {id_}; give more of it.")
    more = f"of an id, give at least {SHORTEST_PREFIX} characters; " if len(id_) < SHORTEST_PREFIX else ""
    raise called.missing(f"There is no {called.what} {id_}: {more}`{called.listed_by}` shows the ids.")


def _beginning_with(session: Session, kind: type[Row], id_: str) -> list[Row]:
    ids: Any = kind.id  # type: ignore[attr-defined]  # every table of such rows has one
    return list(session.scalars(select(kind).where(ids.startswith(id_, autoescape=True)).limit(2)))
