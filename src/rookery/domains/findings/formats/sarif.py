"""Findings as SARIF 2.1.0, and sightings from SARIF that other tools wrote."""

from __future__ import annotations

import time
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec

from rookery import __version__
from rookery.base.errors import Invalid
from rookery.base.structs import ready
from rookery.domains.findings.formats.exported import SUPPRESSED, Exported
from rookery.domains.findings.items import Vulnerability
from rookery.domains.findings.rules import DEFAULT_PROJECT

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0", "info": "0.0"}
"""GitHub's `security-severity`, where the template gives no CVSS score."""
SEVERITIES = {"error": "high", "warning": "medium", "note": "low", "none": "info"}
FINGERPRINT = "rookery/v1"
PROPERTIES = (
    *("id", "severity", "matcher", "target", "matched_at", "type", "state", "owner", "labels", "first_seen"),
    *("last_seen", "due", "cve", "cwe", "epss", "kev", "extracted", "engine"),
)
URI_CHARACTERS = ":/?#[]@!$&'()*+,;=%~-._"
LONGEST = 8_192  # characters of one text that is read
MOST_RULES = 100_000
MOST_TEXTS = 100

_encode = msgspec.json.Encoder().encode


class NotSarif(Invalid):
    """The file is not SARIF 2.1.0."""


def as_sarif(findings: Iterable[Exported]) -> Iterator[str]:
    """One document with one run. Its rules, one per template, follow the results, of which there are more."""
    yield f'{{"$schema":"{SCHEMA}","version":"2.1.0","runs":[{{"results":[\n'
    rules: dict[str, dict[str, Any]] = {}
    separator = ""
    for finding in findings:
        template = finding.document["template_id"]
        rules.setdefault(template, {"index": len(rules), "rule": _rule(finding.document)})
        yield separator + _encode(_result(finding, rules[template]["index"])).decode()
        separator = ",\n"
    driver = {
        "name": "Rookery",
        "version": __version__,
        "rules": [entry["rule"] for entry in rules.values()],
    }
    yield f'\n],"tool":{{"driver":{_encode(driver).decode()}}},"columnKind":"utf16CodeUnits"}}]}}\n'


def _rule(one: dict[str, Any]) -> dict[str, Any]:
    score = one["cvss_score"]
    return {
        "id": one["template_id"],
        "name": one["name"],
        "shortDescription": {"text": one["name"]},
        "fullDescription": {"text": one["description"] or one["name"]},
        "help": {"text": "\n".join([one["remediation"], *one["reference"]]).strip() or one["name"]},
        "defaultConfiguration": {"level": LEVELS.get(one["severity"], "none")},
        "properties": {
            "tags": sorted({*one["tags"], *one["cve"], *one["cwe"]}),
            "security-severity": SCORES.get(one["severity"], "0.0") if score is None else str(score),
            "remediation": one["remediation"],
            "reference": one["reference"],
        },
    }


def _result(finding: Exported, index: int) -> dict[str, Any]:
    one = finding.document
    matcher = f" ({one['matcher']})" if one["matcher"] else ""
    result = {
        "ruleId": one["template_id"],
        "ruleIndex": index,
        "level": LEVELS.get(one["severity"], "none"),
        "message": {"text": f"{one['name']}{matcher} at {one['matched_at']}"},
        "locations": [_location(one["matched_at"])],
        "partialFingerprints": {FINGERPRINT: one["fingerprint"]},
        "baselineState": finding.baseline,
        "properties": {key: one[key] for key in PROPERTIES},
    }
    if one["state"] in SUPPRESSED:
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": _why(one)},
        ]
    return result


def _why(one: dict[str, Any]) -> str:
    until = f" (until {one['state_until'][:10]})" if one["state_until"] else ""
    return f"{one['state']}: {one['state_reason']}{until}"


def _location(matched_at: str) -> dict[str, Any]:
    uri = quote(matched_at, safe=URI_CHARACTERS)
    return {"physicalLocation": {"artifactLocation": {"uri": uri}}}


class _Text(msgspec.Struct, frozen=True):
    text: str = ""
    markdown: str = ""


class _Artifact(msgspec.Struct, frozen=True):
    uri: str = ""


class _Physical(msgspec.Struct, frozen=True, rename="camel"):
    artifact_location: _Artifact = _Artifact()


class _Location(msgspec.Struct, frozen=True, rename="camel"):
    physical_location: _Physical = _Physical()


class _RuleConfiguration(msgspec.Struct, frozen=True):
    level: str = ""


class _Rule(msgspec.Struct, frozen=True, rename="camel"):
    id: str = ""
    name: str = ""
    short_description: _Text = _Text()
    full_description: _Text = _Text()
    help: _Text = _Text()
    help_uri: str = ""
    default_configuration: _RuleConfiguration = _RuleConfiguration()
    properties: dict[str, Any] = {}


class _Driver(msgspec.Struct, frozen=True):
    name: str
    version: str = ""
    rules: list[_Rule] = []


class _Tool(msgspec.Struct, frozen=True):
    driver: _Driver


class _Suppression(msgspec.Struct, frozen=True):
    status: str = "accepted"


