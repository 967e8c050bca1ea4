"""Every value an execution can name: responses first, then extracted values, variables, the target's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from types import MappingProxyType

from rookery.mechanisms.engine.dsl.values import LARGEST_TEXT, Value, bounded
from rookery.mechanisms.engine.errors import DslError
from rookery.mechanisms.engine.latin import narrow
from rookery.mechanisms.engine.parts import Parts
from rookery.mechanisms.engine.render import MARK, Text, Unresolved, compile_text
from rookery.mechanisms.engine.target import Target, domain_variables, join_place

NOTHING: Mapping[str, str] = MappingProxyType({})
DOMAIN_NAMES = frozenset(("RDN", "DN", "TLD", "SD"))
MOST_KEPT = 4 * LARGEST_TEXT  # characters of extracted values and rendered variables, over one execution


class Values:
    """The values of one execution of one template on one target.

    Template variables are rendered when first asked for and then stay, so that a random one is the same in
    the request and in the matcher; they may use what was extracted before. What goes before what: constants,
    payloads, variables from outside (`outer`), extracted values, the template's variables, the
    target's own."""

    def __init__(
        self,
        target: Target,
        variables: Mapping[str, Text],
        constants: Mapping[str, str],
        keeps_history: bool,
        outer: Mapping[str, str] = NOTHING,
    ) -> None:
        self.target = target
        self.extracted: dict[str, Value] = {}
        self.payloads: Mapping[str, str] = NOTHING
        self.current: Parts | None = None
        self._inputs = target.variables
        self._variables, self._constants, self._outer = variables, constants, outer
        self._rendered: dict[str, str] = {}
        self._being_rendered: set[str] = set()
        self._keeps_history = keeps_history
        self._history: dict[int, Parts] = {}
        self._blocks: dict[str, Parts] = {}
        self._several: dict[str, list[str]] = {}
        self._kept_size = 0
        self._sizes: dict[str, int] = {}

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
            with suppress(KeyError):
                return self._history[int(number)].get(stem)
        for block, parts in self._blocks.items():
            if name.startswith(f"{block}_"):
                with suppress(KeyError):
                    return parts.get(name[len(block) + 1 :])
        return self._given(name)

    def _given(self, name: str) -> Value:
        for layer in (self._constants, self.payloads, self._outer, self.extracted):
            if name in layer:
                return layer[name]
        if name in self._variables:
            return self._variable(name)
        if name in DOMAIN_NAMES:  # few templates ask for these, and the list behind them is long
            return domain_variables(self.target.host)[name]
        return self._inputs[name]

    def _variable(self, name: str) -> str:
        if name not in self._rendered:
            if name in self._being_rendered:
                raise KeyError(name)  # it is made of itself
            self._being_rendered.add(name)
            try:
                self._keep_rendered(name, self._variables[name].render(self.given))
            except (Unresolved, DslError) as error:
                raise KeyError(name) from error
            finally:
                self._being_rendered.discard(name)
        return self._rendered[name]

    def _keep_rendered(self, name: str, text: str) -> None:
        self._kept_size += len(text)
        bounded(self._kept_size, MOST_KEPT)
        self._rendered[name] = text

    def use_payloads(self, combination: Mapping[str, str], *, lenient: bool = False) -> None:
        """Make a combination of payloads the current one; a payload may have placeholders itself, Unresolved
        when one has no value (`lenient`: it stays as it is). Variables made of payloads are made anew."""
        changed = self.payloads.keys() | combination.keys()
        self.payloads = NOTHING
        if changed:
            for name in [name for name in self._rendered if self._is_made_of(name, changed)]:
                self._kept_size -= len(self._rendered.pop(name))
        self.payloads = {name: self._filled(value, lenient) for name, value in combination.items()}

    def _filled(self, value: str, lenient: bool) -> str:
        if "{{" not in value and MARK not in value:
            return value
        text = compile_text(value)
        return text.render_leniently(self.given) if lenient else text.render(self.given)

    def _is_made_of(self, name: str, names: Set[str], seen: frozenset[str] = frozenset()) -> bool:
        used = self._variables[name].names
        if used & names:
            return True
        others = [one for one in used if one in self._variables and one not in seen]
        return any(self._is_made_of(one, names, seen | {name}) for one in others)

    def keep(self, name: str, results: list[str]) -> None:
        """Remember what an extractor found: in requests `name` is the first of it, `name0`, `name1`, … each;
        to the matchers of the same answer `name` is all of it."""
        before, size = self._sizes.get(name, 0), sum(map(len, results))
        if self._kept_size + size - before > MOST_KEPT:
            return
        self._kept_size += size - before
        self._sizes[name] = size
        self.extracted[name] = results[0]
        self.extracted.update({f"{name}{number}": result for number, result in enumerate(results)})
        if self.current is not None:
            self.current.name(name, results[0] if len(results) == 1 else results)

    def iterate_over(self, name: str, results: list[str]) -> None:
        """Remember all of what an internal extractor found, for requests that go through all of it."""
        self._several[name] = results

    def iterations(self) -> Iterator[None]:
        """One turn for each of the values found so far, set while the turn lasts; one turn when none are."""
        several = dict(self._several)
        for turn in range(max(map(len, several.values()), default=1)):
            self.extracted.update({name: found[min(turn, len(found) - 1)] for name, found in several.items()})
            yield

    def use_target(self, *, trimmed: bool, port: int = 0) -> None:
        """Choose what BaseURL is for the next request: without its last slash or as given, and on which
        port, 0 being the target's own."""
        target = self.target.on_port(port) if port else self.target
        self._inputs = target.trimmed_variables if trimmed else target.variables

    def aim_at(self, host: str, port: int) -> None:
        """Choose what Hostname, Host and Port are for the next ask."""
        self.aim(Hostname=join_place(host, port) if port else host, Host=host, Port=str(port or ""))

    def aim(self, **inputs: str) -> None:
        """Choose what some of the target's variables are for the next ask."""
        self._inputs = self.target.variables | {name: narrow(value) for name, value in inputs.items()}

    def begin_block(self) -> None:
        """A new block counts its requests from 1, and starts from the target as it was given."""
        self._history.clear()
        self._inputs = self.target.variables

    def remember(self, number: int, prefixes: tuple[str, ...], parts: Parts) -> None:
        """Make an answer the current one and, if the template looks back, that of request `number` of its
        block, whose parts later blocks know with the block's prefixes: `dns_answer`."""
        self.current = parts
        if self._keeps_history:
            self._history[number] = parts
            self._blocks.update(dict.fromkeys(prefixes, parts))
