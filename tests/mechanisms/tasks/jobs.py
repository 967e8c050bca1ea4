"""Types of tasks for the tests, each of which does one thing; a worker's child imports them from here."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from rookery.app import do_one_task
from rookery.base.errors import FatalError, TemporaryError
from rookery.mechanisms.tasks.context import TaskContext
from rookery.mechanisms.tasks.registry import Runs, TaskType
from rookery.mechanisms.tasks.rules import RetryPolicy

CHILD = (sys.executable, "-c", "from tests.mechanisms.tasks.jobs import do; do()")
"""How a worker starts a process of these types."""

AT_ONCE = RetryPolicy(temporary=3, other=1, first_delay=0.001)
NEVER = RetryPolicy(temporary=0, other=0)
EVERYWHERE: tuple[Runs, ...] = ("thread", "loop", "process")


class Gate(msgspec.Struct, frozen=True):
    """Ends when the file `until` is there; writes its attempt into the file `log` when it begins."""

    log: Path
    until: Path


class Nap(msgspec.Struct, frozen=True):
    """How long to sleep, before it writes its attempt into the file `log`."""

    log: Path
    seconds: float


class Fault(msgspec.Struct, frozen=True):
    """What to raise, in the first so many attempts."""

    error: str
    attempts: int = 1_000
    retry_after: float = 0.0


class TooEarly(TemporaryError):
    """Come back later."""

    def __init__(self, retry_after: float) -> None:
        super().__init__()
        self.retry_after = retry_after


def echo(_rook: Any, _context: TaskContext, payload: Any) -> Any:
    return payload


async def echo_later(_rook: Any, _context: TaskContext, payload: Any) -> Any:
    await asyncio.sleep(0)
    return payload


def note(_rook: Any, context: TaskContext, gate: Gate) -> None:
    with gate.log.open("a") as log:
        log.write(f"{context.task_id} {context.attempt}\n")


def nap(rook: Any, context: TaskContext, wanted: Nap) -> None:
    time.sleep(wanted.seconds)
    note(rook, context, Gate(wanted.log, wanted.log))


async def note_on_loop(rook: Any, context: TaskContext, gate: Gate) -> None:
    await asyncio.to_thread(note, rook, context, gate)


def wait_at(rook: Any, context: TaskContext, gate: Gate) -> str:
    note(rook, context, gate)
    while not gate.until.exists():
        time.sleep(0.005)
    return "through"


def wait_with_pid(_rook: Any, _context: TaskContext, gate: Gate) -> str:
    """Says in which process it waits."""
    with gate.log.open("a") as log:
        log.write(f"{os.getpid()}\n")
    while not gate.until.exists():
        time.sleep(0.005)
    return "through"


async def wait_on_loop(rook: Any, context: TaskContext, gate: Gate) -> str:
    await asyncio.to_thread(note, rook, context, gate)
    while not await asyncio.to_thread(gate.until.exists):  # noqa: ASYNC110  a file makes no event
        await asyncio.sleep(0.005)
    return "through"


def wait_deaf(rook: Any, context: TaskContext, gate: Gate) -> str:
    """Deaf to whatever it is told."""
    note(rook, context, gate)
    while not gate.until.exists():
        try:
            time.sleep(0.005)
        except BaseException:  # noqa: BLE001, S112
            continue
    return "through"


def swallow(rook: Any, context: TaskContext, gate: Gate) -> str:
    """As functions are written that must go on whatever happens."""
    note(rook, context, gate)
    while not gate.until.exists():
        try:
            time.sleep(0.005)
        except Exception:  # noqa: BLE001, S112
            continue
    return "through"


def wait_for_program(rook: Any, context: TaskContext, gate: Gate) -> int:
    """A program of its own process group, which starts another one."""
    with subprocess.Popen(["sh", "-c", "sleep 600 & wait"], start_new_session=True) as program:
        context.adopt(program.pid)
        gate.log.write_text(str(program.pid))
        return program.wait()


def leave_program_behind(_rook: Any, _context: TaskContext, gate: Gate) -> str:
    gate.log.write_text(str(subprocess.Popen(["sleep", "600"]).pid))
    return "through"


def fail(_rook: Any, context: TaskContext, fault: Fault) -> int:
    if context.attempt <= fault.attempts:
        raise _error(fault)
    return context.attempt


def _error(fault: Fault) -> BaseException:
    errors: dict[str, BaseException] = {
        "fatal": FatalError("It cannot be."),
        "temporary": TemporaryError("Not now."),
        "other": ValueError("What is that?"),
        "exit": SystemExit(3),
        "ctrl-c": KeyboardInterrupt(),
        "too early": TooEarly(fault.retry_after),
        "two": ExceptionGroup("two failed", [TemporaryError("One."), FatalError("The other.")]),
        "garbage": OSError("\ud800\0 and what a device sent: " + "x" * 1_000_000),
        "secret": ValueError("cannot reach https://robot:hunter2@example.net/"),
        "wordless": Wordless(),
    }
    return errors[fault.error]


class Wordless(Exception):
    """Cannot even be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def make_large(_rook: Any, _context: TaskContext, size: int) -> str:
    return "x" * size


