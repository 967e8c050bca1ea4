"""Packages whose names are imported when they are first asked for, so that who needs few pays for few."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazily(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """A package's `__getattr__` (PEP 562): each name's module, of which it is taken at its first use."""

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return get


def homes_of(modules: Mapping[str, str]) -> dict[str, str]:
    """The module of each name, from the names of each module, separated by spaces."""
    return {name: module for module, names in modules.items() for name in names.split()}
