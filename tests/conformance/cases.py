"""nuclei's integration tests as data: a template of its own, a server, and what must come of it.

The servers are ours; what they answer, and the number of results, is what nuclei's tests say. The number of
requests is what nuclei sends. Cases that ask hosts of nuclei's makers are answered by a server here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.conformance.webserver import Asked, Handler


@dataclass(frozen=True)
class Case:
    """`path` is appended to the server's URL, `variables` are what nuclei is given with -V."""

    template: str
    answer: Handler
    results: int
    requests: int
    path: str = ""
    tls: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.template}{self.path}{'&'.join(self.variables)}"


def first(values: Mapping[str, list[str]], name: str) -> str:
    """The first value of a parameter, lower-case."""
    return next(iter(values.get(name, [])), "").lower()


def logged_in(asked: Asked, *passwords: str) -> bool:
    """Whether a form has the user name and one of the passwords of nuclei's tests."""
    return first(asked.form, "username") == "test" and first(asked.form, "password") in passwords
