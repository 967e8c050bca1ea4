"""The OpenAPI document: its examples fit their schemas, and are such that the API would take them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from rookery.faces.api.examples import WRITTEN
from tests.faces.api.conftest import Client, Serving


@pytest.fixture
def document(serving: Serving) -> dict[str, Any]:
    """As a client gets it."""
    found: dict[str, Any] = httpx.get(f"{serving.api}/openapi.json").json()
    return found


def contents(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every body that is sent or answered, and which it is."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            described = {"body": operation.get("requestBody", {}), **operation["responses"]}
            for which, each in described.items():
                for content in each.get("content", {}).values():
                    yield f"{method} {path} {which}", content


def test_everything_sent_or_answered_has_an_example_that_fits(document: dict[str, Any]) -> None:
    wrong = []
    for which, content in contents(document):
        schema = {**content["schema"], "components": document["components"]}
        faults = [each.message for each in Draft202012Validator(schema).iter_errors(content["example"])]
        wrong += [(which, fault) for fault in faults]
    assert wrong == []


def test_no_example_is_of_something_that_there_is_not(document: dict[str, Any]) -> None:
    assert WRITTEN.keys() <= document["components"]["schemas"].keys()


@pytest.mark.parametrize(
    "path", ["/devices", "/credentials", "/projects", "/notifications/channels", "/users"]
)
def test_an_example_may_be_sent_as_it_stands(client: Client, document: dict[str, Any], path: str) -> None:
    body = document["paths"][f"/api/v1{path}"]["post"]["requestBody"]["content"]["application/json"]
    answer = client("admin").post(path, json=body["example"])
    assert answer.status_code == 201, answer.text
