"""A template as its author wrote it: frozen, typed, not yet compiled. Lists are tuples; text is Unicode."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from rookery.mechanisms.engine.workflow import StepSpec

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
    """One test of a response. `kind` is word, regex, status, size, binary, dsl or xpath; only its list is
    filled. `match_all` goes through the whole list instead of stopping at the first hit."""

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
    xpath: tuple[str, ...] = ()
    match_all: bool = False


@dataclass(frozen=True, slots=True)
class ExtractorSpec:
    """One thing to take out of a response. `kind` is regex, kval, json, dsl or xpath."""

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
    xpath: tuple[str, ...] = ()
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class PayloadSpec:
    """The values of one payload, or the name of the file that has them, a line each."""

    values: tuple[str, ...] = ()
    file: str = ""


@dataclass(frozen=True, slots=True)
class BlockSpec:
    """What blocks of all protocols have: where they begin, and what is read from the answers they get."""

    protocol: ClassVar[str]
    line: int
    id: str = ""
    matchers: tuple[MatcherSpec, ...] = ()
    extractors: tuple[ExtractorSpec, ...] = ()
    matchers_and: bool = False
    stop_at_first_match: bool = False
    payloads: dict[str, PayloadSpec] = field(default_factory=dict)
    attack: str = ""

    def own_texts(self) -> Iterator[str]:
        """What its protocol sends that can name a payload."""
        yield from ()

    def name_at(self, number: int) -> str:
        """How flows and later blocks call it, the block with this number (from 1) of its template."""
        return self.id or f"{self.protocol}_{number}"


@dataclass(frozen=True, slots=True)
class HttpSpec(BlockSpec):
    """One `http` block: requests, by path or raw."""

    protocol = "http"
    method: str = ""
    path: tuple[str, ...] = ()
    raw: tuple[str, ...] = ()
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    redirects: bool = False
    host_redirects: bool = False
    max_redirects: int = 0
    disable_cookie: bool = False
    disable_path_automerge: bool = False
    skip_variables_check: bool = False
    max_size: int = 0
    threads: int = 0
    unsafe: bool = False
    iterate_all: bool = False
    race: bool = False
    race_count: int = 0
    digest_username: str = ""
    digest_password: str = ""

    def own_texts(self) -> Iterator[str]:
        """Everything a request is made of."""
        yield from (self.method, self.body, *self.path, *self.raw)
        for header, value in self.headers.items():
            yield from (header, value)


@dataclass(frozen=True, slots=True)
class TemplateSpec:
    """A whole file. `blocks` are in the order of the file, `flow` is their order as its author wrote it;
    `warnings` are one line each. A workflow has steps instead of blocks."""

    id: str
    info: Info
    blocks: tuple[BlockSpec, ...]
    variables: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    flow: str = ""
    stop_at_first_match: bool = False
    warnings: tuple[str, ...] = ()
    workflow: tuple[StepSpec, ...] = ()
