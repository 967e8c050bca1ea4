"""From a value as it was found to a typed one, or to one line that says what would be right."""

from __future__ import annotations

import os
import types
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec

from rookery.base.config_sources import Entry, variable
from rookery.base.errors import ConfigError
from rookery.base.redact import is_secret_key, redact_text, register_secret, register_url_secrets
from rookery.base.structs import ready

LONGEST_SHOWN = 60  # characters of a wrong value


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one setting; `attribute` is its name in Python, where `async` is a keyword."""

    key: str
    attribute: str
    type: Any
    default: Any

    @classmethod
    def of(cls, key: str, field: msgspec.structs.FieldInfo) -> Setting:
        """The setting that a field of a section describes."""
        return cls(
            key=key,
            attribute=field.name,
            type=field.type,
            default=None if field.required else field.default,
        )

    @property
    def description(self) -> str:
        """What it is for, in a sentence."""
        return next((meta.description for meta in _metas(self.type) if meta.description), "")

    @property
    def allowed(self) -> str:
        """What it takes, in words."""
        return str(self._extra("allowed") or _in_words(self.type))

    @property
    def is_hidden(self) -> bool:
        """Whether a wrong value must not be shown, because a password may be part of it."""
        return bool(self._extra("hidden")) or is_secret_key(self.key)

    @property
    def is_runtime(self) -> bool:
        """Whether it may be set in the database while Rookery runs."""
        return bool(self._extra("runtime"))

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return variable(self.key)

    def _extra(self, name: str) -> Any:
        return next(
            (meta.extra[name] for meta in _metas(self.type) if meta.extra and name in meta.extra), None
        )


def register_secrets(entries: Iterable[Entry]) -> None:
    """Register what is secret in the values found, right or wrong, before anything speaks of them."""
    for entry in entries:
        if isinstance(entry.value, str):
            register_url_secrets(entry.value)
            if is_secret_key(entry.key):
                register_secret(entry.value)


def convert(entry: Entry, settings: Mapping[str, Setting]) -> Any:
    """The typed value of an entry. Raises ConfigError for an unknown key or a value that is not allowed."""
    setting = settings.get(entry.key) or _refuse_unknown(entry, settings)
    value = _listed(entry.value) if entry.is_text and _is_list(setting.type) else entry.value
    try:
        typed = msgspec.convert(value, ready(setting.type), strict=not entry.is_text, dec_hook=_path)
    except msgspec.ValidationError:
        raise ConfigError(_bad_value(entry, setting, value)) from None
    return _placed(typed, entry.folder)


def _refuse_unknown(entry: Entry, settings: Mapping[str, Setting]) -> Setting:
    key, place = redact_text(entry.key)[:LONGEST_SHOWN], redact_text(entry.origin)
    section, _, name = entry.key.partition(".")
    siblings = [known for known in settings if known.startswith(f"{section}.")]
    if siblings and not name:
        raise ConfigError(f"{place}: {key} is a section; write [{key}] and below it {', '.join(siblings)}")
    sections = dict.fromkeys(known.partition(".")[0] for known in settings)
    near = get_close_matches(entry.key, [*settings, *sections], n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]}?" if near else ";"
    raise ConfigError(f"{place}: unknown key {key}{hint} allowed: {', '.join(siblings or sections)}")


def _bad_value(entry: Entry, setting: Setting, value: Any) -> str:
    shown = "that value" if setting.is_hidden else _shown(value)
    nearest = _nearest(value, setting)
    hint = "" if nearest is None else f"; nearest: {nearest}"
    return f"{redact_text(entry.origin)}: {setting.key} must be {setting.allowed}, not {shown}{hint}"


def _shown(value: Any) -> str:
    text = redact_text(repr(value))
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"


def _nearest(value: Any, setting: Setting) -> Any:
    """The allowed value nearest to a wrong one, where there is such a thing."""
    base = _base(setting.type)
    if base is bool:
        return "true" if str(value).lower() in {"yes", "on", "y", "1", "enabled"} else "false"
    if get_origin(base) is Literal:
        return next(iter(get_close_matches(str(value).lower(), get_args(base), n=1, cutoff=0)), None)
    return _nearest_number(value, setting) if base in (int, float) else None


def _nearest_number(value: Any, setting: Setting) -> Any:
    low, high = _bounds(setting.type)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return setting.default
    if number != number:  # not a number
        return setting.default
    clamped = min(max(number, low), high)
    return int(clamped) if _base(setting.type) is int or clamped == int(clamped) else clamped


def _in_words(kind: Any) -> str:
    base = _base(kind)
    if get_origin(base) is Literal:
        return f"one of {', '.join(get_args(base))}"
    if base in (int, float):
        low, high = _bounds(kind)
        return f"a {'whole ' if base is int else ''}number from {low} to {high}"
    return {bool: "true or false", Path: "the path of a folder"}.get(base, "a list of strings")


def _bounds(kind: Any) -> tuple[Any, Any]:
    meta = next(meta for meta in _metas(kind) if meta.ge is not None)
    return meta.ge, meta.le


def _metas(kind: Any) -> Iterator[msgspec.Meta]:
    """The annotations of a type, outermost first."""
    yield from getattr(kind, "__metadata__", ())
    for inner in get_args(kind):
        if not isinstance(inner, msgspec.Meta | str | types.EllipsisType):
            yield from _metas(inner)


def _base(kind: Any) -> Any:
    """The type itself, without its annotations."""
    return getattr(kind, "__origin__", kind) if hasattr(kind, "__metadata__") else kind


def _is_list(kind: Any) -> bool:
    return get_origin(_base(kind)) is tuple


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _path(kind: type, value: Any) -> Any:
    """msgspec calls this for a type it does not know; a ValueError becomes its ValidationError."""
    if kind is not Path or not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("not a path")
    try:
        return Path(value).expanduser()
    except RuntimeError:  # ~ of a user that does not exist
        raise ValueError("no such home") from None


def _placed(value: Any, folder: Path) -> Any:
    """Relative paths start from the folder of what names them."""
    if isinstance(value, Path):
        return folder / value
    if isinstance(value, tuple):
        return tuple(
            _placed(part, folder) if isinstance(part, Path) else _module(part, folder) for part in value
        )
    return value


def _module(name: str, folder: Path) -> str:
    return str(folder / _expanded(name)) if _is_file_name(name) else name


def _expanded(path: str) -> str:
    return os.path.expanduser(path)  # noqa: PTH111 -- Path's raises for a ~ that leads nowhere


def _is_file_name(module: str) -> bool:
    return "/" in module or module.endswith(".py")
