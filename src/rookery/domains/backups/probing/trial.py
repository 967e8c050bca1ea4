"""A platform on trial: what it says is done on a device, one thing after the other, and each is judged."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from operator import methodcaller
from typing import Literal

import msgspec

from rookery.base.errors import RookeryError
from rookery.base.redact import redact_text
from rookery.domains.backups import rules
from rookery.domains.backups.collecting import Job, Uses, logged_in
from rookery.domains.backups.errors import NotAConfiguration
from rookery.domains.backups.guard import Guard
from rookery.domains.credentials.errors import NoCredential
from rookery.domains.devices.platform import FACTS, Facts, Platform
from rookery.mechanisms.transport.terminal.errors import (
    CommandRejected,
    DeviceTimedOut,
    LoginFailed,
    PromptNotRecognised,
)
from rookery.mechanisms.transport.terminal.session import AnySession

Phase = Literal[
    "connect", "login", "prompt", "privileges", "setup", "facts", "configuration", "end", "noise", "secrets"
]
Verdict = Literal["ok", "doubtful", "wrong"]
Judgement = tuple[Verdict, str]
LAST_SEEN = 160
"""Characters that are told of what a device showed last."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one phase; `seen` is what the device showed last, without secrets, where that helps."""

    phase: Phase
    command: str = ""
    verdict: Verdict = "ok"
    detail: str = ""
    seen: str = ""


async def tried(job: Job, guard: Guard, uses: Uses) -> list[Step]:
    """Each phase, to the end or to the first after which nothing can be asked. Raises NoCredential."""
    try:
        session = await logged_in(job, guard, uses, methodcaller("log_in"))
    except (LoginFailed, PromptNotRecognised, DeviceTimedOut) as error:
        return list(_until("login" if isinstance(error, LoginFailed) else "prompt", str(error)))
    except NoCredential:
        raise
    except RookeryError as error:
        return list(_until("connect", str(error)))
    trial = _Trial(session, job.platform)
    try:
        await trial.run()
    finally:
        await session.close()
    return trial.steps


BEFORE: tuple[Phase, ...] = ("connect", "login", "prompt")


def _until(phase: Phase, reason: str) -> Iterator[Step]:
    yield from (Step(phase=each) for each in BEFORE[: BEFORE.index(phase)])
    yield Step(phase=phase, verdict="wrong", detail=reason)


class _Trial:
    """Asks one thing after the other, as long as the device can be talked to."""

    def __init__(self, session: AnySession, platform: Platform) -> None:
        self._session, self._platform = session, platform
        self._answers: list[str] = []
        self._is_lost = False
        self.steps = [Step(phase="connect"), Step(phase="login"), self._prompt()]

    def _prompt(self) -> Step:
        if self._platform.dialect.channel == "exec":
            return Step(phase="prompt", detail="none: each command has its own channel")
        return Step(phase="prompt", detail=repr(self._session.prompt))

    async def run(self) -> None:
        """Everything that the platform says."""
        dialect, commands = self._platform.dialect, self._platform.configuration.commands
        if dialect.enable is not None:
            await self._try("privileges", dialect.enable.command, self._enable)
        for command in dialect.setup if dialect.channel == "shell" else ():
            await self._try("setup", command, self._set_up)
        for facts in self._platform.facts:
            await self._try("facts", facts.command, partial(self._learn, facts))
        for command in commands:
            await self._try("configuration", command, self._collect)
        if len(self._answers) == len(commands):
            self.steps += _judged(self._platform, rules.assembled(self._platform, self._answers))

    async def _try(self, phase: Phase, command: str, ask: Callable[[str], Awaitable[Judgement]]) -> None:
        if self._is_lost:
            return
        seen = ""
        try:
            verdict, detail = await ask(command)
        except RookeryError as error:
            self._is_lost = not isinstance(error, CommandRejected)
            verdict, detail, seen = "wrong", str(error), self._seen()
        self.steps.append(Step(phase=phase, command=command, verdict=verdict, detail=detail, seen=seen))

    async def _enable(self, _command: str) -> Judgement:
        await self._session.enable()
        return "ok", repr(self._session.prompt)

    async def _set_up(self, command: str) -> Judgement:
        await self._session.ask(command)
        return "ok", ""

    async def _learn(self, facts: Facts, command: str) -> Judgement:
        wanted = [name for name in FACTS if getattr(facts, name)]
        found = rules.facts_of(facts, await self._session.ask(command))
        said = [f"{name} {found[name]}" for name in wanted if name in found]
        missing = [f"no {name}" for name in wanted if name not in found]
        return "doubtful" if missing else "ok", ", ".join((*said, *missing))

    async def _collect(self, command: str) -> Judgement:
        answer = await self._session.ask(command)
        self._answers.append(answer)
        lines = len(answer.strip().splitlines())
        return "ok" if lines else "wrong", _lines(lines)

    def _seen(self) -> str:
        """A configuration may be what came last, so its secrets are masked, too."""
        masked = rules.masked(self._platform, self._session.tail.encode(), None).text.decode()
        return redact_text(masked).strip()[-LAST_SEEN:]


def _judged(platform: Platform, text: bytes) -> Iterator[Step]:
    """What is made of a configuration."""
    yield _end(platform, text)
    lines, secrets = rules.counted(platform, text)
    yield Step(phase="noise", detail=f"{_lines(lines)} left out of comparisons")
    if platform.secrets:
        yield Step(phase="secrets", detail=f"{secrets} masked")
    else:
        yield Step(phase="secrets", verdict="doubtful", detail="no patterns: they are kept as they are")


def _lines(count: int) -> str:
    return f"{count} line" if count == 1 else f"{count} lines"


def _end(platform: Platform, text: bytes) -> Step:
    try:
        rules.check(platform, text, None)
    except NotAConfiguration as error:
        return Step(phase="end", verdict="wrong", detail=str(error))
    if platform.end is None:
        return Step(phase="end", verdict="doubtful", detail="no pattern: nobody sees when a part is missing")
    return Step(phase="end", detail=f"{platform.configuration.ends} was seen")
