"""What others say of CVEs, from local files: CISA's known exploited vulnerabilities, and FIRST's EPSS.

    https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json
    https://epss.empiricalsecurity.com/epss_scores-current.csv.gz

Rookery fetches neither by itself, and ships neither.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from rookery.base.structs import ready
from rookery.domains.findings.errors import FeedNotValid

LARGEST = 256 << 20  # bytes, unpacked
MOST_ENTRIES = 2_000_000
LONGEST_ROW = 200  # characters of a line of EPSS

_CVE = re.compile(r"CVE-\d{4}-\d{4,19}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class FeedFile(NamedTuple):
    """A feed as read: its name (`kev`, `epss`), its day, and a row of `cve_fact`'s columns for each CVE."""

    name: str
    dated: str
    rows: list[dict[str, Any]]


class _Listed(msgspec.Struct, frozen=True, rename="camel"):
    cve: str = msgspec.field(name="cveID")
    date_added: str = ""
    due_date: str = ""
    known_ransomware_campaign_use: str = ""


class _Catalogue(msgspec.Struct, frozen=True, rename="camel"):
    vulnerabilities: list[_Listed]
    date_released: str = ""


def read_feed(path: Path) -> FeedFile:
    """Read a feed, gzipped or not; which it is, it says itself. Raises FeedNotValid, one line."""
    try:
        data = _unpacked(path)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FeedNotValid(f"{path}: {reason}.") from error
    return _kev(path, data) if data.lstrip()[:1] == b"{" else _epss(path, data)


def _unpacked(path: Path) -> bytes:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else path.open("rb") as content:
        data = content.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise FeedNotValid(f"{path}: more than {LARGEST >> 20} MB; that is no such feed.")
    return data.removeprefix(BOM_UTF8)


def _kev(path: Path, data: bytes) -> FeedFile:
    try:
        catalogue = msgspec.json.decode(data, type=ready(_Catalogue))
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise FeedNotValid(f"{path}: not CISA's catalogue: {error}.") from error
    rows = [
        {
            "cve": one.cve.strip().upper(),
            "kev_added": _day(one.date_added),
            "kev_due": _day(one.due_date),
            "ransomware": one.known_ransomware_campaign_use.strip().lower() == "known",
        }
        for one in catalogue.vulnerabilities[:MOST_ENTRIES]
    ]
    return FeedFile("kev", _day(catalogue.date_released), _known(path, rows))


def _epss(path: Path, data: bytes) -> FeedFile:
    lines = io.StringIO(data.decode("utf-8", "replace"), newline="")
    start = lines.readline(LONGEST_ROW)
    dated = match[0] if start.startswith("#") and (match := _DAY.search(start)) else ""
    if start.startswith("#"):
        start = lines.readline(LONGEST_ROW)
    if start.strip().lower() != "cve,epss,percentile":
        raise FeedNotValid(f"{path}: {FeedNotValid.__doc__}")
    return FeedFile("epss", dated, _known(path, list(_scores(lines))))


def _scores(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(csv.reader(lines)):
        if number >= MOST_ENTRIES:
            return
        with suppress(ValueError):
            cve, epss, percentile = row
            score, share = float(epss), float(percentile)
            if 0 <= score <= 1 and 0 <= share <= 1:
                yield {"cve": cve.strip().upper(), "epss": score, "epss_percentile": share}


def _known(path: Path, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = [row for row in rows if _CVE.fullmatch(row["cve"])]
    if not known:
        raise FeedNotValid(f"{path}: there is no CVE in it.")
    return known


def _day(text: str) -> str:
    match = _DAY.match(text)
    return match[0] if match else ""
