"""Templates over the network: what is run, what failed, and leaving early."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from rookery.demo import WeakServer
from rookery.domains.templates import load_shipped
from rookery.mechanisms.engine import Match, Target
from rookery.mechanisms.transport import (
    BadResponse,
    HttpClient,
    OutOfScope,
    Ports,
    count_requests,
    run_template,
    run_templates,
)
from tests.mechanisms.engine.support import template
from tests.mechanisms.transport.hostile import says, serving, silence

GIT = "- path: ['{{BaseURL}}/.git/config']\n  matchers: [{type: word, words: ['[core]']}]"
TWO = "- path: ['{{BaseURL}}/a', '{{BaseURL}}/b']\n  matchers: [{type: status, status: [200]}]"


def loopback(host: str, address: str, port: int) -> bool:
    return address == "127.0.0.1"


def test_a_template_matches_a_real_server() -> None:
    async def work() -> None:
        async with WeakServer() as server, HttpClient(loopback) as client:
            outcome = await run_template(Ports(client), template(GIT), Target(server.url))
            assert [match.matched_at for match in outcome.matches] == [f"{server.url}/.git/config"]
            assert outcome.matches[0].response.startswith("HTTP/1.1 200 OK\r\n")
            assert (outcome.sent, outcome.failed, outcome.unsent) == (1, [], [])

    with asyncio.Runner() as runner:
        runner.run(work())


def test_what_fails_is_in_the_outcome_with_its_reason() -> None:
    async def work() -> None:
        async with serving(says(b"")) as port, HttpClient(loopback) as client:
            outcome = await run_template(Ports(client), template(TWO), Target(f"http://127.0.0.1:{port}"))
            assert [isinstance(error, BadResponse) for error in outcome.failed] == [True, True]

    with asyncio.Runner() as runner:
        runner.run(work())


def test_a_fault_of_the_engine_costs_the_check_it_happened_in_and_no_other() -> None:
    def fault() -> Any:
        raise KeyError("nobody thought of this")

    async def work() -> None:
        async with WeakServer() as server, HttpClient(loopback) as client:
            checks = [replace(template(TWO), id="faulty", make=fault), template(GIT)]
            done = [item async for item in run_templates(Ports(client), checks, [Target(server.url)])]
            found = {item.template.id: item.outcome for item in done}
            assert len(found.pop("faulty").failed) == 1
            [sound] = found.values()
            assert (len(sound.matches), sound.failed) == (1, [])
            assert "faulty broke off" in str(
                next(item for item in done if item.outcome.failed).outcome.failed[0]
            )

    with asyncio.Runner() as runner:
        runner.run(work())


def test_every_template_is_run_on_every_target() -> None:
    async def work() -> None:
        async with WeakServer() as one, WeakServer() as other, HttpClient(loopback) as client:
            checks, targets = [template(GIT), template(TWO)], [Target(one.url), Target(other.url)]
            done = [item async for item in run_templates(Ports(client), checks, targets, concurrency=3)]
            assert len(done) == 4
            assert sum(len(item.outcome.matches) for item in done) == 2
            assert sum(one.requests.values()) == sum(other.requests.values()) == count_requests(checks) == 3

    with asyncio.Runner() as runner:
        runner.run(work())


def test_leaving_the_loop_early_leaves_nothing_running() -> None:
    async def work() -> None:
        async with WeakServer() as server, HttpClient(loopback) as client:
            running = run_templates(Ports(client), [template(GIT)] * 200, [Target(server.url)], concurrency=2)
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
                Ports(client), template("- path: ['http://192.0.2.1/x']"), Target(server.url)
            )
            assert [type(error) for error in outcome.failed] == [OutOfScope]

    with asyncio.Runner() as runner:
        runner.run(work())


def facts(match: Match) -> tuple[str, ...]:
    """What of a match does not depend on when it was seen, or on chance."""
    url = match.template.without_chance(match.matched_at)
    return match.template_id, url, match.matcher_name, match.extractor_name, *match.extracted


def test_all_shipped_templates_find_the_same_together_as_alone() -> None:
    async def work() -> None:
        templates = load_shipped().templates
        async with WeakServer() as server, HttpClient(loopback) as client:
            target = Target(server.url)
            alone = [await run_template(Ports(client), one, target) for one in templates]
            sent_alone = client.sent
            together = [done async for done in run_templates(Ports(client), templates, [target])]
        assert len(together) == len(templates)
        apart = sorted(facts(match) for outcome in alone for match in outcome.matches)
        assert sorted(facts(match) for done in together for match in done.outcome.matches) == apart
        assert len(apart) > 20
        assert client.sent - sent_alone < sent_alone

    with asyncio.Runner() as runner:
        runner.run(work())


def test_pairs_that_are_left_out_are_not_run() -> None:
    async def work() -> None:
        async with WeakServer() as one, WeakServer() as other, HttpClient(loopback) as client:
            checks, targets = [template(GIT), template(TWO)], [Target(one.url), Target(other.url)]
            running = run_templates(
                Ports(client),
                checks,
                targets,
                leave_out=lambda check, target: check is checks[0] and target is targets[1],
            )
            pairs = {(done.template, done.target.url) async for done in running}
            left = {(checks[0], one.url), (checks[1], one.url), (checks[1], other.url)}
            assert pairs == left
            assert other.requests.total() == 2

    with asyncio.Runner() as runner:
        runner.run(work())


def test_a_slow_target_does_not_keep_the_next_one_waiting() -> None:
    async def work() -> None:
        async with serving(silence) as port, WeakServer() as server, HttpClient(loopback) as client:
            targets = [Target(f"http://127.0.0.1:{port}"), Target(server.url)]
            async with aclosing(run_templates(Ports(client), [template(GIT)], targets)) as running:
                done = await anext(running)
            assert done.target.url == server.url

    with asyncio.Runner() as runner:
        runner.run(work())
