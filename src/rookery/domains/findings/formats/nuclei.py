"""nuclei's result records: one line of its `-jsonl` output, as a sighting. Pure.

Names of version 3 and of version 2 (`templateID`, `matched`, `matcher_name`, …) are taken. `host` has no port
in most of version 3, has one in some of it, and can be absent. What a template's author left out is absent or
null; what is one word may be a list of them. All of it is text of unknown origin, and bounded here.
"""

from __future__ import annotations

import time
from codecs import BOM_UTF8
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from rookery.base.errors import Invalid
from rookery.base.redact import redact, redact_text
from rookery.base.structs import ready
from rookery.domains.findings.formats.chance import without_chance
from rookery.domains.findings.items import Vulnerability
from rookery.domains.findings.places import canonical_target, origin_of
from rookery.domains.findings.rules import DEFAULT_PROJECT, Severity, fingerprint

LONGEST_LINE = 16 << 20  # bytes; a megabyte of response, escaped, is at most six
LONGEST_NAME = 500  # characters
LONGEST_TEXT = 20_000
LONGEST_URL = 8_192
LONGEST_VALUE = 1_000
MOST_WORDS = 1_000  # entries of one list
MOST_VALUES = 100
OLD_TYPES = {"network": "tcp"}


class BadRecord(Invalid):
    """That line is not a result of nuclei."""


class Record(msgspec.Struct, frozen=True, rename="kebab"):
    """One result. Fields that no finding needs are passed over.

    `matcher_status` is false for what did not match, which nuclei tells only when asked to: no sighting. Its
    record may have an `error`.
    """

    template_id: Any = None
    template_path: Any = None
    info: msgspec.Raw = msgspec.Raw(b"{}")
    matcher_name: Any = None
    extractor_name: Any = None
    type: Any = None
    host: Any = None
    port: Any = None
    scheme: Any = None
    url: Any = None
    matched_at: Any = None
    extracted_results: Any = None
    request: Any = None
    response: Any = None
    meta: dict[str, Any] | None = None
    ip: Any = None
    timestamp: Any = None
    curl_command: Any = None
    matcher_status: bool = True
    error: Any = None
    # version 2
    template_id_2: Any = msgspec.field(name="templateID", default=None)
    matched_2: Any = msgspec.field(name="matched", default=None)
    matcher_name_2: Any = msgspec.field(name="matcher_name", default=None)
    extractor_name_2: Any = msgspec.field(name="extractor_name", default=None)
    extracted_results_2: Any = msgspec.field(name="extracted_results", default=None)


class Info(msgspec.Struct, frozen=True):
    """What the template says of itself."""

    name: Any = None
    severity: Any = None
    description: Any = None
    impact: Any = None
    remediation: Any = None
    reference: Any = None
    tags: Any = None
    classification: dict[str, Any] | None = None


class Told(NamedTuple):
    """What an Info means for a finding; the lists are copied for each."""

    name: str
    severity: str
    description: str
    impact: str
    remediation: str
    reference: list[str]
    tags: list[str]
    cve: list[str]
    cwe: list[str]
    cvss_vector: str
    cvss_score: float | None
    epss: float | None
    epss_percentile: float | None


_records = msgspec.json.Decoder(ready(Record))
_infos = msgspec.json.Decoder(ready(Info | None))


