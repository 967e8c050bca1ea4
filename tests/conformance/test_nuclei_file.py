"""nuclei's integration tests of the file protocol (cmd/integration-test/file.go)."""

from __future__ import annotations

import asyncio

import pytest

from rookery.mechanisms.engine import Match, Target
from rookery.mechanisms.transport import files_below
from tests.conformance.running import NUCLEI, given, outcome_of

DATA = NUCLEI / "file" / "data"


def run(path: str) -> list[Match]:
    """The matches of a template on every file of the folder."""

    async def work() -> list[Match]:
        found: list[Match] = []
        for name in files_below(DATA):
            found += (await outcome_of(given(path), Target(name, is_file=True), roots=[DATA])).matches
        return found

    with asyncio.Runner() as runner:
        return runner.run(work())


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("file/matcher-with-or.yaml", "test1.txt"),
        ("file/matcher-with-and.yaml", "test2.txt"),
        ("file/matcher-with-nested-and.yaml", "test2.txt"),
    ],
)
def test_a_file_is_reported_once(path: str, file: str) -> None:
    assert [match.matched_at for match in run(path)] == [str(DATA / file)]


def test_what_lines_hold_is_extracted_from_all_of_them() -> None:
    assert [match.extracted for match in run("file/extract.yaml")] == [("11 EE 11", "11 FF 11")]
