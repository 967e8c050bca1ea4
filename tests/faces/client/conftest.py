"""A house as it is from within, and from afar: over its API, in both worlds, on both databases."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

import rookery
from rookery import app
from rookery.demo.server import WeakServer
from rookery.domains.users.document import User
from tests.faces.api.conftest import Serving, api_settings, config, everything, people, rook, serving
from tests.faces.client.houses import Lab

__all__ = ["api_settings", "config", "people", "rook", "serving"]


class Afar:
    """The house from afar: `afar("devices.list", "tag:dmz")`, whichever the world."""

    def __init__(self, remote: Any, runner: asyncio.Runner | None) -> None:
        self.remote, self._runner = remote, runner

    def __call__(self, verb: str, *args: Any, **kwargs: Any) -> Any:
        """What the verb returns: awaited, or read to its end, where it is to be."""
        face, _, name = verb.partition(".")
        result = getattr(getattr(self.remote, face), name)(*args, **kwargs)
        if inspect.isgenerator(result):
            return list(result)
        if self._runner is None:
            return result
        return self._runner.run(_all(result) if inspect.isasyncgen(result) else result)


async def _all(stream: Any) -> list[Any]:
    return [piece async for piece in stream]


Introduce = Callable[..., Afar]


@pytest.fixture(params=["sync", "async"])
def introduce(
    request: pytest.FixtureRequest, serving: Serving, rook: app.Rook, people: dict[str, User]
) -> Iterator[Introduce]:
    """Come from afar as somebody: by role, with these scopes or all."""
    with ExitStack() as closing:

        def as_somebody(role: str, *scopes: str) -> Afar:
            token = rook.users.create_token(people[role].id, "afar", scopes or everything()).secret
            if request.param == "sync":
                return Afar(closing.enter_context(rookery.connect(serving.url, token)), None)
            runner = closing.enter_context(asyncio.Runner())
            opened = rookery.aconnect(serving.url, token)
            remote = runner.run(opened.__aenter__())
            closing.callback(lambda: runner.run(opened.__aexit__(None, None, None)))
            return Afar(remote, runner)

        yield as_somebody


@pytest.fixture
def afar(introduce: Introduce) -> Afar:
    """As an admin who may all."""
    return introduce("admin")


@pytest.fixture
def lab(rook: app.Rook, weak_server: WeakServer) -> Iterator[Lab]:
    """The house, furnished."""
    with ExitStack() as closing:
        lab = Lab(rook, weak_server)
        lab.furnish(closing)
        yield lab
