"""What can be seen of workers from outside: metrics for Prometheus, log lines, spans of OpenTelemetry."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import make_url

from rookery import app
from rookery.base.errors import FatalError, Unavailable
from rookery.base.logging import start_logging
from rookery.base.redact import register_secret
from rookery.mechanisms.tasks.context import TaskContext
from rookery.mechanisms.tasks.measuring import Durations, Measures
from rookery.mechanisms.tasks.metrics import registry_of, serving
from rookery.mechanisms.tasks.registry import TaskType
from rookery.mechanisms.tasks.worker.embedded import embedded
from tests.conftest import _administer, _config
from tests.workers import ended

log = logging.getLogger("rookery.test.tasks")


def speak(_rook: Any, _context: TaskContext, payload: Any) -> None:
    """Logs from wherever a task may; fails when it is told to."""
    log.warning("in the task")
    if said := payload.get("error"):
        raise FatalError(said)


async def speak_on_the_loop(rook: Any, context: TaskContext, payload: Any) -> None:
    """The same, and from a thread beside the loop."""
    await rook.run_sync(lambda plain: plain.offload(log.warning, "beside the loop"))
    speak(rook, context, payload)


TYPES = (
    TaskType(name="test.thread", function=speak),
    TaskType(name="test.loop", function=speak_on_the_loop, runs="loop"),
)


@pytest.fixture
def house(sqlite_url: str, data_dir: Path) -> Iterator[app.Rook]:
    with app.open(config=_config(sqlite_url, data_dir), actor="alice", types=TYPES) as rook:
        yield rook


class Samples(dict[tuple[str, frozenset[str]], float]):
    """What Prometheus reads: `samples("name", "label", …)`, in whatever order."""

    def __call__(self, name: str, *labels: str) -> float:
        return self[name, frozenset(labels)]


def samples(port: int) -> Samples:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    found = (each for family in families for each in family.samples)
    return Samples({(each.name, frozenset(each.labels.values())): each.value for each in found})


# --- metrics


def test_a_duration_counts_in_each_class_it_is_not_longer_than() -> None:
    durations = Durations()
    for seconds in (0.0, 0.01, 0.02, 100_000.0):
        durations.add(seconds)
    classes = dict(durations.up_to())
    assert (classes["0.01"], classes["0.05"], classes["14400.0"], classes["+Inf"]) == (2, 3, 3, 4)
    assert durations.sum == pytest.approx(100_000.03)


def test_a_clock_that_was_set_back_makes_no_negative_durations() -> None:
    measures = Measures()
    measures.began("t", -5.0)
    assert measures.waits["t"].sum == 0.0


def test_prometheus_reads_how_the_queue_is_and_what_the_worker_did(house: app.Rook) -> None:
    worker = app.worker_of(house)
    waiting = house.tasks.submit_task("test.thread", {"error": "enough"})
    with serving(registry_of(house, worker.measures), 0) as port:
        before = samples(port)
        assert before("rookery_tasks", "test.thread", "pending") == 1
        assert (before("rookery_workers"), before("rookery_database_up")) == (0, 1)
        with embedded(worker):
            for task_id in (waiting, house.tasks.submit_task("test.loop")):
                ended(house, task_id)
            after = samples(port)
    assert after("rookery_tasks", "test.thread", "failed") == 1
    assert after("rookery_tasks", "test.thread", "pending") == 0
    assert after("rookery_workers") == 1
    assert after("rookery_task_attempts_total", "test.thread", "failed") == 1
    assert after("rookery_task_attempts_total", "test.loop", "completed") == 1
    for name in ("rookery_task_wait_seconds", "rookery_task_run_seconds"):
        assert after(f"{name}_count", "test.loop") == after(f"{name}_bucket", "test.loop", "+Inf") == 1
        assert after(f"{name}_sum", "test.loop") > 0
    assert after("process_resident_memory_bytes") > 0
    with pytest.raises(urllib.error.URLError):
        samples(port)


@pytest.mark.postgres
def test_without_a_database_prometheus_reads_that_there_is_none(postgres_url: str, data_dir: Path) -> None:
    database = make_url(postgres_url).database
    with app.open(config=_config(postgres_url, data_dir), types=TYPES) as rook:
        _administer(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')
        _administer(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")
        with serving(registry_of(rook), 0) as port:
            read = samples(port)
    assert read("rookery_database_up") == 0
    assert "rookery_workers" not in {name for name, _ in read}


def test_a_port_that_is_taken_is_named(house: app.Rook) -> None:
    registry = registry_of(house)
    with (
        serving(registry, 0) as port,
        pytest.raises(Unavailable, match=f"127.0.0.1:{port}"),
        serving(registry, port),
    ):
        raise AssertionError("unreachable")


def test_without_its_library_metrics_say_what_to_install() -> None:
    program = (
        "import sys; sys.modules['prometheus_client'] = None\n"
        "from rookery.mechanisms.tasks.metrics import registry_of\nregistry_of(None)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "pip install 'rookery[metrics]'" in run.stderr


# --- log lines


def test_what_a_task_logs_names_it_wherever_it_logs_it(house: app.Rook) -> None:
    root = logging.getLogger()
    handlers, level, stream = list(root.handlers), root.level, io.StringIO()
    start_logging("info", "json", stream)
    try:
        ids = [house.tasks.submit_task(name) for name in ("test.thread", "test.loop")]
        with embedded(app.worker_of(house)):
            for task_id in ids:
                ended(house, task_id)
    finally:
        root.handlers = handlers
        root.setLevel(level)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    said = {(line["message"], line.get("task_id"), line.get("task_type")) for line in lines}
    assert said >= {
        ("in the task", ids[0], "test.thread"),
        ("in the task", ids[1], "test.loop"),
        ("beside the loop", ids[1], "test.loop"),
    }
    over = [line for line in lines if line.get("status") == "completed"]
    assert {line["task_id"] for line in over} == set(ids)


# --- spans


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    """Where spans go: the library takes one provider for each process."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with suppress(Exception):
        trace.set_tracer_provider(provider)
    return exporter


@pytest.mark.parametrize("type_", ["test.thread", "test.loop"])
def test_an_attempt_is_a_span_that_says_whose_it_is_and_how_it_ended(
    house: app.Rook, exporter: InMemorySpanExporter, type_: str
) -> None:
    register_secret("tr0ub4dor")
    exporter.clear()
    good = house.tasks.submit_task(type_)
    bad = house.tasks.submit_task(type_, {"error": "the password is tr0ub4dor"})
    with embedded(app.worker_of(house, concurrency=1)):
        ended(house, good)
        ended(house, bad)
    spans = {
        span.attributes["rookery.task.id"]: span for span in exporter.get_finished_spans() if span.attributes
    }
    assert spans.keys() == {good, bad}
    assert spans[good].name == f"task {type_}"
    assert spans[good].status.is_ok
    assert dict(spans[bad].attributes or {}) == {
        "rookery.task.id": bad,
        "rookery.task.type": type_,
        "rookery.task.attempt": 1,
        "rookery.actor": "alice",
        "error.type": "FatalError",
    }
    assert not spans[bad].status.is_ok
    assert "tr0ub4dor" not in spans[bad].to_json()
