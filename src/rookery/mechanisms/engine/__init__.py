"""nuclei-format templates, sans-IO: read, compile once, then run as generators of asks.

`load_template(bytes, path=…)` gives a Template; `execute(template, target)` yields asks (a Request, for
http), is sent answers (a Response) and returns an Outcome with the Matches. Nothing here opens a file or a
socket. A template goes document → reader → schema → model → template (compiled), and a run goes execution →
requests, redirects → operators; `plan` runs many templates together, so that equal asks are asked once, and
`stored` keeps what was parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rookery.base.lazy import homes_of, lazily

if TYPE_CHECKING:
    from rookery.mechanisms.engine.asks import (
        Answer,
        Answers,
        Ask,
        DnsAnswer,
        DnsAsk,
        FileAnswer,
        FileAsk,
        TcpAnswer,
        TcpAsk,
        TcpStep,
        TlsAnswer,
        TlsAsk,
    )
    from rookery.mechanisms.engine.document import LARGEST_DOCUMENT
    from rookery.mechanisms.engine.errors import (
        CheckBroken,
        DslError,
        MissingFile,
        TemplateError,
        UnsupportedTemplate,
    )
    from rookery.mechanisms.engine.execution import execute
    from rookery.mechanisms.engine.messages import LARGEST_BODY, Burst, Request, RequestFailed, Response
    from rookery.mechanisms.engine.model import SEVERITIES, Classification, Info
    from rookery.mechanisms.engine.outcome import Match, Outcome
    from rookery.mechanisms.engine.payloads import NO_FILES, PayloadFiles
    from rookery.mechanisms.engine.redirects import MOST_REDIRECTS, RedirectRule
    from rookery.mechanisms.engine.requests import plain_get
    from rookery.mechanisms.engine.target import BadUrl, Target, split_url
    from rookery.mechanisms.engine.template import Template, load_template
    from rookery.mechanisms.engine.workflow import Find, StepSpec, link_workflow

__all__ = [
    "LARGEST_BODY",
    "LARGEST_DOCUMENT",
    "MOST_REDIRECTS",
    "NO_FILES",
    "SEVERITIES",
    "Answer",
    "Answers",
    "Ask",
    "BadUrl",
    "Burst",
    "CheckBroken",
    "Classification",
    "DnsAnswer",
    "DnsAsk",
    "DslError",
    "FileAnswer",
    "FileAsk",
    "Find",
    "Info",
    "Match",
    "MissingFile",
    "Outcome",
    "PayloadFiles",
    "RedirectRule",
    "Request",
    "RequestFailed",
    "Response",
    "StepSpec",
    "Target",
    "TcpAnswer",
    "TcpAsk",
    "TcpStep",
    "Template",
    "TemplateError",
    "TlsAnswer",
    "TlsAsk",
    "UnsupportedTemplate",
    "execute",
    "link_workflow",
    "load_template",
    "plain_get",
    "split_url",
]

__getattr__ = lazily(
    __name__,
    homes_of(
        {
            "rookery.mechanisms.engine.asks": (
                "Answer Answers Ask DnsAnswer DnsAsk FileAnswer FileAsk TcpAnswer TcpAsk "
                "TcpStep TlsAnswer TlsAsk"
            ),
            "rookery.mechanisms.engine.document": "LARGEST_DOCUMENT",
            "rookery.mechanisms.engine.errors": (
                "CheckBroken DslError MissingFile TemplateError UnsupportedTemplate"
            ),
            "rookery.mechanisms.engine.execution": "execute",
            "rookery.mechanisms.engine.outcome": "Match Outcome",
            "rookery.mechanisms.engine.messages": "LARGEST_BODY Burst Request RequestFailed Response",
            "rookery.mechanisms.engine.model": "SEVERITIES Classification Info",
            "rookery.mechanisms.engine.payloads": "NO_FILES PayloadFiles",
            "rookery.mechanisms.engine.redirects": "MOST_REDIRECTS RedirectRule",
            "rookery.mechanisms.engine.requests": "plain_get",
            "rookery.mechanisms.engine.target": "BadUrl Target split_url",
            "rookery.mechanisms.engine.template": "Template load_template",
            "rookery.mechanisms.engine.workflow": "Find StepSpec link_workflow",
        }
    ),
)
"""All of it takes 0.1 s to import."""
