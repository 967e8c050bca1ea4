"""A template for people: what it is about, what it sends and what it looks for, a line each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rookery.domains.templates.reading import Shown

LONGEST_LINE = 160
WORKFLOW = "workflow"
REQUEST_KEYS = ("path", "raw", "name", "inputs", "host", "address", "extensions")


def described(shown: Shown) -> Iterator[str]:
    """The lines that `rookery templates show` prints."""
    yield from _about(shown)
    for protocol, blocks in shown.blocks.items():
        for block in blocks:
            yield ""
            yield f"{protocol}:"
            yield from _step(block, "  ") if protocol == WORKFLOW else _block(block)


def _block(block: dict[str, Any]) -> Iterator[str]:
    yield from _requests(block)
    yield from (f"  {line}" for line in operators(block))


def _about(shown: Shown) -> Iterator[str]:
    file, info = shown.file, shown.info
    verdict = f"{file.verdict}: {file.reason}" if file.reason else file.verdict
    facts = {
        "id": file.id,
        "name": file.name,
        "severity": file.severity,
        "author": ", ".join(file.author),
        "tags": ", ".join(file.tags),
        "protocol": ", ".join(file.protocols),
        "cve": ", ".join(info["classification"]["cve_id"]),
        "cwe": ", ".join(info["classification"]["cwe_id"]),
        "cvss": info["classification"]["cvss_score"],
        "description": info["description"],
        "impact": info["impact"],
        "remediation": info["remediation"],
        "reference": " ".join(info["reference"]),
        "file": file.path,
        "verdict": verdict,
        "signature": file.signature,
        "warning": "; ".join(file.warnings),
    }
    for name, value in facts.items():
        if value:
            yield f"{name:<12} {' '.join(str(value).split())}"


def _requests(block: dict[str, Any]) -> Iterator[str]:
    method = f"{block['method']} " if "method" in block else ""
    for key in REQUEST_KEYS:
        for value in _several(block.get(key)):
            shown = value if isinstance(value, str) else " ".join(map(str, value.values()))
            lines = [line for line in shown.splitlines() if line.strip() and not line.startswith("@")]
            yield _cut(f"  {'' if key == 'raw' else method}{lines[0] if lines else shown}")


def _step(step: dict[str, Any], indent: str) -> Iterator[str]:
    """What a step of a workflow runs, and what follows where that matched."""
    tags = ", ".join(map(str, _several(step.get("tags"))))
    yield _cut(f"{indent}{step.get('template') or f'all with the tag {tags}'}")
    for gate in _several(step.get("matchers")):
        names = f" {gate.get('condition', 'or')} ".join(map(str, _several(gate.get("name"))))
        yield _cut(f"{indent}  where {names} matched:")
        for each in _several(gate.get("subtemplates")):
            yield from _step(each, f"{indent}    ")
    for each in _several(step.get("subtemplates")):
        yield from _step(each, f"{indent}  ")


def operators(block: dict[str, Any]) -> Iterator[str]:
    """The matchers and extractors of a block as it is written, a line each."""
    condition = block.get("matchers-condition", "or")
    for number, matcher in enumerate(_several(block.get("matchers"))):
        yield f"{condition if number else 'match'} {describe_operator(matcher)}"
    for extractor in _several(block.get("extractors")):
        yield f"extract {describe_operator(extractor)}"


def describe_operator(operator: dict[str, Any]) -> str:
    """A matcher or extractor as it is written, in one line of bounded length."""
    kind = operator.get("type", "word")
    values = _several(operator.get(kind, operator.get(f"{kind}s")))
    joined = f" {operator.get('condition', 'or')} ".join(f"'{value}'" for value in values)
    negation = "not " if operator.get("negative") == "true" else ""
    name = f"[{operator['name']}] " if operator.get("name") else ""
    part = f"{operator['part']} " if operator.get("part") else ""
    return _cut(f"{name}{negation}{kind} {part}{joined}")


def _several(value: Any) -> list[Any]:
    if value in (None, ""):
        return []
    return value if isinstance(value, list) else [value]


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"
