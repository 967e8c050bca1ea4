"""nuclei's integration tests of the dns protocol (cmd/integration-test/dns.go)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from rookery.mechanisms.engine import Outcome, Template, load_template
from tests.conformance.running import given, outcome_of
from tests.conformance.servers import Served, dns_server

NAME = "one.one.one.one."
ZONE = {
    (NAME, "A"): ["1.1.1.1", "1.0.0.1"],
    (NAME, "AAAA"): ["2606:4700:4700::1001"],
    (NAME, "NS"): ["ns.cloudflare.test."],
    (NAME, "TXT"): ['"v=spf1 -all"'],
    ("google.test.", "CAA"): ['0 issue "pki.test"'],
    ("1.1.1.1.in-addr.arpa.", "PTR"): [NAME],
    ("alias.test.", "CNAME"): ["target.test."],
    ("one.google.test.", "A"): ["192.0.2.1"],
    ("docs.google.test.", "A"): ["192.0.2.2"],
    ("drive.google.test.", "A"): ["192.0.2.3"],
}


def run(path: str, host: str) -> tuple[Outcome, Served]:
    """The outcome of a template about a host, whose name servers are ours."""
    return run_template(given(path), host, ZONE)


def run_template(
    template: Template, host: str, zone: Mapping[tuple[str, str], list[str]]
) -> tuple[Outcome, Served]:
    """The same of a template of our own, with this zone."""

    async def work() -> tuple[Outcome, Served]:
        async with dns_server(zone) as server:
            resolvers = [f"127.0.0.1:{server.port}"]
            return await outcome_of(template, f"http://{host}", resolvers=resolvers), server

    with asyncio.Runner() as runner:
        return runner.run(work())


@pytest.mark.parametrize("kind", ["a", "aaaa", "cname", "srv", "ns", "txt"])
def test_a_question_of_each_type_is_asked_once_and_its_answer_matched(kind: str) -> None:
    outcome, server = run(f"dns/{kind}.yaml", NAME.rstrip("."))
    assert len(outcome.matches) == 1
    assert outcome.matches[0].matched_at == "one.one.one.one"
    assert server.asked == [f"{NAME} {kind.upper()}"]


def test_an_address_is_asked_about_backwards() -> None:
    outcome, server = run("dns/ptr.yaml", "1.1.1.1")
    assert [match.extracted for match in outcome.matches] == [("one.one.one.one.",)]
    assert server.asked == ["1.1.1.1.in-addr.arpa. PTR"]


def test_an_address_is_asked_nothing_else() -> None:
    outcome, server = run("dns/a.yaml", "1.1.1.1")
    assert outcome.unsent == ["1.1.1.1 is an address; of dns questions, only PTR can be asked about it"]
    assert server.asked == []


def test_certificate_authorities_are_read_from_their_record() -> None:
    outcome, _ = run("dns/caa.yaml", "google.test")
    assert [match.extracted for match in outcome.matches] == [('0 issue "pki.test"',)]


def test_each_payload_is_a_question() -> None:
    outcome, server = run("dns/payload.yaml", "google.test")
    assert [match.extracted for match in outcome.matches] == [("192.0.2.1",), ("192.0.2.2",), ("192.0.2.3",)]
    assert server.asked == [f"{name}.google.test. A" for name in ("one", "docs", "drive")]


def test_a_name_without_the_record_matches_nothing() -> None:
    assert run("dns/tlsa.yaml", "scanme.test")[0].matches == []


def test_variables_and_values_of_the_answer_are_known_to_operators() -> None:
    assert len(run("dns/variables.yaml", NAME.rstrip("."))[0].matches) == 1
    outcome, _ = run("dns/dsl-matcher-variable.yaml", "alias.test")
    assert [match.extracted for match in outcome.matches] == [("0", "target.test")]


FAILURES = b"""id: failures
info: {name: N, author: rookery}
dns:
  - matchers:
      - {type: word, part: raw, words: [SERVFAIL, REFUSED]}
      - {type: dsl, dsl: ["rcode == 2 || rcode == 5"]}
"""


@pytest.mark.parametrize("code", ["SERVFAIL", "REFUSED"])
def test_that_name_servers_fail_can_be_found_and_is_a_failure_all_the_same(code: str) -> None:
    """nuclei asks three times, matches what the last one said, and calls it an error."""
    zone = {("broken.test.", "RCODE"): [code]}
    outcome, server = run_template(load_template(FAILURES, path="failures.yaml"), "broken.test", zone)
    assert [match.matched_at for match in outcome.matches] == ["broken.test"]
    assert [str(error).split()[-1] for error in outcome.failed] == [code]
    assert len(server.asked) == 3
