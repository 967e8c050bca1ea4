"""One template on one target, in the open: what is sent, what comes back, what each matcher makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path

import msgspec

from rookery.base.config import Scan as Limits
from rookery.base.redact import redact_text
from rookery.domains.scans.endpoints import is_path
from rookery.domains.scans.scope import Scope
from rookery.domains.scans.targets import targets_of
from rookery.domains.templates.describing import describe_operator
from rookery.domains.templates.files import read_file
from rookery.domains.templates.library import Desk
from rookery.domains.templates.places import installed
from rookery.mechanisms.engine import Match, Request, RequestFailed, Response, Target, Template
from rookery.mechanisms.engine.asks import Answers, Ask
from rookery.mechanisms.engine.header import read_header
from rookery.mechanisms.engine.matchers import Matcher, compile_matcher
from rookery.mechanisms.engine.operators import Operators, Verdict
from rookery.mechanisms.engine.template import Block, Program, compile_program, parse_template
from rookery.mechanisms.engine.values import Values
from rookery.mechanisms.transport import DiskFiles, HttpClient, Ports, ports_beside, run_template

LONGEST_SHOWN = 4000  # characters of one request or answer
MOST_STEPS = 2000


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened: `kind` is request, answer, failure, matcher or extracted.

    `text` is what was sent, came back (its beginning), went wrong, was looked for or was found; `holds` says
    whether a matcher did.
    """

    kind: str
    text: str
    holds: bool | None = None


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `results` are the places where it matched; `unsent` says what was not sent."""

    template: str
    target: str
    matched: bool
    results: tuple[str, ...]
    steps: tuple[Step, ...]
    unsent: tuple[str, ...]


Note = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class Overheard(Ports):
    """Ports that tell what passes through them."""

    note: Note = field(default=lambda _: None)

    async def answer(self, ask: Ask) -> Answers:
        """As Ports, and told."""
        self.note(Step(kind="request", text=_shown(_asked(ask))))
        answers = await Ports.answer(self, ask)
        for answer in answers if isinstance(answers, tuple) else (answers,):
            kind = "failure" if isinstance(answer, RequestFailed) else "answer"
            self.note(Step(kind=kind, text=_shown(_answered(answer))))
        return answers


@dataclass(frozen=True, slots=True)
class Watched(Operators):
    """Operators that tell what each matcher makes of an answer, those that need not be asked as well."""

    tests: tuple[tuple[str, Matcher], ...] = ()
    note: Note = field(default=lambda _: None)

    def judge(self, values: Values) -> Verdict:
        """As Operators, and told."""
        verdict = Operators.judge(self, values)
        for text, matcher in self.tests:
            self.note(Step(kind="matcher", text=text, holds=matcher.matches(values)))
        for found in verdict.found:
            self.note(Step(kind="extracted", text=_shown(found)))
        return verdict


async def tried(path: Path, endpoint: str, scope: Scope, limits: Limits, *, data_dir: Path) -> Trial:
    """Run the template in a file on an endpoint.

    Raises TemplateError, UnsupportedTemplate, FileUnreadable.
    """
    steps: list[Step] = []

    def note(step: Step) -> None:
        if len(steps) < MOST_STEPS:
            steps.append(step)

    template = await asyncio.to_thread(watched, path, data_dir, note)
    targets = await asyncio.to_thread(_suited, endpoint, template)
    matches: list[Match] = []
    unsent: list[str] = []
    allow = partial(_allow, scope)
    async with HttpClient(allow, rate_limit=limits.rate_limit, timeout=limits.timeout) as client:
        files = await asyncio.to_thread(DiskFiles, [endpoint] if is_path(endpoint) else [])
        beside = ports_beside(client, allow, timeout=limits.timeout, resolvers=limits.resolvers, files=files)
        ports = Overheard(**{each.name: getattr(beside, each.name) for each in fields(beside)}, note=note)
        for target in targets:
            outcome = await run_template(ports, template, target)
            matches += outcome.matches
            unsent += outcome.unsent
    return Trial(
        template=template.id,
        target=endpoint,
        matched=bool(matches),
        results=tuple(_result(match) for match in matches),
        steps=tuple(steps),
        unsent=tuple(unsent),
    )


def _allow(scope: Scope, host: str, address: str, _port: int) -> bool:
    return scope.allows(host, address)


def _suited(endpoint: str, template: Template) -> Sequence[Target]:
    targets = list(targets_of(endpoint))
    return [target for target in targets if target.suits(template.protocols)]


def watched(path: Path, data_dir: Path, note: Note) -> Template:
    """The template in a file, with matchers that tell what they make of each answer."""
    desk = Desk(roots=installed(data_dir))
    data, files = read_file(path), desk.files(path, None)
    template = desk.load(path)
    spec, random_strings = parse_template(data, path=str(path))
    program = compile_program(spec, path=str(path), files=files)
    described = [block for blocks in read_header(data, path=str(path)).blocks.values() for block in blocks]
    blocks = []
    for block, written, raw in zip(program.blocks, spec.blocks, described, strict=True):
        texts = [describe_operator(matcher) for matcher in raw.get("matchers") or []]
        tests = [compile_matcher(matcher, str(path)) for matcher in written.matchers]
        blocks.append(_with(block, tuple(zip(texts, tests, strict=True)), note))
    made = Program(tuple(blocks), program.flow, program.variables, program.constants, program.keeps_history)
    return replace(template, random_strings=random_strings, make=lambda: made)


def _with(block: Block, tests: tuple[tuple[str, Matcher], ...], note: Note) -> Block:
    known = {each.name: getattr(block.operators, each.name) for each in fields(block.operators)}
    return replace(block, operators=Watched(**known, tests=tests, note=note))


def _asked(ask: object) -> str:
    return ask.wire.decode("latin-1") if isinstance(ask, Request) else repr(ask)


def _answered(answer: object) -> str:
    if isinstance(answer, RequestFailed):
        return str(answer.error)
    if isinstance(answer, Response):
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers)
        body = answer.body[:LONGEST_SHOWN].decode("latin-1")
        return f"HTTP/{answer.version} {answer.status} {answer.reason}\n{head}\n\n{body}"
    return repr(answer)


def _shown(text: str) -> str:
    masked = redact_text(text)
    return masked if len(masked) <= LONGEST_SHOWN else masked[:LONGEST_SHOWN] + "…"


def _result(match: Match) -> str:
    name = match.matcher_name or match.extractor_name
    found = f": {', '.join(match.extracted)}" if match.extracted else ""
    return redact_text(f"{match.matched_at}{f' [{name}]' if name else ''}{found}")
