"""Manners: limits per host, pauses that a host asks for, retries; and nobody else waits for it."""

from __future__ import annotations

import asyncio
import email.utils
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from rookery.mechanisms.engine import Request
from rookery.mechanisms.transport import BadResponse, HostUnreachable, HttpClient, SlowedDown
from rookery.mechanisms.transport.rate import RateLimit
from tests.mechanisms.transport.hostile import Behaviour, serving

T = TypeVar("T")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
SLOW_DOWN = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n"
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


def in_loop(work: Callable[[], Awaitable[T]]) -> T:
    async def whole() -> T:
        return await work()

    with asyncio.Runner() as runner:
        return runner.run(whole())


def request(port: int, method: str = "GET") -> Request:
    netloc = f"127.0.0.1:{port}"
    return Request(method, "http", "127.0.0.1", port, netloc, "/", (("Host", netloc),))


def answers(*data: bytes | None) -> tuple[Behaviour, list[float]]:
    """A server that gives these answers in turn, the last one for ever (None: it closes instead); and when
    it was asked."""
    asked: list[float] = []

    async def behave(_: bytes, writer: asyncio.StreamWriter) -> None:
        answer = data[min(len(asked), len(data) - 1)]
        asked.append(time.monotonic())
        if answer is None:
            writer.close()
        else:
            writer.write(answer)

    return behave, asked


async def statuses(behaviour: Behaviour, count: int, **options: float) -> tuple[list[int], HttpClient]:
    """What a client gets that asks so often, one after the other."""
    async with serving(behaviour) as port, HttpClient(lambda *_: True, **options) as client:  # type: ignore[arg-type]
        return [(await client.send(request(port))).status for _ in range(count)], client


def test_a_host_that_says_too_many_is_asked_again_after_the_pause_it_wants() -> None:
    behaviour, asked = answers(SLOW_DOWN % b"1", OK)
    got, client = in_loop(lambda: statuses(behaviour, 1))
    assert got == [200]
    assert asked[1] - asked[0] >= 0.99
    assert (client.sent, client.retried, client.pause_count) == (2, 1, 1)


def test_the_pause_may_be_given_as_a_date() -> None:
    date = email.utils.formatdate(time.time() + 2, usegmt=True).encode()
    behaviour, asked = answers(SLOW_DOWN % date, OK)
    assert in_loop(lambda: statuses(behaviour, 1))[0] == [200]
    assert asked[1] - asked[0] >= 0.5  # a date has whole seconds only


@pytest.mark.parametrize("wanted", [b"86400", b"Fri, 31 Dec 9999 23:59:59 GMT", b"9" * 400, b"soon", b"-1"])
def test_no_pause_is_longer_than_allowed(wanted: bytes) -> None:
    behaviour, asked = answers(SLOW_DOWN % wanted, OK)
    assert in_loop(lambda: statuses(behaviour, 1, longest_pause=0.1))[0] == [200]
    assert 0.09 <= asked[1] - asked[0] < 20


def test_a_host_that_never_stops_saying_too_many_has_given_no_answer() -> None:
    behaviour, asked = answers(SLOW_DOWN % b"0")
    with pytest.raises(SlowedDown, match=r"^127\.0\.0\.1:\d+: it answers 429 Too Many Requests, again"):
        in_loop(lambda: statuses(behaviour, 1))
    assert len(asked) == 4


def test_one_page_that_is_unavailable_is_an_answer() -> None:
    behaviour, asked = answers(UNAVAILABLE, OK)
    got, client = in_loop(lambda: statuses(behaviour, 2))
    assert (got, client.pause_count) == ([503, 200], 0)
    assert len(asked) == 2


def test_a_host_that_stays_unavailable_is_given_a_pause_and_then_taken_at_its_word() -> None:
    behaviour, _ = answers(UNAVAILABLE)
    got, client = in_loop(lambda: statuses(behaviour, 8, longest_pause=0.02))
    assert got == [503] * 8
    assert client.pause_count == 6


