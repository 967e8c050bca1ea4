"""What is sent and answered: bodies decoded strictly, lists in pages, versions as entity tags."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from rookery.base.structs import ready
from rookery.faces.api.errors import BodyNotValid, CursorNotValid
from rookery.mechanisms.tasks.rules import TaskStatus

T = TypeVar("T")

PREFIX = "/api/v1"
MOST = 500
"""Items of a page."""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some of a list; `next` is the cursor of the page after it, `total` how many there are, if asked for."""

    items: list[T]
    next: str | None = None
    total: int | UnsetType = UNSET


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a secret is wanted; it is kept in the audit log."""

    reason: str


class Submitted(msgspec.Struct, frozen=True):
    """A task that does what was asked for, in its turn: see /tasks/{task_id}. One that was there already,
    for the same, is not new. `status` is where it stands, for whoever has waited for it."""

    task_id: str
    is_new: bool
    status: TaskStatus | UnsetType = UNSET


def page_of(items: Sequence[T], limit: int, key: Callable[[T], object]) -> Page[T]:
    """The first `limit` of `limit + 1` items that were asked for; the next page is after the last's key."""
    if len(items) <= limit:
        return Page(list(items))
    return Page(list(items[:limit]), cursor_of(key(items[limit - 1])))


async def counted(page: Page[T], wanted: str | None, count: Callable[[], Awaitable[int]]) -> Page[T]:
    """The page with how many there are in all, where that is wanted."""
    return msgspec.structs.replace(page, total=await count()) if wanted else page


def cursor_of(key: object) -> str:
    """A place in a list, as callers hand it back unread."""
    return urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def place_of(cursor: str, kind: type[T]) -> T:
    """What `cursor_of` was given. Raises CursorNotValid."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return msgspec.json.decode(urlsafe_b64decode(padded.encode()), type=ready(kind))
    except (ValueError, msgspec.MsgspecError):
        raise CursorNotValid from None


class Changes:
    """The body of a PATCH: any of a document's parts; a handler gets those that were given, by name."""

    def __init__(self, document: type[msgspec.Struct], *, leave: Iterable[str] = ()) -> None:
        left = frozenset(leave)
        parts = [
            (part.encode_name, part.type | UnsetType, UNSET)
            for part in msgspec.structs.fields(document)
            if part.encode_name not in left
        ]
        self.type = msgspec.defstruct(
            f"{document.__name__}Changes", parts, forbid_unknown_fields=True, kw_only=True
        )

    def given(self, body: bytes) -> dict[str, Any]:
        """The parts that a body gives. Raises BodyNotValid."""
        document = decoded(body, self.type)
        said = ((name, getattr(document, name)) for name in self.type.__struct_fields__)
        return {name: value for name, value in said if value is not UNSET}


def decoded(body: bytes, kind: Any) -> Any:
    """A body as this type. Raises BodyNotValid, which says where it is wrong."""
    try:
        return msgspec.json.decode(body or b"{}", type=ready(kind))
    except msgspec.ValidationError as error:
        said, _, path = str(error).partition(" - at `")
        raise BodyNotValid(f"{said}.", _pointer(path.rstrip("`"))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BodyNotValid(f"that is no JSON: {error}") from None


def _pointer(path: str) -> str:
    """`$.tags[0].name` as /tags/0/name."""
    return "".join(f"/{part}" for part in re.findall(r"[^.\[\]$]+", path))


def etag(document: Any) -> str | None:
    """The entity tag of a document that counts its revisions."""
    revision = getattr(document, "revision", None)
    return None if revision is None else f'"v{revision}"'


def revision_of(tag: str) -> int | None:
    """The revision an If-Match asks for; None for *, that is: any. Raises BodyNotValid."""
    if tag.strip() == "*":
        return None
    found = re.fullmatch(r'"v(\d{1,18})"', tag.strip())
    if found is None:
        raise BodyNotValid("send the ETag as it was answered, with its quotes.", "If-Match")
    return int(found[1])


def chosen_fields(page: Page[Any], fields: str) -> Page[Any]:
    """A page whose items have these fields alone, in this order. Raises BodyNotValid for unknown ones."""
    names = [name.strip() for name in fields.split(",") if name.strip()]
    items = [msgspec.to_builtins(item) for item in page.items]
    unknown = [name for name in names if items and name not in items[0]]
    if unknown:
        raise BodyNotValid(f"there is no {', '.join(unknown)}; there are {', '.join(items[0])}.", "fields")
    chosen = [{name: item.get(name) for name in names} for item in items]
    return Page(chosen, page.next, page.total)
