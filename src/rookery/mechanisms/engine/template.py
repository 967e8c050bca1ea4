"""A template, compiled once to a plan that any number of executions share."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from rookery.mechanisms.engine.dsl.functions.chance import ALPHANUMERIC, random_text
from rookery.mechanisms.engine.errors import UnsupportedTemplate
from rookery.mechanisms.engine.flow import Step, parse_flow
from rookery.mechanisms.engine.latin import narrow
from rookery.mechanisms.engine.model import HttpSpec, Info, TemplateSpec
from rookery.mechanisms.engine.operators import HISTORY, Operators, compile_operators
from rookery.mechanisms.engine.redirects import MOST_REDIRECTS, RedirectRule
from rookery.mechanisms.engine.render import Text, compile_text
from rookery.mechanisms.engine.requests import RequestPlan, compile_requests
from rookery.mechanisms.engine.schema import read_template

RANDSTR = re.compile(rb"\{\{randstr(?:_\w{1,40})?\}\}")
RANDSTR_LENGTH = 27  # nuclei's are KSUIDs


@dataclass(frozen=True, slots=True)
class Block:
    """One `http` block, compiled."""

    id: str
    requests: tuple[RequestPlan, ...]
    operators: Operators
    redirects: RedirectRule
    stops_at_first_match: bool
    keeps_cookies: bool


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template. `id` is its name for people and findings, `path` where it was read from."""

    id: str
    path: str
    info: Info
    blocks: tuple[Block, ...]
    flow: Step
    variables: dict[str, Text]
    constants: dict[str, str]
    keeps_history: bool
    warnings: tuple[str, ...]
    random_strings: tuple[str, ...] = ()

    def without_chance(self, url: str) -> str:
        """A URL of this template as any other load of it would have made it: {{randstr}} for its value."""
        for value in self.random_strings:
            url = url.replace(value, "{{randstr}}")
        return url

    @property
    def request_count(self) -> int:
        """How many requests an execution sends at most, redirects not counted."""
        return sum(len(block.requests) for block in self.blocks)


def load_template(text: bytes, *, path: str) -> Template:
    """The compiled template in the bytes of a YAML file; `path` names it in errors.

    TemplateError when it is not a valid template, UnsupportedTemplate when it asks for what is not run.
    """
    text, random_strings = _with_random_strings(text)
    try:
        template = compile_template(read_template(text, path=path), path=path)
        return replace(template, random_strings=random_strings)
    except UnsupportedTemplate as error:  # the parts of the compiler that see only text don't know the file
        raise UnsupportedTemplate(error.reason, path=path) from None


def _with_random_strings(text: bytes) -> tuple[bytes, tuple[str, ...]]:
    """{{randstr}} is one value per name and load, so that request and matcher agree; and the values."""
    values: dict[bytes, bytes] = {}

    def value(match: re.Match[bytes]) -> bytes:
        return values.setdefault(match[0], random_text(RANDSTR_LENGTH, ALPHANUMERIC).encode())

    text = RANDSTR.sub(value, text)
    return text, tuple(one.decode() for one in values.values())


def compile_template(spec: TemplateSpec, *, path: str) -> Template:
    """The plan for a template as it was written."""
    blocks = tuple(_block(block, number, spec, path) for number, block in enumerate(spec.http, 1))
    return Template(
        id=spec.id,
        path=path,
        info=spec.info,
        blocks=blocks,
        flow=parse_flow(spec.flow, [block.id for block in blocks], path),
        variables={narrow(name): compile_text(narrow(value)) for name, value in spec.variables.items()},
        constants={narrow(name): narrow(value) for name, value in spec.constants.items()},
        keeps_history=len(blocks) > 1 or any(_reads_history(block) for block in blocks),
        warnings=spec.warnings,
    )


def _block(spec: HttpSpec, number: int, template: TemplateSpec, path: str) -> Block:
    most = spec.max_redirects if 0 < spec.max_redirects < MOST_REDIRECTS else MOST_REDIRECTS
    return Block(
        id=spec.id or f"http_{number}",
        requests=compile_requests(spec, path),
        operators=compile_operators(spec, path),
        redirects=RedirectRule(spec.redirects or spec.host_redirects, spec.redirects, most),
        stops_at_first_match=spec.stop_at_first_match or template.stop_at_first_match,
        keeps_cookies=not spec.disable_cookie,
    )


def _reads_history(block: Block) -> bool:
    texts = (text for request in block.requests for text in request.texts)
    return block.operators.reads_history or any(HISTORY.search(name) for text in texts for name in text.names)
