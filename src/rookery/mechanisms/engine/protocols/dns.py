"""The dns protocol: one question per block, and its answer as text."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from rookery.mechanisms.engine.asks import Answer, Ask, DnsAnswer, DnsAsk
from rookery.mechanisms.engine.blockschema import read_block
from rookery.mechanisms.engine.errors import UnsupportedTemplate
from rookery.mechanisms.engine.keywords import BLOCK_KEYS
from rookery.mechanisms.engine.latin import narrow, widen
from rookery.mechanisms.engine.model import BlockSpec
from rookery.mechanisms.engine.names import names
from rookery.mechanisms.engine.payloadschema import read_attack, read_payloads
from rookery.mechanisms.engine.protocols.block import TableParts
from rookery.mechanisms.engine.reader import Reader
from rookery.mechanisms.engine.render import Text, compile_text
from rookery.mechanisms.engine.target import BadUrl
from rookery.mechanisms.engine.values import Values

KEYS = BLOCK_KEYS | names(
    "type class retries recursion resolvers trace trace-max-recursion payloads attack threads"
)
KINDS = ("A", "NS", "DS", "CNAME", "SOA", "PTR", "MX", "TXT", "AAAA", "CAA", "TLSA", "ANY", "SRV")
CLASSES = {"inet": "IN", "csnet": "CS", "chaos": "CH", "hesiod": "HS", "none": "NONE", "any": "ANY"}
RETRIES = 3
MOST_RETRIES = 10
NO_TRACE = "a dns trace is not run: it would ask servers that nobody configured"


@dataclass(frozen=True, slots=True)
class DnsSpec(BlockSpec):
    """One `dns` block. `kind` is the type of record; `class_` as in a record (IN)."""

    protocol = "dns"
    name: str = "{{FQDN}}"
    kind: str = "A"
    class_: str = "IN"
    retries: int = RETRIES
    recursion: bool = True
    resolvers: tuple[str, ...] = ()

    def own_texts(self) -> Iterator[str]:
        """What it asks, and whom."""
        yield from (self.name, *self.resolvers)


def read_dns(block: Reader) -> DnsSpec:
    """A `dns` block as it was written."""
    block.refuse_unknown_keys(KEYS)
    if block.flag("trace"):
        raise UnsupportedTemplate(NO_TRACE, path=block.path)
    kind = block.text("type").strip().upper() or "A"
    if kind not in KINDS:
        raise block.error(f"the type of a dns block must be one of {', '.join(KINDS)}, not {kind!r}", "type")
    class_ = block.text("class").strip().lower() or "inet"
    if class_ not in CLASSES:
        raise block.error(f"the class must be one of {', '.join(CLASSES)}, not {class_!r}", "class")
    return DnsSpec(
        **read_block(block),
        name=block.text("name", "{{FQDN}}"),
        kind=kind,
        class_=CLASSES[class_],
        retries=min(max(block.number("retries"), 0) or RETRIES, MOST_RETRIES),
        recursion=block.flag("recursion") if "recursion" in block else True,
        resolvers=block.texts("resolvers"),
        payloads=read_payloads(block),
        attack=read_attack(block),
    )


@dataclass(frozen=True, slots=True)
class DnsPlan:
    """A compiled `dns` block."""

    spec: DnsSpec
    question: Text
    resolvers: tuple[Text, ...]

    most_asks = 1
    any_will_do = False

    @property
    def texts(self) -> tuple[Text, ...]:
        """Every text it renders."""
        return (self.question, *self.resolvers)

    def asks(self, values: Values) -> Iterator[Ask]:
        """The question. An address can only be asked about backwards, by its PTR record."""
        values.aim(FQDN=_full_name(values.target.host, self.spec.kind))
        yield DnsAsk(
            name=_absolute(widen(self.question.render(values.given))),
            kind=self.spec.kind,
            class_=self.spec.class_,
            recursion=self.spec.recursion,
            retries=self.spec.retries,
            resolvers=tuple(widen(resolver.render(values.given)) for resolver in self.resolvers),
        )

    def parts(self, ask: Ask, answer: Answer) -> Iterator[TableParts]:
        """The answer by section and by type of record."""
        from rookery.mechanisms.engine.protocols.dnstext import message_parts

        assert isinstance(ask, DnsAsk)  # noqa: S101 -- its own ask
        assert isinstance(answer, DnsAnswer)  # noqa: S101 -- the answer to a DnsAsk
        yield message_parts(ask, answer)


def _full_name(host: str, kind: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return _absolute(host)
    if kind != "PTR":
        raise BadUrl(f"{host} is an address; of dns questions, only PTR can be asked about it")
    return f"{address.reverse_pointer}."


def _absolute(name: str) -> str:
    return name if name.endswith(".") else f"{name}."


def compile_dns(spec: DnsSpec) -> DnsPlan:
    """The plan of a block."""
    resolvers = tuple(compile_text(narrow(resolver)) for resolver in spec.resolvers)
    return DnsPlan(spec, compile_text(narrow(spec.name)), resolvers)
