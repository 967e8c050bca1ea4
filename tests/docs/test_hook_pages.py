"""The pages about hooks are true: every event has its heading, and the example works."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rookery.mechanisms.hooks import EVENTS, load_hooks
from tests.mechanisms.runner.tools import Emits, sightings

DOCS = Path(__file__).parents[2] / "docs"


def test_every_event_has_a_heading_with_its_arguments_in_the_order_of_a_run() -> None:
    text = (DOCS / "reference/hooks.md").read_text(encoding="utf-8")
    expected = [
        f"{event.name}({', '.join(['runner', *([event.argument] if event.argument else [])])})"
        for event in EVENTS.values()
    ]
    assert re.findall(r"^### (.*)$", text, re.MULTILINE) == expected


def test_the_example_of_the_how_to_stores_what_a_run_emits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (DOCS / "howto/write-a-hook.md").read_text(encoding="utf-8")
    (tmp_path / "hooks.py").write_text(
        re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[0]
    )
    monkeypatch.chdir(tmp_path)
    summary = Emits(sightings(1_200), hooks=load_hooks("./hooks.py"), spool=tmp_path / "spool").run()
    assert summary.status == "success", summary.messages
    with closing(sqlite3.connect("sightings.db")) as database:
        assert database.execute("SELECT count(*) FROM sightings").fetchone() == (1_200,)