class _Result(msgspec.Struct, frozen=True, rename="camel"):
    rule_id: str = ""
    rule_index: int = -1
    rule: dict[str, Any] = {}
    level: str = ""
    kind: str = "fail"
    message: _Text = _Text()
    locations: list[_Location] = []
    baseline_state: str = ""
    suppressions: list[_Suppression] = []
    partial_fingerprints: dict[str, Any] = {}
    properties: dict[str, Any] = {}

    @property
    def is_seen(self) -> bool:
        """Whether it was there, and nobody has dismissed it."""
        is_there = self.kind in {"fail", "open", "review"} and self.baseline_state != "absent"
        return is_there and not any(one.status == "accepted" for one in self.suppressions)


class _Run(msgspec.Struct, frozen=True):
    tool: _Tool
    results: list[_Result] | None = None


class _Log(msgspec.Struct, frozen=True):
    version: str
    runs: list[_Run]


def sightings(
    data: bytes, *, run_id: str = "", project_id: str = DEFAULT_PROJECT, seen: float | None = None
) -> Iterator[Vulnerability | str]:
    """What a SARIF file says was seen; for a result that says too little, why it is left out.

    Results that passed, are absent or suppressed elsewhere are no sightings. Raises NotSarif, one line.
    """
    try:
        log = msgspec.json.decode(data.removeprefix(BOM_UTF8), type=ready(_Log))
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise NotSarif(f"not SARIF 2.1.0: {' '.join(str(error).split())[:200]}") from None
    moment = time.time() if seen is None else seen
    for run in log.runs:
        rules = {rule.id: rule for rule in run.tool.driver.rules[:MOST_RULES]}
        for number, result in enumerate(run.results or (), 1):
            if not result.is_seen:
                continue
            rule = rules.get(result.rule_id) or _indexed(run.tool.driver.rules, result.rule_index)
            where, template = _where(result), (result.rule_id or rule.id)[:500]
            if not where or not template:
                yield f"result {number}: it does not say which rule, or where"
                continue
            yield _sighting(result, rule, run.tool.driver, (template, where, moment, run_id, project_id))


def _indexed(rules: list[_Rule], index: int) -> _Rule:
    return rules[index] if 0 <= index < len(rules) else _Rule()


def _where(result: _Result) -> str:
    said = result.properties.get("matched_at")
    if isinstance(said, str) and said:
        return said[:LONGEST]
    uris = (one.physical_location.artifact_location.uri for one in result.locations)
    return next((uri for uri in uris if uri), "")[:LONGEST]


def _sighting(
    result: _Result, rule: _Rule, driver: _Driver, at: tuple[str, str, float, str, str]
) -> Vulnerability:
    template, where, moment, run_id, project_id = at
    own = result.properties
    kind = _text(own.get("type")) or ("http" if where.startswith(("http://", "https://")) else "file")
    tags = _texts(rule.properties.get("tags"))
    said: dict[str, Any] = {
        "description": (result.message.text or rule.full_description.text)[:LONGEST],
        "remediation": (rule.help.text or rule.help.markdown)[:LONGEST],
        "reference": [rule.help_uri[:LONGEST]] if rule.help_uri else [],
        "engine": f"{driver.name} {driver.version}".strip()[:100],
        "_timestamp": moment,
    }
    return Vulnerability(
        template_id=template,
        name=(rule.short_description.text or rule.name or template)[:500],
        severity=_severity(result, rule),
        target=_text(own.get("target")) or where,
        matched_at=where,
        matcher=_text(own.get("matcher")),
        tags=[tag[:200] for tag in tags if not tag.upper().startswith(("CVE-", "CWE-"))],
        cve=[tag.upper()[:40] for tag in tags if tag.upper().startswith("CVE-")],
        cwe=[tag.upper()[:40] for tag in tags if tag.upper().startswith("CWE-")],
        type=kind[:20],
        run_id=run_id,
        project_id=project_id,
        **(
            said | (_in_our_words(result, rule, moment) if FINGERPRINT in result.partial_fingerprints else {})
        ),
    )


def _in_our_words(result: _Result, rule: _Rule, moment: float) -> dict[str, Any]:
    """What an export of ours says, for which SARIF has no place: read again, it changes nothing."""
    own, full = result.properties, rule.full_description.text
    return {
        "description": "" if full == rule.name else full[:LONGEST],
        "remediation": _text(rule.properties.get("remediation")),
        "reference": _texts(rule.properties.get("reference")),
        "extracted": _texts(own.get("extracted")),
        "engine": _text(own.get("engine"))[:100] or "Rookery",
        "_timestamp": _seen(own.get("last_seen"), moment),
    }


def _seen(said: Any, now: float) -> float:
    """When it was seen last: not in the future, and now where that is not said."""
    try:
        seen = datetime.fromisoformat(_text(said)).timestamp()
    except (ValueError, OverflowError):
        return now
    return min(max(seen, 0.0), now)


def _severity(result: _Result, rule: _Rule) -> str:
    """Our own word where it is there; GitHub's score; else the level."""
    if said := _text(result.properties.get("severity")):
        return said
    try:
        score = float(rule.properties.get("security-severity", ""))
    except (TypeError, ValueError):
        level = result.level or rule.default_configuration.level or "warning"
        return SEVERITIES.get(level, "unknown")
    bounds = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))
    return next((word for least, word in bounds if score >= least), "info")


def _texts(value: Any) -> list[str]:
    texts = value[:MOST_TEXTS] if isinstance(value, list) else []
    return [_text(text) for text in texts if isinstance(text, str)]


def _text(value: Any) -> str:
    return value[:LONGEST] if isinstance(value, str) else ""