def make_object(_rook: Any, _context: TaskContext, _payload: Any) -> Any:
    return object()


def report(_rook: Any, context: TaskContext, gate: Gate) -> None:
    context.report(3, 7, "three\0 of \ud800seven, https://robot:hunter2@example.net/")
    while not gate.until.exists():
        context.check()
        time.sleep(0.005)
    context.report(7, 7, "all")


def report_wildly(_rook: Any, context: TaskContext, _payload: Any) -> None:
    context.report(10**30, -(10**30), "x" * 100_000)


def make_file(_rook: Any, context: TaskContext, _payload: Any) -> str:
    (context.artifacts / "report.txt").write_text("found nothing")
    return str(context.artifacts)


def act(rook: Any, _context: TaskContext, target: str) -> None:
    rook.scans.add_to_scope(target)


async def act_later(rook: Any, _context: TaskContext, target: str) -> None:
    await rook.scans.add_to_scope(target)


def submit_more(rook: Any, context: TaskContext, payload: Any) -> str:
    return str(rook.tasks.submit_task("echo", payload, parent_id=context.task_id))


def die(_rook: Any, _context: TaskContext, _payload: Any) -> None:
    os._exit(9)


TYPES = (
    TaskType(name="echo", function=echo, payload=Any),
    TaskType(name="echo.loop", function=echo_later, payload=Any, runs="loop"),
    TaskType(name="echo.process", function=echo, payload=Any, runs="process"),
    TaskType(name="echo.greenlet", function=echo, payload=Any, runs="loop"),
    TaskType(name="note", function=note, payload=Gate),
    TaskType(name="note.shared", function=note, payload=Gate, is_idempotent=True),
    TaskType(name="note.loop", function=note_on_loop, payload=Gate, runs="loop"),
    TaskType(name="note.process", function=note, payload=Gate, runs="process", retry=AT_ONCE),
    TaskType(name="nap", function=nap, payload=Nap),
    TaskType(name="gate.thread", function=wait_at, payload=Gate, retry=AT_ONCE),
    TaskType(name="gate.loop", function=wait_on_loop, payload=Gate, runs="loop", retry=AT_ONCE),
    TaskType(name="gate.process", function=wait_at, payload=Gate, runs="process", retry=AT_ONCE),
    TaskType(name="pid.process", function=wait_with_pid, payload=Gate, runs="process", retry=NEVER),
    TaskType(name="gate.shared", function=wait_at, payload=Gate, is_idempotent=True),
    TaskType(name="gate.deaf", function=wait_deaf, payload=Gate, retry=NEVER),
    TaskType(name="gate.swallows", function=swallow, payload=Gate, retry=NEVER),
    TaskType(name="gate.program", function=wait_for_program, payload=Gate, retry=NEVER),
    TaskType(name="gate.child", function=wait_for_program, payload=Gate, runs="process", retry=NEVER),
    TaskType(name="leaves.program", function=leave_program_behind, payload=Gate, runs="process"),
    TaskType(name="fail", function=fail, payload=Fault, retry=AT_ONCE),
    TaskType(name="fail.process", function=fail, payload=Fault, runs="process", retry=AT_ONCE),
    TaskType(name="large", function=make_large, payload=int),
    TaskType(name="object", function=make_object),
    TaskType(name="report.thread", function=report, payload=Gate),
    TaskType(name="report.process", function=report, payload=Gate, runs="process"),
    TaskType(name="report.wildly", function=report_wildly),
    TaskType(name="file", function=make_file),
    TaskType(name="act.thread", function=act, payload=str),
    TaskType(name="act.loop", function=act_later, payload=str, runs="loop"),
    TaskType(name="act.process", function=act, payload=str, runs="process"),
    TaskType(name="submit", function=submit_more, payload=Any),
    TaskType(name="die.worker", function=die, is_idempotent=True),
    TaskType(name="die", function=die, runs="process", retry=NEVER),
    TaskType(
        name="limited", function=wait_at, payload=Gate,
        limits=lambda _session, _config, gate: {str(gate.until.parent): 1},
    ),
)  # fmt: skip


def do() -> None:
    """A child of a worker of these types."""
    do_one_task(TYPES)


def do_late() -> None:
    """The same, which writes the file `log` when it begins, and waits for `until` before it does anything."""
    log, until = map(Path, sys.argv[1:])
    log.write_text("begun\n")
    while not until.exists():
        time.sleep(0.005)
    do()
