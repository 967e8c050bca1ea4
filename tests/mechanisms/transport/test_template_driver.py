"""Templates over the network: what is run, what failed, and leaving early."""

from __future__ import annotations

import asyncio

from rookery.demo import WeakServer
from rookery.mechanisms.engine import Target
from rookery.mechanisms.transport import (
    BadResponse,
    HttpClient,
    OutOfScope,
    count_requests,
    run_template,
    run_templates,
)
from tests.mechanisms.engine.support import template
from tests.mechanisms.transport.hostile import says, serving

GIT = "- path: ['{{BaseURL}}/.git/config']\n  matchers: [{type: word, words: ['[core]']}]"
TWO = "- path: ['{{BaseURL}}/a', '{{BaseURL}}/b']\n  matchers: [{type: status, status: [200]}]"


def loopback(host: str, address: str, port: int) -> bool:
    return address == "127.0.0.1"


def test_a_template_matches_a_real_server() -> None:
    async def work() -> None:
        async with WeakServer() as server, HttpClient(loopback) as client:
            outcome = await run_template(client, template(GIT), Target(server.url))
            assert [match.matched_at for match in outcome.matches] == [f"{server.url}/.git/config"]
            assert outcome.matches[0].response.startswith("HTTP/1.1 200 OK\r\n")
            assert (outcome.sent, outcome.failed, outcome.unsent) == (1, [], [])

    with asyncio.Runner() as runner:
        runner.run(work())


def test_what_fails_is_in_the_outcome_with_its_reason() -> None:
    async def work() -> None:
        async with serving(says(b"")) as port, HttpClient(loopback) as client:
            outcome = await run_template(client, template(TWO), Target(f"http://127.0.0.1:{port}"))
            assert [isinstance(error, BadResponse) for error in outcome.failed] == [True, True]

    with asyncio.Runner() as runner:
        runner.run(work())


def test_every_template_is_run_on_every_target() -> None:
    async def work() -> None:
        async with WeakServer() as one, WeakServer() as other, HttpClient(loopback) as client:
            checks, targets = [template(GIT), template(TWO)], [Target(one.url), Target(other.url)]
            done = [item async for item in run_templates(client, checks, targets, concurrency=3)]
            assert len(done) == 4
            assert sum(len(item.outcome.matches) for item in done) == 2
            assert sum(one.requests.values()) == sum(other.requests.values()) == count_requests(checks) == 3

    with asyncio.Runner() as runner:
        runner.run(work())


def test_leaving_the_loop_early_leaves_nothing_running() -> None:
    async def work() -> None:
        async with WeakServer() as server, HttpClient(loopback) as client:
            running = run_templates(client, [template(GIT)] * 200, [Target(server.url)], concurrency=2)
            async for _ in running:
                break
            await running.aclose()
            assert len(asyncio.all_tasks() - {asyncio.current_task()}) <= 2  # the server's own connections
            assert client.sent < 200

    with asyncio.Runner() as runner:
        runner.run(work())


def test_an_absolute_url_of_a_template_is_checked_when_dialled() -> None:
    async def work() -> None:
        async with WeakServer() as server, HttpClient(loopback) as client:
            outcome = await run_template(
                client, template("- path: ['http://192.0.2.1/x']"), Target(server.url)
            )
            assert [type(error) for error in outcome.failed] == [OutOfScope]

    with asyncio.Runner() as runner:
        runner.run(work())
