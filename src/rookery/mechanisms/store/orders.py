"""In which order a list comes, and where its next page begins: by a column, then by one that is unique.

ORDERS = Orders(Device.called, {"name": Device.called, "site": Device.site})
order = ORDERS.of("-site")
query.where(order.is_after(place)).order_by(*order.columns)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, tuple_

from rookery.base.errors import Invalid


class OrderNotValid(Invalid):
    """The list has no such order."""


class Place(NamedTuple):
    """A row's place in an order: what it is sorted by, and what tells it from those that are equal in it."""

    value: str | int
    key: str


class Order(NamedTuple):
    """One order, and whether it is turned round."""

    value: Any
    key: Any
    is_turned: bool

    @property
    def columns(self) -> tuple[Any, ...]:
        """What a query is ordered by."""
        both = (self.value, self.key)
        return tuple(column.desc() for column in both) if self.is_turned else both

    def is_after(self, place: Place) -> ColumnElement[bool]:
        """What is true of the rows behind a place."""
        mine, theirs = tuple_(self.value, self.key), tuple_(*place)
        return mine < theirs if self.is_turned else mine > theirs


class Orders:
    """The orders of one list, by the names of what they go by; no value of theirs may be NULL."""

    def __init__(self, key: Any, values: Mapping[str, Any]) -> None:
        self._key, self._values = key, values

    def of(self, sort: str) -> Order:
        """The order of this name; a minus before it turns it round. Raises OrderNotValid."""
        value = self._values.get(sort.removeprefix("-"))
        if value is None:
            raise OrderNotValid(f"There is no order by {sort[:40]!r}; there are {', '.join(self._values)}.")
        return Order(value, self._key, sort.startswith("-"))

    def place_type(self, sort: str) -> Any:
        """What a place in an order looks like. Raises OrderNotValid."""
        value: type = self.of(sort).value.type.python_type
        return tuple[value, str]  # type: ignore[valid-type]  # for msgspec, not for mypy
