"""The tree of errors: codes from names, messages from docstrings, exit statuses by kind."""

from __future__ import annotations

import pytest

from rookery.base import errors


def test_the_code_is_the_name_in_kebab_case() -> None:
    class HTTPServerGone(errors.Unavailable):
        """The server has gone."""

    assert errors.NotFound.code == "not-found"
    assert HTTPServerGone.code == "httpserver-gone"


def test_without_a_message_the_first_line_of_the_docstring_speaks() -> None:
    class DiskFull(errors.Unavailable):
        """The disk is full: make room.

        More about it.
        """

    assert str(DiskFull()) == "The disk is full: make room."
    assert str(DiskFull("/srv is full")) == "/srv is full"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.RookeryError, 1),
        (errors.Invalid, 2),
        (errors.ConfigError, 2),
        (errors.NotAllowed, 3),
        (errors.NotFound, 5),
        (errors.Conflict, 6),
        (errors.Unavailable, 7),
        (errors.Closed, 1),
    ],
)
def test_the_kind_decides_the_exit_status(kind: type[errors.RookeryError], status: int) -> None:
    class Particular(kind):  # type: ignore[misc, valid-type]  # the kind is a parameter here
        """One of this kind."""

    assert Particular.exit_status == status
