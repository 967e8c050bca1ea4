"""The memory of what has been emitted is exact for a long run, and bounded for an endless one."""

from __future__ import annotations

from rookery.mechanisms.hooks import Info, Item
from rookery.mechanisms.runner.seen import Seen
from tests.mechanisms.runner.tools import Sighting


class Nested(Item):
    _identity = ("parts",)

    parts: list[str]


def test_fifty_thousand_items_are_told_apart_and_recognised() -> None:
    seen, items = Seen(), [Sighting(url=f"http://host/{number}") for number in range(50_000)]
    assert not any(seen.add(item) for item in items)
    assert all(seen.add(item) for item in items)


def test_the_recent_past_of_an_endless_run_is_remembered() -> None:
    """After 400,000 items the last 10,000 are still known."""
    seen = Seen()
    for number in range(400_000):
        seen.add(Sighting(url=f"http://host/{number}"))
    again = [Sighting(url=f"http://host/{number}") for number in range(390_000, 400_000)]
    assert all(seen.add(item) for item in again)


def test_content_that_cannot_be_hashed_has_an_identity_all_the_same() -> None:
    seen = Seen()
    assert not seen.add(Nested(parts=["a", "b"]))
    assert seen.add(Nested(parts=["a", "b"]))
    assert not seen.add(Nested(parts=["a", "c"]))


def test_items_without_declared_content_are_known_by_uuid_alone() -> None:
    seen, info = Seen(), Info(message="same words")
    assert not seen.add(info)
    assert not seen.add(Info(message="same words"))
    assert seen.add(info)
