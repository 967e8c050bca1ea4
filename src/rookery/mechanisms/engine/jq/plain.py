"""jq's functions of a value alone, and of a value with other values."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable
from functools import reduce
from typing import Any
from urllib.parse import quote

import msgspec

from rookery.mechanisms.engine.errors import DslError
from rookery.mechanisms.engine.jq.arithmetic import add, equal, split
from rookery.mechanisms.engine.jq.steps import Failed, is_true, order
from rookery.mechanisms.engine.latin import narrow
from rookery.mechanisms.engine.regex import compile_regex

TYPES = {type(None): "null", bool: "boolean", int: "number", float: "number", str: "string", list: "array"}


def _type(value: Any) -> str:
    return TYPES.get(type(value), "object")


def need(kind: type | tuple[type, ...], value: Any) -> Any:
    """The value, when it is of this type; else Failed."""
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise Failed
    return value


def _length(value: Any) -> Any:
    if isinstance(value, bool):
        raise Failed
    if isinstance(value, int | float):
        return abs(value)
    return 0 if value is None else len(value)


def _keys(value: Any) -> list[Any]:
    return sorted(value) if isinstance(value, dict) else list(range(len(need(list, value))))


def to_entries(value: Any) -> list[dict[str, Any]]:
    """An object as a list of keys and values."""
    return [{"key": key, "value": inner} for key, inner in need(dict, value).items()]


def from_entries(value: Any) -> dict[str, Any]:
    """A list of keys and values as an object."""
    entries: dict[str, Any] = {}
    for entry in need(list, value):
        fields = need(dict, entry)
        key = next((fields[name] for name in ("key", "k", "name", "Key", "Name") if name in fields), None)
        entries[_text(key)] = next((fields[name] for name in ("value", "v", "Value") if name in fields), None)
    return entries


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def number_of(value: Any) -> int | float:
    """A number, or that in a text; Failed when there is none."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value.encode())
        except msgspec.DecodeError:
            raise Failed from None
    number: int | float = need((int, float), value)
    return number


def _decoded(value: Any) -> Any:
    try:
        return msgspec.json.decode(need(str, value).encode())
    except (msgspec.DecodeError, RecursionError):
        raise Failed from None


def _base64d(value: Any) -> str:
    text = _text(value).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise Failed from None


def _added(value: Any) -> Any:
    items = list(value.values()) if isinstance(value, dict) else need(list, value)
    if items and all(isinstance(item, str) for item in items):
        return "".join(items)
    if items and all(isinstance(item, list) for item in items):
        return [inner for item in items for inner in item]
    return reduce(add, items, None)


def _flat(value: Any, depth: int = 40) -> list[Any]:
    flat: list[Any] = []
    for item in need(list, value):
        flat += _flat(item, depth - 1) if isinstance(item, list) and depth > 0 else [item]
    return flat


def _unique(value: Any) -> list[Any]:
    return [group[0] for group in grouped(value, order)]


def grouped(value: Any, key: Callable[[Any], Any]) -> list[list[Any]]:
    """The items of a list in groups of equal keys, by key."""
    groups: list[tuple[Any, list[Any]]] = []
    for item in sorted(need(list, value), key=key):
        if not groups or groups[-1][0] != key(item):
            groups.append((key(item), []))
        groups[-1][1].append(item)
    return [group for _, group in groups]


def _contains(value: Any, part: Any, depth: int = 40) -> bool:
    if depth < 0 or type(value) is not type(part):
        return False
    if isinstance(value, str):
        return part in value
    if isinstance(value, dict):
        return all(key in value and _contains(value[key], inner, depth - 1) for key, inner in part.items())
    if isinstance(value, list):
        if len(value) * len(part) > 100_000:
            raise Failed
        return all(any(_contains(item, inner, depth - 1) for item in value) for inner in part)
    return equal(value, part)


def _has(value: Any, key: Any) -> bool:
    if isinstance(value, dict):
        return key in value if isinstance(key, str) else False
    return isinstance(key, int) and 0 <= key < len(need(list, value))


