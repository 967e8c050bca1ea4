"""Repositories as collectors keep them, made by Git itself."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2023, 1, 1, tzinfo=UTC)


def commit(repository: Path, day: int, **files: str) -> None:
    """What a collector commits on a day; `__` in a name is a folder."""
    for name, content in files.items():
        path = repository / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    moment = (START + timedelta(days=day)).isoformat()
    dates = {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment}
    who = ("-c", "user.name=Oxidized", "-c", "user.email=o@x.example")
    for words in (("init", "--quiet"), ("add", "--all"), (*who, "commit", "--quiet", "--message", "update")):
        subprocess.run(["git", *words], cwd=repository, check=True, timeout=60, env={**os.environ, **dates})
