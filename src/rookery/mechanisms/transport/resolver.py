"""Questions to name servers: those configured here, or those a template names and the scope allows."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rookery.mechanisms.engine import DnsAnswer, DnsAsk
from rookery.mechanisms.transport.errors import (
    BadResponse,
    HostUnreachable,
    OutOfScope,
    ResolverFailed,
    TimedOut,
    UnknownHost,
)
from rookery.mechanisms.transport.ports import Allow
from rookery.mechanisms.transport.turns import Turns

if TYPE_CHECKING:
    from dns.message import Message

DNS_PORT = 53
EDNS_SIZE = 4096
ATTEMPT_TIMEOUT = 3.0  # seconds

Place = tuple[str, int]


class DnsClient:
    """Asks `resolvers` (`address` or `address:port`; none: the system's). They are the operator's own choice,
    so the scope is not asked about them; it is about resolvers that a template names."""

    def __init__(
        self,
        allow: Allow,
        turns: Turns,
        *,
        resolvers: Sequence[str] = (),
        timeout: float = ATTEMPT_TIMEOUT,
    ) -> None:
        self._allow, self._turns, self._timeout = allow, turns, timeout
        self._resolvers = tuple(resolvers)
        self._configured: tuple[Place, ...] = ()

    async def ask(self, ask: DnsAsk) -> DnsAnswer:
        """The first answer by which the name has the records or does not; after all tries, that of a name
        server that failed, which says so. TransportError or OutOfScope when there is none."""
        query = make_query(ask)
        places = await self._places(ask)
        last: Exception = TimedOut(f"{ask.name}: no name server answered")
        refusal: DnsAnswer | None = None
        for place in itertools.islice(itertools.cycle(places), ask.retries):
            try:
                async with self._turns.turn(*place):
                    answer = await self._answered(query, place)
            except (TimedOut, HostUnreachable, BadResponse) as error:
                last = error
                continue
            if answer.failure is None:
                return answer
            refusal = answer
        if refusal is not None:
            return refusal
        raise last

    async def _places(self, ask: DnsAsk) -> tuple[Place, ...]:
        if ask.resolvers:
            return tuple([await self._allowed(text) for text in ask.resolvers])
        if not self._configured:
            self._configured = (
                tuple(parse_resolver(text) for text in self._resolvers) or await _of_the_system()
            )
        return self._configured

    async def _allowed(self, text: str) -> Place:
        """A template's resolver, by its address. OutOfScope when it may not be asked."""
        host, port = parse_resolver(text)
        address = await _address(host, port)
        if not self._allow(host, address, port):
            raise OutOfScope(f"the name server {host}:{port} ({address}) is not in the scope")
        return address, port

    async def _answered(self, query: Message, place: Place) -> DnsAnswer:
        import dns.asyncquery
        import dns.exception

        server = f"name server {place[0]}:{place[1]}"
        try:
            async with asyncio.timeout(2 * self._timeout):
                reply, _ = await dns.asyncquery.udp_with_fallback(
                    query, place[0], self._timeout, place[1], ignore_trailing=True
                )
        except (TimeoutError, dns.exception.Timeout):
            raise TimedOut(f"{server}: no answer within {self._timeout:g} seconds") from None
        except OSError as error:
            raise HostUnreachable(f"{server}: {error.strerror or 'cannot be reached'}") from None
        except (dns.exception.DNSException, EOFError, ValueError) as error:
            raise BadResponse(f"{server}: what came is no DNS answer ({type(error).__name__})") from None
        return DnsAnswer(query.to_wire(), _wire(reply), _failure(reply, server))


def _failure(reply: Message, server: str) -> ResolverFailed | None:
    """Why a reply proves nothing: it is neither "here it is" nor "there is no such name"."""
    from dns.rcode import NOERROR, NXDOMAIN, to_text

    code = reply.rcode()
    return None if code in (NOERROR, NXDOMAIN) else ResolverFailed(f"{server} answered {to_text(code)}")


def _wire(reply: Message) -> bytes:
    return reply.wire or reply.to_wire()


def make_query(ask: DnsAsk) -> Message:
    """The question as nuclei sends it: EDNS with 4096 bytes, AD for TXT. UnknownHost when it is no name."""
    import dns.exception
    import dns.flags
    import dns.message

    flags = (dns.flags.RD if ask.recursion else 0) | (dns.flags.AD if ask.kind == "TXT" else 0)
    try:
        return dns.message.make_query(
            ask.name, ask.kind, ask.class_, use_edns=0, payload=EDNS_SIZE, flags=flags
        )
    except (dns.exception.DNSException, UnicodeError, ValueError):
        raise UnknownHost(f"{ask.name[:80]!r} is not a name that can be asked about") from None


def parse_resolver(text: str) -> Place:
    """Host and port of `address`, `address:port` or `[address]:port`; ValueError otherwise."""
    try:
        return str(ipaddress.ip_address(text.strip("[]"))), DNS_PORT
    except ValueError:
        host, _, port = text.rpartition(":")
    return (host.strip("[]"), int(port)) if host else (text, DNS_PORT)


async def _address(host: str, port: int) -> str:
    try:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        raise UnknownHost(f"the name server {host} cannot be resolved") from None
    return str(found[0][4][0])


async def _of_the_system() -> tuple[Place, ...]:
    import dns.resolver

    try:
        system = await asyncio.to_thread(dns.resolver.Resolver)
    except dns.resolver.NoResolverConfiguration:
        raise HostUnreachable("this system has no name server configured; set scan.resolvers") from None
    return tuple((str(address), system.port) for address in system.nameservers)
