"""From YAML nodes to a TemplateSpec: what the file must hold, and what of it is refused with which reason.

Unknown keys are errors, as in nuclei, whose decoding is strict; in `info`, where nothing can change what is
run, they are warnings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from rookery.mechanisms.engine.document import parse_document
from rookery.mechanisms.engine.errors import UnsupportedTemplate
from rookery.mechanisms.engine.flow import parse_flow
from rookery.mechanisms.engine.httpschema import read_http
from rookery.mechanisms.engine.keywords import (
    INFO_KEYS,
    MATCHER_LIST,
    OTHER_PROTOCOLS,
    REFUSED_FLAGS,
    TEMPLATE_KEYS,
)
from rookery.mechanisms.engine.model import (
    SEVERITIES,
    BlockSpec,
    Classification,
    ExtractorSpec,
    Info,
    MatcherSpec,
    TemplateSpec,
)
from rookery.mechanisms.engine.protocols.dns import read_dns
from rookery.mechanisms.engine.protocols.file import read_file
from rookery.mechanisms.engine.protocols.tcp import read_tcp
from rookery.mechanisms.engine.protocols.tls import read_tls
from rookery.mechanisms.engine.reader import Reader
from rookery.mechanisms.engine.workflow import read_steps

TEMPLATE_ID = re.compile(r"([a-zA-Z0-9]+[-_])*[a-zA-Z0-9]+")
OUT_OF_BAND = re.compile(r"interactsh[-_]|\{\{interactsh")


def read_template(data: bytes, *, path: str) -> TemplateSpec:
    """The template in data. TemplateError when it is none, UnsupportedTemplate when it is not run."""
    root = Reader(parse_document(data, path=path), "the template", path)
    root.refuse_unknown_keys(TEMPLATE_KEYS)
    info, warnings = read_info(root)
    spec_id = read_id(root)
    _refuse_other_kinds(root, data)
    workflow = read_steps(root, "workflows")
    blocks = () if workflow else _blocks(root)
    flow = root.text("flow").strip()
    warnings += [*_idle_operators(blocks), *_missing_blocks(flow, blocks, path)]
    return TemplateSpec(
        id=spec_id,
        info=info,
        blocks=blocks,
        variables=root.table("variables"),
        constants=root.table("constants"),
        flow=flow,
        stop_at_first_match=root.flag("stop-at-first-match"),
        warnings=tuple(f"{path}: {warning}" for warning in warnings),
        workflow=workflow,
    )


def _blocks(root: Reader) -> tuple[BlockSpec, ...]:
    """The blocks of all protocols, in the order of the file, which is the order they run in."""
    for old, new in OLD_NAMES.items():
        if old in root and new in root:
            raise root.error(f"{old!r} is the old name of {new!r}; only one of them may be given", old)
    names = {key: OLD_NAMES.get(key, key) for key in root.node.entries}
    blocks = tuple(
        READERS[name](block)
        for key, name in names.items()
        if name in READERS
        for block in root.children(key, f"the {name} block")
    )
    if not blocks:
        raise root.error(f"there is no block of any protocol ({', '.join(READERS)})")
    return blocks


def _idle_operators(blocks: Iterable[BlockSpec]) -> Iterator[str]:
    """What finds nothing, for it has nothing to look for; nuclei runs that, too."""
    for block in blocks:
        for matcher in block.matchers:
            yield from _idle(matcher, "matcher", MATCHER_LIST[matcher.kind])
        for extractor in block.extractors:
            yield from _idle(extractor, "extractor", extractor.kind)


def _idle(operator: MatcherSpec | ExtractorSpec, what: str, wanted: str) -> Iterator[str]:
    if not getattr(operator, wanted):
        yield f"the {operator.kind} {what} of line {operator.line} has no {wanted!r}: it finds nothing"


class _Named(NamedTuple):
    id: str
    protocol: str


def _missing_blocks(flow: str, blocks: Iterable[BlockSpec], path: str) -> Iterator[str]:
    named = [_Named(block.name_at(number), block.protocol) for number, block in enumerate(blocks, 1)]
    for missing in parse_flow(flow, named, path).gaps:
        yield f"its flow names the block {missing}, which it lacks: that finds nothing"


def read_id(root: Reader) -> str:
    """The template's id, which must be one."""
    template_id = root.text("id")
    if not TEMPLATE_ID.fullmatch(template_id):
        raise root.error(f"id {template_id!r} must be letters and digits joined by single - or _", "id")
    return template_id


def read_info(root: Reader) -> tuple[Info, list[str]]:
    """What a template says of itself, and what is odd about it, a line each."""
    if "info" not in root:
        raise root.error("info is missing; it must have at least name and author")
    reader = Reader(root.node.entries["info"], "info", root.path)
    severity = reader.text("severity").strip().lower() or "unknown"
    if severity not in SEVERITIES:
        raise reader.error(f"severity must be one of {', '.join(SEVERITIES)}, not {severity!r}", "severity")
    info = Info(
        name=reader.text("name").strip(),
        author=reader.words("author"),
        severity=severity,
        description=reader.text("description").strip(),
        impact=reader.text("impact").strip(),
        remediation=reader.text("remediation").strip(),
        reference=reader.lines("reference"),
        tags=tuple(tag.lower() for tag in reader.words("tags")),
        classification=_classification(reader),
        metadata=reader.plain("metadata"),
    )
    for key, value in (("name", info.name), ("author", info.author)):
        if not value:
            raise reader.error(f"info must have {key!r}", key)
    warnings = reader.unknown_keys(INFO_KEYS)
    return info, warnings if "severity" in reader else [*warnings, "info has no severity"]


def _classification(info: Reader) -> Classification:
    node = info.node.entries.get("classification")
    if node is None or not info.plain("classification"):
        return Classification()
    reader = Reader(node, "classification", info.path)
    return Classification(
        cve_id=tuple(word.upper() for word in reader.words("cve-id")),
        cwe_id=tuple(word.upper() for word in reader.words("cwe-id")),
        cvss_metrics=reader.text("cvss-metrics"),
        cvss_score=reader.text("cvss-score"),
        epss_score=reader.text("epss-score"),
        epss_percentile=reader.text("epss-percentile"),
        cpe=reader.text("cpe"),
    )


def _refuse_other_kinds(root: Reader, data: bytes) -> None:
    others = sorted(name for name in OTHER_PROTOCOLS if name in root)
    if others:
        raise UnsupportedTemplate(f"the {others[0]} protocol is not run", path=root.path)
    if root.flag("self-contained"):
        raise UnsupportedTemplate(REFUSED_FLAGS["self-contained"], path=root.path)
    if OUT_OF_BAND.search(data.decode("utf-8", "replace")) and _is_out_of_band(root):
        raise UnsupportedTemplate("out-of-band interaction (interactsh) is not run", path=root.path)


def _is_out_of_band(root: Reader) -> bool:
    """Whether what is run says so, and not a comment or the description."""
    run = {key: value for key, value in root.everything().items() if key != "info"}
    return OUT_OF_BAND.search(str(run)) is not None


OLD_NAMES = {"requests": "http", "network": "tcp"}
READERS: dict[str, Callable[[Reader], BlockSpec]] = {
    "http": read_http,
    "dns": read_dns,
    "tcp": read_tcp,
    "ssl": read_tls,
    "file": read_file,
}
