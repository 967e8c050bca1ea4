"""The verbs of findings over the API."""

from __future__ import annotations

from typing import Any

from rookery.domains.findings.errors import FindingNotFound
from rookery.domains.findings.models import Feed, Finding, FindingEvent, FindingEvidence
from rookery.domains.findings.rules import Severity
from rookery.domains.findings.store import Group
from rookery.faces.client.calls import (
    Arguments,
    Calls,
    Steps,
    Streamed,
    at_home,
    counted,
    get,
    pages,
    post,
    tuples,
)
from rookery.faces.client.rows import row

ONE = "/findings/{id_}"
DOCUMENT = dict[str, Any]


def _finding(document: dict[str, Any]) -> Finding:
    return row(Finding, document | {"severity": Severity.of(document["severity"])})


def _chosen(arguments: Arguments) -> Arguments:
    severities = arguments.pop("severities", ())
    return arguments | {"severity": [Severity(each).word for each in severities]}


def _history(arguments: Arguments, _answers: Any) -> Steps:
    ask = pages(f"{ONE}/history", reads=DOCUMENT)
    id_ = arguments["id_"]
    return [row(FindingEvent, each | {"finding_id": id_}) for each in (yield from ask(arguments, None))]


def _evidence(arguments: Arguments, _answers: Any) -> Steps:
    """None where none is kept; that there is no such finding is no error here either."""
    id_ = arguments["id_"]
    try:
        found = yield from get(f"{ONE}/evidence", reads=DOCUMENT)(arguments, None)
    except FindingNotFound:
        return None
    return row(FindingEvidence, found | {"finding_id": id_})


CALLS: Calls = {
    "list": pages("/findings", sent=_chosen, reads=DOCUMENT, then=_finding),
    "count": counted("/findings", sent=_chosen),
    "get": get(ONE, reads=DOCUMENT, then=_finding),
    "history": _history,
    "evidence": _evidence,
    "groups": tuples("/findings/groups", Group),
    "triage": post("/findings/triage"),
    "assign": post("/findings/assign"),
    "note": post("/findings/note"),
    "label": post("/findings/label"),
    "export": Streamed("/findings/export", is_text=True),
    "import_feed": at_home,
    "feeds": pages("/findings/feeds", reads=DOCUMENT, then=lambda document: row(Feed, document)),
}
