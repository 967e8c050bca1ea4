"""What a template says of itself, read without compiling it: of use also where it is not run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rookery.mechanisms.engine.document import parse_document
from rookery.mechanisms.engine.model import Info
from rookery.mechanisms.engine.names import names
from rookery.mechanisms.engine.reader import Reader
from rookery.mechanisms.engine.schema import read_id, read_info

KINDS = names("http requests tcp network dns ssl file workflows code headless javascript websocket whois")
NEW_NAMES = {"requests": "http", "network": "tcp", "workflows": "workflow"}


@dataclass(frozen=True, slots=True)
class Header:
    """Id, info, and the blocks as they are written: plain dicts, lists and text, by protocol."""

    id: str
    info: Info
    blocks: dict[str, list[dict[str, Any]]]

    @property
    def protocols(self) -> tuple[str, ...]:
        """The protocols it speaks, by nuclei's names, in the order of the file; or `workflow`."""
        return tuple(self.blocks)


def read_header(data: bytes, *, path: str) -> Header:
    """The header of the template in data. TemplateError when it has none."""
    root = Reader(parse_document(data, path=path), "the template", path)
    info, _ = read_info(root)
    blocks = {
        NEW_NAMES.get(key, key): [block.everything() for block in root.children(key, f"the {key} block")]
        for key in root.node.entries
        if key in KINDS
    }
    return Header(read_id(root), info, blocks)