def test_nobody_waits_for_another_hosts_pause() -> None:
    async def work() -> None:
        busy, _ = answers(SLOW_DOWN % b"3600", OK)
        calm, _ = answers(OK)
        async with (
            serving(busy) as one,
            serving(calm) as other,
            HttpClient(lambda *_: True, concurrency=1, longest_pause=3600.0) as client,
        ):
            waiting = asyncio.create_task(client.send(request(one)))
            while not client.pause_count:  # noqa: ASYNC110 -- a condition, with no event to wait for
                await asyncio.sleep(0.01)
            assert (await client.send(request(other))).status == 200
            assert not waiting.done()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    in_loop(work)


def test_each_host_has_a_rate_of_its_own() -> None:
    async def work() -> tuple[float, list[float], list[float]]:
        first, asked_first = answers(OK)
        second, asked_second = answers(OK)
        async with (
            serving(first) as one,
            serving(second) as other,
            HttpClient(lambda *_: True, host_rate_limit=20) as client,
        ):
            ports, started = [one, other] * 6, time.monotonic()
            await asyncio.gather(*(client.send(request(port)) for port in ports))
        return started, asked_first, asked_second

    started, *both = in_loop(work)
    for asked in both:
        assert len(asked) == 6
        assert asked[-1] - started >= 0.24  # five intervals of 50 ms after the first


def test_jitter_varies_the_time_between_turns_and_keeps_their_average() -> None:
    async def work() -> list[float]:
        limit, loop = RateLimit(200, jitter=0.5), asyncio.get_running_loop()
        turns = []
        for _ in range(60):
            await limit.wait()
            turns.append(loop.time())
        return turns

    turns = in_loop(work)
    assert turns[-1] - turns[0] >= 59 * 0.005 * 0.75  # 60 draws: far from the least there could be


def test_what_got_no_answer_is_sent_once_more() -> None:
    behaviour, asked = answers(None, OK)
    got, client = in_loop(lambda: statuses(behaviour, 1, retries=1))
    assert got == [200]
    assert (len(asked), client.sent, client.retried) == (2, 2, 1)


def test_what_cannot_be_repeated_is_not() -> None:
    async def work() -> None:
        behaviour, asked = answers(None)
        async with serving(behaviour) as port, HttpClient(lambda *_: True, retries=3) as client:
            with pytest.raises(BadResponse, match="closed before an answer came"):
                await client.send(request(port, "POST"))
        assert len(asked) == 1

    in_loop(work)


def test_a_refused_connection_is_tried_again_whatever_was_to_be_sent() -> None:
    async def work() -> None:
        behaviour, _ = answers(OK)
        async with serving(behaviour) as port:
            pass
        async with HttpClient(lambda *_: True, retries=2, most_errors=2) as client:
            with pytest.raises(HostUnreachable, match="refused"):
                await client.send(request(port, "POST"))
            assert client.retried == 2
            client.budget.check("127.0.0.1", port)  # does not raise: one failed request, not three

    in_loop(work)


def test_a_kept_connection_that_was_closed_is_replaced_for_any_method() -> None:
    async def answer_once(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await writer.drain()
        writer.close()

    async def work() -> None:
        async with serving(answer_once) as port, HttpClient(lambda *_: True) as client:
            for _ in range(5):
                assert (await client.send(request(port, "POST"))).body == b"hi"

    in_loop(work)


def test_large_bodies_wait_for_each_other_and_all_arrive() -> None:
    body = b"x" * (3 << 20)

    async def large(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    async def work() -> None:
        async with serving(large) as port, HttpClient(lambda *_: True, timeout=60) as client:
            got = await asyncio.gather(*(client.send(request(port)) for _ in range(8)))
            assert all(response.body == body and not response.truncated for response in got)

    in_loop(work)