def read(line: bytes | str) -> Record:
    """The record in a line of JSON. Raises BadRecord, in one line."""
    if len(line) > LONGEST_LINE:
        raise BadRecord(f"a line of {len(line):,} bytes is too long for a result of nuclei")
    try:
        record = _decoded(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        if isinstance(line, bytes):  # once more, without what is no text
            return read(line.removeprefix(BOM_UTF8).decode("utf-8", "replace"))
        raise BadRecord(f"not a result of nuclei: {' '.join(str(error).split())[:200]}") from None
    if not _template_id(record) or not _matched_at(record):
        raise BadRecord("not a result of nuclei: it does not say which template matched, and where")
    return record


def _decoded(line: bytes | str) -> Record:
    record = _records.decode(line)
    _told(bytes(record.info))
    return record


def sighting(
    record: Record, *, engine: str = "nuclei", run_id: str = "", project_id: str = DEFAULT_PROJECT
) -> Vulnerability:
    """What a record says was seen; the same finding as the embedded engine makes of the same match."""
    told, kind, matched_at = _told(bytes(record.info)), _kind(record), _matched_at(record)
    template_id, matcher, seen = _template_id(record), _matcher(record), _seen(record.timestamp)
    lasting = without_chance(matched_at, seen)
    extracted = _words(record.extracted_results or record.extracted_results_2)
    return Vulnerability(
        template_id=template_id,
        name=told.name or template_id,
        severity=told.severity,
        target=_target(record, matched_at),
        matched_at=matched_at,
        matcher=matcher,
        extracted=[redact_text(word) for word in extracted],
        description=told.description,
        impact=told.impact,
        remediation=told.remediation,
        reference=told.reference.copy(),
        tags=told.tags.copy(),
        type=kind,
        ip=_word(record.ip, LONGEST_NAME),
        cve=told.cve.copy(),
        cwe=told.cwe.copy(),
        cvss_vector=told.cvss_vector,
        cvss_score=told.cvss_score,
        epss=told.epss,
        epss_percentile=told.epss_percentile,
        kev="kev" in told.tags,
        request=_word(record.request, LONGEST_LINE),
        response=_word(record.response, LONGEST_LINE),
        curl=_word(record.curl_command, LONGEST_LINE),
        meta=redact(_meta(record.meta)) if record.meta else {},
        engine=engine,
        run_id=run_id,
        project_id=project_id,
        fingerprint=fingerprint(template_id, matcher, lasting, kind=kind, project_id=project_id),
        _timestamp=seen,
    )


@lru_cache(maxsize=1024)
def _told(raw: bytes) -> Told:
    """A run's results are of few templates: each Info is understood once."""
    info = _infos.decode(raw) or Info()
    said = info.classification or {}
    return Told(
        name=_word(info.name, LONGEST_NAME),
        severity=Severity.of(_word(info.severity)).word,
        description=_word(info.description, LONGEST_TEXT),
        impact=_word(info.impact, LONGEST_TEXT),
        remediation=_word(info.remediation, LONGEST_TEXT),
        reference=_words(info.reference),
        tags=_tags(info),
        cve=[word.upper() for word in _words(said.get("cve-id"))],
        cwe=[word.upper() for word in _words(said.get("cwe-id"))],
        cvss_vector=_word(said.get("cvss-metrics"), LONGEST_NAME),
        cvss_score=_number(said.get("cvss-score"), 10),
        epss=_number(said.get("epss-score"), 1),
        epss_percentile=_number(said.get("epss-percentile"), 1),
    )


def _template_id(record: Record) -> str:
    return _word(record.template_id or record.template_id_2, LONGEST_NAME)


def _matcher(record: Record) -> str:
    names = (record.matcher_name, record.matcher_name_2, record.extractor_name, record.extractor_name_2)
    return _first(names, LONGEST_NAME)


def _kind(record: Record) -> str:
    kind = _word(record.type, LONGEST_NAME).lower() or "http"
    return OLD_TYPES.get(kind, kind)


def _matched_at(record: Record) -> str:
    return _first((record.matched_at, record.matched_2, record.url, record.host), LONGEST_URL)


def _target(record: Record, matched_at: str) -> str:
    """What was scanned: the URL; a host and port; else whatever matched."""
    for url in (_word(record.url, LONGEST_URL), matched_at):
        if "://" in url:
            return origin_of(url)
    host, port = _word(record.host, LONGEST_URL), _word(record.port)
    if not host:
        return canonical_target(matched_at)
    return canonical_target(f"{host}:{port}" if port and ":" not in host else host)


def _meta(values: dict[str, Any]) -> dict[str, str]:
    shown = list(values.items())[:MOST_VALUES]
    return {_word(name): _word(str(value), LONGEST_VALUE) for name, value in shown}


def _tags(info: Info) -> list[str]:
    return [tag.strip() for words in _words(info.tags) for tag in words.split(",") if tag.strip()]


def _word(value: Any, longest: int = 100) -> str:
    """A text, or a number as one; NUL, which no database takes, is shown as what it is."""
    if value.__class__ is not str:  # asked so, for it is asked fifteen times a record
        if value.__class__ not in (int, float):
            return ""
        value = str(value)
    text: str = value[:longest].strip()
    return text.replace("\0", "\\0") if "\0" in text else text


def _first(values: tuple[Any, ...], longest: int) -> str:
    """The first that says something."""
    for value in values:
        if value is not None and (word := _word(value, longest)):
            return word
    return ""


def _words(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [word for one in values[:MOST_WORDS] if (word := _word(one, LONGEST_TEXT))]


def _number(value: Any, most: float) -> float | None:
    """A number from 0 to `most`, which nuclei says as such or as text; None for anything else, and for 0."""
    try:
        number = float(value or 0)
    except (TypeError, ValueError):
        return None
    return number if 0 < number <= most else None


def _seen(timestamp: Any) -> float:
    """Seconds since 1970; now for a time that is missing, nonsense or in the future."""
    now = time.time()
    try:
        seen = datetime.fromisoformat(str(timestamp))
    except ValueError:
        return now
    return min(seen.timestamp(), now) if seen.tzinfo and seen.year >= 1970 else now
