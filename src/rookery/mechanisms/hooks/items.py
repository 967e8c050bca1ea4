"""What a run emits: typed, identified from birth, and able to travel as JSON and back."""

from __future__ import annotations

import functools
import re
import time
from typing import Any, ClassVar

import msgspec

from rookery.base.errors import Invalid
from rookery.base.ids import new_id
from rookery.base.structs import ready


def tag_of(class_name: str) -> str:
    """The `_type` of a class: `UserAccount` → `user_account`, `Warning_` → `warning`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", class_name).lower().rstrip("_")


class Item(msgspec.Struct, kw_only=True, tag_field="_type", tag=tag_of):
    """A typed thing that a run found or has to say.

    `_uuid` is a UUIDv7 from birth, never minted later by a store. `_source` names the runner, `_timestamp`
    is in seconds since 1970 UTC, `_context` says which run and scan it belongs to. As JSON it carries its
    `_type`. A type whose content has an identity names those fields in `_identity`: two items that agree
    in them are the same thing.
    """

    _identity: ClassVar[tuple[str, ...]] = ()
    _generation: ClassVar[int] = 0  # of the kinds there are: a decoder knows those of its time

    _uuid: str = msgspec.field(default_factory=new_id)
    _source: str = ""
    _timestamp: float = msgspec.field(default_factory=time.time)
    _context: dict[str, Any] = msgspec.field(default_factory=dict)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        Item._generation += 1

    def __post_init__(self) -> None:
        # An empty identity would make all its bearers one and the same to every deduplicating queue.
        if not self._uuid:
            self._uuid = new_id()

    @property
    def _type(self) -> str:
        return type_name(type(self))


class Target(Item):
    """Something the run looks at."""

    _identity = ("name", "kind")

    name: str
    kind: str = ""


class Progress(Item):
    """How far the run is: 0 to 100 per cent of a real amount of work; `done` of `total`, if it has units."""

    percent: float
    detail: str = ""
    done: int | None = None
    total: int | None = None


class Info(Item):
    """Something worth saying."""

    message: str


class Warning_(Item):  # noqa: N801 - the builtin has the plain name
    """Something that may be wrong, and did not stop the run."""

    message: str


class Error(Item):
    """Something that went wrong.

    `hook` is the name of the hook function that failed, or empty; `ids` are the `_uuid`s of the items it
    hit (at most 1,000 are listed), `count` is how many there were. `detail` is the end of the traceback.
    """

    message: str
    hook: str = ""
    ids: list[str] = msgspec.field(default_factory=list)
    count: int = 1
    detail: str = ""


class Occurrence(Item):
    """What a batched hook is given for an event that has no item: that it happened, and when."""

    event: str


class Raw(Item):
    """What a tool said, as it said it: the only items of a run without processing."""

    value: Any


class _Value(msgspec.Struct, tag_field="_type", tag="_value"):
    """The envelope in which a plain value (a line, an argument list) goes through a queue of items."""

    value: Any


_encode = msgspec.json.Encoder().encode


@functools.cache
def type_name(kind: type[Item]) -> str:
    """The `_type` of an item class."""
    return str(kind.__struct_config__.tag)


def kinds(of: type[Item] = Item) -> list[type[Item]]:
    """Every item class there is, in order of definition, base classes before what derives from them."""
    return [of, *(deeper for kind in of.__subclasses__() for deeper in kinds(kind))]


@functools.lru_cache(maxsize=1)
def _decoder(generation: int) -> msgspec.json.Decoder[Any]:  # noqa: ARG001 - the key of the cache
    by_name: dict[str, type[Item]] = {}
    for kind in kinds():
        other = by_name.setdefault(type_name(kind), kind)
        if (other.__module__, other.__qualname__) != (kind.__module__, kind.__qualname__):
            raise Invalid(f"item types {_full(other)} and {_full(kind)} are both called {type_name(kind)}")
        by_name[type_name(kind)] = (
            kind  # the same class defined again, by a reloaded module: the newest holds
        )
    union: Any = _Value
    for kind in by_name.values():
        union = union | kind
    return msgspec.json.Decoder(ready(union))


def _full(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def encode(value: object) -> bytes:
    """An item, or any JSON-able value, as JSON. Raises TypeError for what JSON cannot say."""
    return _encode(value if isinstance(value, Item) else _Value(value))


def decode(data: bytes) -> Any:
    """What `encode` was given. Raises msgspec.ValidationError for an item type that no longer exists."""
    decoded = _decoder(Item._generation).decode(data)
    return decoded.value if isinstance(decoded, _Value) else decoded


def item_from(record: dict[str, Any]) -> Item:
    """The item that a JSON object with a `_type` describes.

    Raises msgspec.ValidationError, which says what does not fit, for an unknown `_type` or a wrong field.
    """
    item = _decoder(Item._generation).decode(msgspec.json.encode(record))
    if not isinstance(item, Item):
        raise msgspec.ValidationError("not an item")
    return item
