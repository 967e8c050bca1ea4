"""YAML as untrusted input: every scalar stays text, and size, depth, node count and aliases are bounded.

Scalars stay text because nuclei decodes them into string fields: `data: 0000000107` and `words: [false]` must
not become numbers and booleans. libyaml's event stream is read, so that nothing is built before it is
counted, and each node keeps its line for error messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from rookery.mechanisms.engine.errors import TemplateError

LARGEST_DOCUMENT = 8 << 20  # bytes; the largest official template is below 1 MB
DEEPEST = 40  # levels of nesting
MOST_NODES = 400_000  # aliases count as often as they are expanded, so a YAML bomb is refused, not built
NULLS = frozenset(("", "~", "null", "Null", "NULL"))


@dataclass(slots=True)
class Node:
    """Where a node begins (1-based line) and how many nodes hang below it, itself included."""

    line: int
    weight: int = 1
    depth: int = 1


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


class _Composer:
    """Builds nodes from events, on an explicit stack: nesting costs no Python frames."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.anchors: dict[str, Node] = {}
        self.nodes = 0

    def compose(self, data: bytes) -> Node:
        root: Node | None = None
        stack: list[_Open] = []
        for event in yaml.parse(data, Loader=yaml.CBaseLoader):
            node = self._node(event, stack)
            if node is None:
                continue
            if stack:
                self._attach(stack[-1], node)
            elif root is None:
                root = node
            else:
                raise TemplateError("more than one document in the file", path=self.path, line=node.line)
        if root is None:
            raise TemplateError("the file is empty", path=self.path)
        return root

    def _node(self, event: Any, stack: list[_Open]) -> Node | None:
        """The node this event completes, None while it only opens or says nothing."""
        line = event.start_mark.line + 1
        if isinstance(event, yaml.ScalarEvent):
            plain_null = not event.style and event.value in NULLS
            return self._anchored(event.anchor, Scalar(line, text="" if plain_null else event.value))
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._open(event, stack, line)
        elif isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor, line)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            return self._anchored(stack[-1].anchor, stack.pop().node)
        return None

    def _open(self, event: Any, stack: list[_Open], line: int) -> None:
        if len(stack) >= DEEPEST:
            raise TemplateError(f"nested deeper than {DEEPEST} levels", path=self.path, line=line)
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        stack.append(_Open(Mapping(line) if is_mapping else Sequence(line), event.anchor))

    def _anchored(self, anchor: str | None, node: Node) -> Node:
        self._count(1, node.line)
        if anchor is not None:
            self.anchors[anchor] = node
        return node

    def _alias(self, anchor: str | None, line: int) -> Node:
        node = self.anchors.get(anchor or "")
        if node is None:
            raise TemplateError(f"the alias *{anchor} has no anchor before it", path=self.path, line=line)
        self._count(node.weight, line)
        return node

    def _count(self, nodes: int, line: int) -> None:
        self.nodes += nodes
        if self.nodes > MOST_NODES:
            raise TemplateError(f"more than {MOST_NODES:,} values", path=self.path, line=line)

    def _attach(self, parent: _Open, node: Node) -> None:
        container = parent.node
        container.weight += node.weight
        container.depth = max(container.depth, node.depth + 1)
        if container.depth > DEEPEST:
            raise TemplateError(f"nested deeper than {DEEPEST} levels", path=self.path, line=node.line)
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


@dataclass(slots=True)
class _Open:
    """A container that is still being filled, with the key that waits for its value."""

    node: Mapping | Sequence
    anchor: str | None
    key: str | None = None
