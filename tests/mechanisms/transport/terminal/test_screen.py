"""What a person would see of what a device sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.mechanisms.transport.terminal.screen import rendered


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("interface Gi0/1\r\n shutdown\r\n", "interface Gi0/1\n shutdown\n"),
        ("a\r\r\nb", "a\nb"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07prompt>", "prompt>"),
        ("\x1b[?1h\x1b=\rVersion: 1\x1b[m", "Version: 1"),
        ("--More--\r        \rnext", "next"),
        ("--More--\b\b\b\b\b\b\b\b        \b\b\b\b\b\b\b\bnext", "next"),
        ("--More--\r\x1b[Knext", "next"),
        ("long text\rsh", "shng text"),
        ("abc\x1b[2Kd", "d"),
        ("a\x00b\x07c", "abc"),
        ("tab\there", "tab\there"),
        ("blank at end  \n", "blank at end  \n"),
        ("é\u200b", "é\u200b"),
    ],
)
def test_control_characters_do_what_they_do_on_a_terminal(sent: str, seen: str) -> None:
    assert rendered(sent) == seen


@given(st.text())
def test_nothing_that_controls_a_terminal_is_left(text: str) -> None:
    assert not set(map(chr, (*range(9), 11, 12, *range(14, 32), 127))) & set(rendered(text))
