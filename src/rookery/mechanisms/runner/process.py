"""A child process: lines out, bounded; stopped with everything it started."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

WAITING_LINES = 1_000  # beyond these the child's output is not read until they have been taken
WAITING_BYTES = 16 << 20  # and beyond these, for lines may be long
STDERR_KEPT = 64 * 1024  # bytes, of the end
PATIENCE = 2.0  # seconds to react to a signal
LINGER = 1.0  # seconds for the output of a child that has exited, should somebody else hold the pipe


class Process(asyncio.SubprocessProtocol):
    """A child in a process group of its own, without input. `exit_code` is None while it runs.

    `cut` counts lines longer than `max_line` bytes, of which the rest was thrown away.
    """

    def __init__(self, max_line: int, on_stderr: Callable[[bytes], None] | None = None) -> None:
        self._max_line = max_line
        self._on_stderr = on_stderr
        self._lines: deque[bytes] = deque()
        self._waiting = 0  # bytes in them
        self._partial = bytearray()
        self._skipping = False
        self._changed = asyncio.Event()
        self._exited = asyncio.Event()
        self._output_ended = False
        self._stderr = bytearray()
        self._transport: asyncio.SubprocessTransport
        self.exit_code: int | None = None
        self.cut = 0

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        *,
        max_line: int,
        env: Mapping[str, str] | None,
        cwd: Path | None,
        on_stderr: Callable[[bytes], None] | None = None,
        memory: int = 0,
    ) -> Process:
        """Start a program by its argument list, never through a shell. Raises OSError when that fails.

        `on_stderr` is given what it writes to standard error, as it comes. `memory` are the bytes it may have
        for its data, where the kernel can be told so of another process (Linux); 0: no limit.
        """
        loop = asyncio.get_running_loop()
        _, process = await loop.subprocess_exec(
            lambda: cls(max_line, on_stderr),
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env=None if env is None else dict(env),
            cwd=cwd,
        )
        if memory:
            process._limit(memory)
        return process

    async def lines(self) -> AsyncIterator[str]:
        """Its output, line by line without line ends, invalid UTF-8 replaced, until the output ends."""
        while self._lines or not self._output_ended:
            if not self._lines:
                self._changed.clear()
                await self._changed.wait()
                continue
            line = self._lines.popleft()
            self._waiting -= len(line)
            yield line.decode("utf-8", "replace")
            if len(self._lines) <= WAITING_LINES // 2 and self._waiting <= WAITING_BYTES // 2:
                self._pipe().resume_reading()  # no-op unless paused

    async def wait(self) -> int:
        """Its exit code, once it has exited; -N for signal N."""
        await self._exited.wait()
        return cast("int", self.exit_code)

    async def stop(self, patience: float = PATIENCE) -> None:
        """End it and all its group: asked by SIGINT, then SIGTERM, then killed. No-op when all has ended.

        It has `patience` seconds to react to SIGINT.
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            if self.exit_code is not None:
                break
            self._signal(number)
            with suppress(TimeoutError):
                seconds = patience if number == signal.SIGINT else PATIENCE
                await asyncio.wait_for(self._exited.wait(), seconds)
        self._signal(signal.SIGKILL)  # what it started and left behind
        self._transport.close()

    def _limit(self, memory: int) -> None:
        if sys.platform == "linux":
            with suppress(ProcessLookupError, PermissionError):  # some sandboxes let nobody limit others
                pid = self._transport.get_pid()
                _, most = resource.prlimit(pid, resource.RLIMIT_DATA)
                least = memory if most == resource.RLIM_INFINITY else min(memory, most)
                resource.prlimit(pid, resource.RLIMIT_DATA, (least, least))

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._transport.get_pid(), number)
        except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
            return

    def stderr_end(self) -> str:
        """The end of what it wrote to standard error, at most 64 kB."""
        return self._stderr.decode("utf-8", "replace")

    def _pipe(self) -> asyncio.ReadTransport:
        return cast("asyncio.ReadTransport", self._transport.get_pipe_transport(1))

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self._split(data)
            self._changed.set()
        else:
            self._stderr += data
            del self._stderr[:-STDERR_KEPT]
            if self._on_stderr is not None:
                self._on_stderr(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 - the loop calls it so
        if fd == 1:
            self._end_output()

    def process_exited(self) -> None:
        self.exit_code = self._transport.get_returncode()
        self._exited.set()
        asyncio.get_running_loop().call_later(LINGER, self._end_output)

    def _split(self, data: bytes) -> None:
        *complete, rest = data.split(b"\n")
        for line in complete:
            self._extend(line)
            self._finish_line()
        self._extend(rest)
        if len(self._lines) >= WAITING_LINES or self._waiting >= WAITING_BYTES:
            self._pipe().pause_reading()

    def _extend(self, part: bytes) -> None:
        room = self._max_line - len(self._partial)
        if len(part) > room and not self._skipping:
            self._skipping = True
            self.cut += 1
        self._partial += part[:room]

    def _finish_line(self) -> None:
        self._lines.append(bytes(self._partial.removesuffix(b"\r")))
        self._waiting += len(self._lines[-1])
        self._partial.clear()
        self._skipping = False

    def _end_output(self) -> None:
        if not self._output_ended:
            if self._partial:
                self._finish_line()
            self._output_ended = True
            self._changed.set()
