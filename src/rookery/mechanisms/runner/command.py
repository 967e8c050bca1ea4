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
from rookery.mechanisms.runner.process import PATIENCE, Process

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
    ended. Lines are cut at `max_line` bytes, and a Warning says so. `env` replaces the environment. On Linux
    the kernel gives it no more than `memory` bytes for its data, and nor each that it starts; 0: no limit.

    A tool may override `parse`, `heard`, `overdue` and `troubles`. `patience` are the seconds in which the
    program may end in order, after SIGINT.
    """

    patience: float = PATIENCE

    def __init__(
        self,
        argv: Sequence[str],
        targets: Sequence[str] = (),
        *,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        max_line: int = MAX_LINE,
        memory: int = 0,
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
        self.memory = memory

    def describe(self) -> str:
        """The command line, quoted as a shell would need it, secrets masked."""
        return redact_text(shlex.join(self.argv))

    async def prepare(self) -> None:
        """on_cmd hooks may change the argument list."""
        self.argv = await self.fire("on_cmd", self.argv)

    async def produce(self) -> AsyncIterator[Any]:
        """Its lines, parsed, while it runs; afterwards what went wrong."""
        async with self._started() as (process, ended):
            async for line in process.lines():
                kept = await self.fire("on_line", line)
                if kept is not DROP:
                    yield self.parse(kept)
            self.exit_code = await process.wait()
            await self.fire("on_cmd_done")
        if process.cut:
            cut = (
                f"{process.cut} line(s) of {self.name} were longer than {self.max_line} bytes, and cut there"
            )
            yield Warning_(message=cut)
        for trouble in self.troubles(process.stderr_end(), "".join(ended)):
            yield trouble

    # What a tool may override

    def parse(self, line: str) -> Any:
        """What `convert` is given of a line: the dict of a JSON object, any other line as it is."""
        return parsed(line)

    def heard(self, data: bytes) -> None:
        """What the program writes to standard error, as it comes, in pieces of any size."""

    async def overdue(self) -> str:
        """Waits until the program has to be ended, and says why; by default, for `timeout`."""
        if self.timeout is None:
            await asyncio.Event().wait()  # for ever
        await asyncio.sleep(self.timeout or 0)
        return f"was ended after {self.timeout:g} seconds (timeout)"

    def troubles(self, stderr: str, ended: str) -> list[Item]:
        """What went wrong, by exit code and the end of standard error; `ended` is what `overdue` said."""
        if ended:
            return [Error(message=f"{self.name} {ended}")]
        if not self.exit_code:
            return []
        end = redact_text(stderr)[-SHOWN_STDERR:].strip()
        last = end.rpartition("\n")[2]
        message = f"{self.name} exited with {self.exit_code}" + (f": {last}" if last else "")
        return [Error(message=message, detail=end)]

    @asynccontextmanager
    async def _started(self) -> AsyncIterator[tuple[Process, list[str]]]:
        process = await Process.start(
            self.argv,
            max_line=self.max_line,
            env=self.env,
            cwd=self.cwd,
            on_stderr=self.heard,
            memory=self.memory,
        )
        ended: list[str] = []
        watch = asyncio.create_task(self._watch(process, ended))
        try:
            yield process, ended
        finally:
            watch.cancel()
            await asyncio.wait([watch])
            await process.stop(self.patience)
            self.exit_code = process.exit_code

    async def _watch(self, process: Process, ended: list[str]) -> None:
        ended.append(await self.overdue())
        await process.stop(self.patience)


def parsed(line: str) -> Any:
    """The dict of a line that is a JSON object; any other line as it is."""
    if not line.startswith("{"):
        return line
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):  # nested without end, it is no object for anybody
        return line
