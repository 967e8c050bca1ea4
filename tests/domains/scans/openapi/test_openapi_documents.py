"""OpenAPI documents: which endpoints they have, what is missing, and what is refused of a hostile one."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from rookery.domains.scans.openapi import (
    Api,
    BadApiDocument,
    BadForm,
    Filling,
    form_text,
    read_api,
    read_document,
    read_form,
)

PETS = """
openapi: 3.1.0
info: {title: Pets, version: "1"}
servers:
  - url: https://{name}.example:{port}/v1
    variables:
      name: {default: pets}
      port: {default: "8443"}
paths:
  /pets:
    parameters:
      - {name: limit, in: query, schema: {type: integer, default: 10}}
    get:
      operationId: listPets
      parameters:
        - {name: tag, in: query, required: true, example: "a b&c"}
        - {name: page, in: query, schema: {type: integer}}
        - {name: X-Trace, in: header, required: true, schema: {type: string}}
    post: {}
  /pets/{id}/{part}:
    get:
      parameters:
        - $ref: "#/components/parameters/Id"
        - {name: part, in: path, required: true, schema: {type: string}, description: Which part}
components:
  parameters:
    Id: {name: id, in: path, required: true, schema: {$ref: "#/components/schemas/Id"}}
  schemas:
    Id: {type: string, enum: ["007", "8"]}
