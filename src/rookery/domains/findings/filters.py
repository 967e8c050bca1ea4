"""What can be asked of findings; documented in docs/reference/filters.md. Its meaning is in `conditions`."""

from __future__ import annotations

from rookery.mechanisms.filters.grammar import Field, Vocabulary

FIELDS = (
    Field(
        "sev",
        "severity",
        "severity: unknown, info, low, medium, high, critical; also `>=`, `<`, …",
        is_ordered=True,
    ),
    Field(
        "state",
        "state",
        "open, triaged, false_positive, risk_accepted, fixed, out_of_scope; `active`: the first two",
    ),
    Field("tag", "list", "a tag of its template, or a label that somebody gave it"),
    Field("host", "pattern", "host name or address; `*` and `?` stand for any characters and any one"),
    Field("target", "pattern", "what was scanned, `http://127.0.0.1:8080`"),
    Field("at", "pattern", "where it matched: URL, host:port, file or name"),
    Field("port", "number", "port; also `>`, `<`, …"),
    Field("type", "pattern", "protocol: http, dns, tcp, ssl, file"),
    Field("template", "pattern", "id of its template"),
    Field("matcher", "pattern", "name of the matcher or extractor"),
    Field("engine", "pattern", "what saw it last: `embedded`, `nuclei*`"),
    Field("id", "id", "id of the finding, or its beginning"),
    Field("group", "id", "id of its group, or its beginning: the same weakness on other targets"),
    Field("run", "id", "id of the run that saw it last, or its beginning"),
    Field("project", "pattern", "project"),
    Field("owner", "pattern", 'who takes care of it; `owner:""` is nobody'),
    Field("cve", "list", "CVE-2024-1"),
    Field("cwe", "list", "CWE-79"),
    Field("cvss", "number", "CVSS score, 0 to 10"),
    Field("epss", "number", "probability of exploitation within 30 days, 0 to 1"),
    Field("percentile", "number", "EPSS percentile, 0 to 1"),
    Field("kev", "flag", "yes: known to be exploited (CISA)"),
    Field("ransomware", "flag", "yes: used by ransomware (CISA)"),
    Field("review", "flag", "yes: dismissed, and what that rested on has changed"),
    Field("runs", "number", "number of runs that saw it"),
    Field("reopened", "number", "how often it was opened again"),
    Field("seen", "past", "when it was seen last: `seen<7d` within seven days, `seen>30d` not for thirty"),
    Field("first", "past", "when it was seen first"),
    Field("fixed", "past", "when it was fixed"),
    Field("due", "future", "when it is due: `due<now` overdue, `due<7d` within seven days"),
)
OTHER_NAMES = {"severity": "sev", "label": "tag", "url": "at"}
VOCABULARY = Vocabulary(FIELDS, OTHER_NAMES)
