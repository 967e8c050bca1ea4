"""A platform: how to talk to a kind of device, what of its answers is noise, and what is secret. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple

import msgspec

from rookery.base.structs import ready
from rookery.domains.devices.errors import PlatformNotValid
from rookery.mechanisms.transport.terminal.dialect import Dialect, PatternNotValid, pattern, pattern_set

FactName = Literal["hostname", "model", "serial", "version"]


class Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a configuration is asked for. Lines that match `drop` are no part of it, but talk about it.

    One that `ends` is whole when a line like that is among the last of it.
    """

    commands: tuple[str, ...] = ("show running-config",)
    drop: tuple[str, ...] = ()
    ends: str | None = None


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a command tells of a device: for each fact a pattern, whose group it is."""

    command: str
    hostname: str | None = None
    model: str | None = None
    serial: str | None = None
    version: str | None = None


class Platform(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """What is known of a kind of device.

    `noise` are lines that change by themselves; `secrets` patterns whose groups are secret. With the driver
    `netmiko` that library talks to the device, as to one of its `device_type`; of the dialect it heeds
    `setup`, `errors` and `leave`, and whether there is an `enable`.
    """

    title: str
    aliases: tuple[str, ...] = ()
    like: str | None = None
    port: int | None = None
    comment: str = "!"
    driver: Literal["own", "netmiko"] = "own"
    device_type: str = ""
    dialect: Dialect = Dialect()
    configuration: Configuration = Configuration()
    facts: tuple[Facts, ...] = ()
    noise: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    is_experimental: bool = True
    """Made from documentation; it has met neither a real device nor the recording of one yet."""
    name: str = ""
    origin: str = ""

    @cached_property
    def drops(self) -> Any | None:
        """Compiled: lines that are no part of the configuration."""
        return _any_of(self.configuration.drop)

    @cached_property
    def end(self) -> Any | None:
        """Compiled: a line of the end of a whole configuration."""
        return pattern(self.configuration.ends) if self.configuration.ends else None

    @cached_property
    def noisy(self) -> Any | None:
        """Compiled: lines that change by themselves."""
        return _any_of(self.noise)

    @cached_property
    def secretive(self) -> Secretive | None:
        """Compiled: where secrets are, as groups."""
        return Secretive.of(self.secrets) if self.secrets else None

    def check(self) -> None:
        """Compile everything. Raises PatternNotValid, PlatformNotValid."""
        if (self.driver == "netmiko") != bool(self.device_type):
            raise PlatformNotValid(f'{self.origin}: driver = "netmiko" and device_type = "…" go together.')
        self.dialect.check()
        _ = self.drops, self.end, self.noisy, self.secretive
        for facts in self.facts:
            for name in FACTS:
                if text := getattr(facts, name):
                    pattern(text)


FACTS: tuple[FactName, ...] = ("hostname", "model", "serial", "version")


class Secretive(NamedTuple):
    """Patterns of secrets: all as one, each by itself, and what tells which of them match, in one pass."""

    together: Any
    each: tuple[Any, ...]
    which: Any

    @classmethod
    def of(cls, texts: Sequence[str]) -> Secretive:
        """Compile them. Raises PatternNotValid."""
        alone = [f"(?m){text}" for text in texts]
        return cls(pattern("(?m)" + _either(texts)), tuple(map(pattern, alone)), pattern_set(alone))

    def matching(self, line: bytes) -> list[Any]:
        """Those that match in a line in which one does; all, where a line is too much for the quick way."""
        numbers = self.which.Match(line) or ()  # None where it finds nothing, and where it gives up
        return [self.each[number] for number in sorted(numbers)] or list(self.each)


def _either(texts: Sequence[str]) -> str:
    return "|".join(f"(?:{text})" for text in texts)


def _any_of(patterns: tuple[str, ...]) -> Any | None:
    return pattern("(?m)" + _either(patterns)) if patterns else None


def platform_from(name: str, document: dict[str, Any], origin: str) -> Platform:
    """The platform that a document describes. Raises PlatformNotValid, which names file and place."""
    try:
        platform = msgspec.convert({**document, "name": name, "origin": origin}, ready(Platform))
        platform.check()
    except (msgspec.ValidationError, PatternNotValid) as error:
        raise PlatformNotValid(f"{origin}: {error}") from None
    return platform


OF_ITS_OWN = ("title", "aliases", "like", "is_experimental")
"""What no platform takes from the one that it is like."""
MORE = "..."


def inherited(base: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """A document with what it does not say itself taken from the one that it is like.

    Tables are merged; a list of its own replaces the other's, unless the list begins with "...": then it
    goes on where the other ends.
    """
    return _merged({key: base[key] for key in base if key not in OF_ITS_OWN}, document)


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in own.items():
        before = base.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            merged[key] = _merged(before, value)
        elif isinstance(value, list) and value[:1] == [MORE]:
            merged[key] = [*(before or []), *value[1:]]
        else:
            merged[key] = value
    return merged
