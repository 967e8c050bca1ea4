"""The hook that keeps what a run emits in its folder: items as NDJSON, what it said as a log. Bounded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from rookery.base.redact import redact
from rookery.domains.scans.errors import BadRunId
from rookery.domains.scans.folders import ITEMS, LOG, RunFolder
from rookery.mechanisms.hooks import (
    EVENTS,
    Batching,
    Error,
    HookFunction,
    Hooks,
    Info,
    Item,
    Progress,
    Warning_,
)

LARGEST_LOG = 10 << 20  # bytes
FULL = (
    "The run has emitted more than is kept of it here (runs.max_bytes); what follows is in the database only."
)


class KeepArtifacts:
    """Appends the items of a batch to the files of their runs. May be called again with the same items."""

    def __init__(self, data_dir: Path, max_bytes: int) -> None:
        self._data_dir = data_dir
        self._max_bytes = max_bytes

    def __call__(self, _runner: object, items: Iterable[Item]) -> None:
        by_run: defaultdict[str, list[Item]] = defaultdict(list)
        for item in items:
            if not isinstance(item, Progress):
                by_run[str(item._context.get("run_id", ""))].append(item)
        for run_id, of_run in by_run.items():
            self._keep(run_id, of_run)

    def _keep(self, run_id: str, items: list[Item]) -> None:
        try:
            folder = RunFolder(self._data_dir, run_id)
        except BadRunId:
            return  # of a runner that is no scan's
        said = list(_said(items))
        if folder.append(ITEMS, b"".join(map(_line, items)), self._max_bytes):
            said.append(log_line("warning", FULL))
        if said:
            folder.append(LOG, b"".join(said), LARGEST_LOG)


def keeping(data_dir: Path, max_bytes: int) -> Hooks:
    """The hooks that keep what runs emit, each run in its folder, up to so many bytes of items."""
    return Hooks([HookFunction(EVENTS["on_item"], KeepArtifacts(data_dir, max_bytes), Batching())])


def log_line(level: str, message: str, at: float | None = None) -> bytes:
    """A line of run.log: when (UTC), how bad, what; `at` is in seconds since 1970."""
    when = datetime.now(UTC) if at is None else datetime.fromtimestamp(at, UTC)
    return f"{when.isoformat(timespec='milliseconds')} {level} {' '.join(message.split())}\n".encode()


def _said(items: Iterable[Item]) -> Iterator[bytes]:
    for item in items:
        if isinstance(item, Info | Warning_ | Error):
            yield log_line(item._type, redact(item.message), item._timestamp)


def _line(item: Item) -> bytes:
    document: Any = redact(msgspec.to_builtins(item))
    return msgspec.json.encode(document) + b"\n"
