"""YAML as untrusted input: every scalar stays text, and size, depth, node count and aliases are bounded.

Scalars stay text because nuclei decodes them into string fields: `data: 0000000107` and `words: [false]` must
not become numbers and booleans. libyaml's event stream is read, so that nothing is built before it is
counted, and each node keeps its line for error messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from rookery.mechanisms.engine.errors import TemplateError

LARGEST_DOCUMENT = 8 << 20  # bytes; the largest official template is below 1 MB
DEEPEST = 40  # levels of nesting
MOST_NODES = 400_000  # aliases count as often as they are expanded, so a YAML bomb is refused, not built
NULLS = frozenset(("", "~", "null", "Null", "NULL"))


@dataclass(slots=True)
class Node:
    """Where a node begins: its 1-based line."""

    line: int


@dataclass(slots=True)
class Scalar(Node):
    """A scalar as the text that was written; a plain null is the empty text."""

    text: str = ""


@dataclass(slots=True)
class Sequence(Node):
    """A list of nodes."""

    items: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class Mapping(Node):
    """A mapping with text keys; a key that appears twice is an error, as it is for nuclei."""

    entries: dict[str, Any] = field(default_factory=dict)
    key_lines: dict[str, int] = field(default_factory=dict)


def parse_document(data: bytes, *, path: str) -> Node:
    """The root node of the one YAML document in data; TemplateError names file and line."""
    if len(data) > LARGEST_DOCUMENT:
        raise TemplateError(
            f"the file is larger than {LARGEST_DOCUMENT >> 20} MiB, the most a template may have", path=path
        )
    try:
        return _Composer(path).compose(data)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TemplateError(f"not YAML: {_problem(error)}", path=path, line=_line(error)) from None


def _problem(error: Exception) -> str:
    return str(getattr(error, "problem", None) or getattr(error, "reason", None) or error).splitlines()[0]


def _line(error: Exception) -> int | None:
    mark = getattr(error, "problem_mark", None)
    return None if mark is None else mark.line + 1


class _Anchored(NamedTuple):
    """A node that aliases may repeat, and how many values and levels a repetition adds."""

    node: Node
    weight: int
    depth: int


class _Open:
    """A container that is still being filled, with the key that waits for its value; of one that has an
    anchor, also how many values there were before it, and the deepest level below it."""

    __slots__ = ("anchor", "before", "deepest", "key", "node")

    def __init__(self, node: Mapping | Sequence, anchor: str | None, before: int) -> None:
        self.node, self.anchor, self.before = node, anchor, before
        self.key: str | None = None
        self.deepest = 0


class _Composer:
    """Builds nodes from events, on an explicit stack: nesting costs no Python frames."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.anchors: dict[str, _Anchored] = {}
        self.nodes = 0
        self.stack: list[_Open] = []
        self.open_anchors: list[_Open] = []
        self.root: Node | None = None

    def compose(self, data: bytes) -> Node:
        next_event, kinds = yaml.CBaseLoader(data).get_event, self._kinds()
        while not isinstance(event := next_event(), yaml.StreamEndEvent):
            if (take := kinds.get(type(event))) is not None:
                take(event)
        if self.root is None:
            raise TemplateError("the file is empty", path=self.path)
        return self.root

    def _kinds(self) -> dict[type, Callable[[Any], None]]:
        return {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: lambda event: self._open(event, Mapping(event.start_mark.line + 1)),
            yaml.SequenceStartEvent: lambda event: self._open(event, Sequence(event.start_mark.line + 1)),
            yaml.MappingEndEvent: self._close,
            yaml.SequenceEndEvent: self._close,
            yaml.AliasEvent: self._alias,
        }

    def _scalar(self, event: Any) -> None:
        text = event.value
        if text in NULLS and not event.style:
            text = ""
        node = Scalar(event.start_mark.line + 1, text)
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise self._too_many(node.line)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(node, 1, 1)
        self._attach(node)

    def _open(self, event: Any, node: Mapping | Sequence) -> None:
        if len(self.stack) >= DEEPEST:
            raise self._too_deep(node.line)
        self.stack.append(_Open(node, event.anchor, self.nodes))
        if event.anchor is not None:
            self.open_anchors.append(self.stack[-1])

    def _close(self, _: Any) -> None:
        closed = self.stack.pop()
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise self._too_many(closed.node.line)
        if closed.anchor is not None:
            self.open_anchors.pop()
            depth = max(closed.deepest - len(self.stack), 1)
            self.anchors[closed.anchor] = _Anchored(closed.node, self.nodes - closed.before, depth)
        self._attach(closed.node)

    def _alias(self, event: Any) -> None:
        line, anchored = event.start_mark.line + 1, self.anchors.get(event.anchor)
        if anchored is None:
            raise TemplateError(
                f"the alias *{event.anchor} has no anchor before it", path=self.path, line=line
            )
        self.nodes += anchored.weight
        if self.nodes > MOST_NODES:
            raise self._too_many(line)
        self._attach(anchored.node, anchored.depth)

    def _attach(self, node: Node, depth: int = 1) -> None:
        """Put a whole node where it belongs; `depth` is of how many levels it consists."""
        if not self.stack:
            if self.root is not None:
                raise TemplateError("more than one document in the file", path=self.path, line=node.line)
            self.root = node
            return
        level = len(self.stack) + depth
        if level > DEEPEST:
            raise self._too_deep(node.line)
        for anchored in self.open_anchors:
            anchored.deepest = max(anchored.deepest, level)
        parent = self.stack[-1]
        container = parent.node
        if isinstance(container, Sequence):
            container.items.append(node)
        elif parent.key is None:
            parent.key = self._key(container, node)
        else:
            container.entries[parent.key], parent.key = node, None

    def _key(self, container: Mapping, node: Node) -> str:
        if not isinstance(node, Scalar):
            raise TemplateError("a key must be plain text", path=self.path, line=node.line)
        if node.text == "<<":
            raise TemplateError("merge keys (<<) are not read", path=self.path, line=node.line)
        if node.text in container.entries:
            raise TemplateError(f"the key {node.text!r} appears twice", path=self.path, line=node.line)
        container.key_lines[node.text] = node.line
        return node.text

    def _too_many(self, line: int) -> TemplateError:
        return TemplateError(f"more than {MOST_NODES:,} values", path=self.path, line=line)

    def _too_deep(self, line: int) -> TemplateError:
        return TemplateError(f"nested deeper than {DEEPEST} levels", path=self.path, line=line)
