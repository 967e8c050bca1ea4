"""nuclei's integration tests of several protocols in one template and of flows (multi.go, flow.go)."""

from __future__ import annotations

import asyncio

import pytest

from rookery.mechanisms.engine import Outcome, UnsupportedTemplate
from tests.conformance.running import given, outcome_of
from tests.conformance.servers import Served, dns_server, http_server, tls_context

HOST = "localhost"


def run(path: str, alias: str, page: str) -> tuple[Outcome, Served, Served]:
    """The outcome of a template on an https page of a host with an alias, and what both were asked."""

    async def work() -> tuple[Outcome, Served, Served]:
        context = tls_context(HOST, common_name="docs.projectdiscovery.io")
        zone = {(f"{HOST}.", "CNAME"): [alias]}
        async with dns_server(zone) as names, http_server({"/": page}, tls=context) as web:
            url = f"https://{HOST}:{web.port}"
            return await outcome_of(given(path), url, resolvers=[f"127.0.0.1:{names.port}"]), names, web

    with asyncio.Runner() as runner:
        return runner.run(work())


@pytest.mark.parametrize("name", ["dynamic-values", "evaluate-variables", "exported-response-vars"])
def test_what_one_protocol_found_is_known_to_the_next(name: str) -> None:
    outcome, names, web = run(f"multi/{name}.yaml", "cname.vercel-dns.com.", "our home")
    assert [match.kind for match in outcome.matches] == ["http"]
    assert (names.asked, web.asked) == ([f"{HOST}. CNAME"], ["/"])


def test_it_does_not_match_when_what_was_found_is_something_else() -> None:
    assert run("multi/exported-response-vars.yaml", "other.vercel-dns.com.", "our home")[0].matches == []


def test_a_flow_goes_on_to_the_next_protocol_when_the_first_matched() -> None:
    outcome, _, web = run("flow/conditional-flow.yaml", "cname.vercel-dns.com.", "<html>")
    assert ([match.kind for match in outcome.matches], web.asked) == (["http"], ["/"])


def test_a_flow_ends_when_the_first_did_not_match() -> None:
    outcome, names, web = run("flow/conditional-flow-negative.yaml", "elsewhere.test.", "ghost.io")
    assert (outcome.matches, names.asked, web.asked) == ([], [f"{HOST}. CNAME"], [])


def test_internal_matchers_are_not_reported() -> None:
    outcome, _, web = run("flow/flow-hide-matcher.yaml", "elsewhere.test.", "ok")
    assert (outcome.matches, web.asked) == ([], ["/", "/"])


@pytest.mark.parametrize("name", ["dns-ns-probe", "iterate-one-value-flow", "iterate-values-flow"])
def test_flows_in_javascript_are_refused(name: str) -> None:
    with pytest.raises(UnsupportedTemplate, match="its flow is JavaScript"):
        given(f"flow/{name}.yaml")
