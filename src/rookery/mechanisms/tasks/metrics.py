"""Metrics for Prometheus, asked for when they are scraped: the queue's from its counters, a worker's own.

The library is an extra (`rookery[metrics]`), loaded when metrics are asked for, and in no task's way.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rookery.base.errors import ConfigError, Unavailable
from rookery.mechanisms.tasks.service import health

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

    from rookery.mechanisms.rook import Rook
    from rookery.mechanisms.tasks.measuring import Durations, Measures

log = logging.getLogger(__name__)


def registry_of(rook: Rook, measures: Measures | None = None) -> CollectorRegistry:
    """What there is to tell of the queue, of this process, and of the worker in it. Raises ConfigError."""
    try:
        from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
    except ImportError:
        raise ConfigError("metrics need prometheus-client: pip install 'rookery[metrics]'") from None
    registry = CollectorRegistry(auto_describe=False)
    for common in (ProcessCollector, PlatformCollector, GCCollector):
        common(registry=registry)
    registry.register(QueueCollector(rook))
    if measures is not None:
        registry.register(WorkerCollector(measures))
    return registry


@contextmanager
def serving(registry: CollectorRegistry, port: int, host: str = "127.0.0.1") -> Iterator[int]:
    """Answer Prometheus on this port (0: a free one, which is returned) until the block ends."""
    from prometheus_client import start_http_server

    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise Unavailable(f"Nothing can listen on {host}:{port}: {error.strerror}.") from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class QueueCollector:
    """The queue as a whole, whoever asks: as `rookery queue health` has it."""

    def __init__(self, rook: Rook) -> None:
        self._rook = rook

    def collect(self) -> Iterator[Metric]:
        """Each metric; without a database only that there is none."""
        from prometheus_client.core import GaugeMetricFamily

        try:
            found = health(self._rook)
        except Unavailable as error:
            log.warning("metrics without the queue: %s", error)
            yield GaugeMetricFamily("rookery_database_up", "Whether the database can be read.", 0.0)
            return
        yield GaugeMetricFamily("rookery_database_up", "Whether the database can be read.", 1.0)
        tasks = GaugeMetricFamily(
            "rookery_tasks", "Tasks by type and status; those that have failed are dead.", labels=TYPE_STATUS
        )
        for type_, by_status in found.types.items():
            for status, count in by_status.items():
                tasks.add_metric([type_, str(status)], count)
        yield tasks
        yield GaugeMetricFamily("rookery_workers", "Workers that give signs of life.", len(found.workers))
        yield GaugeMetricFamily(
            "rookery_queue_oldest_seconds", "For how long the next task has waited.", found.oldest_s
        )


TYPE_STATUS = ("type", "status")


class WorkerCollector:
    """What one worker has done since it began."""

    def __init__(self, measures: Measures) -> None:
        self._measures = measures

    def collect(self) -> Iterator[Metric]:
        """Each metric."""
        from prometheus_client.core import CounterMetricFamily

        attempts = CounterMetricFamily(
            "rookery_task_attempts", "Attempts at tasks, by how they ended.", labels=("type", "outcome")
        )
        for (type_, outcome), count in self._measures.attempts.copy().items():
            attempts.add_metric([type_, outcome], count)
        yield attempts
        yield _histogram(
            "rookery_task_wait_seconds", "From when it could begin until it did.", self._measures.waits
        )
        yield _histogram("rookery_task_run_seconds", "How long an attempt took.", self._measures.runs)


def _histogram(name: str, help_: str, by_type: Mapping[str, Durations]) -> Metric:
    from prometheus_client.core import HistogramMetricFamily

    family = HistogramMetricFamily(name, help_, labels=("type",))
    for type_, durations in tuple(by_type.items()):
        family.add_metric([type_], list(durations.up_to()), durations.sum)
    return family
