"""The OpenAPI document says what is so: hundreds of requests made from it, as each role, find no lie."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from rookery import app
from tests.faces.api.conftest import ROLES, Client, Serving

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
STREAMS = "events$"  # they do not end


@pytest.mark.timeout(600)
@pytest.mark.parametrize("role", ROLES)
def test_no_request_finds_an_error_of_ours_or_an_answer_that_is_not_described(
    serving: Serving, client: Client, rook: app.Rook, tmp_path: Path, role: str
) -> None:
    rook.devices.create("r1", "10.0.0.1", "ios")
    bearer = client(role).headers["authorization"]
    done = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", f"{serving.api}/openapi.json",
            "--header", f"Authorization: {bearer}", "--exclude-path-regex", STREAMS, "--max-examples", "2",
            "--phases", "fuzzing", "--checks", CHECKS, "--seed", "1",
            "--no-color", "--workers", "1",
        ],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]


def test_a_client_knows_of_each_route_what_it_is_called_and_what_it_answers(serving: Serving) -> None:
    document = httpx.get(f"{serving.api}/openapi.json").json()
    operations = [each for path in document["paths"].values() for each in path.values()]
    names = [each["operationId"] for each in operations]
    assert len(names) == len(set(names))
    assert all(each["summary"] and each["responses"]["default"] for each in operations)


def test_people_read_the_same_in_a_page_that_asks_no_other_host_for_anything(serving: Serving) -> None:
    page = httpx.get(f"{serving.url}/docs")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert "List devices by name" in page.text
    assert "<script" not in page.text
    assert {link for link in re.findall(r'(?:src|href)="([^"]*)"', page.text) if link[0] not in "#/"} == {
        "docs.css"
    }
    assert httpx.get(f"{serving.url}/docs.css").headers["content-type"].startswith("text/css")


def test_whoever_watches_is_told_how_it_is(serving: Serving, client: Client) -> None:
    assert httpx.get(f"{serving.url}/healthz").json()["status"] == "ok"
    assert httpx.get(f"{serving.url}/readyz").status_code == 200
    asking = client("viewer", "metrics:read")
    figures = asking.get(f"{serving.url}/metrics").text
    assert "rookery_database_up 1.0" in figures
