"""Findings as CSV: every column, in a fixed order, for spreadsheets that take no cell for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from rookery.domains.findings.document import KEYS
from rookery.domains.findings.formats.exported import Exported

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula; a cell that begins so gets an apostrophe."""


def as_csv(findings: Iterable[Exported]) -> Iterator[str]:
    """A line of titles, then a line per finding (RFC 4180)."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(KEYS)
    for finding in findings:
        writer.writerow([cell(finding.document[key]) for key in KEYS])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def cell(value: Any) -> Any:
    """A value as a cell: lists with semicolons between, texts that look like formulas defused."""
    if isinstance(value, list):
        value = "; ".join(map(str, value))
    elif isinstance(value, dict):
        value = "; ".join(f"{key}={text}" for key, text in value.items())
    text = value if isinstance(value, str) else None
    return value if text is None or not text.startswith(FORMULA) else f"'{text}"
