"""While an attempt is made, what is logged names it; and OpenTelemetry, if it is used, has its span."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from rookery.base.logging import logged_with
from rookery.mechanisms.tasks.outcomes import said

if TYPE_CHECKING:
    from rookery.mechanisms.tasks.worker.job import Job


def watched(job: Job) -> AbstractContextManager[None]:
    """Around the call of a task's function, in its thread or coroutine."""
    task = job.task
    naming = logged_with(task_id=task.id, task_type=task.type, attempt=task.attempt)
    return naming if (tracer := _tracer()) is None else _spanned(tracer, job, naming)


@contextmanager
def _spanned(tracer: Any, job: Job, naming: AbstractContextManager[None]) -> Iterator[None]:
    """It records no exception by itself: what an error says may hold a secret."""
    task = job.task
    attributes = {
        "rookery.task.id": task.id,
        "rookery.task.type": task.type,
        "rookery.task.attempt": task.attempt,
        "rookery.actor": task.actor,
    }
    spanning = tracer.start_as_current_span(
        f"task {task.type}", attributes=attributes, record_exception=False, set_status_on_exception=False
    )
    with naming, spanning as span:
        try:
            yield
        except BaseException as error:
            _failed(span, error)
            raise


def _failed(span: Any, error: BaseException) -> None:
    from opentelemetry.trace import Status, StatusCode

    span.set_attribute("error.type", type(error).__name__)
    span.set_status(Status(StatusCode.ERROR, said(error)[:500]))


def _tracer() -> Any:
    """The library's; None where nobody has told it where spans go, for which it would have been imported."""
    library = sys.modules.get("opentelemetry.trace")
    if library is None or isinstance(library.get_tracer_provider(), library.ProxyTracerProvider):
        return None
    return library.get_tracer("rookery")
