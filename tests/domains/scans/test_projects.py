"""Projects and their endpoints, in both worlds and on both databases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rookery.demo import WeakServer
from rookery.domains.scans import service, store
from rookery.domains.scans.errors import (
    BadProjectName,
    BadTarget,
    DefaultProjectStays,
    DocumentNotFetched,
    DocumentNotFound,
    EndpointNotFound,
    ProjectExists,
    ProjectNotFound,
    TargetOutOfScope,
)
from rookery.domains.scans.openapi import BadApiDocument, Filling
from rookery.domains.scans.plan import ScanPlan
from tests.conftest import Call


def audited(call: Call) -> list[str]:
    (call.async_rook if call.is_async else call.rook).audit.service.flush()
    return [entry.event_type for entry in reversed(call.rook.audit.list())]


def test_the_default_project_is_always_there(call: Call) -> None:
    assert [(each.project.id, each.endpoint_count) for each in call(store.projects)] == [("default", 0)]
    with pytest.raises(DefaultProjectStays):
        call(service.delete_project, "default")


def test_a_project_is_made_once_and_deleted_with_its_endpoints(call: Call) -> None:
    call(service.create_project, "web", description="all of the web")
    with pytest.raises(ProjectExists):
        call(service.create_project, "web")
    call(service.add_endpoints, "web", ["127.0.0.1:9"])
    call(service.delete_project, "web")
    with pytest.raises(ProjectNotFound):
        call(store.endpoints, "web")
    call(service.create_project, "web")
    assert call(store.endpoints, "web") == []
    assert audited(call) == ["project.created", "endpoints.added", "project.deleted", "project.created"]


@pytest.mark.parametrize("name", ["", "A", "../etc", "a b", "x" * 64])
def test_a_bad_name_is_refused(call: Call, name: str) -> None:
    with pytest.raises(BadProjectName):
        call(service.create_project, name)


def test_an_endpoint_is_added_once_and_can_be_removed(call: Call) -> None:
    added = call(service.add_endpoints, "default", ["h.lan", "h.lan:8080", "H.lan", "/etc"])
    assert [(each.kind, each.address) for each in added] == [
        ("host", "h.lan"),
        ("host:port", "h.lan:8080"),
        ("path", "/etc"),
    ]
    assert call(service.add_endpoints, "default", ["h.lan"]) == []
    call(service.remove_endpoint, "default", "h.lan")
    with pytest.raises(EndpointNotFound):
        call(service.remove_endpoint, "default", "h.lan")
    assert [each.address for each in call(store.endpoints, "default")] == ["/etc", "h.lan:8080"]
    assert audited(call) == ["endpoints.added", "endpoints.removed"]


def test_one_bad_endpoint_leaves_all_of_them_out(call: Call) -> None:
    with pytest.raises(BadTarget):
        call(service.add_endpoints, "default", ["h.lan", "ftp://h.lan"])
    assert call(store.endpoints, "default") == []


def test_a_plan_without_endpoints_scans_those_of_its_project(call: Call, weak_server: WeakServer) -> None:
    call(service.create_project, "web")
    call(service.add_endpoints, "web", [weak_server.url])
    plan = ScanPlan(project_id="web", severity_levels=("critical",), rate_limit=0.0)
    result = call(service.submit_scan, plan)
    assert (result.project_id, result.endpoint_count, result.success) == ("web", 1, True)
    assert [run.id for run in call(service.runs, project_id="web")] == [result.run_id]
    assert call(service.runs, project_id="default") == []


def test_a_plan_for_no_project_or_an_empty_one_is_refused(call: Call) -> None:
    with pytest.raises(ProjectNotFound):
        call(service.submit_scan, ScanPlan(project_id="nowhere", endpoints=("127.0.0.1:9",)))
    with pytest.raises(BadTarget, match="nothing to scan"):
        call(service.submit_scan, ScanPlan())


def document(server: str) -> dict[str, Any]:
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
    return {
        "openapi": "3.0.0",
        "servers": [{"url": server}],
        "paths": {
            "/uploads/": {"get": {"operationId": "uploads"}},
            "/users/{id}": {"get": {"parameters": [parameter]}, "delete": {"parameters": [parameter]}},
        },
    }


def test_the_operations_of_an_api_become_endpoints_once_all_is_known(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "api.json"
    file.write_text(json.dumps(document("http://127.0.0.1:9")))
    added, found = call(service.import_openapi, "default", str(file))
    assert [(each.method, each.address, each.name) for each in added] == [
        ("GET", "http://127.0.0.1:9/uploads/", "uploads")
    ]
    assert [operation.key for operation, _ in found.incomplete] == ["GET /users/{id}", "DELETE /users/{id}"]
    added, found = call(service.import_openapi, "default", str(file), filling=Filling({"id": "7"}))
    assert [(each.method, each.address) for each in added] == [
        ("GET", "http://127.0.0.1:9/users/7"),
        ("DELETE", "http://127.0.0.1:9/users/7"),
    ]
    assert (found.incomplete, len(call(store.endpoints, "default"))) == ([], 3)
    call(service.remove_endpoint, "default", "http://127.0.0.1:9/users/7")
    assert len(call(store.endpoints, "default")) == 1


def test_a_document_is_fetched_within_the_scope_alone(
    call: Call, weak_server: WeakServer, free_port: int
) -> None:
    _, found = call(service.import_openapi, "default", f"{weak_server.url}/openapi.json")
    paths = [each.address.removeprefix(weak_server.url) for each in found.complete]
    assert (paths, found.unusable) == (["/orders", "/orders/17"], {})
    with pytest.raises(TargetOutOfScope, match=r"rookery scope add 192\.0\.2\.1$"):
        call(service.read_openapi, "http://192.0.2.1/api.json")
    with pytest.raises(DocumentNotFetched, match="refused"):
        call(service.read_openapi, f"http://127.0.0.1:{free_port}/api.json")
    with pytest.raises(DocumentNotFetched, match="404"):
        call(service.read_openapi, f"{weak_server.url}/there-is-no-such-file.json")
    with pytest.raises(BadApiDocument):
        call(service.read_openapi, f"{weak_server.url}/")
    with pytest.raises(DocumentNotFound):
        call(service.read_openapi, "/there/is/none.json")
    with pytest.raises(BadTarget, match="name a file by its path"):
        call(service.read_openapi, "file:///etc/passwd")


def test_a_document_without_an_operation_is_said_to_have_none(call: Call, tmp_path: Path) -> None:
    (file := tmp_path / "api.json").write_text('{"openapi": "3.0.0", "paths": {"/a": {}}}')
    with pytest.raises(BadApiDocument, match="describes no operation"):
        call(service.read_openapi, str(file))
