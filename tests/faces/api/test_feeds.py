"""What is followed is looked at for all at once, and a failure to look ends nobody's stream."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing

import pytest

from rookery.base.errors import Unavailable
from rookery.faces.api import feeds
from rookery.faces.api.errors import TooManyStreams
from rookery.faces.api.feeds import Watch
from tests.patience import PATIENCE


def test_a_look_that_fails_is_followed_by_another() -> None:
    looks: list[frozenset[str]] = []

    async def look(keys: frozenset[str]) -> Mapping[str, int]:
        looks.append(keys)
        if len(looks) == 1:
            raise Unavailable
        return dict.fromkeys(keys, len(looks))

    async def first() -> object:
        watch = Watch(look)
        async with aclosing(watch.follow("a")) as states:
            state = await asyncio.wait_for(anext(states), PATIENCE)
        watch.close()
        return state

    with asyncio.Runner() as runner:
        assert runner.run(first()) == 2


def test_one_stream_too_many_is_refused_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MOST_STREAMS", 0)

    async def look(_keys: frozenset[str]) -> Mapping[str, int]:
        return {}

    async def follow() -> None:
        Watch(look).follow("a")

    with asyncio.Runner() as runner, pytest.raises(TooManyStreams):
        runner.run(follow())
