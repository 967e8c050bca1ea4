"""DNS messages as text, the way templates expect it: one record is `name⇥ttl⇥IN⇥A⇥data`, sections have heads.

This module loads dnspython, which is why only an answer loads this module."""

from __future__ import annotations

from collections.abc import Iterable

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from rookery.mechanisms.engine.asks import DnsAnswer, DnsAsk
from rookery.mechanisms.engine.dsl.values import Value
from rookery.mechanisms.engine.latin import narrow
from rookery.mechanisms.engine.protocols.block import TableParts

FLAGS = ("QR", "AA", "TC", "RD", "RA", "AD", "CD")
UPPERCASE_HEX = frozenset((dns.rdatatype.DS, dns.rdatatype.CDS))
MOST_RECORDS = 2000  # of a message that are turned into text


def message_parts(ask: DnsAsk, answer: DnsAnswer) -> TableParts:
    """The parts of an answer: raw, answer, ns, extra, question, rcode, and each type of record by name."""
    query, reply = parse(answer.query), parse(answer.wire)
    name = narrow(ask.name.removesuffix("."))
    raw, rcode = message_text(reply), int(reply.rcode())
    table: dict[str, Value] = {
        **dict.fromkeys(("raw", "response", "body", "all", "data"), raw),
        **_by_type(reply),
        "answer": "".join(record_lines(reply.answer)),
        "ns": "".join(record_lines(reply.authority)),
        "extra": "".join([*_edns_lines(reply), *record_lines(reply.additional)]),
        "question": "".join(_question_lines(reply)),
        "rcode": float(rcode),
        "request": message_text(query),
        "type": "dns",
        "host": name,
        "matched": name,
        "trace": "",
    }
    return TableParts(table, matched_at=name, asked=message_text(query), status=rcode)


def parse(wire: bytes) -> dns.message.Message:
    """A message from its bytes, records in their order. dns.exception.DNSException when it is none."""
    return dns.message.from_wire(wire, one_rr_per_rrset=True, ignore_trailing=True)


def message_text(message: dns.message.Message) -> str:
    """A message in nuclei's form, which is that of the Go library miekg/dns."""
    flags = [name.lower() for name in FLAGS if message.flags & dns.flags.Flag[name]]
    sections = (message.question, message.answer, message.authority, message.additional)
    counts = [len(section) for section in sections]
    counts[3] += message.edns >= 0
    named = zip(("QUERY", "ANSWER", "AUTHORITY", "ADDITIONAL"), counts, strict=True)
    lines = [
        f";; opcode: {dns.opcode.to_text(message.opcode())}, status: {dns.rcode.to_text(message.rcode())}"
        f", id: {message.id}",
        f";; flags:{''.join(f' {flag}' for flag in flags)}; "
        + ", ".join(f"{name}: {count}" for name, count in named),
        *_edns_lines(message),
        *_section("QUESTION", _question_lines(message)),
        *_section("ANSWER", record_lines(message.answer)),
        *_section("AUTHORITY", record_lines(message.authority)),
        *_section("ADDITIONAL", record_lines(message.additional)),
    ]
    return "\n".join([*lines, ""])


def _section(name: str, lines: list[str]) -> list[str]:
    return [f"\n;; {name} SECTION:", *lines] if lines else []


def _edns_lines(message: dns.message.Message) -> list[str]:
    if message.edns < 0:
        return []
    flags = " do;" if message.ednsflags & dns.flags.DO else ";"
    return [f"\n;; OPT PSEUDOSECTION:\n; EDNS: version {message.edns}; flags:{flags} udp: {message.payload}"]


def _question_lines(message: dns.message.Message) -> list[str]:
    return [f";{_name(one)}\t{_class(one)}\t {_type(one)}" for one in message.question]


def record_lines(records: Iterable[dns.rrset.RRset]) -> list[str]:
    """A line per record, without line ends."""
    return [
        f"{_head(record)}{_data(next(iter(record)))}" for record in list(records)[:MOST_RECORDS] if record
    ]


def _head(record: dns.rrset.RRset) -> str:
    return f"{_name(record)}\t{record.ttl}\t{_class(record)}\t{_type(record)}\t"


def _name(record: dns.rrset.RRset) -> str:
    return record.name.to_text()


def _class(record: dns.rrset.RRset) -> str:
    return dns.rdataclass.to_text(record.rdclass)


def _type(record: dns.rrset.RRset) -> str:
    return dns.rdatatype.to_text(record.rdtype)


def _data(data: dns.rdata.Rdata) -> str:
    text = data.to_text(chunksize=0)
    if data.rdtype in UPPERCASE_HEX:
        *numbers, digest = text.split(" ")
        return " ".join([*numbers, digest.upper()])
    return text


def _by_type(message: dns.message.Message) -> dict[str, Value]:
    """What the answers say, by type: `a`, `cname`, `txt`…; several of a type are a list."""
    found: dict[str, list[str]] = {}
    for record in message.answer[:MOST_RECORDS]:
        if record:
            found.setdefault(_type(record).lower(), []).append(_data(next(iter(record))).removesuffix("."))
    return {kind: texts[0] if len(texts) == 1 else texts for kind, texts in found.items()}
