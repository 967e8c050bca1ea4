"""A template, compiled once to a plan that any number of executions share."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from rookery.mechanisms.engine.digest import DigestLogin
from rookery.mechanisms.engine.dsl.functions.chance import ALPHANUMERIC, random_text
from rookery.mechanisms.engine.dsl.parser import FINGERPRINT, unknown_function
from rookery.mechanisms.engine.errors import UnsupportedTemplate
from rookery.mechanisms.engine.flow import Step, parse_flow
from rookery.mechanisms.engine.latin import narrow
from rookery.mechanisms.engine.model import BlockSpec, HttpSpec, Info, TemplateSpec
from rookery.mechanisms.engine.operators import HISTORY, Operators, compile_operators
from rookery.mechanisms.engine.payloads import NO_FILES, NO_PAYLOADS, PayloadFiles, Payloads, compile_payloads
from rookery.mechanisms.engine.protocols.block import Plan, ProbeBlock
from rookery.mechanisms.engine.protocols.dns import DnsSpec, compile_dns
from rookery.mechanisms.engine.protocols.file import FileSpec, compile_file
from rookery.mechanisms.engine.protocols.tcp import TcpSpec, compile_tcp
from rookery.mechanisms.engine.protocols.tls import TlsSpec, compile_tls
from rookery.mechanisms.engine.rawrequests import compile_requests
from rookery.mechanisms.engine.redirects import MOST_REDIRECTS, RedirectRule
from rookery.mechanisms.engine.render import Text, compile_text
from rookery.mechanisms.engine.requests import RequestPlan
from rookery.mechanisms.engine.schema import read_template
from rookery.mechanisms.engine.workflow import StepSpec, WorkflowStep

RANDSTR = re.compile(rb"\{\{randstr(?:_\w{1,40})?\}\}")
MOST_THREADS = 25  # requests of one template under way at once
RANDSTR_LENGTH = 27  # nuclei's are KSUIDs
SIGNATURE = b"\n# digest: "


@dataclass(frozen=True, slots=True)
class HttpBlock:
    """One `http` block, compiled."""

    id: str
    requests: tuple[RequestPlan, ...]
    operators: Operators
    redirects: RedirectRule
    stops_at_first_match: bool
    keeps_cookies: bool
    payloads: Payloads = NO_PAYLOADS
    iterates: bool = False
    race_count: int = 1
    login: DigestLogin | None = None
    is_lenient: bool = False
    threads: int = 1

    @property
    def protocol(self) -> str:
        """http."""
        return "http"

    @property
    def request_count(self) -> int:
        """How many requests it sends at most, redirects and iterations not counted."""
        once = sum(plan.once for plan in self.requests)
        return ((len(self.requests) - once) * self.payloads.count + once) * self.race_count

    @property
    def kept_count(self) -> int:
        """How many responses it keeps at most, for requests and matchers that look back."""
        return len(self.requests)

    @property
    def texts(self) -> Iterable[Text]:
        """Every text it renders."""
        return (text for request in self.requests for text in request.texts)


Block = HttpBlock | ProbeBlock


@dataclass(frozen=True, slots=True)
class Program:
    """What a template does, compiled."""

    blocks: tuple[Block, ...]
    flow: Step
    variables: dict[str, Text]
    constants: dict[str, str]
    keeps_history: bool
    stops_at_first_match: bool = False

    @property
    def protocols(self) -> frozenset[str]:
        """The protocols of its blocks: http, dns, tcp, ssl, file."""
        return frozenset(block.protocol for block in self.blocks)

    @property
    def request_count(self) -> int:
        """How many requests an execution sends at most, redirects not counted."""
        return sum(block.request_count for block in self.blocks)

    @property
    def kept_count(self) -> int:
        """How many responses an execution keeps at most, when it looks back."""
        return sum(block.kept_count for block in self.blocks)


@dataclass(frozen=True, eq=False)
class Template:
    """A template: the facts by which it is chosen and, compiled by `make` when first asked for, its program.

    `id` is its name for people and findings, `path` where it was read from, `protocols` those of its blocks,
    `request_count` how many requests an execution sends at most, redirects not counted, `sha256` tells its
    text from any other. A workflow is what `workflow` says; it can be run when `link_workflow` has given it
    its `steps`; `missing` says why it was not given others.
    """

    id: str
    path: str
    info: Info
    protocols: frozenset[str]
    request_count: int
    warnings: tuple[str, ...]
    random_strings: tuple[str, ...]
    sha256: str
    make: Callable[[], Program] = field(repr=False)
    workflow: tuple[StepSpec, ...] = ()
    steps: tuple[WorkflowStep, ...] = ()
    missing: tuple[str, ...] = ()

    @cached_property
    def program(self) -> Program:
        """What it does."""
        return self.make()

    def without_chance(self, url: str) -> str:
        """A URL of this template as any other load of it would have made it: {{randstr}} for its value."""
        for value in self.random_strings:
            url = url.replace(value, "{{randstr}}")
        return url


def load_template(text: bytes, *, path: str, files: PayloadFiles = NO_FILES) -> Template:
    """The compiled template in the bytes of a YAML file; `path` names it in errors, and to `files`, which has
    its payload files.

    TemplateError when it is not a valid template, UnsupportedTemplate when it asks for what is not run.
    """
    spec, random_strings = parse_template(text, path=path)
    program = compile_program(spec, path=path, files=files)
    return Template(
        id=spec.id,
        path=path,
        info=spec.info,
        protocols=program.protocols,
        request_count=program.request_count,
        warnings=spec.warnings,
        random_strings=random_strings,
        sha256=digest_of(text),
        make=lambda: program,
        workflow=spec.workflow,
    )


def parse_template(text: bytes, *, path: str) -> tuple[TemplateSpec, tuple[str, ...]]:
    """The template as it was written, and its random strings: {{randstr}} is one value per name and load, so
    that request and matcher agree. Errors as of `load_template`."""
    values: dict[bytes, bytes] = {}
    text = RANDSTR.sub(lambda match: values.setdefault(match[0], random_string().encode()), text)
    return read_template(text, path=path), tuple(value.decode() for value in values.values())


def digest_of(text: bytes) -> str:
    """The SHA-256 of a template's text, in hex; signed, or signed anew, it is the same template."""
    content, signature, _ = text.rpartition(SIGNATURE)
    return hashlib.sha256((content if signature else text).strip()).hexdigest()


