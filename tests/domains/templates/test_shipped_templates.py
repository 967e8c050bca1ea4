"""Each shipped template finds what it is for, and finds nothing where there is nothing."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from urllib.parse import urlsplit

import pytest
import trustme

from rookery.demo import WeakServer
from rookery.domains.templates import Library, load_shipped
from rookery.domains.templates.places import SHIPPED
from rookery.mechanisms.engine import Match, Target, Template
from rookery.mechanisms.transport import HttpClient, Ports, run_templates
from tests.domains.templates.sites import CLEAN_SITES
from tests.mechanisms.transport.hostile import Behaviour, serving

LIBRARY: Library = load_shipped()
ONLY_OVER_TLS = {"missing-hsts"}
ONLY_WITHOUT_TLS = {"basic-auth-without-tls"}
SHIPPED_IDS = {template.id for template in LIBRARY.templates}


async def found(templates: Iterable[Template], url: str) -> list[Match]:
    async with HttpClient(lambda _, address, __: address == "127.0.0.1") as client:
        matches: list[Match] = []
        async for done in run_templates(Ports(client), list(templates), [Target(url)]):
            assert not done.outcome.failed
            assert not done.outcome.unsent
            matches += done.outcome.matches
        return matches


def found_on_weak_server(tls: ssl.SSLContext | None) -> list[Match]:
    async def work() -> list[Match]:
        async with WeakServer(tls=tls) as server:
            return await found(LIBRARY.templates, server.url)

    with asyncio.Runner() as runner:
        return runner.run(work())


def found_on_clean_site(behaviour: Behaviour) -> list[Match]:
    async def work() -> list[Match]:
        async with serving(behaviour) as port:
            return await found(LIBRARY.templates, f"http://127.0.0.1:{port}")

    with asyncio.Runner() as runner:
        return runner.run(work())


def test_every_shipped_template_finds_its_weakness_on_the_demo_server() -> None:
    assert {match.template_id for match in found_on_weak_server(None)} == SHIPPED_IDS - ONLY_OVER_TLS


def test_over_tls_the_same_and_what_only_matters_there() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    matches = found_on_weak_server(context)
    assert {match.template_id for match in matches} == SHIPPED_IDS - ONLY_WITHOUT_TLS
    assert {"secure", "httponly"} <= {match.matcher_name for match in matches}


@pytest.mark.parametrize("name", CLEAN_SITES)
def test_nothing_is_found_on_a_site_that(name: str) -> None:
    assert [(match.template_id, match.matcher_name) for match in found_on_clean_site(CLEAN_SITES[name])] == []


@pytest.mark.parametrize("template", LIBRARY.templates, ids=lambda template: template.id)
def test_a_shipped_template_says_all_a_person_needs(template: Template) -> None:
    info = template.info
    assert template.path.endswith(f"/{template.id}.yaml")
    assert info.severity in {"info", "low", "medium", "high", "critical"}
    assert info.author == ("rookery",)
    assert len(info.description) > 60
    assert len(info.remediation) > 10
    assert all(reference.startswith("https://") for reference in info.reference)
    assert info.reference
    assert info.classification.cwe_id
    assert len(info.tags) >= 2
    assert not template.warnings


def test_every_shipped_file_runs() -> None:
    assert LIBRARY.skipped == ()
    assert len(LIBRARY.templates) == len(list(SHIPPED.rglob("*.yaml"))) >= 34


def test_what_is_found_twice_is_found_at_the_same_place() -> None:
    """A random path would make a new finding of the same weakness with every scan."""
    once, again = (
        {(match.template_id, match.matcher_name, urlsplit(match.matched_at).path) for match in matches}
        for matches in (found_on_weak_server(None), found_on_weak_server(None))
    )
    assert once == again


def test_no_secret_is_extracted() -> None:
    texts = " ".join(text for match in found_on_weak_server(None) for text in match.extracted)
    assert "made-up" not in texts
    assert "apr1" not in texts
