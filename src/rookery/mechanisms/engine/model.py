"""A template as its author wrote it: frozen, typed, not yet compiled. Lists are tuples; text is Unicode."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SEVERITIES = ("unknown", "info", "low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Classification:
    """What the weakness is called elsewhere; scores are the text that was written."""

    cve_id: tuple[str, ...] = ()
    cwe_id: tuple[str, ...] = ()
    cvss_metrics: str = ""
    cvss_score: str = ""
    epss_score: str = ""
    epss_percentile: str = ""
    cpe: str = ""


@dataclass(frozen=True, slots=True)
class Info:
    """What a template says about itself. `severity` is one of SEVERITIES."""

    name: str
    author: tuple[str, ...]
    severity: str = "unknown"
    description: str = ""
    impact: str = ""
    remediation: str = ""
    reference: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    classification: Classification = field(default_factory=Classification)
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MatcherSpec:
    """One test of a response. `kind` is word, regex, status, size, binary or dsl; only its list is filled."""

    kind: str
    line: int
    name: str = ""
    part: str = ""
    is_and: bool = False
    negative: bool = False
    internal: bool = False
    case_insensitive: bool = False
    encoding: str = ""
    words: tuple[str, ...] = ()
    regex: tuple[str, ...] = ()
    binary: tuple[str, ...] = ()
    dsl: tuple[str, ...] = ()
    status: tuple[int, ...] = ()
    size: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ExtractorSpec:
    """One thing to take out of a response. `kind` is regex, kval, json or dsl."""

    kind: str
    line: int
    name: str = ""
    part: str = ""
    group: int = 0
    internal: bool = False
    case_insensitive: bool = False
    regex: tuple[str, ...] = ()
    kval: tuple[str, ...] = ()
    json: tuple[str, ...] = ()
    dsl: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HttpSpec:
    """One `http` block: requests (by path, or raw) and what is read from their responses."""

    line: int
    id: str = ""
    method: str = ""
    path: tuple[str, ...] = ()
    raw: tuple[str, ...] = ()
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    matchers: tuple[MatcherSpec, ...] = ()
    extractors: tuple[ExtractorSpec, ...] = ()
    matchers_and: bool = False
    stop_at_first_match: bool = False
    redirects: bool = False
    host_redirects: bool = False
    max_redirects: int = 0
    disable_cookie: bool = False
    disable_path_automerge: bool = False
    skip_variables_check: bool = False
    max_size: int = 0


@dataclass(frozen=True, slots=True)
class TemplateSpec:
    """A whole file. `flow` is the order of blocks as written; `warnings` are one line each."""

    id: str
    info: Info
    http: tuple[HttpSpec, ...]
    variables: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    flow: str = ""
    stop_at_first_match: bool = False
    warnings: tuple[str, ...] = ()
