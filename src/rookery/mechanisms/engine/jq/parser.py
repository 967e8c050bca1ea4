"""A query as text, by jq's grammar, turned into steps."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from rookery.mechanisms.engine.errors import DslError
from rookery.mechanisms.engine.jq import places, steps
from rookery.mechanisms.engine.jq.arithmetic import OPERATORS
from rookery.mechanisms.engine.jq.builtins import function
from rookery.mechanisms.engine.jq.steps import Run

TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>\d+(?:\.\d+)?(?:[eE][-+]?\d{1,3})?|\.\d+)
  | (?P<field>\.[A-Za-z_]\w*)
  | (?P<name>@?[A-Za-z_]\w*)
  | (?P<variable>\$[A-Za-z_]\w*)
  | (?P<text>"(?:[^"\\]|\\.)*")
  | (?P<mark>\.\.|//|==|!=|<=|>=|[-|,<>+*/%.?()\[\]{}:;])
  )""",
    re.VERBOSE | re.DOTALL,
)
DEEPEST = 40
COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")
CONSTANTS = {"null": None, "true": True, "false": False}
LEVELS = (("or",), ("and",), COMPARISONS, ("+", "-"), ("*", "/", "%"))


class Token(NamedTuple):
    """`kind` is number, field, name, variable, text, mark or end."""

    kind: str
    text: str


