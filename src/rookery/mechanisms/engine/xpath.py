"""XPath over HTML and XML bodies, with libxml2 behind bounds: no entities, no network, no scripts, no DTD."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from typing import Any

from rookery.mechanisms.engine.errors import DslError
from rookery.mechanisms.engine.latin import narrow, to_bytes, widen

LARGEST_TREE = 1 << 20  # bytes of markup that are parsed
MOST_ELEMENTS = 50_000
LONGEST_PATH = 1000
MOST_PREDICATES = 8
MOST_NODES = 1000
MARK = re.compile(r"\[|\]|//|descendant|following|preceding|ancestor")
MOST_ELEMENTS_IF_QUADRATIC = 5_000


def _etree() -> Any:
    """lxml's, imported late: it takes 30 ms, and few templates need it."""
    return import_module("lxml.etree")


@lru_cache(maxsize=1024)
def compile_xpath(path: str) -> Any:
    """The compiled path. DslError when it is none, or when it could take unreasonably long."""
    etree = _etree()

    if len(path) > LONGEST_PATH or path.count("[") > MOST_PREDICATES or costs(path) > 1:
        raise DslError(f"the xpath {path!r} could take unreasonably long")
    try:
        return etree.XPath(widen(path), smart_strings=False)
    except (etree.XPathSyntaxError, ValueError) as error:
        raise DslError(f"bad xpath {path!r}: {error}") from None


def costs(path: str) -> int:
    """How often libxml2 would look at every node for every node: a // within a predicate, or an axis that
    leads far. One of these is run, on small trees only."""
    depth = found = 0
    for match in MARK.finditer(path):
        mark = match[0]
        depth += (mark == "[") - (mark == "]")
        found += mark not in ("[", "]") and (depth > 0 or mark not in ("//", "descendant"))
    return found


class Markup:
    """A body as a tree; what is no markup at all has no nodes."""

    def __init__(self, text: str) -> None:
        self._root = _parsed(to_bytes(text[:LARGEST_TREE]))
        self._size = 0 if self._root is None else sum(1 for _ in self._root.iter())

    def nodes(self, path: str) -> list[Any]:
        """What a path selects, at most MOST_NODES; a path that fails on this tree selects nothing."""
        etree = _etree()

        most = MOST_ELEMENTS_IF_QUADRATIC if costs(path) else MOST_ELEMENTS
        if self._root is None or self._size > most:
            return []
        try:
            found = compile_xpath(path)(self._root)
        except etree.XPathError:
            return []
        return found[:MOST_NODES] if isinstance(found, list) else []

    def texts(self, path: str, attribute: str = "") -> Iterator[str]:
        """The text within each node that a path selects, or an attribute of it, empty when it has none."""
        for node in self.nodes(path):
            if isinstance(node, str):
                yield narrow(node)
            elif attribute:
                yield narrow(str(node.get(attribute, "")) if hasattr(node, "get") else "")
            else:
                yield narrow("".join(node.itertext()))


def _parsed(data: bytes) -> Any:
    return _xml(data) if data.startswith(b"<?xml") else _html(data)


def _xml(data: bytes) -> Any:
    etree = _etree()

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True
    )
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _html(data: bytes) -> Any:
    etree = _etree()

    parser = etree.HTMLParser(no_network=True, huge_tree=False, encoding="utf-8")
    try:
        root = etree.fromstring(data, parser) if data.strip() else None
    except (etree.XMLSyntaxError, ValueError):
        return None
    if root is not None:
        _put_rows_into_bodies(root, etree.Element)
    return root


def _put_rows_into_bodies(root: Any, element: Any) -> None:
    """Tables get the <tbody> that HTML says they have, and that paths copied from browsers go through."""
    for table in list(root.iter("table")):
        rows = [child for child in table if child.tag == "tr"]
        if rows:
            body = element("tbody")
            table.insert(table.index(rows[0]), body)
            body.extend(rows)
