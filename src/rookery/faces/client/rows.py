"""Rows that another machine has stored, made of their documents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy import inspect

from rookery.base.clock import to_us
from rookery.mechanisms.store import Base

T = TypeVar("T", bound=Base)


def row(model: type[T], document: Mapping[str, Any]) -> T:
    """A row as it is stored: times in microseconds, lists and objects as JSON; what is not told is None."""
    return model(**{name: _stored(name, document) for name in inspect(model).column_attrs.keys()})  # noqa: SIM118  no mapping


def _stored(name: str, document: Mapping[str, Any]) -> Any:
    if name not in document and name.endswith("_us"):
        time = document.get(name.removesuffix("_us"))
        return None if time is None else to_us(datetime.fromisoformat(time))
    value = document.get(name)
    return msgspec.json.encode(value).decode() if isinstance(value, list | dict) else value
