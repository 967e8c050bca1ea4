"""From what a template found to what a finding is made of."""

from __future__ import annotations

import math

from rookery.base.redact import redact_text
from rookery.domains.findings.items import Vulnerability
from rookery.domains.findings.rules import fingerprint
from rookery.mechanisms.engine import Match


def sighting(match: Match, target: str, *, run_id: str, project_id: str) -> Vulnerability:
    """The sighting of a match on a target, with all that the template says about the weakness."""
    template, matcher = match.template, match.matcher_name or match.extractor_name
    info, known = template.info, template.info.classification
    return Vulnerability(
        template_id=match.template_id,
        template_sha256=template.sha256,
        name=info.name,
        severity=info.severity,
        target=target,
        matched_at=match.matched_at,
        matcher=matcher,
        extracted=[redact_text(text) for text in match.extracted],
        description=info.description,
        impact=info.impact,
        remediation=info.remediation,
        reference=list(info.reference),
        tags=list(info.tags),
        type=match.kind,
        ip=match.address,
        cve=list(known.cve_id),
        cwe=list(known.cwe_id),
        cvss_vector=known.cvss_metrics,
        cvss_score=_score(known.cvss_score, 10.0),
        epss=_score(known.epss_score, 1.0),
        epss_percentile=_score(known.epss_percentile, 1.0),
        kev="kev" in info.tags,
        request=match.request,
        response=match.response,
        curl=match.curl,
        meta={name: redact_text(value) for name, value in match.meta.items()},
        run_id=run_id,
        project_id=project_id,
        fingerprint=fingerprint(
            match.template_id,
            matcher,
            template.without_chance(match.matched_at),
            kind=match.kind,
            project_id=project_id,
        ),
    )


def _score(text: str, highest: float) -> float | None:
    """The number that an author wrote; None when it is none, or none that can be."""
    try:
        score = float(text)
    except ValueError:
        return None
    return score if math.isfinite(score) and 0 <= score <= highest else None