"""

SWAGGER = {
    "swagger": "2.0",
    "host": "127.0.0.1:9",
    "basePath": "/api",
    "schemes": ["http"],
    "paths": {
        "/a": {"get": {"parameters": [{"name": "on", "in": "query", "type": "boolean", "default": True}]}},
        "/b/{n}": {"delete": {"parameters": [{"name": "n", "in": "path", "required": True, "x-example": 7}]}},
    },
}


def api(text: str | dict[str, Any], **options: str) -> Api:
    data = text if isinstance(text, str) else json.dumps(text)
    return read_api(read_document(data.encode(), "it"), **options)


def urls(found: Api, **values: str) -> dict[str, str]:
    return {each.key: each.url(values) for each in found.operations if not each.missing(values)}


def test_each_operation_is_an_endpoint_with_the_examples_of_the_document() -> None:
    found = api(PETS)
    server = "https://pets.example:8443/v1"
    assert urls(found) == {
        "GET /pets": f"{server}/pets?limit=10&tag=a+b%26c",
        "POST /pets": f"{server}/pets?limit=10",
    }
    assert [each.name for each in found.operations][:1] == ["listPets"]


def test_what_has_no_value_is_missing_until_it_is_given() -> None:
    found = api(PETS)
    [incomplete] = [each for each in found.operations if each.missing({})]
    assert [(each.name, each.hint) for each in incomplete.missing({})] == [("part", "string: Which part")]
    assert urls(found, part="../x")["GET /pets/{id}/{part}"].endswith("/pets/007/..%2Fx")


def test_version_2_has_its_server_in_parts() -> None:
    assert urls(api(SWAGGER)) == {
        "GET /a": "http://127.0.0.1:9/api/a?on=true",
        "DELETE /b/{n}": "http://127.0.0.1:9/api/b/7",
    }


def test_a_relative_server_stands_relative_to_where_the_document_came_from() -> None:
    document = {"openapi": "3.0.0", "servers": [{"url": "../v2"}], "paths": {"/a": {"get": {}}}}
    assert urls(api(document, base="http://h:1/docs/api.json")) == {"GET /a": "http://h:1/v2/a"}
    assert urls(api(document, server="http://other")) == {"GET /a": "http://other/a"}
    assert "give one with --server" in api(document).unusable["GET /a"]


@pytest.mark.parametrize("url", ["//[::1", "http://[/", "https://[x]/"])
def test_a_server_that_is_no_url_costs_its_operations_alone(url: str) -> None:
    document = {"openapi": "3.0.0", "paths": {"/a": {"get": {"servers": [{"url": url}]}, "put": {}}}}
    found = read_api(document, base="http://h/api.json")
    assert [operation.key for operation in found.operations] == ["PUT /a"]
    assert "is no URL" in found.unusable["GET /a"]


def test_a_parameter_that_the_document_forgot_to_declare_is_missing() -> None:
    found = api({"openapi": "3.0.0", "paths": {"/x/{y}": {"get": {}}}}, server="http://h")
    assert [each.name for each in found.operations[0].missing({})] == ["y"]


def test_the_form_of_what_is_missing_comes_back_filled_in() -> None:
    found = api(PETS)
    incomplete = [(each, each.missing({})) for each in found.operations if each.missing({})]
    form = form_text(incomplete)
    assert read_form(form.encode(), "form") == {"GET /pets/{id}/{part}": {}}
    filled = form.replace('"part":', '"part": tail')
    filling = Filling({"id": "9"}, read_form(filled.encode(), "form"))
    assert found.operations[2].url(filling.values(found.operations[2])).endswith("/pets/9/tail")


def test_a_form_keeps_hostile_names_on_their_line() -> None:
    path = "/x/{a\n: &b *c}"
    found = api({"openapi": "3.0.0", "paths": {path: {"get": {}}}}, server="http://h")
    form = form_text([(each, each.missing({})) for each in found.operations])
    assert list(read_form(form.encode(), "form")) == [f"GET {path}"]


@pytest.mark.parametrize("form", ["- a", "GET /a: text", "{", "a: b: c"])
def test_a_form_that_is_none_is_refused(form: str) -> None:
    with pytest.raises(BadForm):
        read_form(form.encode(), "form.yaml")


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("#/components/parameters/loop", "in a circle"),
        ("http://192.0.2.1/params.json#/a", "out of the document"),
        ("other.yaml", "out of the document"),
        ("#/nowhere", "nowhere"),
        ("#/paths/~1a/get/parameters/0", "in a circle"),
    ],
)
def test_a_bad_reference_costs_its_operation_alone(reference: str, says: str) -> None:
    found = api(
        {
            "openapi": "3.0.0",
            "paths": {"/a": {"get": {"parameters": [{"$ref": reference}]}}, "/b": {"get": {}}},
            "components": {"parameters": {"loop": {"$ref": "#/components/parameters/loop"}}},
        },
        server="http://h",
    )
    assert says in found.unusable["GET /a"]
    assert urls(found) == {"GET /b": "http://h/b"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("[1, 2]", "no mapping"),
        ("{", "not JSON"),
        ("a: [", "line 2"),
        ("[" * 100_000, "nested deeper"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("openapi: 3.0.0\n" + "x" * (9 << 20), "longer than 8 MB"),
        (
            "a: &a [1, 2]\n"
            + "".join(
                f"{c}: &{c} [*{b}, *{b}, *{b}, *{b}, *{b}, *{b}, *{b}, *{b}]\n"
                for b, c in pairwise("abcdefghijk")
            ),
            "more than",
        ),
        ("\x00\x01", "neither JSON nor YAML"),
    ],
    ids=range(9),
)
def test_what_is_no_document_is_one_clear_line(text: str, says: str) -> None:
    with pytest.raises(BadApiDocument, match=says) as refused:
        read_document(text.encode(), "api.yaml")
    assert len(str(refused.value).splitlines()) == 1
    assert len(str(refused.value)) < 400


def test_a_mapping_that_is_no_api_is_refused() -> None:
    with pytest.raises(BadApiDocument, match="neither"):
        api({"paths": {"/a": {"get": {}}}})


def test_an_api_of_wrong_types_throughout_has_no_operation_or_a_reason() -> None:
    wrong: list[Any] = [1, "text", None, [], [[]], {"$ref": 1}, {"x": {"$ref": "#/"}}]
    for value in wrong:
        for document in (
            {"openapi": "3.0.0", "paths": value},
            {"openapi": "3.0.0", "paths": {"/a": value}},
            {"openapi": "3.0.0", "paths": {"/a": {"get": value}}, "servers": value},
            {"openapi": "3.0.0", "paths": {"/a": {"get": {"parameters": value}}}, "servers": [value]},
            {"openapi": "3.0.0", "paths": {"/a": {"get": {"parameters": [{"name": "a", "in": "query",
             "schema": value, "examples": value, "content": value}]}}}},
            {"swagger": "2.0", "host": value, "basePath": value, "schemes": value,
             "paths": {"/a": {"get": {}}}},
        ):  # fmt: skip
            found = api(document)
            assert len(found.operations) + len(found.unusable) <= 1


def test_a_document_of_very_many_operations_is_refused() -> None:
    with pytest.raises(BadApiDocument, match="more than 10,000"):
        api(
            {"openapi": "3.0.0", "paths": {f"/{number}": {"get": {}} for number in range(10_001)}},
            server="http://h",
        )
