"""`payloads` and `attack` of a block, of whatever protocol, in YAML."""

from __future__ import annotations

from rookery.mechanisms.engine.document import Mapping, Node, Scalar, Sequence
from rookery.mechanisms.engine.model import PayloadSpec
from rookery.mechanisms.engine.payloads import ATTACKS
from rookery.mechanisms.engine.reader import Reader

AGGRESSION = ("low", "medium", "high")


def read_attack(block: Reader) -> str:
    """How payloads are combined; nothing when the block does not say."""
    return block.choice("attack", ("", *ATTACKS))


def read_payloads(block: Reader) -> dict[str, PayloadSpec]:
    """The payloads by name."""
    node = block.node.entries.get("payloads")
    if node is None or (isinstance(node, Scalar) and not node.text):
        return {}
    reader = Reader(node, "payloads", block.path)
    return {name: _payload(reader, name, one) for name, one in reader.node.entries.items()}


def _payload(reader: Reader, name: str, node: Node) -> PayloadSpec:
    """A list, lines of text, the name of a file, or lists by aggression, of which the low one runs."""
    if isinstance(node, Mapping):
        levels = Reader(node, f"the payload {name!r}", reader.path)
        levels.refuse_unknown_keys(frozenset(AGGRESSION))
        return _listed(levels, AGGRESSION[0], name)
    if isinstance(node, Sequence):
        return _listed(reader, name, name)
    text = reader.text(name).strip("\n")
    if "\n" in text:
        return PayloadSpec(tuple(text.split("\n")))
    if not text:
        raise reader.error(f"the payload {name!r} has no values", name)
    return PayloadSpec(file=text)


def _listed(reader: Reader, key: str, name: str) -> PayloadSpec:
    values = reader.texts(key)
    if not values:
        raise reader.error(f"the payload {name!r} has no values", key)
    return PayloadSpec(values)
