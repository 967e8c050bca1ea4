"""A tool's life: start, items, interval, end; as `for`, as `async for`, or as one call. Knows no domain.

Write a tool as a `Runner` with `produce()`, or as a `CommandRunner` with an argument list and `convert()`.
"""

from __future__ import annotations

from rookery.mechanisms.runner.command import CommandRunner
from rookery.mechanisms.runner.core import InsideALoop, Runner, RunsOnce
from rookery.mechanisms.runner.summary import Summary

__all__ = ["CommandRunner", "InsideALoop", "Runner", "RunsOnce", "Summary"]
