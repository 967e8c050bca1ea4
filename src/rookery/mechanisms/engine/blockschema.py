"""What blocks of every protocol have in common in YAML: matchers, extractors, and how they go together."""

from __future__ import annotations

from typing import TypedDict

from rookery.mechanisms.engine.keywords import EXTRACTOR_KEYS, EXTRACTOR_LIST, MATCHER_KEYS, MATCHER_LIST
from rookery.mechanisms.engine.model import ExtractorSpec, MatcherSpec
from rookery.mechanisms.engine.reader import Reader


class BlockKeys(TypedDict):
    """The fields of a BlockSpec."""

    line: int
    id: str
    matchers: tuple[MatcherSpec, ...]
    extractors: tuple[ExtractorSpec, ...]
    matchers_and: bool
    stop_at_first_match: bool


def read_block(block: Reader) -> BlockKeys:
    """The keys of a block that do not depend on its protocol."""
    return BlockKeys(
        line=block.line,
        id=block.text("id"),
        matchers=tuple(read_matcher(reader) for reader in block.children("matchers", "the matcher")),
        extractors=tuple(read_extractor(reader) for reader in block.children("extractors", "the extractor")),
        matchers_and=block.choice("matchers-condition", ("or", "and"), "or") == "and",
        stop_at_first_match=block.flag("stop-at-first-match"),
    )


def read_matcher(reader: Reader) -> MatcherSpec:
    """One entry of `matchers`."""
    reader.refuse_unknown_keys(MATCHER_KEYS)
    kind = reader.text("type") or "word"
    if kind not in MATCHER_LIST:
        raise reader.error(f"matcher type {kind!r} must be one of {', '.join(MATCHER_LIST)}", "type")
    wanted = reader.texts(MATCHER_LIST[kind])
    return MatcherSpec(
        kind=kind,
        line=reader.line,
        name=reader.text("name"),
        part=reader.text("part"),
        is_and=reader.choice("condition", ("or", "and"), "or") == "and" and bool(wanted),
        negative=reader.flag("negative"),
        internal=reader.flag("internal"),
        case_insensitive=reader.flag("case-insensitive"),
        encoding=reader.choice("encoding", ("", "hex")),
        words=reader.texts("words"),
        regex=reader.texts("regex"),
        binary=reader.texts("binary"),
        dsl=reader.texts("dsl"),
        status=reader.numbers("status"),
        size=reader.numbers("size"),
        xpath=reader.texts("xpath"),
        match_all=reader.flag("match-all"),
    )


def read_extractor(reader: Reader) -> ExtractorSpec:
    """One entry of `extractors`."""
    reader.refuse_unknown_keys(EXTRACTOR_KEYS)
    kind = reader.text("type")
    if kind not in EXTRACTOR_LIST:
        raise reader.error(
            f"extractor type {kind!r} must be one of {', '.join(sorted(EXTRACTOR_LIST))}", "type"
        )
    return ExtractorSpec(
        kind=kind,
        line=reader.line,
        name=reader.text("name"),
        part=reader.text("part"),
        group=reader.number("group"),
        internal=reader.flag("internal"),
        case_insensitive=reader.flag("case-insensitive"),
        regex=reader.texts("regex"),
        kval=reader.texts("kval"),
        json=reader.texts("json"),
        dsl=reader.texts("dsl"),
        xpath=reader.texts("xpath"),
        attribute=reader.text("attribute"),
    )
