"""The tcp protocol (`network`, in older templates): what is said on a connection, and what came back."""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field

from rookery.mechanisms.engine.asks import LARGEST_READ, Answer, Ask, TcpAnswer, TcpAsk, TcpStep
from rookery.mechanisms.engine.blockschema import read_block
from rookery.mechanisms.engine.dsl.values import Value
from rookery.mechanisms.engine.errors import TemplateError
from rookery.mechanisms.engine.keywords import BLOCK_KEYS
from rookery.mechanisms.engine.latin import narrow, to_bytes, widen
from rookery.mechanisms.engine.model import BlockSpec
from rookery.mechanisms.engine.names import names
from rookery.mechanisms.engine.payloadschema import read_attack, read_payloads
from rookery.mechanisms.engine.protocols.block import TableParts
from rookery.mechanisms.engine.reader import Reader
from rookery.mechanisms.engine.render import Text, Unresolved, compile_text
from rookery.mechanisms.engine.target import Target, join_place, split_place
from rookery.mechanisms.engine.values import Values

KEYS = BLOCK_KEYS | names("host inputs port exclude-ports read-size read-all payloads attack threads")
INPUT_KEYS = names("data type read name")
READ_SIZE = 1024  # bytes of the last read, unless a template says more
HTTP_PORTS = frozenset(
    (80, 443, 8080, 8443, 8081, 53)
)  # a target's port that a template's own `port` replaces
MOST_INPUTS = 100


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One entry of `inputs`: what to send, as text or hex, and how many bytes to read then, by which name."""

    line: int
    data: str = ""
    hex: bool = False
    read: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class TcpSpec(BlockSpec):
    """One `tcp` block."""

    protocol = "tcp"
    host: tuple[str, ...] = ()
    inputs: tuple[InputSpec, ...] = ()
    ports: tuple[int, ...] = ()
    exclude_ports: frozenset[int] = HTTP_PORTS
    read_size: int = READ_SIZE
    read_all: bool = False

    def own_texts(self) -> Iterator[str]:
        """Where it dials and what it says."""
        yield from self.host
        yield from (item.data for item in self.inputs)


def read_tcp(block: Reader) -> TcpSpec:
    """A `tcp` block as it was written."""
    block.refuse_unknown_keys(KEYS)
    hosts = block.texts("host")
    if not hosts:
        raise block.error("the tcp block needs 'host'")
    inputs = tuple(_read_input(reader) for reader in block.children("inputs", "the input"))
    if len(inputs) > MOST_INPUTS:
        raise block.error(f"the tcp block has {len(inputs)} inputs; {MOST_INPUTS} are the most", "inputs")
    return TcpSpec(
        **read_block(block),
        host=hosts,
        inputs=inputs,
        ports=_ports(block, "port"),
        exclude_ports=frozenset(_ports(block, "exclude-ports")) or HTTP_PORTS,
        read_size=_size(block, "read-size") or READ_SIZE,
        read_all=block.flag("read-all"),
        payloads=read_payloads(block),
        attack=read_attack(block),
    )


def _read_input(reader: Reader) -> InputSpec:
    reader.refuse_unknown_keys(INPUT_KEYS)
    return InputSpec(
        line=reader.line,
        data=reader.text("data"),
        hex=reader.choice("type", ("", "text", "hex")) == "hex",
        read=_size(reader, "read"),
        name=reader.text("name"),
    )


def _ports(block: Reader, key: str) -> tuple[int, ...]:
    ports = []
    for word in block.words(key):
        if not word.isdecimal() or not 0 < int(word[:6]) < 65536:
            raise block.error(f"{key!r} must be ports between 1 and 65535, not {word!r}", key)
        ports.append(int(word))
    return tuple(ports)


def _size(block: Reader, key: str) -> int:
    size = block.number(key)
    if size < 0:
        raise block.error(f"{key!r} must not be negative", key)
    return min(size, LARGEST_READ)


@dataclass(frozen=True, slots=True)
class Input:
    """A compiled input."""

    data: Text
    hex: bool
    read: int
    name: str

    def bytes(self, text: str) -> bytes:
        """What is sent for a rendered text."""
        if not self.hex:
            return to_bytes(text)
        try:
            return binascii.unhexlify(text)
        except (binascii.Error, ValueError):
            raise Unresolved(f"{text[:40]!r} (which should be hex)") from None


@dataclass(slots=True, eq=False)
class Talk:
    """One dialogue: it renders the inputs when their turn comes, and keeps what was said. None equals
    another, so that each is had for itself."""

    plan: TcpPlan
    values: Values
    heard: list[bytes] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    named: dict[str, str] = field(default_factory=dict)
    trouble: Unresolved | None = None
    _next: int = 0

    def next_step(self, heard: bytes | None) -> TcpStep | None:
        """The next input, and at last one read more."""
        inputs = self.plan.inputs
        if heard is not None:
            self._listen(heard)
        if self._next > len(inputs) or self.trouble:
            return None
        self._next += 1
        if self._next > len(inputs):
            return TcpStep(b"", self.plan.read_size, to_end=self.plan.read_all)
        return self._say(inputs[self._next - 1])

    def _say(self, item: Input) -> TcpStep | None:
        try:
            text = item.data.render(self.lookup)
            step = TcpStep(item.bytes(text), item.read, required=item.read > 0)
        except Unresolved as error:
            self.trouble = error
            return None
        self.said.append(text)
        return step

    def _listen(self, heard: bytes) -> None:
        self.heard.append(heard)
        if self._next <= len(self.plan.inputs) and self.plan.inputs[self._next - 1].name:
            self.named[self.plan.inputs[self._next - 1].name] = heard.decode("latin-1")

    def lookup(self, name: str) -> Value:
        """What was read under a name, else what the execution knows."""
        return self.named[name] if name in self.named else self.values.given(name)


@dataclass(frozen=True, slots=True)
class TcpPlan:
    """A compiled `tcp` block: which places to dial, and what to say there."""

    hosts: tuple[tuple[Text, bool], ...]
    inputs: tuple[Input, ...]
    ports: tuple[int, ...]
    exclude_ports: frozenset[int]
    read_size: int
    read_all: bool

    @property
    def texts(self) -> tuple[Text, ...]:
        """Every text it renders."""
        return (*(host for host, _ in self.hosts), *(item.data for item in self.inputs))

    @property
    def most_asks(self) -> int:
        """A dialogue per host and port."""
        return len(self.hosts) * max(len(self.ports), 1)

    @property
    def any_will_do(self) -> bool:
        """Of several ports most are closed, which is no failure."""
        return len(self.ports) > 1

    def asks(self, values: Values) -> Iterator[Ask]:
        """One dialogue with each place, however often it is named."""
        visited: set[tuple[str, int, bool]] = set()
        for given in self.places(values.target):
            values.aim_at(*given)
            for host, tls in self.hosts:
                place = (*split_place(widen(host.render(values.given))), tls)
                if place not in visited:
                    visited.add(place)
                    yield TcpAsk(*place, dialogue=Talk(self, values))

    def places(self, target: Target) -> list[tuple[str, int]]:
        """Where `{{Hostname}}` leads: the template's ports, unless the target has one that is not http's."""
        given = target.given_port or (443 if target.scheme == "https" else 0)
        if not self.ports:
            return [(target.host, given)]
        return [(target.host, port if given in self.exclude_ports | {0} else given) for port in self.ports]

    def parts(self, ask: Ask, answer: Answer) -> Iterator[TableParts]:
        """What was heard: last (data), in all (raw), and by name. Unresolved when not all could be said."""
        assert isinstance(ask, TcpAsk) and isinstance(ask.dialogue, Talk)  # noqa: S101, PT018 -- its own ask
        assert isinstance(answer, TcpAnswer)  # noqa: S101 -- the answer to a TcpAsk
        talk = ask.dialogue
        if talk.trouble is not None:
            raise talk.trouble
        raw = b"".join(talk.heard).decode("latin-1")
        data = talk.heard[-1].decode("latin-1") if talk.heard else ""
        place = join_place(ask.host, ask.port)
        table: dict[str, Value] = {
            **dict.fromkeys(("data", "body", "all"), data),
            **dict.fromkeys(("raw", "response"), raw),
            "request": "".join(talk.said),
            "type": "tcp",
            "host": narrow(talk.values.target.url),
            "matched": narrow(place),
            "ip": answer.address,
            **talk.named,
        }
        yield TableParts(table, matched_at=narrow(place), asked="".join(talk.said))


def compile_tcp(spec: TcpSpec, path: str) -> TcpPlan:
    """The plan of a block. After one host with tls://, those that follow are dialled with TLS, too, for that
    is what nuclei does."""
    hosts, tls = [], False
    for host in spec.host:
        tls = tls or host.startswith("tls://")
        hosts.append((compile_text(narrow(host.removeprefix("tls://"))), tls))
    return TcpPlan(
        hosts=tuple(hosts),
        inputs=tuple(_compile_input(item, path) for item in spec.inputs),
        ports=spec.ports,
        exclude_ports=spec.exclude_ports,
        read_size=spec.read_size,
        read_all=spec.read_all,
    )


def _compile_input(spec: InputSpec, path: str) -> Input:
    compiled = Input(compile_text(narrow(spec.data)), spec.hex, spec.read, spec.name)
    if spec.hex and compiled.data.is_static:
        try:
            compiled.bytes(compiled.data.source)
        except Unresolved:
            raise TemplateError(
                f"the input {spec.data[:40]!r} is not hex", path=path, line=spec.line
            ) from None
    return compiled
