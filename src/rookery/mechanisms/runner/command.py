"""CommandRunner: a tool that is another program."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from rookery.base.errors import Invalid
from rookery.base.redact import redact_text
from rookery.mechanisms.hooks import DROP, Error, Item, Warning_
from rookery.mechanisms.runner.core import Runner
from rookery.mechanisms.runner.process import Process

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_LINE = 1 << 20
SHOWN_STDERR = 2_000  # characters


class CommandRunner(Runner):
    """Runs a program by its argument list, never through a shell, and reads its output line by line.

    Each line goes to on_line; a JSON object becomes a dict, which goes to on_item_pre_convert and
    `convert()`, as does any other line as text. An exit code other than 0 is an Error with the end of
    standard error. After `timeout` seconds, on Ctrl-C and on cancelling, the program and all it started are
    ended. Lines are cut at `max_line` bytes, and a Warning says so. `env` replaces the environment.
    """

    def __init__(
        self,
        argv: Sequence[str],
        targets: Sequence[str] = (),
        *,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        max_line: int = MAX_LINE,
        **options: Any,
    ) -> None:
        if isinstance(argv, str) or not argv:
            raise Invalid("argv is a list: the program and its arguments, each a string of its own")
        self.name = self.name or argv[0].rpartition("/")[2]
        super().__init__(targets, **options)
        self.argv = [str(argument) for argument in argv]
        self.timeout = timeout
        self.env = env
        self.cwd = cwd
        self.max_line = max_line

    def describe(self) -> str:
        """The command line, quoted as a shell would need it, secrets masked."""
        return redact_text(shlex.join(self.argv))

    async def prepare(self) -> None:
        """on_cmd hooks may change the argument list."""
        self.argv = await self.fire("on_cmd", self.argv)

    async def produce(self) -> AsyncIterator[Any]:
        """Its lines, parsed, while it runs; afterwards what went wrong."""
        async with self._started() as (process, timed_out):
            async for line in process.lines():
                kept = await self.fire("on_line", line)
                if kept is not DROP:
                    yield parsed(kept)
            self.exit_code = await process.wait()
            await self.fire("on_cmd_done")
        for trouble in self._troubles(process, timed_out.is_set()):
            yield trouble

    @asynccontextmanager
    async def _started(self) -> AsyncIterator[tuple[Process, asyncio.Event]]:
        process = await Process.start(self.argv, max_line=self.max_line, env=self.env, cwd=self.cwd)
        timed_out = asyncio.Event()
        watch = asyncio.create_task(self._watch(process, timed_out))
        try:
            yield process, timed_out
        finally:
            watch.cancel()
            await asyncio.wait([watch])
            await process.stop()
            self.exit_code = process.exit_code

    async def _watch(self, process: Process, timed_out: asyncio.Event) -> None:
        if self.timeout is not None:
            await asyncio.sleep(self.timeout)
            timed_out.set()
            await process.stop()

    def _troubles(self, process: Process, timed_out: bool) -> list[Item]:
        troubles: list[Item] = []
        if process.cut:
            said = (
                f"{process.cut} line(s) of {self.name} were longer than {self.max_line} bytes, and cut there"
            )
            troubles.append(Warning_(message=said))
        if timed_out:
            troubles.append(Error(message=f"{self.name} was ended after {self.timeout:g} seconds (timeout)"))
        elif self.exit_code:
            end = redact_text(process.stderr_end())[-SHOWN_STDERR:].strip()
            last = end.rpartition("\n")[2]
            message = f"{self.name} exited with {self.exit_code}" + (f": {last}" if last else "")
            troubles.append(Error(message=message, detail=end))
        return troubles


def parsed(line: str) -> Any:
    """The dict of a line that is a JSON object; any other line as it is."""
    if not line.startswith("{"):
        return line
    try:
        return msgspec.json.decode(line)
    except msgspec.DecodeError:
        return line
