"""From bytes to plain dicts, lists and scalars, whoever wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from rookery.domains.scans.openapi.errors import BadApiDocument

if TYPE_CHECKING:
    from rookery.mechanisms.engine.document import Node

LARGEST = 8 << 20  # bytes


def read_document(data: bytes, source: str) -> dict[str, Any]:
    """The mapping in a JSON or YAML document; `source` names it in errors. Raises BadApiDocument.

    Scalars of YAML stay text, as they were written: an example `007` is not 7.
    """
    if len(data) > LARGEST:
        raise BadApiDocument(f"{source} is longer than {LARGEST >> 20} MB.")
    document = _json(data, source) if data.lstrip()[:1] == b"{" else _yaml(data, source)
    if not isinstance(document, dict):
        raise BadApiDocument(f"{source} is not an OpenAPI document: it holds no mapping.")
    return document


def _json(data: bytes, source: str) -> Any:
    try:
        return msgspec.json.decode(data)
    except RecursionError:
        raise BadApiDocument(f"{source} is nested too deeply.") from None
    except ValueError as error:
        raise BadApiDocument(f"{source} is not JSON: {error}.") from None


def _yaml(data: bytes, source: str) -> Any:
    from rookery.mechanisms.engine.document import parse_document  # the engine takes 0.1 s to import
    from rookery.mechanisms.engine.errors import TemplateError

    try:
        return _plain(parse_document(data, path=source))
    except TemplateError as error:
        line = f"line {error.line}: " if error.line else ""
        raise BadApiDocument(f"{source} is neither JSON nor YAML: {line}{error.reason[:200]}.") from None


def _plain(node: Node) -> Any:
    """What the nodes of YAML hold; they are nested no deeper than the parser lets them be."""
    from rookery.mechanisms.engine.document import Mapping, Scalar, Sequence

    if isinstance(node, Mapping):
        return {name: _plain(value) for name, value in node.entries.items()}
    if isinstance(node, Sequence):
        return [_plain(item) for item in node.items]
    return node.text if isinstance(node, Scalar) else None
