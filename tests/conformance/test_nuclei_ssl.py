"""nuclei's integration tests of the ssl protocol (cmd/integration-test/ssl.go)."""

from __future__ import annotations

import asyncio
import re
import ssl
import warnings

import pytest

from rookery.mechanisms.engine import Outcome, UnsupportedTemplate, load_template
from tests.conformance.running import given, outcome_of
from tests.conformance.servers import tcp_server, tls_context


async def idle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Waits for what never comes."""
    await reader.read(4)


def run(path: str, context: ssl.SSLContext) -> tuple[Outcome, int]:
    """The outcome of a template on a TLS server, and how many connections that took."""

    async def work() -> tuple[Outcome, int]:
        async with tcp_server(idle, context) as server:
            return await outcome_of(given(path), f"https://localhost:{server.port}"), server.connections

    with asyncio.Runner() as runner:
        return runner.run(work())


def old_tls(lowest: str, highest: str) -> ssl.SSLContext:
    """A server that speaks these versions only."""
    context = tls_context("localhost")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that is what the test is about
        context.minimum_version, context.maximum_version = ssl.TLSVersion[lowest], ssl.TLSVersion[highest]
    return context


def test_one_handshake_tells_what_was_agreed_on() -> None:
    outcome, connections = run("ssl/basic.yaml", tls_context("localhost"))
    assert [match.kind for match in outcome.matches] == ["ssl"]
    assert connections == 1


def test_versions_are_restricted() -> None:
    assert len(run("ssl/custom-version.yaml", old_tls("TLSv1_2", "TLSv1_2"))[0].matches) == 1
    outcome, _ = run("ssl/custom-version.yaml", old_tls("TLSv1_3", "TLSv1_3"))
    assert (outcome.matches, outcome.failed) == ([], [])  # the server's no is an answer


def test_each_old_version_is_tried_and_ssl_3_is_not_spoken() -> None:
    outcome, connections = run("ssl/multi-req.yaml", old_tls("TLSv1", "TLSv1_1"))
    assert [match.extracted for match in outcome.matches] == [("tls10",), ("tls11",)]
    assert (outcome.unsent, connections) == (["SSL 3.0 is not spoken"], 2)


def test_what_python_s_ssl_cannot_do_is_refused() -> None:
    with pytest.raises(UnsupportedTemplate, match=r"cannot restrict the ciphers of TLS 1\.3"):
        given("ssl/custom-cipher.yaml")


MOMENTS = b"""id: moments
info: {name: N, author: rookery}
ssl:
  - address: '{{Host}}:{{Port}}'
    extractors:
      - {type: kval, kval: [not_after]}
      - {type: json, json: [.not_after]}
"""


def test_a_moment_is_written_as_nuclei_does_by_itself_and_in_the_whole_answer() -> None:
    async def work() -> Outcome:
        async with tcp_server(idle, tls_context("localhost")) as server:
            check = load_template(MOMENTS, path="moments.yaml")
            return await outcome_of(check, f"https://localhost:{server.port}")

    with asyncio.Runner() as runner:
        (match,) = runner.run(work()).matches
    by_itself, in_the_answer = match.extracted
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC", by_itself)
    assert in_the_answer == by_itself.replace(" +0000 UTC", "Z").replace(" ", "T")
