"""`rookery runs`, `projects` and `endpoints`, as a person and a program meet them."""

from __future__ import annotations

import json
from pathlib import Path

from rookery.demo import WeakServer
from tests.journeys.conftest import Rookery


def test_before_the_first_scan_every_list_says_what_to_do(rookery: Rookery) -> None:
    assert "rookery scan URL" in rookery("runs", "list").stderr
    assert "rookery endpoints add" in rookery("endpoints", "list").stderr
    assert json.loads(rookery("runs", "list", "--json").stdout) == {"items": [], "next": None}
    assert rookery("projects", "list").stdout.splitlines()[1].split()[:3] == ["default", "0", "0"]


def test_a_run_can_be_listed_shown_in_depth_and_pruned(
    rookery: Rookery, weak_server: WeakServer, tmp_path: Path
) -> None:
    scan = json.loads(rookery("scan", weak_server.url, "--severity", "critical", "--json").stdout)
    run_id = scan["run"]["run_id"]
    listed = rookery("runs", "list").stdout
    assert run_id[:13] in listed
    assert max(map(len, listed.splitlines())) <= 80
    shown = rookery("runs", "show", run_id[:13]).stdout
    assert "completed" in shown
    assert "of another severity" in shown
    by_target = json.loads(rookery("runs", "show", run_id, "--target", weak_server.url, "--json").stdout)
    assert len(by_target["ok"]) == scan["run"]["coverage"]["ok"] > 0
    assert rookery("runs", "show", run_id, "--target", "http://127.0.0.1:1").returncode == 5
    files = json.loads(rookery("runs", "artifacts", run_id, "--json").stdout)["items"]
    folder = tmp_path / "data" / "runs" / run_id
    assert {file["name"]: file["size"] for file in files} == {
        name: (folder / name).stat().st_size for name in ("items.ndjson", "metadata.json", "run.log")
    }
    assert rookery("runs", "artifacts", run_id, "run.log").stdout == (folder / "run.log").read_text()
    assert rookery("runs", "artifacts", run_id, "metadata.json", "-o", "m.json").returncode == 0
    assert (tmp_path / "m.json").read_bytes() == (folder / "metadata.json").read_bytes()
    assert rookery("runs", "artifacts", run_id, "lock").returncode == 5
    assert rookery("runs", "prune", "--before", "2999-01-01").returncode == 2
    pruned = json.loads(rookery("runs", "prune", "--before", "2999-01-01", "--yes", "--json").stdout)
    assert pruned == {"removed": 1, "run_ids": [run_id]}
    assert rookery("runs", "show", run_id).returncode == 5
    assert not folder.exists()
    assert json.loads(rookery("findings", "list", "--json").stdout)["items"]


def test_a_project_is_filled_scanned_and_deleted(
    rookery: Rookery, weak_server: WeakServer, tmp_path: Path
) -> None:
    assert rookery("projects", "create", "web").returncode == 0
    assert rookery("projects", "create", "web").returncode == 6
    assert rookery("projects", "create", "Not a name").returncode == 2
    (tmp_path / "hosts.txt").write_text(f"# of the lab\n{weak_server.url}\n\n")
    assert rookery("endpoints", "add", "--project", "web").returncode == 2
    added = rookery("endpoints", "add", "--project", "web", "--list", "hosts.txt", weak_server.url)
    assert (added.returncode, "1 endpoint added" in added.stderr) == (0, True)
    assert rookery("scan", "--project", "web", "--severity", "critical").returncode == 0
    shown = json.loads(rookery("projects", "show", "web", "--json").stdout)
    assert [each["address"] for each in shown["endpoints"]] == [weak_server.url]
    assert [run["project_id"] for run in shown["runs"]] == ["web"]
    assert rookery("endpoints", "remove", "--project", "web", "http://127.0.0.1:1").returncode == 5
    assert rookery("projects", "delete", "web").returncode == 2
    assert rookery("projects", "delete", "web", "--yes").returncode == 0
    assert rookery("scan", "--project", "web").returncode == 5
    assert rookery("projects", "delete", "default", "--yes").returncode == 3


API = """
openapi: 3.0.0
servers: [{url: SERVER}]
paths:
  /uploads/: {get: {}}
  /users/{id}:
    get: {parameters: [{name: id, in: path, required: true, schema: {type: integer}, description: The user}]}
"""


def test_an_api_is_imported_with_the_help_of_a_form(
    rookery: Rookery, weak_server: WeakServer, tmp_path: Path
) -> None:
    (tmp_path / "api.yaml").write_text(API.replace("SERVER", weak_server.url))
    first = rookery("endpoints", "import", "api.yaml", "--form", "form.yaml")
    assert "GET /users/{id}: no value for id" in first.stderr
    assert "Fill in form.yaml" in first.stderr
    form = tmp_path / "form.yaml"
    form.write_text(form.read_text().replace('"id":', '"id": 7'))
    second = json.loads(rookery("endpoints", "import", "api.yaml", "--form", "form.yaml", "--json").stdout)
    assert [each["address"] for each in second["added"]] == [f"{weak_server.url}/users/7"]
    assert (second["known"], second["incomplete"]) == (1, {})
    scan = rookery("scan", "--openapi", "api.yaml", "--param", "id=8", "--severity", "low", "--json")
    assert json.loads(scan.stdout)["run"]["endpoint_count"] == 2
    assert rookery("scan", "--openapi", "api.yaml", "--param", "id").returncode == 2
    assert rookery("scan", "--openapi", "nothing.yaml").returncode == 5
    assert rookery("scan", "--openapi", "http://192.0.2.1/api.json").returncode == 3
