"""From YAML nodes to a TemplateSpec: what the file must hold, and what of it is refused with which reason.

Unknown keys are errors, as in nuclei, whose decoding is strict; in `info`, where nothing can change what is
run, they are warnings.
"""

from __future__ import annotations

import re

from rookery.mechanisms.engine.document import parse_document
from rookery.mechanisms.engine.errors import UnsupportedTemplate
from rookery.mechanisms.engine.keywords import (
    EXTRACTOR_KEYS,
    HTTP_KEYS,
    INFO_KEYS,
    MATCHER_KEYS,
    MATCHER_LIST,
    OTHER_PROTOCOLS,
    REFUSED_FLAGS,
    REFUSED_KEYS,
    TEMPLATE_KEYS,
)
from rookery.mechanisms.engine.model import (
    SEVERITIES,
    Classification,
    ExtractorSpec,
    HttpSpec,
    Info,
    MatcherSpec,
    TemplateSpec,
)
from rookery.mechanisms.engine.reader import Reader

TEMPLATE_ID = re.compile(r"([a-zA-Z0-9]+[-_])*[a-zA-Z0-9]+")
OUT_OF_BAND = re.compile(r"interactsh[-_]|\{\{interactsh")


def read_template(data: bytes, *, path: str) -> TemplateSpec:
    """The template in data. TemplateError when it is none, UnsupportedTemplate when it is not run."""
    root = Reader(parse_document(data, path=path), "the template", path)
    root.refuse_unknown_keys(TEMPLATE_KEYS)
    info, warnings = _info(root)
    spec_id = _template_id(root)
    _refuse_other_kinds(root, data)
    blocks = root.children("http" if "http" in root else "requests", "the http block")
    if not blocks:
        raise root.error("there is no http block")
    return TemplateSpec(
        id=spec_id,
        info=info,
        http=tuple(_http(block) for block in blocks),
        variables=root.table("variables"),
        constants=root.table("constants"),
        flow=root.text("flow").strip(),
        stop_at_first_match=root.flag("stop-at-first-match"),
        warnings=tuple(f"{path}: {warning}" for warning in warnings),
    )


def _template_id(root: Reader) -> str:
    template_id = root.text("id")
    if not TEMPLATE_ID.fullmatch(template_id):
        raise root.error(f"id {template_id!r} must be letters and digits joined by single - or _", "id")
    return template_id


def _info(root: Reader) -> tuple[Info, list[str]]:
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
    if "workflows" in root:
        raise UnsupportedTemplate("workflows are not run yet", path=root.path)
    others = [name for name in OTHER_PROTOCOLS if name in root]
    if others:
        raise UnsupportedTemplate(f"the {others[0]} protocol is not run yet", path=root.path)
    if root.flag("self-contained"):
        raise UnsupportedTemplate(REFUSED_FLAGS["self-contained"], path=root.path)
    if OUT_OF_BAND.search(data.decode("utf-8", "replace")):
        raise UnsupportedTemplate("out-of-band interaction (interactsh) is not run", path=root.path)


def _http(block: Reader) -> HttpSpec:
    block.refuse_unknown_keys(HTTP_KEYS)
    _refuse_http_features(block)
    spec = HttpSpec(
        line=block.line,
        id=block.text("id"),
        method=block.text("method"),
        path=block.texts("path"),
        raw=block.texts("raw"),
        body=block.text("body"),
        headers=block.table("headers"),
        matchers=tuple(_matcher(reader) for reader in block.children("matchers", "the matcher")),
        extractors=tuple(_extractor(reader) for reader in block.children("extractors", "the extractor")),
        matchers_and=block.choice("matchers-condition", ("or", "and"), "or") == "and",
        stop_at_first_match=block.flag("stop-at-first-match"),
        redirects=block.flag("redirects"),
        host_redirects=block.flag("host-redirects"),
        max_redirects=block.number("max-redirects"),
        disable_cookie=block.flag("disable-cookie"),
        disable_path_automerge=block.flag("disable-path-automerge"),
        skip_variables_check=block.flag("skip-variables-check"),
        max_size=block.number("max-size"),
    )
    if not spec.path and not spec.raw:
        raise block.error("the http block needs 'path' or 'raw'")
    return spec


def _refuse_http_features(block: Reader) -> None:
    for key, reason in REFUSED_FLAGS.items():
        if block.flag(key):
            raise UnsupportedTemplate(reason, path=block.path)
    for key, reason in REFUSED_KEYS.items():
        if key in block:
            raise UnsupportedTemplate(reason, path=block.path)


def _matcher(reader: Reader) -> MatcherSpec:
    reader.refuse_unknown_keys(MATCHER_KEYS)
    kind = reader.text("type") or "word"
    if kind == "xpath":
        raise UnsupportedTemplate("xpath matchers are not run yet", path=reader.path)
    if kind not in MATCHER_LIST:
        raise reader.error(f"matcher type {kind!r} must be one of {', '.join(MATCHER_LIST)}", "type")
    if not reader.texts(MATCHER_LIST[kind]):
        raise reader.error(f"a {kind} matcher needs {MATCHER_LIST[kind]!r}", "type")
    return MatcherSpec(
        kind=kind,
        line=reader.line,
        name=reader.text("name"),
        part=reader.text("part"),
        is_and=reader.choice("condition", ("or", "and"), "or") == "and",
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
    )


def _extractor(reader: Reader) -> ExtractorSpec:
    reader.refuse_unknown_keys(EXTRACTOR_KEYS)
    kind = reader.text("type")
    if kind == "xpath":
        raise UnsupportedTemplate("xpath extractors are not run yet", path=reader.path)
    if kind not in ("regex", "kval", "json", "dsl"):
        raise reader.error(f"extractor type {kind!r} must be one of regex, kval, json, dsl", "type")
    if not reader.texts(kind):
        raise reader.error(f"a {kind} extractor needs {kind!r}", "type")
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
    )
