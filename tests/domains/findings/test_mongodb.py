"""The MongoDB hook: what it writes, what it isolates, and what it does while the server is away."""

from __future__ import annotations

import asyncio
import os
import pickle
import re
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from rookery import app
from rookery.base.config import Config, MongoDB
from rookery.base.errors import ConfigError
from rookery.demo import WeakServer
from rookery.domains.findings.items import Vulnerability
from rookery.domains.findings.mongodb.clients import AsyncStore, Document, Store
from rookery.domains.findings.mongodb.documents import LARGEST_DOCUMENT, written
from rookery.domains.findings.mongodb.hook import ASYNC_HOOKS, CopyToMongoDB, copying, deliver_leftovers
from rookery.domains.scans.plan import ScanPlan
from rookery.mechanisms.hooks import AsyncHookManager, Error, HookSettings, Info
from rookery.mechanisms.writebehind import PermanentError, TransientError
from tests import servers
from tests.patience import PATIENCE

pytestmark = pytest.mark.mongodb
HERE = "mongodb://127.0.0.1:9/rookery"


@pytest.fixture
def settings(mongodb_url: str) -> MongoDB:
    return MongoDB(url=mongodb_url, enabled=True, batch_interval=0.1)


@pytest.fixture
def store(settings: MongoDB) -> Iterator[Store]:
    store = Store(settings)
    yield store
    store.close()


@pytest.fixture
def away() -> MongoDB:
    """Where no server listens."""
    url = f"mongodb://127.0.0.1:{servers.free_port()}/away"
    return MongoDB(url=url, enabled=True, batch_interval=0.1, server_selection_timeout_ms=100)


def sighting(number: int = 0, **different: Any) -> Vulnerability:
    facts: dict[str, Any] = {
        "template_id": "git-config",
        "name": "Exposed",
        "severity": "medium",
        "target": "http://127.0.0.1:8080",
        "matched_at": f"http://127.0.0.1:8080/{number}",
        "run_id": "run-1",
    }
    return Vulnerability(**(facts | different))


class Standing:
    """What the hook asks of a runner."""

    run_id, name, targets = "run-1", "templates", ("http://127.0.0.1",)


def delivered(
    settings: MongoDB, items: Sequence[Vulnerability], spool: Path, drain: float | None = PATIENCE
) -> list[Error]:
    """Put items through the hook as a run does; what is reported of it."""
    hooks = copying(settings)

    async def run() -> list[Error]:
        manager = AsyncHookManager(None, hooks.functions, settings=HookSettings(), spool=spool)
        for item in items:
            for function in hooks.functions:
                if function.batching:
                    await manager.submit(function, item)
        await manager.close(drain)
        return manager.errors()

    with asyncio.Runner() as runner:
        return runner.run(run())


BAD: dict[str, dict[str, Any]] = {
    "too large": {"description": "x" * (LARGEST_DOCUMENT + 1)},
    "no text": {"description": "\ud800"},
    "too great a number": {"meta": {"number": 1 << 70}},
}


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_document_is_named_and_its_neighbours_are_written(store: Store, fault: str) -> None:
    bad, good = sighting(1, **BAD[fault]), [sighting(0), sighting(2)]
    with pytest.raises(PermanentError, match=bad.finding_id):
        store.write([good[0], bad, good[1]])
    assert all(store.get(item.finding_id) for item in good)
    assert store.get(bad.finding_id) is None


def test_a_bad_document_becomes_a_dead_letter_and_is_reported(
    settings: MongoDB, store: Store, tmp_path: Path
) -> None:
    items = [sighting(number) for number in range(12)]
    items[7] = sighting(7, **BAD["too great a number"])
    [error] = delivered(settings, items, tmp_path)
    assert (error.ids, "(dead letters)" in error.message) == ([items[7]._uuid], True)
    assert "OverflowError" in error.message
    assert sum(store.get(item.finding_id) is not None for item in items) == 11
    [dead] = tmp_path.glob("*/dead.jsonl")
    assert items[7]._uuid in dead.read_text()