def _join(value: Any, separator: Any) -> str:
    texts = ["" if item is None else _text(item) for item in need(list, value)]
    return str(need(str, separator)).join(texts)


def _index(value: Any, part: Any) -> Any:
    place = need(str, value).find(need(str, part))
    return None if place < 0 else place


def _rindex(value: Any, part: Any) -> Any:
    place = need(str, value).rfind(need(str, part))
    return None if place < 0 else place


def _regex(pattern: Any, flags: Any = None) -> Any:
    """RE2 for what jq would give to a backtracking engine."""
    letters = "".join(flag for flag in "is" if flag in (flags or ""))
    try:
        return compile_regex((f"(?{letters})" if letters else "") + narrow(need(str, pattern)))
    except DslError:
        raise Failed from None


def _test(value: Any, pattern: Any, flags: Any = None) -> bool:
    return bool(_regex(pattern, flags).found_in(narrow(need(str, value))))


def _best(value: Any, pick: Callable[..., Any]) -> Any:
    return pick(need(list, value), key=order) if value else None


PLAIN: dict[str, Callable[..., Any]] = {
    "length": _length,
    "keys": _keys,
    "keys_unsorted": lambda value: list(value) if isinstance(value, dict) else _keys(value),
    "to_entries": to_entries,
    "from_entries": from_entries,
    "type": _type,
    "not": lambda value: not is_true(value),
    "add": _added,
    "any": lambda value: any(map(is_true, need(list, value))),
    "all": lambda value: all(map(is_true, need(list, value))),
    "flatten": _flat,
    "unique": _unique,
    "sort": lambda value: sorted(need(list, value), key=order),
    "reverse": lambda value: value[::-1] if isinstance(value, str) else need(list, value)[::-1],
    "min": lambda value: _best(value, min),
    "max": lambda value: _best(value, max),
    "first": lambda value: next(iter(need(list, value)), None),
    "last": lambda value: value[-1] if need(list, value) else None,
    "floor": lambda value: math.floor(need((int, float), value)),
    "ceil": lambda value: math.ceil(need((int, float), value)),
    "abs": lambda value: abs(need((int, float), value)),
    "tostring": _text,
    "tonumber": number_of,
    "tojson": _json,
    "fromjson": _decoded,
    "ascii_downcase": lambda value: need(str, value).lower(),
    "ascii_upcase": lambda value: need(str, value).upper(),
    "trim": lambda value: need(str, value).strip(),
    "@text": _text,
    "@json": _json,
    "@base64": lambda value: base64.b64encode(_text(value).encode()).decode(),
    "@base64d": _base64d,
    "@uri": lambda value: quote(_text(value), safe="-_.~"),
}

WITH_VALUES: dict[tuple[str, int], Callable[..., Any]] = {
    ("has", 1): _has,
    ("contains", 1): _contains,
    ("inside", 1): lambda value, whole: _contains(whole, value),
    ("startswith", 1): lambda value, part: need(str, value).startswith(need(str, part)),
    ("endswith", 1): lambda value, part: need(str, value).endswith(need(str, part)),
    ("ltrimstr", 1): lambda value, part: value.removeprefix(part) if isinstance(value, str) else value,
    ("rtrimstr", 1): lambda value, part: value.removesuffix(part) if isinstance(value, str) else value,
    ("join", 1): _join,
    ("split", 1): lambda value, mark: split(need(str, value), need(str, mark)),
    ("index", 1): _index,
    ("rindex", 1): _rindex,
    ("flatten", 1): lambda value, depth: _flat(value, min(int(number_of(depth)), 40)),
    ("nth", 1): lambda value, place: next(iter(need(list, value)[int(number_of(place)) :]), None),
    ("test", 1): _test,
    ("test", 2): _test,
    ("scan", 1): lambda value, pattern: list(_regex(pattern).finditer(narrow(need(str, value)))),
}
