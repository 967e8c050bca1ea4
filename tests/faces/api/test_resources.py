"""What the API has, as a program uses it: lists in pages, documents, changes that are not lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import httpx
import pytest

from rookery import app
from tests.faces.api.conftest import Client, Serving
from tests.workers import ended

IOS = {"name": "r1", "address": "10.0.0.1", "platform": "ios"}
both = pytest.mark.parametrize("config", ["sqlite_url", "postgres_url"], indirect=True)


def add_devices(rook: app.Rook, count: int) -> None:
    for number in range(count):
        rook.devices.create(f"r{number:03}", f"10.0.0.{number}", "ios")


@contextmanager
def worker_of(rook: app.Rook) -> Iterator[None]:
    """A worker at work."""
    worker = app.worker_of(rook)
    thread = Thread(target=worker.run)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join()


def refused(response: httpx.Response, status: int, code: str) -> str:
    """What a problem says."""
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    problem = response.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["request_id"] == response.headers["x-request-id"]
    return str(problem["detail"])


@both
def test_a_list_comes_in_pages_that_miss_nothing_and_repeat_nothing(client: Client, rook: app.Rook) -> None:
    add_devices(rook, 25)
    asking = client("viewer")
    page = asking.get("/devices", params={"limit": 10})
    names = [each["name"] for each in page.json()["items"]]
    while after := page.json()["next"]:
        assert f"after={after}" in page.headers["link"]
        page = asking.get(page.headers["link"].split(";")[0].strip("<>").removeprefix("/api/v1"))
        names += [each["name"] for each in page.json()["items"]]
    assert names == [f"r{number:03}" for number in range(25)]


@both
@pytest.mark.parametrize("sort", ["site", "-site", "last_backup_at", "-name"])
def test_pages_in_another_order_miss_and_repeat_nothing_either(
    client: Client, rook: app.Rook, sort: str
) -> None:
    for number in range(7):
        rook.devices.create(f"r{number}", f"10.0.0.{number}", "ios", site=("berlin", "paris")[number % 2])
    asking, after, found = client("viewer"), "", []
    while after is not None:
        page = asking.get("/devices", params={"limit": 2, "sort": sort, "after": after}).json()
        found += page["items"]
        after = page["next"]
    places = [(each[sort.lstrip("-")] or "", each["name"]) for each in found]
    assert places == sorted(places, reverse=sort.startswith("-"))
    assert len(places) == 7


def test_an_order_that_there_is_not_and_a_place_in_another_are_refused(
    client: Client, rook: app.Rook
) -> None:
    add_devices(rook, 2)
    asking = client("viewer")
    refused(asking.get("/devices", params={"sort": "notes"}), 422, "invalid")
    by_site = asking.get("/devices", params={"sort": "site", "limit": 1}).json()["next"]
    mixed = asking.get("/devices", params={"sort": "last_seen", "after": by_site})
    refused(mixed, 422, "cursor-not-valid")


@pytest.mark.parametrize(
    ("path", "total"), [("/devices?filter=name:r00*", 3), ("/users", 3), ("/findings", 0)]
)
def test_how_many_there_are_is_counted_for_whoever_asks(
    client: Client, rook: app.Rook, path: str, total: int
) -> None:
    add_devices(rook, 3)
    page = client("operator").get(path, params={"count": "exact", "limit": 1}).json()
    assert page["total"] == total
    assert "total" not in client("operator").get(path).json()


def test_a_list_is_filtered_and_cut_to_the_fields_that_are_wanted(client: Client, rook: app.Rook) -> None:
    add_devices(rook, 3)
    found = client("viewer").get("/devices", params={"filter": "name:r001", "fields": "name,port"})
    assert found.json() == {"items": [{"name": "r001", "port": 22}], "next": None}
    unknown = client("viewer").get("/devices", params={"fields": "nam"})
    assert "there is no nam" in refused(unknown, 422, "body-not-valid")


@pytest.mark.parametrize("after", ["nonsense", "bm9uc2Vuc2U", "\u2603", "e30"])
def test_a_cursor_of_ones_own_is_refused(client: Client, after: str) -> None:
    refused(client("viewer").get("/devices", params={"after": after}), 422, "cursor-not-valid")


@both
def test_no_change_is_lost_to_another(client: Client) -> None:
    asking = client("operator")
    made = asking.post("/devices", json=IOS)
    assert (made.status_code, made.headers["etag"]) == (201, '"v1"')
    assert made.headers["location"] == f"/api/v1/devices/{made.json()['id']}"
    first = asking.patch("/devices/r1", json={"site": "berlin"}, headers={"If-Match": '"v1"'})
    assert (first.status_code, first.json()["site"], first.headers["etag"]) == (200, "berlin", '"v2"')
    late = asking.patch("/devices/r1", json={"site": "paris"}, headers={"If-Match": '"v1"'})
    refused(late, 412, "device-changed")
    refused(asking.patch("/devices/r1", json={"site": "rome"}), 428, "precondition-missing")
    whatever = asking.patch("/devices/r1", json={"notes": "x"}, headers={"If-Match": "*"})
    assert (whatever.json()["site"], whatever.json()["notes"]) == ("berlin", "x")


def test_what_has_not_changed_is_not_sent_again(client: Client) -> None:
    asking = client("operator")
    tag = asking.post("/devices", json=IOS).headers["etag"]
    again = asking.get("/devices/r1", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        ({**IOS, "password": "x"}, 422, "unknown field `password`"),
        ({**IOS, "revision": 7}, 422, "unknown field `revision`"),
        ({**IOS, "port": "22"}, 422, "/port: Expected `int | null`"),
        ({**IOS, "platform": "ioss"}, 404, "perhaps ios"),
        ({"name": "r1"}, 422, "missing required field `address`"),
        ([], 422, "Expected `object`"),
    ],
)
def test_a_body_that_is_wrong_says_where(client: Client, sent: object, status: int, said: str) -> None:
    answer = client("operator").post("/devices", json=sent)
    assert answer.status_code == status
    assert said in answer.json()["detail"]


def test_a_body_that_is_no_json_says_so(client: Client) -> None:
    answer = client("operator").post("/devices", content=b"name=r1")
    assert "that is no JSON" in refused(answer, 422, "body-not-valid")
    deep = client("operator").post("/devices", content=b"[" * 100_000)
    refused(deep, 422, "body-not-valid")


def test_what_is_not_there_and_what_is_not_served_are_problems(client: Client, serving: Serving) -> None:
    assert "There is no device nope" in refused(
        client("viewer").get("/devices/nope"), 404, "device-not-found"
    )
    refused(client("viewer").get("/nothing"), 404, "not-found")
    refused(client("viewer").put("/devices"), 405, "method-not-allowed")
    refused(client("viewer").get("/devices", params={"limit": 0}), 422, "invalid")


def test_a_post_that_comes_twice_is_done_once(client: Client, rook: app.Rook) -> None:
    asking = client("operator")
    key = {"Idempotency-Key": "4711"}
    first = asking.post("/devices", json=IOS, headers=key)
    again = asking.post("/devices", json=IOS, headers=key)
    assert (again.status_code, again.json(), again.headers["location"]) == (
        201, first.json(), first.headers["location"],
    )  # fmt: skip
    assert again.headers["idempotency-replayed"] == "true"
    refused(asking.post("/devices", json={**IOS, "name": "r2"}, headers=key), 422, "key-reused")
    others = client("admin").post("/devices", json={**IOS, "name": "r3"}, headers=key)
    assert others.status_code == 201
    assert rook.devices.count() == 2


def test_a_post_that_was_refused_may_be_tried_again_with_its_key(client: Client) -> None:
    asking, key = client("operator"), {"Idempotency-Key": "4711"}
    assert asking.post("/devices", json={**IOS, "platform": "ioss"}, headers=key).status_code == 404
    assert asking.post("/devices", json=IOS, headers=key).status_code == 201


def test_secrets_that_are_revealed_are_not_kept_for_a_second_time(client: Client, rook: app.Rook) -> None:
    rook.credentials.create("lab", "admin", password="hunter22hunter22")
    asking, key = client("admin"), {"Idempotency-Key": "4711"}
    for _ in range(2):
        told = asking.post("/credentials/lab/reveal", json={"reason": "a test"}, headers=key)
        assert told.json() == {"password": "hunter22hunter22"}
    assert b"hunter22" not in (rook.data_dir / "rookery.db").read_bytes()


def test_work_that_takes_long_is_a_task(client: Client) -> None:
    asking = client("operator")
    asking.post("/devices", json=IOS)
    submitted = asking.post("/backups", json={"devices": ["r1"]})
    assert submitted.status_code == 202
    task = asking.get(f"/tasks/{submitted.json()['task_id']}").json()
    assert (task["type"], task["actor"], task["payload"]["devices"]) == ("backups.run", "operator", ["r1"])
    assert asking.post(f"/tasks/{task['id']}/cancel").json() == {"cancelled": True}
    assert asking.get(f"/tasks/{task['id']}/status").json() == {"status": "cancelled"}


def test_a_task_of_any_type_is_submitted_once_for_its_key_found_and_done_again(
    client: Client, rook: app.Rook
) -> None:
    asking = client("admin")
    wanted = {"type": "backups.run", "payload": {"filter": "tag:none"}, "priority": 2, "idempotency_key": "k"}
    first, again = (asking.post("/tasks", json=wanted).json()["task_id"] for _ in range(2))
    assert first == again
    refused(asking.post("/tasks", json={**wanted, "payload": {"filter": 7}}), 422, "payload-not-valid")
    refused(asking.post("/tasks", json={**wanted, "type": "backups.rum"}), 422, "unknown-task-type")
    refused(asking.post(f"/tasks/{first}/retry"), 409, "task-conflict")
    asking.post(f"/tasks/{first}/cancel")

    def listed(**query: str) -> list[str]:
        return [task["id"] for task in asking.get("/tasks", params=query).json()["items"]]

    assert listed(status="cancelled") == listed(type="backups.run") == listed(id=first) == [first]
    assert listed(status="failed") == listed(type="scans.run") == listed(parent=first) == []
    assert asking.post(f"/tasks/{first}/retry").status_code == 202
    with worker_of(rook):
        assert ended(rook, first).status == "completed"
    health = asking.get("/queue/health").json()
    assert (health["backend"], health["counts"]["completed"], health["problems"]) == ("database", 1, [])


def test_the_files_of_a_task_are_listed_and_downloaded(client: Client, rook: app.Rook) -> None:
    asking = client("viewer")
    task_id = rook.tasks.submit_task("backups.run", {"filter": "tag:none"})
    folder = rook.data_dir / "artifacts" / task_id
    folder.mkdir(parents=True)
    (folder / "report.csv").write_bytes(b"a,b\r\n" * 50_000)
    [file] = asking.get(f"/tasks/{task_id}/artifacts").json()["items"]
    assert (file["name"], file["size"]) == ("report.csv", 250_000)
    got = asking.get(f"/tasks/{task_id}/artifacts/report.csv")
    assert (got.status_code, got.content) == (200, b"a,b\r\n" * 50_000)
    refused(asking.get(f"/tasks/{task_id}/artifacts/other.csv"), 404, "artifact-not-found")


def test_whoever_prefers_to_wait_hears_how_the_work_ended(client: Client, rook: app.Rook) -> None:
    with worker_of(rook):
        done = client("operator").post(
            "/backups", json={"filter": "tag:none"}, headers={"Prefer": "respond-async, wait=60"}
        )
    assert (done.status_code, done.json()["status"]) == (202, "completed")
    assert done.headers["preference-applied"] == "wait"
    assert done.headers["location"] == f"/api/v1/tasks/{done.json()['task_id']}"


def test_nobody_waits_longer_than_they_prefer(client: Client) -> None:
    asking = client("operator")
    soon = asking.post("/backups", json={"filter": "tag:none"}, headers={"Prefer": "wait=1"})
    assert soon.json()["status"] == "pending"
    at_once = asking.post("/backups", json={"filter": "tag:core"}, headers={"Prefer": "wait=soon"})
    assert "status" not in at_once.json()


def test_files_of_this_machine_are_read_for_nobody_from_afar(client: Client) -> None:
    asking = client("operator")
    refused(asking.post("/runs", json={"endpoints": ["/etc/passwd"]}), 403, "files-from-afar")
    plan = {"endpoints": ["127.0.0.1"], "templates": ["/etc"]}
    refused(asking.post("/runs", json=plan), 422, "body-not-valid")
    schedule = {"name": "x", "timing": {"type": "every", "seconds": 60}, "task_type": "scans.run"}
    refused(asking.post("/schedules", json={**schedule, "payload": plan}), 403, "files-from-afar")
    imports = {**schedule, "task_type": "findings.import", "payload": {"path": "/etc/passwd"}}
    refused(asking.post("/schedules", json=imports), 403, "not-permitted")
    endpoints = {"endpoints": ["./secrets"]}
    refused(asking.post("/projects/default/endpoints", json=endpoints), 403, "files-from-afar")
    assert asking.get("/templates/..%2f..%2fpyproject.toml").status_code in {404, 422}


def test_whoever_calls_is_in_the_audit_log(client: Client) -> None:
    made = client("operator").post("/devices", json=IOS)
    [entry] = client("admin").get("/audit", params={"event_type": "device.created"}).json()["items"]
    assert (entry["actor"], entry["object"]) == ("operator", "r1")
    assert entry["request_id"] == made.headers["x-request-id"]
    assert client("admin").post("/audit/verify").json()["is_intact"]


def test_what_happens_is_told_by_rules_over_channels(client: Client) -> None:
    asking = client("admin")
    hook = {"name": "ops", "kind": "webhook", "url": "http://127.0.0.1:9/secret-path", "secret": "s" * 32}
    made = asking.post("/notifications/channels", json=hook)
    assert made.status_code == 201
    assert "secret-path" not in made.text
    rule = {"name": "broken", "kinds": ["backup.failed"], "channels": ["ops"]}
    assert asking.post("/notifications/rules", json=rule).status_code == 201
    refused(asking.delete("/notifications/channels/ops"), 409, "channel-in-use")
    louder = asking.patch(
        "/notifications/rules/broken", json={"severity": "high"}, headers={"If-Match": '"v1"'}
    )
    assert (louder.json()["severity"], louder.headers["etag"]) == ("high", '"v2"')
    assert asking.get("/notifications").json()["items"] == []


def test_settings_are_changed_while_it_runs(client: Client) -> None:
    asking, key = client("admin"), "/settings/queue.keep_days"
    before = asking.get(key)
    assert (before.json()["value"], before.headers["etag"]) == (30, '"v0"')
    after = asking.put(key, json={"value": 7}, headers={"If-Match": '"v0"'})
    assert (after.json()["value"], after.json()["origin"]) == (7, "database")
    refused(asking.put(key, json={"value": 8}, headers={"If-Match": '"v0"'}), 412, "setting-changed")
    assert asking.delete(f"{key}/value").status_code == 204
    assert [each["new"] for each in asking.get(f"{key}/history").json()["items"]] == [None, 7]


def test_each_request_has_an_id_and_headers_that_browsers_obey(client: Client) -> None:
    own = client("viewer").get("/devices", headers={"X-Request-Id": "my-request.1"})
    assert own.headers["x-request-id"] == "my-request.1"
    forged = client("viewer").get("/devices", headers={"X-Request-Id": "a b"})
    assert re.fullmatch(r"[0-9a-f-]{36}", forged.headers["x-request-id"])
    assert own.headers["content-security-policy"].startswith("default-src 'none'")
    assert (own.headers["x-content-type-options"], own.headers["cache-control"]) == ("nosniff", "no-store")
    assert "access-control-allow-origin" not in own.headers
