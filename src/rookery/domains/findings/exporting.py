"""Findings for other programs, and for people who have no Rookery: streamed, whatever their number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from rookery.domains.findings.conditions import conditions
from rookery.domains.findings.document import as_json
from rookery.domains.findings.figures import figures
from rookery.domains.findings.formats.exported import Exported
from rookery.domains.findings.models import Finding, FindingEvidence
from rookery.domains.findings.store import FIRST_THINGS_FIRST
from rookery.mechanisms.dual import dual_stream
from rookery.mechanisms.filters.meaning import Condition
from rookery.mechanisms.rook import Rook

FORMATS = ("csv", "jsonl", "sarif", "defectdojo", "html")
FETCHED = 500  # rows at a time

Write = Callable[[Iterable[Exported]], Iterator[str]]


@dual_stream
def export(rook: Rook, /, format_: str, filter_: str = "") -> Iterator[str]:
    """The findings that a filter chooses, the most urgent first, as text in one of FORMATS, piece by piece.

    Raises FilterNotValid, and KeyError for a format that is none.
    """
    if format_ == "html":
        from rookery.domains.findings.formats.report import template

        rook.offload(template)  # from a file, the first time
    yield from _written(rook, format_, filter_)


@dual_stream
def _written(session: Session, /, format_: str, filter_: str = "") -> Iterator[str]:
    chosen = conditions(filter_)
    if format_ == "html":
        from rookery.domains.findings.formats.report import as_html

        yield from as_html(_exported(session, chosen), figures(session, chosen, filter_))
    else:
        yield from _write(format_)(_exported(session, chosen))


def _write(name: str) -> Write:
    from rookery.domains.findings.formats import defectdojo, lines, sarif, tables

    formats: Mapping[str, Write] = {
        "csv": tables.as_csv,
        "jsonl": lines.as_jsonl,
        "sarif": sarif.as_sarif,
        "defectdojo": defectdojo.as_defectdojo,
    }
    return formats[name]


def _exported(session: Session, chosen: Sequence[Condition]) -> Iterator[Exported]:
    kept = (FindingEvidence.request, FindingEvidence.response, FindingEvidence.curl)
    query = select(Finding, *kept).outerjoin(FindingEvidence, FindingEvidence.finding_id == Finding.id)
    query = query.where(*chosen).order_by(*FIRST_THINGS_FIRST).execution_options(yield_per=FETCHED)
    with session.execute(query) as rows:
        for finding, request, response, curl in rows:
            yield Exported(as_json(finding), request or "", response or "", curl or "")
