"""nuclei-format templates, sans-IO: read, compile once, then run as generators of requests.

`load_template(bytes, path=…)` gives a Template; `execute(template, target)` yields Requests, is sent
Responses and returns an Outcome with the Matches. Nothing here opens a file or a socket. A template goes
document → reader → schema → model → template (compiled), and a run goes execution → requests, redirects →
operators."""

from __future__ import annotations

from rookery.mechanisms.engine.document import LARGEST_DOCUMENT
from rookery.mechanisms.engine.errors import DslError, TemplateError, UnsupportedTemplate
from rookery.mechanisms.engine.execution import Match, Outcome, execute
from rookery.mechanisms.engine.messages import LARGEST_BODY, Request, RequestFailed, Response
from rookery.mechanisms.engine.model import SEVERITIES, Classification, Info
from rookery.mechanisms.engine.redirects import MOST_REDIRECTS, RedirectRule
from rookery.mechanisms.engine.requests import plain_get
from rookery.mechanisms.engine.target import BadUrl, Target, split_url
from rookery.mechanisms.engine.template import Template, load_template

__all__ = [
    "LARGEST_BODY",
    "LARGEST_DOCUMENT",
    "MOST_REDIRECTS",
    "SEVERITIES",
    "BadUrl",
    "Classification",
    "DslError",
    "Info",
    "Match",
    "Outcome",
    "RedirectRule",
    "Request",
    "RequestFailed",
    "Response",
    "Target",
    "Template",
    "TemplateError",
    "UnsupportedTemplate",
    "execute",
    "load_template",
    "plain_get",
    "split_url",
]