def random_string() -> str:
    """A value for {{randstr}}."""
    return random_text(RANDSTR_LENGTH, ALPHANUMERIC)


def compile_program(spec: TemplateSpec, *, path: str, files: PayloadFiles = NO_FILES) -> Program:
    """The program of a template as it was written. Errors as of `load_template`."""
    try:
        return _program(spec, path, files)
    except UnsupportedTemplate as error:  # the parts of the compiler that see only text don't know the file
        raise type(error)(error.reason, path=path) from None


def _program(spec: TemplateSpec, path: str, files: PayloadFiles) -> Program:
    blocks = tuple(_block(block, number, spec, path, files) for number, block in enumerate(spec.blocks, 1))
    program = Program(
        blocks=blocks,
        flow=parse_flow(spec.flow, blocks, path),
        variables={narrow(name): compile_text(narrow(value)) for name, value in spec.variables.items()},
        constants={narrow(name): narrow(value) for name, value in spec.constants.items()},
        keeps_history=len(blocks) > 1 or any(_reads_history(block) for block in blocks),
        stops_at_first_match=spec.stop_at_first_match,
    )
    _refuse_fingerprints_elsewhere(program)
    return program


def _refuse_fingerprints_elsewhere(program: Program) -> None:
    """Only what has connected to a place knows which fingerprint is meant."""
    named = [text.names for block in program.blocks for text in block.texts]
    named += [text.names for text in program.variables.values()]
    named += [block.operators.names for block in program.blocks if block.protocol != TcpSpec.protocol]
    if any(FINGERPRINT in names for names in named):
        raise UnsupportedTemplate(str(unknown_function("jarm")))


def _block(spec: BlockSpec, number: int, template: TemplateSpec, path: str, files: PayloadFiles) -> Block:
    if isinstance(spec, HttpSpec):
        return _http_block(spec, number, template, path, files)
    return ProbeBlock(
        id=spec.name_at(number),
        protocol=spec.protocol,
        plan=_plan(spec, path),
        operators=compile_operators(spec, path),
        payloads=compile_payloads(spec, path, files),
        stops_at_first_match=spec.stop_at_first_match or template.stop_at_first_match,
    )


def _plan(spec: BlockSpec, path: str) -> Plan:
    match spec:
        case TcpSpec():
            return compile_tcp(spec, path)
        case DnsSpec():
            return compile_dns(spec)
        case TlsSpec():
            return compile_tls(spec)
        case FileSpec():
            return compile_file(spec)
    raise TypeError(spec)  # a spec without a compiler is a bug


def _http_block(
    spec: HttpSpec, number: int, template: TemplateSpec, path: str, files: PayloadFiles
) -> HttpBlock:
    most = spec.max_redirects if 0 < spec.max_redirects < MOST_REDIRECTS else MOST_REDIRECTS
    return HttpBlock(
        id=spec.name_at(number),
        requests=compile_requests(spec, path),
        operators=compile_operators(spec, path),
        redirects=RedirectRule(spec.redirects or spec.host_redirects, spec.redirects, most),
        stops_at_first_match=spec.stop_at_first_match or template.stop_at_first_match,
        keeps_cookies=not spec.disable_cookie,
        payloads=compile_payloads(spec, path, files),
        iterates=spec.iterate_all,
        race_count=max(spec.race_count, 1) if spec.race else 1,
        login=_login(spec),
        is_lenient=spec.skip_variables_check,
        threads=_threads(spec),
    )


def _threads(spec: HttpSpec) -> int:
    """How many requests may be under way at once: several where none depends on another's response."""
    feeds = any(extractor.internal and extractor.name for extractor in spec.extractors)
    in_order = feeds or spec.stop_at_first_match or spec.race or spec.iterate_all
    return 1 if in_order or not spec.payloads else min(max(spec.threads, 1), MOST_THREADS)


def _login(spec: HttpSpec) -> DigestLogin | None:
    if not spec.digest_username:
        return None
    return DigestLogin(narrow(spec.digest_username), narrow(spec.digest_password))


def _reads_history(block: Block) -> bool:
    named = (name for text in block.texts for name in text.names)
    return block.operators.reads_history or any(HISTORY.search(name) for name in named)