def test_what_the_server_refuses_is_told_from_what_somebody_else_has_written() -> None:
    """As MongoDB accounts for it; FerretDB lacks the account."""
    account = {
        "writeErrors": [
            {"index": 1, "code": 11000, "errmsg": "E11000 duplicate key"},
            {"index": 2, "code": 121, "errmsg": "Document failed validation"},
        ],
        "upserted": [{"index": 0, "_id": "a"}],
    }
    outcome = written(account)
    assert (set(outcome.made), set(outcome.raced)) == ({0}, {1})
    assert outcome.refused == {2: "Document failed validation"}


def test_an_async_caller_writes_the_same(settings: MongoDB, store: Store) -> None:
    async def write() -> Document | None:
        other = AsyncStore(settings)
        await other.write([sighting(0), sighting(1)])
        await other.write([sighting(1, name="new")])
        try:
            with pytest.raises(PermanentError):
                await other.write([sighting(2, **BAD["no text"])])
            return await other.get(sighting(1).finding_id)
        finally:
            await other.aclose()

    with asyncio.Runner() as runner:
        assert runner.run(write()) == store.get(sighting(1).finding_id)
    found = store.get(sighting(1).finding_id)
    assert found
    assert found["name"] == "new"


def test_indexes_and_database_are_as_configured(mongodb_url: str, settings: MongoDB, store: Store) -> None:
    store.write([sighting()])
    keys = [index["key"] for index in store.findings.index_information().values()]
    assert [("project_id", 1), ("severity_rank", -1), ("last_seen", -1)] in keys
    name = f"{mongodb_url.rpartition('/')[2]}_other"
    other = Store(MongoDB(url=mongodb_url, database=name, indexes=("-version name",)))
    other.write([sighting()])
    assert [("version", -1), ("name", 1)] in [
        index["key"] for index in other.findings.index_information().values()
    ]
    assert other.findings.database.name == name
    other.findings.database.client.drop_database(name)
    other.close()


def test_another_process_finds_the_indexes_there_and_adds_its_sightings(
    settings: MongoDB, store: Store
) -> None:
    """Whichever comes first."""
    for number in (1, 0, 2):
        own = Store(settings)
        own.write([sighting(run_id=f"run-{number}", name=f"name {number}", _timestamp=1_000.0 + number)])
        own.close()
    document = store.get(sighting().finding_id)
    assert document
    assert (document["name"], document["version"]) == ("name 2", 1_002_000_000)
    assert (document["run_ids"], document["first_seen"].timestamp()) == (["run-1", "run-0", "run-2"], 1_000)


def test_the_indexes_are_there_before_anything_is_found(settings: MongoDB, store: Store) -> None:
    copy = CopyToMongoDB(settings)
    copy.start_runner(Standing())  # type: ignore[arg-type]
    copy.close()
    assert len(store.findings.index_information()) == 1 + len(settings.indexes)


