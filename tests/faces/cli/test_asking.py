"""What people write for spans of time."""

from __future__ import annotations

import click
import pytest

from rookery.faces.cli.asking import Duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("15m", 900),
        ("6h", 21_600),
        ("1d", 86_400),
        ("1h30m", 5_400),
        (" 2D1H ", 176_400),
        ("0s", 0),
    ],
)
def test_a_span_of_time_is_read_with_its_units(text: str, seconds: int) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "6", "h", "6 h", "-6h", "1m1h", "1w", "1.5h", "٣h", "9" * 50 + "s"])
def test_anything_else_is_refused_with_what_could_be_written(text: str) -> None:
    with pytest.raises(click.BadParameter, match="write 30s, 15m, 6h, 1d or 1h30m"):
        Duration().convert(text, None, None)
