"""What attackers try first, each against a real server.

Elsewhere: forged requests, guessing and others' sessions in test_access; sizes and floods in test_limits;
files of this machine in test_resources; where webhooks may go in tests/domains/notifications; secrets in logs
in all tests (tests/leaks.py).
"""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from rookery import app
from rookery.domains.users.document import User
from tests.faces.api.conftest import PASSWORD, Client, Serving
from tests.patience import PATIENCE

EVIL = "%0d%0aX-Evil:%20yes"


def raw(serving: Serving, target: str, *headers: str) -> tuple[bytes, bytes]:
    """The head and body of an answer to a request that no client would send."""
    place = urlsplit(serving.url)
    lines = [f"GET {target} HTTP/1.1", f"Host: {place.netloc}", "Connection: close", *headers, "", ""]
    with socket.create_connection((str(place.hostname), place.port or 0), timeout=PATIENCE) as connection:
        connection.sendall("\r\n".join(lines).encode())
        with connection.makefile("rb") as answer:
            head, _, body = answer.read().partition(b"\r\n\r\n")
    return head, body


# --- objects of others


def test_nobody_sees_or_changes_others_by_naming_them(client: Client, people: dict[str, User]) -> None:
    mine, admin = client("viewer"), people["admin"].id
    for path in (f"/users/{admin}", f"/users/{admin}/sessions", f"/users/{admin}/tokens"):
        assert mine.get(path).status_code == 403
    any_version = {"If-Match": "*"}
    assert mine.patch(f"/users/{admin}", json={"enabled": False}, headers=any_version).status_code == 403
    assert mine.put(f"/users/{admin}/password", json={"password": PASSWORD}).status_code == 403
    assert mine.delete(f"/users/{admin}").status_code == 403


# --- assignment of what is not theirs


def test_no_body_takes_more_than_it_says(serving: Serving) -> None:
    document = httpx.get(f"{serving.api}/openapi.json").json()
    schemas, lax = document["components"]["schemas"], []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                name = content["schema"]["$ref"].rpartition("/")[2]
                if schemas[name].get("additionalProperties") is not False:
                    lax.append((method, path, name))
    assert lax == []


@pytest.mark.parametrize("part", [{"id": "1"}, {"revision": 9}, {"password_hash": "x"}, {"has_totp": False}])
def test_of_a_user_only_what_is_listed_is_changed(
    client: Client, people: dict[str, User], part: dict[str, Any]
) -> None:
    path = f"/users/{people['viewer'].id}"
    before = client("admin").get(path).json()
    changed = client("admin").patch(path, json=part, headers={"If-Match": "*"})
    assert (changed.status_code, client("admin").get(path).json()) == (422, before)


# --- paths that lead elsewhere


@pytest.mark.parametrize("kind", ["tasks", "runs"])
@pytest.mark.parametrize(
    "name",
    ["../../rookery.db", "..%2f..%2frookery.db", "%2fetc%2fpasswd", "a/../../../etc/passwd", "a%00b", "."],
)
def test_no_artifact_is_a_file_of_somebody_elses(
    serving: Serving, client: Client, rook: app.Rook, kind: str, name: str
) -> None:
    task_id = rook.tasks.submit_task("backups.run", {"filter": "tag:none"})
    bearer = client("admin").headers["authorization"]
    target = f"/api/v1/{kind}/{task_id}/artifacts/{name}"
    head, body = raw(serving, target, f"Authorization: {bearer}")
    assert head.split()[1] in {b"404", b"422"}
    assert b"SQLite format" not in body
    assert b"root:" not in body


# --- headers of their own


def test_nothing_that_is_sent_becomes_a_header(serving: Serving, client: Client, rook: app.Rook) -> None:
    for number in range(2):
        rook.devices.create(f"r{number}", f"10.0.0.{number}", "ios")
    bearer = f"Authorization: {client('viewer').headers['authorization']}"
    for target in (
        f"/api/v1/devices?limit=1&filter=-name:{EVIL}",
        f"/api/v1/devices?limit=1&x={EVIL}",
        f"/api/v1/devices/{EVIL}",
        f"/api/v1/{EVIL}",
    ):
        head, _ = raw(serving, target, bearer, "X-Request-Id: a\tb")
        assert b"\r\nx-evil" not in head.lower()
    linked, _ = raw(serving, f"/api/v1/devices?limit=1&x={EVIL}", bearer)
    assert b"link: </api/v1/devices?" in linked.lower()


def test_the_host_that_somebody_names_is_in_no_answer(serving: Serving, client: Client) -> None:
    asking = client("operator")
    ios = {"name": "r1", "address": "10.0.0.1", "platform": "ios"}
    made = asking.post("/devices", json=ios, headers={"Host": "evil.example"})
    assert made.status_code == 201
    assert "evil.example" not in str(made.headers) + made.text


# --- ways in


def test_many_names_with_one_password_each_are_slowed_down_as_one_is(
    serving: Serving, people: dict[str, User]
) -> None:
    leaked = [{"username": f"user{number}", "password": PASSWORD} for number in range(10)]
    answers = [httpx.post(f"{serving.api}/session", json=each) for each in leaked]
    assert [each.status_code for each in answers[:5]] == [401] * 5
    assert answers[-1].status_code == 429
    assert "retry-after" in answers[-1].headers


def test_a_cookie_that_was_there_before_the_login_is_worth_nothing_after_it(
    serving: Serving, people: dict[str, User]
) -> None:
    planted = "planted-by-somebody-else-0123456789abcdefghijk"
    with httpx.Client(base_url=serving.api, headers={"Sec-Fetch-Site": "same-origin"}) as browser:
        browser.cookies.set("rookery_session", planted, domain="127.0.0.1", path="/")
        assert browser.get("/session").status_code == 401
        browser.post("/session", json={"username": "admin", "password": PASSWORD})
    with httpx.Client(base_url=serving.api, cookies={"rookery_session": planted}) as attacker:
        assert attacker.get("/session").status_code == 401


def test_every_login_has_a_secret_of_its_own(serving: Serving, people: dict[str, User]) -> None:
    with httpx.Client(base_url=serving.api, headers={"Sec-Fetch-Site": "same-origin"}) as browser:
        secrets = set()
        for _ in range(2):
            browser.post("/session", json={"username": "admin", "password": PASSWORD})
            secrets |= {cookie.value for cookie in browser.cookies.jar}
    assert len(secrets) == 2


# --- requests of ours to where we are trusted


@pytest.mark.parametrize("host", ["169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "[::]"])
def test_no_webhook_goes_where_only_this_machine_is_trusted(client: Client, host: str) -> None:
    asking = client("admin")
    hook = {"name": "ops", "kind": "webhook", "url": f"http://{host}/latest/meta-data", "secret": "s" * 32}
    assert asking.post("/notifications/channels", json=hook).status_code in {201, 422}
    tested = asking.post("/notifications/channels/ops/test")
    assert tested.status_code >= 400
    assert "meta-data" not in tested.text
