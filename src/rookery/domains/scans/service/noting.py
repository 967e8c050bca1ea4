"""Keeping the folder of a run in step with its row."""

from __future__ import annotations

import logging

from rookery.domains.scans.artifacts import LARGEST_LOG, log_line
from rookery.domains.scans.document import run_document
from rookery.domains.scans.folders import LOG, RunFolder
from rookery.domains.scans.models import Run
from rookery.mechanisms.rook import Rook

log = logging.getLogger(__name__)


def note_down(rook: Rook, folder: RunFolder, run: Run, said: str) -> None:
    """Bring the folder's metadata and log up to date. The row is the truth: a full disk ends no run."""
    document = run_document(run)

    def write() -> None:
        if not folder.exists:
            return
        try:
            folder.write_metadata(document)
            folder.append(LOG, log_line("info", f"{run.status}: {said}"), LARGEST_LOG)
        except OSError as error:
            log.warning("%s: %s", folder.path, error.strerror)

    rook.offload(write)
