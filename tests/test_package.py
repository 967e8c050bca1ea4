"""The public face: what `import rookery` gives, and how little it loads."""

from __future__ import annotations

import subprocess
import sys

import pytest

import rookery


def test_every_listed_name_is_there() -> None:
    for name in rookery.__all__:
        assert getattr(rookery, name) is not None


def test_nothing_else_is_offered() -> None:
    assert dir(rookery) == sorted(rookery.__all__)
    with pytest.raises(AttributeError, match="no attribute 'close_enough'"):
        rookery.close_enough  # noqa: B018


def test_importing_it_loads_nothing_of_the_house() -> None:
    code = "import rookery, sys; print([name for name in sys.modules if name.startswith('rookery.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n"
