"""Typed access to a YAML mapping: every wrong type and unknown key is a TemplateError with its line."""

from __future__ import annotations

import difflib
from typing import Any

from rookery.mechanisms.engine.document import Mapping, Node, Scalar, Sequence
from rookery.mechanisms.engine.errors import TemplateError
from rookery.mechanisms.engine.names import names

TRUE = names("true True TRUE yes Yes YES on On ON")
FALSE = names("false False FALSE no No NO off Off OFF") | {""}


class Reader:
    """Reads one mapping. `what` names it in errors ('matcher', 'info', …)."""

    def __init__(self, node: Node | None, what: str, path: str) -> None:
        if not isinstance(node, Mapping):
            line = None if node is None else node.line
            raise TemplateError(f"{what} must be a mapping", path=path, line=line)
        self.node, self.what, self.path, self.line = node, what, path, node.line

    def __contains__(self, key: str) -> bool:
        return key in self.node.entries

    def error(self, reason: str, key: str = "") -> TemplateError:
        """An error at the line of the key."""
        return TemplateError(reason, path=self.path, line=self.node.key_lines.get(key, self.line))

    def unknown_keys(self, known: frozenset[str]) -> list[str]:
        """Keys that are not known, each as one line with the nearest right one."""
        return [self._unknown(key, known) for key in self.node.entries if key not in known]

    def refuse_unknown_keys(self, known: frozenset[str]) -> None:
        """TemplateError for the first key that is not known, as nuclei's strict decoding does."""
        for key in self.node.entries:
            if key not in known:
                raise self.error(self._unknown(key, known), key)

    def _unknown(self, key: str, known: frozenset[str]) -> str:
        near = difflib.get_close_matches(key, known, n=1)
        return f"unknown key {key!r} in {self.what}" + (f"; did you mean {near[0]!r}?" if near else "")

    def text(self, key: str, default: str = "") -> str:
        """A scalar's text."""
        node = self.node.entries.get(key)
        return default if node is None else self._scalar(node, key)

    def _scalar(self, node: Node, key: str) -> str:
        if not isinstance(node, Scalar):
            raise self.error(f"{self.what}: {key!r} must be text", key)
        return node.text

    def flag(self, key: str) -> bool:
        """true or false; absent is false."""
        text = self.text(key)
        if text in TRUE or text in FALSE:
            return text in TRUE
        raise self.error(f"{self.what}: {key!r} must be true or false, not {text!r}", key)

    def number(self, key: str, default: int = 0) -> int:
        """A whole number, decimal, 0x or 0o."""
        return self._integer(self.text(key), key) if key in self.node.entries else default

    def _integer(self, text: str, key: str) -> int:
        try:
            return int(text, 0) if text[:1] == "0" and len(text) > 1 else int(text)
        except ValueError:
            raise self.error(f"{self.what}: {key!r} must be a whole number, not {text!r}", key) from None

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of scalars; nothing is an empty list."""
        node = self.node.entries.get(key)
        if node is None or (isinstance(node, Scalar) and not node.text):
            return ()
        if not isinstance(node, Sequence):
            raise self.error(f"{self.what}: {key!r} must be a list", key)
        return tuple(self._scalar(item, key) for item in node.items)

    def numbers(self, key: str) -> tuple[int, ...]:
        """A list of whole numbers."""
        return tuple(self._integer(text, key) for text in self.texts(key))

    def words(self, key: str) -> tuple[str, ...]:
        """A list, or one line separated by commas: trimmed, empty ones dropped."""
        node = self.node.entries.get(key)
        parts = node.text.split(",") if isinstance(node, Scalar) else self.texts(key)
        return tuple(part.strip() for part in parts if part.strip())

    def lines(self, key: str) -> tuple[str, ...]:
        """A list, or text with one item per line: trimmed, empty ones dropped."""
        node = self.node.entries.get(key)
        parts = node.text.splitlines() if isinstance(node, Scalar) else self.texts(key)
        return tuple(part.strip() for part in parts if part.strip())

    def table(self, key: str) -> dict[str, str]:
        """A mapping of text to text."""
        node = self.node.entries.get(key)
        if node is None or (isinstance(node, Scalar) and not node.text):
            return {}
        inner = Reader(node, f"{self.what}'s {key!r}", self.path)
        return {name: inner.text(name) for name in inner.node.entries}

    def children(self, key: str, what: str) -> tuple[Reader, ...]:
        """A list of mappings."""
        node = self.node.entries.get(key)
        if node is None or (isinstance(node, Scalar) and not node.text):
            return ()
        if not isinstance(node, Sequence):
            raise self.error(f"{self.what}: {key!r} must be a list", key)
        return tuple(Reader(item, what, self.path) for item in node.items)

    def plain(self, key: str) -> dict[str, Any]:
        """A mapping as plain dicts, lists and text, whatever it holds."""
        node = self.node.entries.get(key)
        value = {} if node is None else _plain(node)
        return value if isinstance(value, dict) else {}

    def everything(self) -> dict[str, Any]:
        """The whole mapping as plain dicts, lists and text."""
        return {key: _plain(node) for key, node in self.node.entries.items()}

    def choice(self, key: str, allowed: tuple[str, ...], default: str = "") -> str:
        """One of the allowed words."""
        word = self.text(key, default)
        if word not in allowed:
            raise self.error(f"{self.what}: {key!r} must be one of {', '.join(allowed)}, not {word!r}", key)
        return word


def _plain(node: Node) -> Any:
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Sequence):
        return [_plain(item) for item in node.items]
    assert isinstance(node, Mapping)  # noqa: S101 -- the third and last kind of node
    return {key: _plain(value) for key, value in node.entries.items()}
