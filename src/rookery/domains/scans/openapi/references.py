"""`$ref`: followed inside the document, so many times, and never in a circle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from rookery.domains.scans.openapi.errors import BadApiDocument

MOST_HOPS = 32


class References:
    """Resolves the references of one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def resolve(self, node: Any) -> dict[str, Any]:
        """The mapping a node is, or leads to; an empty one when it is none. Raises BadApiDocument."""
        first = node
        for _ in range(MOST_HOPS):
            if not isinstance(node, dict):
                return {}
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return node
            node = self._at(reference)
        raise BadApiDocument(f"the reference {_short(str(first['$ref']))} leads in a circle, or too far")

    def _at(self, reference: str) -> Any:
        if not reference.startswith("#/"):
            raise BadApiDocument(f"the reference {_short(reference)} leads out of the document")
        node: Any = self._document
        for part in reference[2:].split("/"):
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(node, dict) and name in node:
                node = node[name]
            elif isinstance(node, list) and name.isdecimal() and int(name[:6]) < len(node):
                node = node[int(name[:6])]
            else:
                raise BadApiDocument(f"the reference {_short(reference)} leads nowhere")
        return node


def _short(text: str) -> str:
    return repr(text if len(text) <= 100 else text[:99] + "…")
