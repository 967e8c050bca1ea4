"""A twin has the same parts, and is another."""

from __future__ import annotations

from copy import copy

from rookery.base.twins import twin


class Thing:
    """With a part."""

    def __init__(self) -> None:
        self.part = [1]


def test_a_twin_is_what_copy_gives() -> None:
    original = Thing()
    other = twin(original)
    assert vars(other) == vars(copy(original))
    assert other.part is original.part
    other.part = [2]
    assert original.part == [1]
