"""Expressions, parsed by recursive descent and compiled to closures. Nothing is ever handed to eval().

Operators and their order are govaluate's, which nuclei uses: ternary, ||, &&, comparators, bitwise, shifts,
additive, multiplicative, power, prefix. Levels are evaluated in loops, so that a long chain costs no stack.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from rookery.mechanisms.engine.dsl import operators
from rookery.mechanisms.engine.dsl.functions import FUNCTIONS, REFUSED
from rookery.mechanisms.engine.dsl.lexer import Token, tokens
from rookery.mechanisms.engine.dsl.remembering import COSTLY, remembered
from rookery.mechanisms.engine.dsl.values import Lookup, Value
from rookery.mechanisms.engine.errors import DslError, RefusedFunction, UnknownFunction

DEEPEST = 40  # nested parentheses, calls and prefixes
MOST_TOKENS = 20_000

FINGERPRINT = "jarm(Hostname)"
"""No call, but the name of a value: connections are not opened from within an expression."""

Evaluate = Callable[[Lookup], Value]

LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",),
    ("&&",),
    ("==", "!=", ">=", "<=", "=~", "!~", ">", "<", "in"),
    ("&", "|", "^"),
    ("<<", ">>"),
    ("+", "-"),
    ("*", "/", "%"),
    ("**",),
)


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. `names` are the variables it reads, `calls` the functions it calls."""

    source: str
    names: frozenset[str]
    calls: frozenset[str]
    _evaluate: Evaluate

    def evaluate(self, lookup: Lookup) -> Value:
        """Its value. DslError when it fails on these values; KeyError when lookup lacks a name."""
        return self._evaluate(lookup)


@lru_cache(maxsize=16384)
def compile_expression(source: str) -> Expression:
    """The compiled expression; DslError says what is wrong with it."""
    parser = _Parser(source)
    try:
        evaluate = parser.whole()
    except RecursionError:  # text within expressions within text: each starts counting anew
        raise DslError("an expression is nested too deep") from None
    return Expression(source, frozenset(parser.names), frozenset(parser.calls), evaluate)


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens = tokens(source)
        if len(self.tokens) > MOST_TOKENS:
            raise DslError(f"an expression of {len(self.tokens):,} tokens is too long")
        self.position = 0
        self.depth = 0
        self.choices = 0  # "?" whose ":" is still to come
        self.names: set[str] = set()
        self.calls: set[str] = set()

    def whole(self) -> Evaluate:
        """One expression; several with commas between them are a list, as between parentheses."""
        items = [self.ternary()]
        while self.accept(","):
            items.append(self.ternary())
        if self.peek().kind != "end":
            raise self.unexpected()
        return items[0] if len(items) == 1 else operators.listed(items)

    def peek(self) -> Token:
        return self.tokens[self.position]

    def take(self) -> Token:
        self.position += 1
        return self.tokens[self.position - 1]

    def accept(self, *operators_: str) -> str | None:
        token = self.peek()
        if token.text in operators_ and (
            token.kind == "operator" or (token.kind, token.text) == ("name", "in")
        ):
            self.position += 1
            return token.text
        return None

    def expect(self, operator: str) -> None:
        if self.accept(operator) is None:
            raise self.unexpected(f"{operator!r} was expected")

    def unexpected(self, hint: str = "") -> DslError:
        token = self.peek()
        found = "the end" if token.kind == "end" else repr(token.text[:40])
        why = f": {hint}" if hint else ""
        return DslError(f"unexpected {found} at {token.offset} in the expression {self.source[:80]!r}{why}")

    def ternary(self) -> Evaluate:
        self.depth += 1
        if self.depth > DEEPEST:
            raise DslError(f"an expression is nested deeper than {DEEPEST} levels")
        result = self.level(0)
        if self.accept("??"):
            result = operators.coalesce(result, self.ternary())
        elif self.accept("?"):
            self.choices += 1
            then = self.ternary()
            self.choices -= 1
            self.expect(":")
            result = operators.choose(result, then, self.ternary())
        elif not self.choices and self.accept(":"):  # to govaluate, without its "?" it is as "??"
            result = operators.coalesce(result, self.ternary())
        self.depth -= 1
        return result

    def level(self, index: int) -> Evaluate:
        if index == len(LEVELS):
            return self.prefix()
        first = self.level(index + 1)
        rest: list[tuple[str, Evaluate]] = []
        while (operator := self.accept(*LEVELS[index])) is not None:
            rest.append((operator, self.level(index + 1)))
        return operators.chain(first, rest) if rest else first

    def prefix(self) -> Evaluate:
        signs: list[str] = []
        while (sign := self.accept("!", "-", "~")) is not None:
            signs.append(sign)
        result = self.primary()
        return operators.prefixed(signs, result) if signs else result

    def primary(self) -> Evaluate:
        token = self.peek()
        if token.kind == "operator" and token.text in ("(", "{{"):
            return self.group()
        if token.kind in ("operator", "end"):
            raise self.unexpected()
        self.take()
        if token.kind == "name":
            return self.name(token.text)
        return operators.constant(_literal(token)) if token.kind == "number" else self.text(token.text)

    def group(self) -> Evaluate:
        """(expression), ('a', 'b') as the list that `in` takes, or {{expression}}."""
        if self.accept("{{"):
            result = self.ternary()
            self.expect("}}")
            return result
        self.expect("(")
        items = self.arguments()
        if not items:
            raise self.unexpected("the parentheses are empty")
        return items[0] if len(items) == 1 else operators.listed(items)

    def arguments(self) -> list[Evaluate]:
        """What stands between parentheses, the closing one included."""
        items: list[Evaluate] = []
        if self.accept(")"):
            return items
        items.append(self.ternary())
        while self.accept(","):
            items.append(self.ternary())
        self.expect(")")
        return items

    def name(self, name: str) -> Evaluate:
        if name in ("true", "false"):
            return operators.constant(name == "true")
        if self.accept("("):
            return self.call(name)
        self.names.add(name)
        return operators.variable(name)

    def call(self, name: str) -> Evaluate:
        if f"{name}({self.peek().text})" == FINGERPRINT and self.tokens[self.position + 1].text == ")":
            self.position += 2
            self.names.add(FINGERPRINT)
            return operators.variable(FINGERPRINT)
        function = FUNCTIONS.get(name)
        if function is None:
            raise unknown_function(name)
        arguments = self.arguments()
        if not function.fewest <= len(arguments) <= function.most:
            raise DslError(f"{name}() takes {function.arity}, not {len(arguments)}")
        self.calls.add(name)
        run = remembered(function.run) if name.replace("_", "") in COSTLY else function.run
        return operators.called(run, arguments)

    def text(self, text: str) -> Evaluate:
        """Quoted text, in which {{expressions}} are filled in: their values stay data, unlike in nuclei."""
        if "{{" not in text and "\u00a7" not in text:
            return operators.constant(text)
        from rookery.mechanisms.engine.render import (
            compile_text,
        )  # the two know each other: text in expressions

        filled = compile_text(text)
        self.names |= filled.names
        self.calls |= filled.calls
        return filled.render_leniently


def unknown_function(name: str) -> UnknownFunction:
    """Why a function is not there: nuclei has it and it is not run here, or nobody has it."""
    reason = REFUSED.get(name)
    if reason is not None:
        return RefusedFunction(f"the function {name}() is not run: {reason}")
    return UnknownFunction(f"the function {name}() is not available")


def _literal(token: Token) -> float:
    return float(int(token.text, 16)) if token.text[:2] in ("0x", "0X") else float(token.text)