class Parser:
    """Recursive descent, with a bound on how deep."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens: list[Token] = []
        self.position = self.depth = end = 0
        while (match := TOKEN.match(source, end)) is not None:
            self.tokens.append(Token(match.lastgroup or "", match[match.lastgroup or 0]))
            end = match.end()
        if source[end:].strip():
            raise self.refusal(source[end:].strip()[:20])
        self.tokens.append(Token("end", ""))

    def refusal(self, what: str = "") -> DslError:
        """What is not understood here."""
        shown = what or self.tokens[self.position].text or "the end"
        return DslError(f"the jq query {self.source!r} is not supported: {shown!r} was not expected")

    def peek(self) -> Token:
        return self.tokens[self.position]

    def accept(self, *texts: str) -> str | None:
        token = self.peek()
        if token.kind in ("mark", "name") and token.text in texts:
            self.position += 1
            return token.text
        return None

    def expect(self, text: str) -> None:
        if self.accept(text) is None:
            raise self.refusal()

    def whole(self) -> Run:
        """The steps of the whole query."""
        result = self.pipe()
        if self.peek().kind != "end":
            raise self.refusal()
        return result

    def pipe(self) -> Run:
        self.depth += 1
        if self.depth > DEEPEST:
            raise DslError(f"the jq query {self.source!r} is nested too deep")
        first = self.comma()
        if self.accept("as"):
            name = self.take("variable")
            self.expect("|")
            first = steps.bound(first, name, self.pipe())
        elif self.accept("|"):
            first = steps.piped(first, self.pipe())
        self.depth -= 1
        return first

    def comma(self) -> Run:
        first = self.otherwise()
        while self.accept(","):
            first = steps.both(first, self.otherwise())
        return first

    def otherwise(self) -> Run:
        """first // second // third, from the right"""
        alternatives = [self.level(0)]
        while self.accept("//"):
            alternatives.append(self.level(0))
        result = alternatives.pop()
        while alternatives:
            result = steps.alternative(alternatives.pop(), result)
        return result

    def level(self, index: int) -> Run:
        if index == len(LEVELS):
            return self.sign()
        first = self.level(index + 1)
        while (operator := self.accept(*LEVELS[index])) is not None:
            second = self.level(index + 1)
            if operator in ("and", "or"):
                first = steps.logical(first, second, stop=operator == "or")
            else:
                first = steps.binary(OPERATORS[operator], first, second)
        return first

    def sign(self) -> Run:
        if self.accept("-"):
            return steps.binary(OPERATORS["-"], steps.literal(0), self.postfix())
        return self.postfix()

    def postfix(self) -> Run:
        """A term and what hangs on it: .name, [index], [], ?"""
        result = self.term()
        while True:
            token = self.peek()
            if token.kind == "field":
                self.position += 1
                result = steps.piped(result, places.looked_up(steps.literal(token.text[1:])))
            elif token == ("mark", ".") and self.tokens[self.position + 1].text[:1] in ("[", '"'):
                self.position += 1
                result = self.hung(result)
            elif token == ("mark", "["):
                result = self.hung(result)
            elif self.accept("?"):
                result = steps.attempted(result)
            else:
                return result

    def hung(self, base: Run) -> Run:
        """base["name"], base[index], base[start:end], base[], base."name" """
        if self.peek().kind == "text":
            return _within(base, self.text())
        self.expect("[")
        if self.accept("]"):
            return steps.piped(base, places.each)
        nothing = steps.literal(None)
        start = nothing if self.peek() == ("mark", ":") else self.pipe()
        if self.accept(":"):
            end = nothing if self.peek() == ("mark", "]") else self.pipe()
            self.expect("]")
            return steps.piped(base, places.sliced(start, end))
        self.expect("]")
        return _within(base, start)

    def take(self, kind: str) -> str:
        token = self.peek()
        if token.kind != kind:
            raise self.refusal()
        self.position += 1
        return token.text

    def term(self) -> Run:
        token = self.peek()
        self.position += 1
        if token.kind == "number":
            return steps.literal(json.loads(token.text if token.text[0] != "." else f"0{token.text}"))
        if token.kind == "field":
            return places.looked_up(steps.literal(token.text[1:]))
        if token.kind == "variable":
            return steps.variable(token.text)
        if token.kind == "name":
            return self.named(token.text)
        self.position -= 1
        return self.text() if token.kind == "text" else self.marked()

    def marked(self) -> Run:
        mark = self.accept(".", "..", "(", "[", "{")
        if mark == ".":
            hangs = self.peek().kind == "text" or self.peek() == ("mark", "[")
            return self.hung(steps.identity) if hangs else steps.identity
        if mark == "..":
            return places.recursed
        if mark == "(":
            inner = self.pipe()
            self.expect(")")
            return inner
        if mark == "[":
            if self.accept("]"):
                return steps.collected(None)
            inner = self.pipe()
            self.expect("]")
            return steps.collected(inner)
        if mark == "{":
            return self.object()
        raise self.refusal()

    def named(self, name: str) -> Run:
        if name in CONSTANTS:
            return steps.literal(CONSTANTS[name])
        if name == "if":
            return self.condition()
        if name == "try":
            tried = self.postfix()
            return steps.attempted(tried, self.postfix() if self.accept("catch") else None)
        arguments: list[Run] = []
        if self.accept("("):
            arguments.append(self.pipe())
            while self.accept(";"):
                arguments.append(self.pipe())
            self.expect(")")
        found = function(name, arguments)
        if found is None:
            raise DslError(
                f"the jq query {self.source!r} is not supported: {name}/{len(arguments)} is not run"
            )
        return found

    def condition(self) -> Run:
        decision = self.pipe()
        self.expect("then")
        then = self.pipe()
        if self.accept("elif"):
            return steps.choice(decision, then, self.condition())
        otherwise = self.pipe() if self.accept("else") else steps.identity
        self.expect("end")
        return steps.choice(decision, then, otherwise)

    def object(self) -> Run:
        pairs: list[tuple[Run, Run]] = []
        while not self.accept("}"):
            if pairs:
                self.expect(",")
            pairs.append(self.pair())
        return steps.built(pairs)

    def pair(self) -> tuple[Run, Run]:
        token = self.peek()
        if self.accept("("):
            key = self.pipe()
            self.expect(")")
            self.expect(":")
            return key, self.otherwise()
        if token.kind == "text":
            key = self.text()
        elif token.kind in ("name", "variable"):
            self.position += 1
            key = steps.literal(token.text.removeprefix("$"))
        else:
            raise self.refusal()
        if self.accept(":"):
            return key, self.otherwise()
        return key, steps.variable(token.text) if token.kind == "variable" else places.looked_up(key)

    def text(self) -> Run:
        """A quoted text; queries within it are not run."""
        source = self.take("text")
        if "\\(" in source:
            raise self.refusal("\\(")
        try:
            return steps.literal(json.loads(source, strict=False))
        except ValueError:
            raise self.refusal(source[:20]) from None


def _within(base: Run, place: Run) -> Run:
    """base[place], where `.` in the place is what base stands in, not base itself."""

    def run(value: Any, scope: steps.Scope) -> Iterator[Any]:
        for whole in base(value, scope):
            for key in place(value, scope):
                scope.budget.pay()
                yield places.item(whole, key)

    return run