def test_an_index_that_is_refused_is_said_and_costs_no_finding(
    mongodb_url: str, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.findings.create_index("name", name="mine")
    settings = MongoDB(url=mongodb_url, enabled=True, indexes=("name", "host"))
    said = r"^mongodb\.indexes: findings are copied without some of them: .*different name: mine$"
    copy = CopyToMongoDB(settings)
    with pytest.raises(ConfigError, match=said):
        copy.start_runner(Standing())  # type: ignore[arg-type]
    copy.update_finding(None, [sighting(0)])
    copy.close()
    assert store.get(sighting(0).finding_id)
    assert "host_1" in store.findings.index_information()

    async def write() -> None:
        other = AsyncStore(settings)
        for number in (1, 2):
            await other.write([sighting(number)])
        await other.aclose()

    with asyncio.Runner() as runner:
        runner.run(write())
    assert store.get(sighting(2).finding_id)
    told = [record.message for record in caplog.records if record.name.startswith("rookery.")]
    assert [bool(re.match(said, message)) for message in told] == [True], "it is said once"


def test_a_url_that_is_none_is_named() -> None:
    with pytest.raises(ConfigError, match=r"mongodb\.url cannot be used"):
        copying(MongoDB(url="mongodb://[", enabled=True))


def test_without_a_server_a_write_may_be_tried_again(away: MongoDB) -> None:
    store = Store(away)
    with pytest.raises(TransientError, match=r"^MongoDB does not answer: \S+: .*Connection refused$"):
        store.write([sighting()])
    assert not store.is_reachable()
    store.write([Info(message="no sighting")])  # needs no server
    store.close()


def test_a_server_that_says_nothing_is_not_waited_for_without_end(tmp_path: Path) -> None:
    servers.mongodb_url()  # skips where there is none to start
    port = servers.free_port()
    pid = int(str(servers.start_ferretdb(tmp_path / "ferretdb", port)["pid"]))
    store = Store(MongoDB(url=f"mongodb://127.0.0.1:{port}/x?socketTimeoutMS=200", enabled=True))
    try:
        store.write([sighting(0)])
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(TransientError, match=r"^MongoDB does not answer: \S+: timed out$"):
            store.write([sighting(1)])
        os.kill(pid, signal.SIGCONT)
        store.write([sighting(1)])
        assert store.get(sighting(1).finding_id)
    finally:
        os.kill(pid, signal.SIGCONT)
        store.close()
        servers.stop(pid)


def test_how_long_an_answer_is_waited_for_may_be_in_the_url() -> None:
    for url, patience in ((HERE, 30.0), (f"{HERE}?socketTimeoutMS=5000", 5.0)):
        store = Store(MongoDB(url=url))
        assert store.findings.database.client.options.pool_options.socket_timeout == patience
        store.close()


def test_what_a_server_that_is_away_did_not_get_is_delivered_when_it_is_back(tmp_path: Path) -> None:
    servers.mongodb_url()  # skips where there is none to start
    home, spools, port = tmp_path / "ferretdb", tmp_path / "spools", servers.free_port()
    settings = MongoDB(
        url=f"mongodb://127.0.0.1:{port}/later",
        enabled=True,
        batch_interval=0.1,
        server_selection_timeout_ms=500,
    )
    items = [sighting(number) for number in range(5)]
    errors = delivered(settings, items, spools, drain=2.0)
    assert any("stay in the spool" in error.message for error in errors)
    deliver_leftovers(settings, spools)  # says so, and leaves them
    pid = int(str(servers.start_ferretdb(home, port)["pid"]))
    try:
        deliver_leftovers(settings, spools)
        store = Store(settings)
        assert all(store.get(item.finding_id) for item in items)
        store.close()
    finally:
        servers.stop(pid)


def test_a_scan_copies_its_findings_and_how_it_went(
    settings: MongoDB, store: Store, data_dir: Path, sqlite_url: str, weak_server: WeakServer
) -> None:
    config = Config(data_dir=data_dir, mongodb=settings)
    with app.open(config=config, actor="tester") as rook:
        plan = ScanPlan(endpoints=(weak_server.url,), severity_levels=("critical", "high"))
        result = rook.scans.submit_scan(plan)
        rows = rook.findings.list()
    assert (result.error_count, result.errors) == (0, ())
    assert rows
    for row in rows:
        copy = store.get(row.id)
        assert copy
        assert (copy["name"], copy["version"]) == (row.name, row.last_seen_us)
    run = store.findings.database["runs"].find_one({"_id": result.run_id})
    assert run
    assert (run["status"], run["findings"]) == ("ended", result.severities)
    assert run.keys() == {"_id", "tool", "target_count", "targets", "findings", "updated", "status"}


def test_a_run_tells_a_server_that_is_away_nothing_until_its_end(away: MongoDB) -> None:
    copy, runner = CopyToMongoDB(away), Standing()
    with pytest.raises(TransientError, match="Connection refused"):
        copy.update_runner(runner)  # type: ignore[arg-type]
    copy.update_runner(runner)  # type: ignore[arg-type]  # does not even try, or it would raise
    with pytest.raises(TransientError, match="Connection refused"):
        copy.end_runner(runner)  # type: ignore[arg-type]
    copy.close()


def test_the_hook_is_batched_as_configured_and_travels_to_another_process(settings: MongoDB) -> None:
    by_name = {function.call.__name__: function for function in copying(settings).functions}
    assert {name for name, function in by_name.items() if function.batching} == ASYNC_HOOKS
    batching = by_name["update_finding"].batching
    assert batching
    assert (batching.batch_size, batching.batch_interval) == (settings.batch_size, 0.1)
    copy = pickle.loads(pickle.dumps(by_name["update_finding"]))  # noqa: S301  our own bytes
    assert copy.call.__self__.settings == settings


def test_nothing_is_copied_where_that_is_not_enabled() -> None:
    assert len(copying(MongoDB())) == 0
