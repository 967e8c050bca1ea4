"""docs/reference/templates.md says what the engine does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rookery.domains.templates import EXCLUDED_TAGS
from rookery.mechanisms.engine.dsl.functions import DECLARED, REFUSED
from rookery.mechanisms.engine.keywords import OTHER_PROTOCOLS, REFUSED_FLAGS, REFUSED_KEYS

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "templates.md").read_text()


def test_the_documented_functions_are_those_there_are() -> None:
    listed = PAGE.partition("<!-- functions -->")[2].partition("<!-- /functions -->")[0]
    assert set(re.findall(r"`(\w+)`", listed)) == set(DECLARED)


@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_each_function_that_is_not_run_is_documented_with_its_reason(name: str, reason: str) -> None:
    assert f"| `{name}` | {reason} |" in PAGE


@pytest.mark.parametrize(("key", "reason"), [*REFUSED_FLAGS.items(), *REFUSED_KEYS.items()])
def test_each_refused_key_is_documented_with_its_reason(key: str, reason: str) -> None:
    assert any(f"`{key}`" in line and reason in line for line in PAGE.splitlines())


@pytest.mark.parametrize("name", sorted(OTHER_PROTOCOLS) + sorted(EXCLUDED_TAGS))
def test_each_protocol_and_tag_left_out_is_documented(name: str) -> None:
    assert f"`{name}`" in PAGE
