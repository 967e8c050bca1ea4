"""The reference is the code's: every setting, command and error has its place, and none is left over."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from rookery.base.config import settings
from scripts import reference


@pytest.mark.parametrize("name", reference.PARTS)
def test_a_reference_page_is_what_the_code_says(name: str) -> None:
    written = (reference.PAGES / name).read_text(encoding="utf-8")
    assert written == reference.page(name), "run `python -m scripts.reference`"


def test_every_setting_has_a_heading() -> None:
    text = (reference.PAGES / "settings.md").read_text(encoding="utf-8")
    assert re.findall(r"^### (.+)$", text, re.MULTILINE) == list(settings())


def test_no_two_errors_share_a_code() -> None:
    codes = Counter(error.code for error in reference.all_errors())
    assert [code for code, count in codes.items() if count > 1] == []


def test_every_error_says_in_one_line_what_it_means() -> None:
    undocumented = [error for error in reference.all_errors() if not (error.__doc__ or "").strip()]
    assert undocumented == []
