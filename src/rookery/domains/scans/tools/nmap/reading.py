"""nmap's XML, read as it comes: items for each host once that is complete. Memory is that of one host.

The parser is expat, by defusedxml: a document that declares entities or calls others is refused. Whatever the
XML says is text of unknown origin, and cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from xml.sax import SAXException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from defusedxml import DefusedXmlException
from defusedxml.expatreader import create_parser

from rookery.base.errors import Invalid
from rookery.domains.scans.items import Ip, Port, Record, Technology, Url
from rookery.domains.scans.tools.nmap.certificates import certificate_of
from rookery.mechanisms.hooks import Item

LONGEST_TEXT = 20_000  # characters of one element: a certificate has 2,000
LONGEST_WORD = 500
MOST_PORTS = 140_000  # of one host: all of TCP and UDP
MOST_CPES = 20
DEEPEST = 50  # elements
SURE = 8  # of nmap's 10 degrees of confidence

Words = dict[str, str]


class BadOutput(Invalid):
    """What nmap printed is not its XML."""


class Found:
    """What is known of one port: the attributes of its service, its certificate."""

    def __init__(self, number: str, protocol: str) -> None:
        self.number, self.protocol, self.state = number, protocol, ""
        self.service: Words = {}
        self.cpes: list[str] = []
        self.pem = ""


class Host:
    """What is known of one host."""

    def __init__(self) -> None:
        self.address, self.version, self.state = "", "", ""
        self.names: list[tuple[str, str]] = []
        self.ports: list[Found] = []


class Seen(NamedTuple):
    """A host's address, and all that was seen of it."""

    address: str
    items: list[Item]


class Reading(ContentHandler):
    """Feed it text. `percent` is that of the `task` nmap is at; `is_complete` is true after its last word."""

    def __init__(self) -> None:
        super().__init__()
        self._parser: Any = create_parser(forbid_dtd=False, forbid_entities=True, forbid_external=True)
        self._parser.setContentHandler(self)
        self._complete: list[Seen] = []
        self._depth = 0
        self._key = ""  # of a script's element
        self._text: list[str] = []
        self._length = 0
        self._host: Host | None = None
        self._port: Found | None = None
        self._script = ""
        self.hosts = 0
        self.task, self.percent = "", 0.0
        self.is_complete = False
        self.trouble = ""

    def feed(self, text: str) -> list[Seen]:
        """The hosts that are complete now. Raises BadOutput, in one line."""
        try:
            self._parser.feed(text)
        except DefusedXmlException as error:
            raise BadOutput(f"what nmap printed is refused: {type(error).__name__}") from None
        except SAXException as error:
            raise BadOutput(f"what nmap printed is not XML: {error.getMessage()[:100]}") from None
        complete, self._complete = self._complete, []
        return complete

    # What the parser calls

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 - so it is called
        self._depth += 1
        if self._depth > DEEPEST:
            raise SAXException("it is nested too deeply")
        words = {key: value[:LONGEST_WORD] for key, value in attrs.items()}
        self._text, self._length, self._key = [], 0, words.get("key", "")
        if start := STARTS.get(name):
            start(self, words)

    def characters(self, content: str) -> None:
        if self._length < LONGEST_TEXT:
            self._text.append(content[: LONGEST_TEXT - self._length])
            self._length += len(content)

    def endElement(self, name: str) -> None:  # noqa: N802 - so it is called
        self._depth -= 1
        if name == "elem" and self._port is not None and (self._script, self._key) == ("ssl-cert", "pem"):
            self._port.pem = "".join(self._text)
        elif name == "cpe" and self._port is not None and len(self._port.cpes) < MOST_CPES:
            self._port.cpes.append("".join(self._text)[:LONGEST_WORD])
        elif name == "script":
            self._script = ""
        elif name == "port":
            self._port = None
        elif name == "host" and self._host is not None:
            self._complete.append(Seen(self._host.address, list(items_of(self._host))))
            self._host = None
            self.hosts += 1

    # What begins

    def begin_host(self, _words: Words) -> None:
        self._host = Host()

    def status(self, words: Words) -> None:
        if self._host is not None:
            self._host.state = words.get("state", "")

    def address(self, words: Words) -> None:
        if self._host is not None and words.get("addrtype") in ("ipv4", "ipv6"):
            self._host.address = words.get("addr", "")
            self._host.version = "IPv6" if words["addrtype"] == "ipv6" else "IPv4"

    def hostname(self, words: Words) -> None:
        if self._host is not None:
            self._host.names.append((words.get("name", ""), words.get("type", "")))

    def begin_port(self, words: Words) -> None:
        self._port = Found(words.get("portid", ""), words.get("protocol", "tcp"))
        if self._host is not None and len(self._host.ports) < MOST_PORTS:
            self._host.ports.append(self._port)

    def state(self, words: Words) -> None:
        if self._port is not None:
            self._port.state = words.get("state", "")

    def service(self, words: Words) -> None:
        if self._port is not None:
            self._port.service = words

    def begin_script(self, words: Words) -> None:
        self._script = words.get("id", "")

    def progress(self, words: Words) -> None:
        self.task = words.get("task", "")
        try:
            self.percent = min(max(float(words.get("percent", "0")), 0.0), 100.0)
        except ValueError:
            self.percent = 0.0

    def finished(self, words: Words) -> None:
        self.is_complete = words.get("exit", "success") == "success"
        self.trouble = words.get("errormsg", "")


STARTS: dict[str, Callable[[Reading, Words], None]] = {
    "host": Reading.begin_host,
    "status": Reading.status,
    "address": Reading.address,
    "hostname": Reading.hostname,
    "port": Reading.begin_port,
    "state": Reading.state,
    "service": Reading.service,
    "script": Reading.begin_script,
    "taskprogress": Reading.progress,
    "finished": Reading.finished,
}


def items_of(host: Host) -> Iterator[Item]:
    """A host that is up, its names, and for each open port: the port, what is behind it, its certificate."""
    if host.state != "up" or not host.address:
        return
    name = next((name for name, _ in host.names if name), "")
    yield Ip(ip=host.address, alive=True, protocol=host.version, host=name)
    for pointer, kind in host.names:
        if kind == "PTR" and pointer:
            yield Record(name=pointer, type="PTR", host=host.address)
    for port in host.ports:
        if port.state == "open" and port.number.isdigit():
            yield from _of_port(port, host.address, name)


def _of_port(port: Found, address: str, name: str) -> Iterator[Item]:
    service, number = port.service, int(port.number)
    shown = f"[{address}]" if ":" in address else address
    place = f"{shown}:{number}"
    said, confidence = service.get("name", ""), service.get("conf", "0")
    yield Port(
        port=number,
        ip=address,
        protocol=port.protocol,
        host=name,
        service_name=said,
        product=service.get("product", ""),
        version=service.get("version", ""),
        cpes=port.cpes,
        confidence="high" if confidence.isdigit() and int(confidence) >= SURE else "low",
    )
    if product := service.get("product"):
        yield Technology(product=product, match=place, version=service.get("version", ""))
    if said.startswith("http"):
        scheme = "https" if said.startswith("https") or service.get("tunnel") == "ssl" else "http"
        yield Url(url=f"{scheme}://{name or shown}:{number}", host=name or address)
    if port.pem and (certificate := certificate_of(port.pem, place, address, name)):
        yield certificate
