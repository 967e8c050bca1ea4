"""What happens is heard as it happens, and whoever missed something hears it all the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import httpx
import pytest

from rookery import app
from rookery.faces.api import feeds
from tests.faces.api.conftest import Client, Serving
from tests.patience import wait_for

IOS = {"platform": "ios", "address": "10.0.0.1"}


class Heard(NamedTuple):
    """A server-sent event."""

    id: str
    name: str
    data: dict[str, object]


@contextmanager
def listening(client: httpx.Client, path: str, **headers: str) -> Iterator[Iterator[Heard]]:
    with client.stream("GET", path, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield heard(answer.iter_lines())


def heard(lines: Iterator[str]) -> Iterator[Heard]:
    fields: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(": ")
        if line:
            fields[key] = value
        elif "data" in fields:
            yield Heard(fields.get("id", ""), fields.get("event", ""), json.loads(fields["data"]))
            fields = {}


def test_events_are_heard_in_order_and_those_missed_afterwards(client: Client) -> None:
    asking = client("operator")
    with listening(asking, "/events") as events:
        for name in ("r1", "r2"):
            asking.post("/devices", json={**IOS, "name": name})
        first, second = next(events), next(events)
        assert (first.name, first.data["object"], first.data["actor"]) == ("device.created", "r1", "operator")
        assert second.data["object"] == "r2"
    asking.post("/devices", json={**IOS, "name": "r3"})
    with listening(asking, "/events", **{"Last-Event-ID": first.id}) as events:
        assert [next(events).data["object"] for _ in range(2)] == ["r2", "r3"]


def test_a_task_is_followed_to_its_end(client: Client, rook: app.Rook) -> None:
    task_id = rook.tasks.submit_task("backups.run", {"filter": "tag:none"})
    with listening(client("viewer"), f"/tasks/{task_id}/events") as events:
        assert next(events).data["status"] == "pending"
        app.worker_of(rook, drains=True).run()
        *_, last = events
    assert (last.name, last.data) == ("end", {"status": "completed"})


def test_what_is_not_there_is_not_followed(client: Client) -> None:
    assert client("viewer").get("/tasks/01234567-nothing/events").status_code == 404
    assert client("viewer").get("/runs/01234567-nothing/events").status_code == 404


def test_the_end_of_the_server_is_the_end_of_its_streams(serving: Serving, client: Client) -> None:
    with listening(client("operator"), "/events") as events:
        serving.stop()
        assert list(events) == []


def test_many_listen_at_once(client: Client) -> None:
    listener, asking = client("operator", limits=httpx.Limits(max_connections=None)), client("operator")
    opened = [listener.stream("GET", "/events") for _ in range(50)]
    answers = [each.__enter__() for each in opened]
    asking.post("/devices", json={**IOS, "name": "r1"})
    try:
        assert {next(heard(answer.iter_lines())).data["object"] for answer in answers} == {"r1"}
    finally:
        for each in opened:
            each.__exit__(None, None, None)


def test_nobody_takes_the_streams_of_others(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MOST_OF_ONE", 1)
    mine, with_another_token = client("operator"), client("operator")
    with listening(mine, "/events") as events:
        mine.post("/devices", json={**IOS, "name": "r1"})
        next(events)
        refused = with_another_token.get("/events")
        assert (refused.status_code, refused.json()["code"]) == (503, "too-many-streams")
        with listening(client("admin"), "/events"):
            pass
    wait_for(lambda: may_listen(mine))


def may_listen(client: httpx.Client) -> bool:
    with client.stream("GET", "/events") as answer:
        return answer.status_code == 200


@pytest.mark.parametrize("place", ["-1", "x"])
def test_a_place_that_is_none_is_refused(client: Client, place: str) -> None:
    assert client("operator").get("/events", params={"after": place}).status_code == 422
