"""Run every benchmark, or those named: `python -m benchmarks [NAME…] [--markdown FILE]`."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmarks.rows import Row

NOT_BENCHMARKS = {"__init__", "__main__", "rows", "site"}


def names() -> list[str]:
    """Every script of this folder that has something to measure."""
    scripts = (path.stem for path in Path(__file__).parent.glob("*.py"))
    return sorted(name for name in scripts if name not in NOT_BENCHMARKS)


def run(name: str) -> list[Row]:
    """The rows of one script, which is a module with `main() -> Iterable[Row]`."""
    return list(importlib.import_module(f"benchmarks.{name}").main())


def show(rows: Iterable[Row]) -> None:
    """One line per comparison, on standard output as soon as it is known."""
    for row in rows:
        goal = "" if row.goal is None else f"goal {'≥' if row.better == 'more' else '≤'} {row.goal:g}"
        print(
            f"{row.verdict:8} {row.value:>10.4g} {row.unit:6} {goal:14} {row.claim} ({row.detail})",
            flush=True,
        )


def markdown(results: dict[str, list[Row]]) -> str:
    """The results as a table, with the machine they were measured on."""
    cores = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    lines = [f"Python {platform.python_version()}, {cores}.", ""]
    lines += ["| script | claim | measured | goal | verdict | both sides |", "|---|---|---|---|---|---|"]
    for name, rows in results.items():
        for row in rows:
            goal = "" if row.goal is None else f"{'≥' if row.better == 'more' else '≤'} {row.goal:g}"
            cells = (name, row.claim, f"{row.value:.4g} {row.unit}", goal, row.verdict, row.detail)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run, print, and exit with 1 when a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(names())}; all when none is given"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the results as a table")
    arguments = parser.parse_args()
    results: dict[str, list[Row]] = {}
    for name in arguments.names or names():
        print(f"— {name}", flush=True)
        results[name] = run(name)
        show(results[name])
    if arguments.markdown:
        arguments.markdown.write_text(markdown(results), encoding="utf-8")
    return int(any(row.verdict == "MISSED" for rows in results.values() for row in rows))


if __name__ == "__main__":
    sys.exit(main())
