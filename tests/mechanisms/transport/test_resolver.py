"""Which name servers are asked, how often, and which of their answers count, with servers on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

import dns.message
import dns.rcode
import pytest

from rookery.mechanisms.engine import DnsAnswer, DnsAsk
from rookery.mechanisms.transport import DnsClient, HttpClient, ResolverFailed
from tests.conformance.running import is_loopback
from tests.conformance.servers import Served, dns_server

NAME = "router.test."
HERE = {(NAME, "A"): ["192.0.2.1"]}


def ask(*servers: str, retries: int = 3) -> tuple[DnsAnswer, list[int]]:
    """The answer when there is a name server that says each of these, and how often each was asked."""

    async def work() -> tuple[DnsAnswer, list[int]]:
        async with AsyncExitStack() as stack:
            served = [await stack.enter_async_context(dns_server(_zone(each))) for each in servers]
            answer = await _asked(served, retries)
            return answer, [len(each.asked) for each in served]

    with asyncio.Runner() as runner:
        return runner.run(work())


def _zone(says: str) -> dict[tuple[str, str], list[str]]:
    return HERE if says == "NOERROR" else {(NAME, "RCODE"): [says]}


async def _asked(servers: Sequence[Served], retries: int) -> DnsAnswer:
    places = [f"127.0.0.1:{each.port}" for each in servers]
    async with HttpClient(is_loopback) as http:
        client = DnsClient(is_loopback, http.turns, resolvers=places)
        return await client.ask(DnsAsk(NAME, "A", retries=retries))


def code_of(answer: DnsAnswer) -> str:
    return dns.rcode.to_text(dns.message.from_wire(answer.wire).rcode())


@pytest.mark.parametrize("code", ["NOERROR", "NXDOMAIN"])
def test_that_a_name_has_a_record_or_is_none_is_known_at_once(code: str) -> None:
    answer, asked = ask(code, code)
    assert (code_of(answer), answer.failure, asked) == (code, None, [1, 0])


@pytest.mark.parametrize("code", ["SERVFAIL", "REFUSED", "NOTIMP", "FORMERR"])
def test_a_name_server_that_failed_leaves_the_word_to_the_next(code: str) -> None:
    answer, asked = ask(code, "NOERROR")
    assert (code_of(answer), answer.failure, asked) == ("NOERROR", None, [1, 1])


def test_when_all_have_failed_there_is_an_answer_that_says_that_it_is_none() -> None:
    answer, asked = ask("REFUSED", "SERVFAIL", retries=4)
    assert (code_of(answer), asked) == ("SERVFAIL", [2, 2])
    assert isinstance(answer.failure, ResolverFailed)
    assert str(answer.failure).endswith(" answered SERVFAIL")
