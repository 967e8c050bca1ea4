"""A face is the same wherever it is: on a Rook, on an AsyncRook, and from afar."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path
from typing import Any

import pytest

from rookery import app
from rookery.base.config import Config, Database
from rookery.faces.client.house import AsyncRemoteRook, RemoteRook
from rookery.faces.client.verbs import Verb
from rookery.faces.client.wire import AsyncWire, Wire
from rookery.mechanisms.face import Face

FACES = (
    "audit", "backups", "credentials", "devices", "findings", "notifications", "projects", "scans",
    "schedules", "settings", "tasks", "templates", "users",
)  # fmt: skip
NOWHERE = "http://127.0.0.1:9", "rk_x", 1.0


def verbs(face: Any) -> dict[str, Any]:
    """What a face can do, by name."""
    return {name: getattr(face, name) for name in vars(type(face)) if not name.startswith("_")}


def parameters(verb: Any) -> list[inspect.Parameter]:
    """What a caller may give a verb."""
    given = inspect.signature(verb).parameters.values()
    return [each.replace(annotation=inspect.Parameter.empty) for each in given]


@pytest.fixture
def house(sqlite_url: str, data_dir: Path) -> Any:
    with app.open(config=Config(data_dir=data_dir, database=Database(url=sqlite_url))) as rook:
        yield rook


def test_these_are_all_the_faces(house: app.Rook) -> None:
    assert tuple(sorted(name for name, each in vars(house).items() if isinstance(each, Face))) == FACES


@pytest.mark.parametrize("face", FACES)
def test_plain_code_and_coroutines_find_the_same_verbs(face: str, house: app.Rook) -> None:
    async def of_coroutines() -> dict[str, Any]:
        async with app.aopen(config=house.config) as rook:
            return verbs(getattr(rook, face))

    at_hand = verbs(getattr(house, face))
    with asyncio.Runner() as runner:
        awaited = runner.run(of_coroutines())
    assert {name: parameters(each) for name, each in at_hand.items()} == {
        name: parameters(each) for name, each in awaited.items()
    }


@pytest.mark.parametrize("face", FACES)
def test_every_verb_is_there_from_afar_with_the_same_signature(face: str, house: app.Rook) -> None:
    at_hand = verbs(getattr(house, face))
    for remote in (RemoteRook(Wire(*NOWHERE)), AsyncRemoteRook(AsyncWire(*NOWHERE))):
        asked = {name: each for name, each in vars(getattr(remote, face)).items() if isinstance(each, Verb)}
        assert asked.keys() == at_hand.keys()
        for name, verb in at_hand.items():
            assert parameters(asked[name]) == parameters(verb), name
