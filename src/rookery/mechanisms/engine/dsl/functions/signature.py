"""How a helper function is declared: its name, itself, and how many arguments it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rookery.mechanisms.engine.dsl.values import Value

MANY = 1000


@dataclass(frozen=True, slots=True)
class Function:
    """A helper and the number of its arguments, both ends included."""

    run: Callable[..., Value]
    fewest: int
    most: int

    @property
    def arity(self) -> str:
        """How many arguments, in words."""
        if self.most == MANY:
            return f"at least {self.fewest} arguments"
        count = f"{self.fewest}" if self.fewest == self.most else f"{self.fewest} to {self.most}"
        return f"{count} argument{'s' * (self.most != 1)}"


def table(*rows: tuple[str, Callable[..., Value], int, int]) -> dict[str, Function]:
    """Functions by name."""
    return {name: Function(run, fewest, most) for name, run, fewest, most in rows}
