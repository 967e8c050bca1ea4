"""Nobody sends too much, too often, or from where they may not."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from rookery.base.config import Api
from rookery.domains.users.document import User
from tests.faces.api.conftest import Client, Serving

ELSEWHERE = {"Origin": "https://tools.example.net"}
LARGEST = 2_048


@pytest.fixture
def api_settings() -> Api:
    """Little of everything."""
    return Api(requests_per_minute=5, largest_body=LARGEST, origins=(ELSEWHERE["Origin"],))


def pieces() -> Iterator[bytes]:
    """A body that does not say how long it is."""
    for _ in range(LARGEST):
        yield b"  "


def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(client: Client) -> None:
    asking = client("operator")
    said = asking.post("/devices", content=b" " * (LARGEST + 1))
    unsaid = asking.post("/devices", content=pieces())
    assert [(each.status_code, each.json()["code"]) for each in (said, unsaid)] == [(413, "too-large")] * 2
    assert "api.largest_body" in said.json()["detail"]


def test_each_caller_has_so_many_requests_and_is_told_how_many_are_left(client: Client) -> None:
    asking = client("viewer")
    answers = [asking.get("/devices") for _ in range(6)]
    assert [each.status_code for each in answers] == [200] * 5 + [429]
    assert [each.headers["ratelimit"] for each in answers[:2]] == ['"api";r=4', '"api";r=3']
    assert answers[0].headers["ratelimit-policy"] == '"api";q=5;w=60'
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 12
    assert client("operator").get("/devices").status_code == 200


def test_whoever_guesses_tokens_is_stopped(serving: Serving, people: dict[str, User]) -> None:
    guess = {"Authorization": "Bearer rk_guessed"}
    answers = [httpx.get(f"{serving.api}/devices", headers=guess).status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]


def test_pages_of_a_site_that_is_named_may_ask_and_those_of_others_may_not(client: Client) -> None:
    asking = client("viewer")
    named = asking.get("/devices", headers=ELSEWHERE)
    assert named.headers["access-control-allow-origin"] == ELSEWHERE["Origin"]
    other = asking.get("/devices", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
    assert "access-control-allow-credentials" not in named.headers


def test_what_is_long_is_compressed_for_whoever_wants_that(serving: Serving) -> None:
    document = httpx.get(f"{serving.api}/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert document.headers["content-encoding"] == "gzip"
    plain = httpx.get(f"{serving.api}/openapi.json", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json() == document.json()
