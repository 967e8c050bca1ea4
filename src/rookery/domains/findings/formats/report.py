"""Findings as one HTML page that needs nothing else: no script, no other host; all of it escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from rookery.domains.findings.formats.exported import Exported

EVIDENCE = 4_000  # characters of a request or an answer that the page shows
BUFFERED = 64  # pieces that are written together

Bar = tuple[str, int, str]
"""Name, count, and the class of its colour."""


class About(NamedTuple):
    """The figures above the list."""

    made: str
    version: str
    chosen: str
    total: int
    active: int
    overdue: int
    exploited: int
    targets: int
    by_severity: Sequence[Bar]
    by_state: Sequence[Bar]
    by_target: Sequence[Bar]
    by_template: Sequence[Bar]


# What a browser shows oddly or not at all, and what turns the direction of the text around it.
_CODES = (*range(9), 11, 12, *range(14, 32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_UNSHOWN = dict.fromkeys((*_CODES, 0x200E, 0x200F), "\ufffd") | {13: None}


def as_html(findings: Iterable[Exported], about: About) -> Iterator[str]:
    """The page, piece by piece."""
    page, style = template()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    stream = page.stream(
        findings=findings,
        about=about,
        style=_markup(style),
        style_hash=_markup(digest),
        evidence=EVIDENCE,
        is_late=lambda one: (
            one["state"] in {"open", "triaged"} and bool(one["due"]) and one["due"] < about.made
        ),
        is_web=lambda link: link.lower().startswith(("http://", "https://")),
        share=lambda count, rows: round(100 * count / max(row[1] for row in rows), 2) if count else 0,
        number=lambda count: f"{count:,}",
    )
    stream.enable_buffering(BUFFERED)
    yield from stream


@cache
def template() -> tuple[Any, str]:
    """The page, and its stylesheet."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("rookery.domains.findings", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    source = (
        environment.loader.get_source(environment, "findings/report.css")[0] if environment.loader else ""
    )
    return environment.get_template("findings/report.html"), source


def _shown(value: Any) -> Any:
    return value.translate(_UNSHOWN) if type(value) is str else value


def _markup(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)  # noqa: S704  our own stylesheet, and its hash
