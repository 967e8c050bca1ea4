"""The JARM of real TLS servers, and that nuclei takes the same."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
from pathlib import Path

from rookery.domains.scans.tools.nuclei.command import environment
from rookery.mechanisms.engine import Outcome, load_template
from tests.beside import beside
from tests.conformance.running import outcome_of
from tests.conformance.servers import tcp_server, tls_context
from tests.domains.scans.tools import programs
from tests.patience import PATIENCE

CHECK = b"""id: fingerprint
info: {name: N, author: rookery}
tcp:
  - host: ['{{Hostname}}']
    inputs: [{data: 2E, type: hex}]
    extractors: [{type: dsl, dsl: ['jarm(Hostname)']}]
"""


async def idle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says nothing, and hangs up on the first word."""
    await reader.read(10)


def taken(context: ssl.SSLContext | None) -> str:
    """The fingerprint of a server."""

    async def work() -> Outcome:
        async with tcp_server(idle, context) as server:
            return await outcome_of(
                load_template(CHECK, path="check.yaml"), f"http://127.0.0.1:{server.port}"
            )

    with asyncio.Runner() as runner:
        (match,) = runner.run(work()).matches
    return match.extracted[0]


def context(version: ssl.TLSVersion) -> ssl.SSLContext:
    """A server that speaks one version, and of the older one a single cipher."""
    made = tls_context("localhost")
    made.minimum_version = made.maximum_version = version
    made.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    return made


def test_a_fingerprint_says_which_greetings_were_answered_and_how() -> None:
    assert taken(context(ssl.TLSVersion.TLSv1_2))[:30] == "27d27d27d00027d00027d27d27d27d"
    assert taken(context(ssl.TLSVersion.TLSv1_3))[:30] == "00000000000000000042d42d000000"


def test_a_server_has_the_same_fingerprint_every_time() -> None:
    assert taken(context(ssl.TLSVersion.TLSv1_2)) == taken(context(ssl.TLSVersion.TLSv1_2))


def test_nuclei_takes_the_same(tmp_path: Path) -> None:
    program = programs.nuclei()
    (tmp_path / "check.yaml").write_bytes(CHECK)
    options = ["-jsonl", "-silent", "-omit-raw", "-disable-update-check", "-no-interactsh", "-no-stdin"]
    made = tls_context("localhost")
    made.set_alpn_protocols(["http/1.1", "h2"])
    with beside(tcp_server(idle, made)) as server:
        place = f"127.0.0.1:{server.port}"
        done = subprocess.run(
            [program, *options, "-templates", tmp_path / "check.yaml", "-target", place],
            env=environment(tmp_path, os.environ), capture_output=True, timeout=PATIENCE, check=True,
        )  # fmt: skip
        with asyncio.Runner() as runner:
            (match,) = runner.run(
                outcome_of(load_template(CHECK, path="check.yaml"), f"http://{place}")
            ).matches
    assert json.loads(done.stdout)["extracted-results"] == list(match.extracted)


def test_what_speaks_no_tls_has_none() -> None:
    assert taken(None) == "0" * 62
