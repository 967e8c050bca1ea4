"""Programs for the tests: nuclei itself, and small ones that fail as it would."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests import servers

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rookery-test-tools"


def nuclei() -> str:
    """The path of nuclei: given, on PATH, or built by scripts/ci-tools.sh. Skips without one."""
    given = os.environ.get("ROOKERY_TEST_NUCLEI") or shutil.which("nuclei") or shutil.which(CACHE / "nuclei")
    if given is None:
        reason = CACHE / "nuclei.reason"
        said = (
            reason.read_text().strip() if reason.exists() else "not installed; scripts/ci-tools.sh builds it"
        )
        # Where Go or its modules cannot be reached, it cannot be had, even if all is required.
        if said.startswith("unreachable: "):
            pytest.skip(f"{servers.SKIPPED}nuclei: {said}")
        servers.skip(f"nuclei: {said}")
    return str(given)


def nmap() -> str:
    """The path of nmap. Skips without one."""
    found = shutil.which("nmap")
    if found is None:
        servers.skip("nmap: not installed")
    return str(found)


def script(folder: Path, body: str, name: str = "nuclei") -> str:
    """A program of that name that is a few lines of Python; its path."""
    path = folder / name
    lines = ["import json, os, signal, sys, time", "say = lambda *words: print(*words, flush=True)"]
    path.write_text("\n".join([f"#!{sys.executable}", *lines, body]) + "\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)
