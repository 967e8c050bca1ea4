"""Differences side by side: nothing is lost, nothing is wider than the terminal, what differs is marked."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from rookery.domains.backups.cli.sides import side_by_side
from rookery.domains.backups.diffing import diff

STYLE = re.compile(r"\x1b\[[0-9;]*m")
TEXT = st.text(st.sampled_from("ab -/.\t路由\u0301👍\x1b\x07é"), max_size=120)


def shown(old: str, new: str, width: int = 80, *, in_colour: bool = False) -> list[str]:
    """The lines below the header, as a terminal without colours shows them."""
    _, *lines = side_by_side(diff(old.split("\n"), new.split("\n")), width, in_colour=in_colour)
    return [STYLE.sub("", line) for line in lines]


def test_what_differs_in_a_line_has_marks_beneath_it() -> None:
    assert shown(" ip address 10.0.0.1", " ip address 10.0.0.7", 60) == [
        " ip address 10.0.0.1         |  ip address 10.0.0.7",
        "                   ^                              ^",
    ]  # fmt: skip


def test_in_colour_it_is_underlined_and_needs_no_line_of_its_own() -> None:
    _, line = side_by_side(diff(["mtu 1500"], ["mtu 9000"]), 80, in_colour=True)
    assert re.findall(r"\x1b\[1;4m|\x1b\[3[12]m\x1b\[1m\x1b\[4m([^\x1b]*)", line) == ["1500", "9000"]


def test_a_line_too_long_for_its_half_goes_on_below_with_its_marks() -> None:
    lines = shown(f"description {'x' * 30} old", f"description {'x' * 30} new", 43)
    assert lines == [
        "description xxxxxxxx | description xxxxxxxx",
        "xxxxxxxxxxxxxxxxxxxx | xxxxxxxxxxxxxxxxxxxx",
        "xx old               | xx new",
        "   ^^^                    ^^^",
    ]


def test_wide_and_combining_characters_stand_in_their_columns() -> None:
    row, marks = shown("name 路由器 e\u0301一", "name 路由器 e\u0301二", 60)
    assert row == "name 路由器 e\u0301一" + " " * 13 + " | name 路由器 e\u0301二"
    assert marks == " " * 13 + "^^" + " " * 29 + "^^"


def test_what_stands_on_one_side_alone_says_on_which() -> None:
    assert shown("a\nb", "a\nb\nmore", 60)[-1] == " " * 29 + "> more"
    assert shown("a\nb\nless", "a\nb", 60)[-1] == "less" + " " * 25 + "<"


@pytest.mark.parametrize("width", [43, 80, 200])
@given(old=st.lists(TEXT, max_size=4), new=st.lists(TEXT, max_size=4))
def test_nothing_is_wider_than_the_terminal_and_no_control_character_gets_there(
    width: int, old: list[str], new: list[str]
) -> None:
    for in_colour in (False, True):
        for line in side_by_side(diff(old, new), width, in_colour=in_colour):
            bare = STYLE.sub("", line)
            assert cell_len(bare) <= width
            assert bare.isprintable()
