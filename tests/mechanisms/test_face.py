"""Bound faces: a domain's verbs on a Rook and on an AsyncRook."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.orm import Session

from rookery.mechanisms.async_rook import AsyncRook
from rookery.mechanisms.dual import dual_read, dual_stream
from rookery.mechanisms.face import Face, RookT, bound, bound_stream
from rookery.mechanisms.rook import Rook
from tests.conftest import Call


@dual_read
def double(session: Session, /, number: int) -> int:
    """Twice the number."""
    assert session.is_active
    return 2 * number


@dual_stream
def count_to(session: Session, /, end: int) -> Iterator[int]:
    """From 1 to the end."""
    yield from range(1, end + 1)


class Numbers(Face[RookT]):
    """The verbs of numbers."""

    double = bound(double)
    count_to = bound_stream(count_to)


def test_a_verb_works_in_both_worlds(call: Call) -> None:
    def ask(rook: Rook | AsyncRook) -> object:
        face: Numbers[Rook] = Numbers(rook)  # type: ignore[arg-type]  # one test for both colours
        return face.double(21)

    assert call(ask) == 42


def test_a_streaming_verb_works_in_both_worlds(call: Call) -> None:
    def ask(rook: Rook | AsyncRook) -> object:
        face: Numbers[Rook] = Numbers(rook)  # type: ignore[arg-type]  # one test for both colours
        return face.count_to(3)

    assert call(ask) == [1, 2, 3]


def test_the_class_is_a_table_of_contents() -> None:
    assert Numbers.double.__doc__ == "Twice the number."
    assert Numbers.count_to.__doc__ == "From 1 to the end."
