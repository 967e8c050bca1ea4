"""Where settings come from: files and the environment. Every value found keeps the place it was found in."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from rookery.base.errors import ConfigError

NAME = "rookery.toml"
PREFIX = "ROOKERY_"
LARGEST_FILE = 256 * 1024  # bytes; bounds what a wrong path can cost
LARGEST_VALUE = 64 * 1024  # bytes of a *_FILE

_HEADER = re.compile(r"\s*\[{1,2}([^\[\]]+)\]")
_KEY = re.compile(r"([\w\"'.\s-]+)=")


class Entry(NamedTuple):
    """A value as it was found, where, and the folder that its relative paths start from."""

    key: str
    value: Any
    origin: str
    folder: Path
    is_text: bool = False  # from the environment: numbers and lists are still spelt out


class File(NamedTuple):
    """A settings file, read and parsed."""

    path: Path
    text: str
    tables: dict[str, Any]


def candidates(environ: Mapping[str, str]) -> list[Path]:
    """The files that are looked for, the one that wins last."""
    places = [Path("/etc"), *_user_config(environ)]
    return [*(place / "rookery" / NAME for place in places), Path.cwd() / NAME]


def _user_config(environ: Mapping[str, str]) -> list[Path]:
    """$XDG_CONFIG_HOME or ~/.config; nothing for a container's user who has no home."""
    if configured := environ.get("XDG_CONFIG_HOME"):
        return [Path(configured)]
    with suppress(RuntimeError):
        return [Path(environ.get("HOME") or Path.home()) / ".config"]
    return []


def found(environ: Mapping[str, str]) -> list[File]:
    """The files of the search that exist. Raises ConfigError for one that belongs to a stranger."""
    return [read(path) for path in candidates(environ) if os.path.lexists(path) and _is_ours(path)]


def _is_ours(path: Path) -> bool:
    """A file found by chance may name code to run, so its owner must be us or root; as git does."""
    try:
        owner = path.stat().st_uid
    except OSError:
        return True  # read() says why
    if hasattr(os, "geteuid") and owner not in (0, os.geteuid()):
        raise ConfigError(
            f"{path} belongs to another user (uid {owner}); if you trust it, give it with --config"
        )
    return True


def read(path: Path) -> File:
    """Read and parse one file. Raises ConfigError, one line, whatever is wrong with it."""
    text = _text(path, LARGEST_FILE)
    try:
        return File(path, text, tomllib.loads(text))
    except RecursionError:
        raise ConfigError(f"{path} is nested too deeply for a settings file") from None
    except ValueError as error:
        raise ConfigError(f"{path} is not valid TOML: {_first_line(error)}") from None


def file_entries(file: File) -> Iterator[Entry]:
    """Every value of the file, two levels deep: `key` and `section.key`."""
    folder = file.path.absolute().parent
    for key, value in file.tables.items():
        inner = value if isinstance(value, dict) and value else {"": value}
        for name, leaf in inner.items():
            full = f"{key}.{name}" if name else key
            yield Entry(full, leaf, _place(file, key, name), folder)


def environment_entries(environ: Mapping[str, str], keys: Iterable[str]) -> Iterator[Entry]:
    """Every setting of the environment; an empty variable counts as not set."""
    variables = {variable(key): key for key in keys}
    for name in sorted(environ):
        if name.startswith(PREFIX) and environ[name]:
            base = name.removesuffix("_FILE")
            if name in variables:
                yield Entry(variables[name], environ[name], name, Path.cwd(), is_text=True)
            elif base in variables:
                yield _from_file(name, base, variables[base], environ)
            else:
                _refuse_misspelt(name, variables)


def variable(key: str) -> str:
    """The environment variable of a setting: `hooks.pool_size` is ROOKERY_HOOKS__POOL_SIZE."""
    return PREFIX + key.replace(".", "__").upper()


def _from_file(name: str, base: str, key: str, environ: Mapping[str, str]) -> Entry:
    if environ.get(base):
        raise ConfigError(f"{name} and {base} are both set; unset one of them")
    path = Path(environ[name])
    try:
        value = _text(path, LARGEST_VALUE).rstrip("\r\n")
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None
    return Entry(key, value, f"{name} ({path})", Path.cwd(), is_text=True)


def _refuse_misspelt(name: str, variables: Mapping[str, str]) -> None:
    """Without `__` a variable may be someone else's: it is only refused when it is nearly one of ours."""
    near = get_close_matches(name, variables, n=1, cutoff=0.6 if "__" in name else 0.9)
    if near:
        raise ConfigError(f"{name} is no setting; did you mean {near[0]}? (see `rookery settings get`)")
    if "__" in name:
        raise ConfigError(f"{name} is no setting; allowed are {', '.join(variables)}")


def _text(path: Path, limit: int) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise ConfigError(f"{str(path)!r} is not a path") from None
    if len(data) > limit:
        raise ConfigError(f"{path} is larger than {limit // 1024} KiB: hardly a settings file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text (byte {error.start + 1})") from None


def _place(file: File, section: str, name: str) -> str:
    """`path line N`. TOML parsers give no positions, so the line is looked for; without one, the path."""
    wanted = f"{section}.{name}" if name else section
    line = _line_of(file.text, wanted) or _line_of(file.text, section)
    return f"{file.path} line {line}" if line else str(file.path)


def _line_of(text: str, wanted: str) -> int | None:
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _bare(header[1])
            if table == wanted:
                return number
        elif (key := _KEY.match(line)) and f"{table}.{_bare(key[1])}".lstrip(".") == wanted:
            return number
    return None


def _bare(key: str) -> str:
    return re.sub(r"[\"'\s]", "", key)


def _first_line(error: Exception) -> str:
    """tomllib quotes the offending character, and int() a number of any length: one bounded line of it."""
    return str(error).partition("\n")[0][:200]
