"""How items become bytes: in the producer, so that a queue holds snapshots, never references."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, overload

from rookery.base.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Codec(NamedTuple, Generic[T]):
    """A pair of functions: `encode` runs in the producer, `decode` in the writer thread."""

    encode: Callable[[T], bytes]
    decode: Callable[[bytes], T]


def _checked(item: bytes) -> bytes:
    if item.__class__ is not bytes:
        raise Invalid(f"RAW queues take bytes, not {type(item).__name__}; pass a codec.")
    return item


def _same(payload: bytes) -> bytes:
    return payload


RAW: Codec[bytes] = Codec(_checked, _same)
"""Bytes in, the same bytes out."""


@overload
def json_codec(kind: type[T]) -> Codec[T]: ...
@overload
def json_codec(kind: Any = Any) -> Codec[Any]: ...
def json_codec(kind: Any = Any) -> Codec[Any]:
    """JSON through msgspec: items of `kind` in, new objects of `kind` out."""
    import msgspec  # here, because a RAW queue should not pay for it

    from rookery.base.structs import ready

    return Codec(msgspec.json.Encoder().encode, msgspec.json.Decoder(ready(kind)).decode)
