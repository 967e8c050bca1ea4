"""Where platforms come from: those that are shipped, and those of the user, which win."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from rookery.base.errors import Unavailable
from rookery.domains.devices.errors import PlatformExists, PlatformNotFound, PlatformNotValid
from rookery.domains.devices.platform import Platform, inherited, platform_from

LARGEST = 256 << 10
"""Bytes of a platform's file."""
SHIPPED = "shipped"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
DEEPEST = 4
"""Platforms that may be like one another, in a row."""


class Library:
    """The platforms of one data directory. Reads each file when it is first asked for."""

    def __init__(self, data_dir: Path | None = None) -> None:
        self._folder = None if data_dir is None else data_dir / "platforms"
        self._read: dict[str, Platform] = {}

    def names(self) -> list[str]:
        """Of all of them, sorted."""
        return sorted({*_shipped(), *self._own()})

    def own_names(self) -> list[str]:
        """Of the user's own."""
        return sorted(self._own())

    def get(self, name: str) -> Platform:
        """The platform of this name or alias. Raises PlatformNotFound, PlatformNotValid."""
        known = name.lower()
        if known not in self._read:
            self._read[known] = self._load(self._name_of(known))
        return self._read[known]

    def all(self) -> Iterator[Platform]:
        """Every platform. Raises PlatformNotValid for the first file that is not right."""
        return (self.get(name) for name in self.names())

    def add(self, name: str, text: str) -> Path:
        """Keep a platform as one of the user's own. Raises PlatformNotValid, PlatformExists, Unavailable."""
        if self._folder is None or not _NAME.fullmatch(name):
            raise PlatformNotValid(f"{name[:80]!r} is no name of a platform: use a-z, 0-9, _ and -.")
        path = self._folder / f"{name}.toml"
        platform_from(name, self._whole(name, _decoded(text, name), is_own=True), str(path))
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            raise PlatformExists(f"{path} exists. {PlatformExists.__doc__}") from None
        except OSError as error:
            raise Unavailable(f"{path} cannot be written: {error.strerror}.") from None
        return path

    def _name_of(self, called: str) -> str:
        if called in self._own() or called in _shipped():
            return called
        found = self._aliases().get(called)
        if found is None:
            raise _not_found(called, [*self.names(), *self._aliases()])
        return found

    def _load(self, name: str) -> Platform:
        path = self._own().get(name)
        document = self._document(name, is_own=path is not None)
        return platform_from(name, document, str(path) if path else SHIPPED)

    def _document(self, name: str, *, is_own: bool, depth: int = DEEPEST) -> dict[str, Any]:
        """A platform with all that it inherits: one that is shipped from others that are, whatever is own."""
        text = _text_of(self._own()[name]) if is_own else _shipped()[name]
        return self._whole(name, _decoded(text, name), is_own=is_own, depth=depth)

    def _whole(
        self, name: str, document: dict[str, Any], *, is_own: bool, depth: int = DEEPEST
    ) -> dict[str, Any]:
        like = document.get("like")
        if like is None:
            return document
        from_own = is_own and like != name and like in self._own()
        if not depth or not (from_own or like in _shipped()):
            raise PlatformNotValid(
                f"{name}: like = {like!r}: there is no such platform, or they go in a circle."
            )
        return inherited(self._document(str(like), is_own=from_own, depth=depth - 1), document)

    def _own(self) -> dict[str, Path]:
        return (
            {} if self._folder is None else {path.stem: path for path in sorted(self._folder.glob("*.toml"))}
        )

    def _aliases(self) -> dict[str, str]:
        found = dict(_shipped_aliases())
        for name, path in self._own().items():
            try:
                found |= dict.fromkeys(tomllib.loads(_text_of(path)).get("aliases", ()), name)
            except tomllib.TOMLDecodeError:
                continue  # whoever asks for that platform itself hears of it
        return found


def _not_found(name: str, names: list[str]) -> PlatformNotFound:
    near = get_close_matches(name, names, 3)
    hint = f"perhaps {' or '.join(near)}" if near else "`rookery platforms list` shows those there are"
    return PlatformNotFound(f"There is no platform {name[:80]}: {hint}.")


def _decoded(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlatformNotValid(f"{name}.toml: {error}.") from None


def _text_of(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(LARGEST + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise PlatformNotValid(f"{path} cannot be read: {error}") from None
    if len(text) > LARGEST:
        raise PlatformNotValid(f"{path} is larger than a platform may be: {LARGEST >> 10} kB.")
    return text


@lru_cache(maxsize=1)
def _shipped() -> dict[str, str]:
    folder = files("rookery.domains.devices") / "platforms"
    return {
        entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8")
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    }


@lru_cache(maxsize=1)
def _shipped_aliases() -> dict[str, str]:
    return {
        alias: name for name, text in _shipped().items() for alias in tomllib.loads(text).get("aliases", ())
    }
