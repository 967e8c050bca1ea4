"""Asking an unknown device harmless questions, until it is recognised or nothing is left to ask.

Nothing is known yet of what ends an answer: the prompt, once it has shown itself twice, or else silence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from rookery.domains.backups.collecting import Job, Uses, logged_in
from rookery.domains.backups.guard import Guard
from rookery.domains.backups.probing import hearing
from rookery.domains.backups.probing.drafting import fits
from rookery.domains.backups.probing.hearing import Transcript
from rookery.domains.backups.probing.recognising import is_certain, likenesses
from rookery.domains.devices.platform import Platform
from rookery.mechanisms.transport.terminal.errors import (
    DeviceHungUp,
    DeviceUnavailable,
    LoginFailed,
    OutputTooLong,
)
from rookery.mechanisms.transport.terminal.session import Session

READS: Final = (
    *("show version", "display version", "get system status", "show system", "show inventory"),
    *("show chassis", "/system resource print", "show system info", "show sysinfo", "show sys-info"),
    *("show system information", "show system-information", "show system-info", "show system status"),
    *("show switch", "show platform", "show info", "show inventory | no-more", "show version product"),
    *("software show", "show ns version", "show sys version", "get system", "/info/sys/general"),
    *("show software-mngt oswp", 'vtysh -c "show version"', "uname -nr", "mca-cli-op info"),
    *("cat /etc/os-release", "cat /etc/version", "cat /etc/lsb-release", "cat /etc/openwrt_release"),
    'opnsense-version || echo "OPNsense "`cat /usr/local/opnsense/version/opnsense`',
)
"""What only shows something, wherever it is known. No single words: some routers look those up as names."""
PAGING: Final = (
    *("terminal length 0", "screen-length disable", "screen-length 0 temporary", "terminal pager 0"),
    *("no paging", "no page", "set cli screen-length 0", "set cli pager off", "set length 0"),
    *("terminal datadump", "terminal more disable", "environment no more", "set console page 0"),
)
"""What turns pages off for this session alone, and is no command of a configuration anywhere."""
SILENCE: Final = 5.0
"""Seconds after which nothing more comes, if the configuration does not say less."""
SETTLED: Final = 0.7
"""Seconds of silence after which what looks like a question or a prompt is one."""
MOST_PAGES: Final = 40
MOST_SILENCES: Final = 4
"""Questions in a row that are left without any answer by who is asked no more."""
MOST_QUESTIONS: Final = 6
"""Before the first prompt: names, passwords, and keys to press."""
LONGEST: Final = 4 << 20  # bytes of an answer


async def listened(known: Sequence[Platform], job: Job, guard: Guard, uses: Uses) -> Transcript:
    """What a device says when it is asked harmless questions. Raises what `collect` raises."""
    ear = _Ear(min(SILENCE, job.patience.command))
    session = await logged_in(job, guard, uses, ear.begin)
    try:
        return await _questioned(ear, known)
    finally:
        await session.close()


async def _questioned(ear: _Ear, known: Sequence[Platform]) -> Transcript:
    """Of a device that breaks off, what it has said until then."""
    paging_off = broken_off = ""
    try:
        await ear.find_prompt()
        await _read(ear, known)
        if ear.prompt and not likenesses(ear.transcript(), known):
            paging_off = await _turned_off(ear)
    except DeviceUnavailable as error:
        broken_off = str(error)
    return ear.transcript(paging_off, broken_off)


async def _read(ear: _Ear, known: Sequence[Platform]) -> None:
    """Until it is certain what the device is, or it says nothing any more."""
    for command in READS:
        said = await ear.ask(command)
        ear.answers[command] = said
        is_taken = said.strip() and not hearing.refusal(said)
        if ear.is_silent or (is_taken and is_certain(likenesses(ear.transcript(), known))):
            return


async def _turned_off(ear: _Ear) -> str:
    """The first command about pages that is taken without a word of refusal."""
    for command in PAGING:
        said = await ear.ask(command)
        if ear.is_silent:
            break
        if not ear.silences and not hearing.refusal(said):
            return command
    return ""


class _Ear:
    """Listens to a session whose dialect is not known."""

    def __init__(self, silence: float) -> None:
        self._silence = silence
        self.greeting = self.prompt = ""
        self.answers: dict[str, str] = {}
        self.pagers: list[str] = []
        self.silences = 0

    @property
    def is_silent(self) -> bool:
        """Whether nothing has been said for so long that nothing more will be."""
        return self.silences >= MOST_SILENCES

    def transcript(self, paging_off: str = "", broken_off: str = "") -> Transcript:
        """What has been heard so far."""
        return Transcript(
            self.greeting, self.prompt, dict(self.answers), tuple(self.pagers), paging_off, broken_off
        )

    async def begin(self, session: Session) -> None:
        """Answer what is asked, until nothing is. Raises LoginFailed."""
        self._session, login = session, session.login
        told = {"username": f"{login.username}\n", "password": f"{login.password}\n", "page": "\n"}
        asked: list[str] = []
        while len(asked) < MOST_QUESTIONS:
            said = await self._heard()
            self.greeting += hearing.shown(said)
            self.prompt = hearing.last_line(said)
            question = hearing.question(self.prompt)
            if question is None:
                return
            if question != "page" and question in asked:
                raise LoginFailed
            asked.append(question)
            self.prompt = ""
            self._say(told[question])

    async def find_prompt(self) -> None:
        """A line that stands there again after an empty one is the prompt, and no end of a banner."""
        self._say("\n")
        again = hearing.last_line(await self._heard())
        self.prompt = next((line for line in (again, self.prompt) if line.strip()), "")

    async def ask(self, command: str) -> str:
        """What is answered; all of its pages."""
        if not self.prompt:
            return await self._run(command)
        self._say(f"{command}\n")
        heard = await self._heard(command)
        self.silences = 0 if heard else self.silences + 1
        for _ in range(MOST_PAGES):
            line = hearing.last_line(heard)
            if line == self.prompt or hearing.question(line) != "page":
                break
            self.pagers.append(line.strip())
            del heard[heard.rfind(b"\n") + 1 :]
            self._say(" ")
            heard += await self._heard()
        return hearing.answer(heard, command)

    async def _run(self, command: str) -> str:
        try:
            async with asyncio.timeout(self._silence):
                raw = await self._session.channel.run(command)
        except TimeoutError:
            return ""
        return raw.decode("utf-8", "replace").replace("\r\n", "\n")

    async def _heard(self, echo: str = "") -> bytearray:
        """What comes until the prompt that follows this echo, or until nothing more does."""
        heard = bytearray()
        while not self._is_over(heard, echo):
            try:
                async with asyncio.timeout(self._patience(hearing.last_line(heard))):
                    data = await self._session.channel.read()
            except TimeoutError:
                break
            if not data:
                raise DeviceHungUp
            heard += data
            if len(heard) > LONGEST:
                raise OutputTooLong
        return heard

    def _is_over(self, heard: bytearray, echo: str) -> bool:
        return bool(self.prompt) and hearing.last_line(heard) == self.prompt and echo.encode() in heard

    def _patience(self, line: str) -> float:
        """Short where a question or a prompt may stand; before the first prompt, that is any line."""
        if not line.strip():
            return self._silence
        is_asking = not self.prompt or hearing.question(line) or fits(self.prompt, line)
        return min(SETTLED, self._silence) if is_asking else self._silence

    def _say(self, text: str) -> None:
        self._session.channel.write(text.encode())
