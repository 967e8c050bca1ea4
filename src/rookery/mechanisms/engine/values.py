"""Every value an execution can name: responses first, then extracted values, variables, the target's own."""

from __future__ import annotations

from collections.abc import Mapping

from rookery.mechanisms.engine.dsl.values import Value
from rookery.mechanisms.engine.parts import ResponseParts
from rookery.mechanisms.engine.render import Text, Unresolved
from rookery.mechanisms.engine.target import Target


class Values:
    """The values of one execution of one template on one target.

    Template variables are rendered when first asked for and then stay, so that a random one is the same in
    the request and in the matcher; they may use what was extracted before."""

    def __init__(
        self, target: Target, variables: Mapping[str, Text], constants: Mapping[str, str], keeps_history: bool
    ) -> None:
        self.target = target
        self.extracted: dict[str, Value] = {}
        self.current: ResponseParts | None = None
        self._inputs = target.variables
        self._variables, self._constants = variables, constants
        self._rendered: dict[str, str] = {}
        self._being_rendered: set[str] = set()
        self._keeps_history = keeps_history
        self._history: dict[int, ResponseParts] = {}
        self._blocks: dict[str, ResponseParts] = {}

    def lookup(self, name: str) -> Value:
        """The value of a name in a matcher or extractor; KeyError when nothing has it."""
        if self.current is not None:
            try:
                return self.current.get(name)
            except KeyError:
                pass
        return self.given(name)

    def given(self, name: str) -> Value:
        """The value of a name in a request, where a response's header must not pass for a variable."""
        return self._remembered(name) if self._keeps_history else self._given(name)

    def _remembered(self, name: str) -> Value:
        stem, _, number = name.rpartition("_")
        if number.isdigit() and len(number) < 4 and int(number) in self._history:
            return self._history[int(number)].get(stem)
        for block, parts in self._blocks.items():
            if name.startswith(f"{block}_"):
                return parts.get(name[len(block) + 1 :])
        return self._given(name)

    def _given(self, name: str) -> Value:
        for layer in (self._constants, self.extracted):
            if name in layer:
                return layer[name]
        if name in self._variables:
            return self._variable(name)
        return self._inputs[name]

    def _variable(self, name: str) -> str:
        if name not in self._rendered:
            if name in self._being_rendered:
                raise KeyError(name)  # it is made of itself
            self._being_rendered.add(name)
            try:
                self._rendered[name] = self._variables[name].render(self.given)
            except Unresolved as error:
                raise KeyError(name) from error
            finally:
                self._being_rendered.discard(name)
        return self._rendered[name]

    def keep(self, name: str, results: list[str]) -> None:
        """Remember what an extractor found: `name` is all of it, `name0`, `name1`, … each result."""
        value: Value = results[0] if len(results) == 1 else results
        self.extracted[name] = value
        self.extracted.update({f"{name}{number}": result for number, result in enumerate(results)})
        if self.current is not None:
            self.current.name(name, value)

    def trim_base(self, *, trimmed: bool) -> None:
        """Choose what BaseURL is for the next request: without its last slash, or as given."""
        self._inputs = self.target.trimmed_variables if trimmed else self.target.variables

    def begin_block(self) -> None:
        """A new block counts its requests from 1."""
        self._history.clear()

    def remember(self, number: int, block: str, parts: ResponseParts) -> None:
        """Make a response the current one and, if the template looks back, request `number` of its block."""
        self.current = parts
        if self._keeps_history:
            self._history[number] = parts
            self._blocks[block] = parts
