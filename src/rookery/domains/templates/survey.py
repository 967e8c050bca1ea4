"""What can be said of each template file: whether it runs, why not, what it is about, who signed it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from rookery.domains.templates.files import read_file
from rookery.domains.templates.library import Desk, each_file
from rookery.domains.templates.payloadfiles import LibraryFiles
from rookery.domains.templates.places import SHIPPED
from rookery.domains.templates.rules import EXCLUDED_TAGS
from rookery.domains.templates.signatures import Trust
from rookery.domains.templates.workflows import Collection
from rookery.mechanisms.engine import TemplateError, UnsupportedTemplate, load_template
from rookery.mechanisms.engine.header import Header, read_header

Verdict = Literal["runs", "unsupported", "invalid"]


class Surveyed(msgspec.Struct, frozen=True, kw_only=True):
    """One file. `reason` says why it does not run, `line` (from 1) where it is wrong; 0: not known.

    What the file says of itself is empty where it is invalid. `signature` is in words.
    """

    path: str
    verdict: Verdict
    reason: str = ""
    line: int = 0
    warnings: tuple[str, ...] = ()
    id: str = ""
    name: str = ""
    severity: str = ""
    author: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    signature: str = ""


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """Many files in numbers; every table with the most frequent first.

    `runs_percent` is the share of the sound templates that run. `excluded_by_default` counts those that run,
    but only when they are asked for.
    """

    files: int
    runs: int
    unsupported: int
    invalid: int
    runs_percent: float
    excluded_by_default: int
    protocols: dict[str, int]
    severities: dict[str, int]
    tags: dict[str, int]
    reasons: dict[str, int]
    signatures: dict[str, int]


def survey(paths: Iterable[Path], trust: Trust, desk: Desk | None = None) -> list[Surveyed]:
    """Every template file in these files and folders, once, in a stable order."""
    desk = desk or Desk()
    others = Collection({}, desk.load)
    return [survey_file(path, trust, desk.files(path, folder), others) for path, folder in each_file(paths)]


def survey_file(path: Path, trust: Trust, files: LibraryFiles, others: Collection) -> Surveyed:
    """What can be said of one file; nothing that is wrong with it raises. A workflow names `others`."""
    try:
        data = read_file(path)
        signature, header = _signature(data, path, trust), read_header(data, path=str(path))
    except TemplateError as error:
        return _invalid(path, error)
    try:
        template = load_template(data, path=str(path), files=files)
        template = others.link(template) if template.workflow else template
    except UnsupportedTemplate as error:
        return _described(header, path, "unsupported", signature, reason=error.reason)
    except TemplateError as error:
        return _invalid(path, error)
    warnings = tuple(warning.removeprefix(f"{path}: ") for warning in template.warnings)
    return _described(header, path, "runs", signature, warnings=warnings)


def _signature(data: bytes, path: Path, trust: Trust) -> str:
    return "ships with Rookery" if path.is_relative_to(SHIPPED) else str(trust.judge(data))


def _invalid(path: Path, error: TemplateError) -> Surveyed:
    return Surveyed(path=str(path), verdict="invalid", reason=error.reason, line=error.line or 0)


def _described(
    header: Header,
    path: Path,
    verdict: Verdict,
    signature: str,
    *,
    reason: str = "",
    warnings: tuple[str, ...] = (),
) -> Surveyed:
    info = header.info
    return Surveyed(
        path=str(path),
        verdict=verdict,
        reason=reason,
        warnings=warnings,
        id=header.id,
        name=info.name,
        severity=info.severity,
        author=info.author,
        tags=info.tags,
        protocols=header.protocols,
        signature=signature,
    )


def summed_up(files: Sequence[Surveyed]) -> Stats:
    """The files in numbers."""
    verdicts = Counter(file.verdict for file in files)
    sound = [file for file in files if file.verdict != "invalid"]
    running = [file for file in sound if file.verdict == "runs"]
    return Stats(
        files=len(files),
        runs=len(running),
        unsupported=verdicts["unsupported"],
        invalid=verdicts["invalid"],
        runs_percent=round(100 * len(running) / len(sound), 1) if sound else 0.0,
        excluded_by_default=sum(not EXCLUDED_TAGS.isdisjoint(file.tags) for file in running),
        protocols=_counted(protocol for file in sound for protocol in file.protocols),
        severities=_counted(file.severity for file in sound),
        tags=_counted(tag for file in sound for tag in file.tags),
        reasons=_counted(f"{file.verdict}: {file.reason}" for file in files if file.verdict != "runs"),
        signatures=_counted(file.signature for file in sound),
    )


def _counted(words: Iterable[str]) -> dict[str, int]:
    return dict(Counter(words).most_common())
