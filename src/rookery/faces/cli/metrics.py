"""The options `--metrics-port` and `--metrics-host` of what Prometheus may ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rookery.faces.cli.output import note

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.mechanisms.tasks.measuring import Measures

C = TypeVar("C", bound=Callable[..., Any])


def metrics_options(command: C) -> C:
    """Both, given to the command as `metrics_port` (None: no metrics) and `metrics_host`."""
    port = click.option(
        "--metrics-port",
        type=click.IntRange(0, 65535),
        metavar="PORT",
        help="Answer Prometheus on this port; 0: any free one.",
    )
    host = click.option(
        "--metrics-host",
        default="127.0.0.1",
        show_default=True,
        metavar="ADDRESS",
        help="Whoever reaches it may read the metrics.",
    )
    return port(host(command))


@contextmanager
def metrics_served(rook: Rook, measures: Measures, port: int | None, host: str) -> Iterator[None]:
    """Answer Prometheus until the block ends, if there is a port for it."""
    if port is None:
        yield
        return
    from rookery.mechanisms.tasks.metrics import registry_of, serving

    with serving(registry_of(rook, measures), port, host) as taken:
        note(f"Metrics: http://{f'[{host}]' if ':' in host else host}:{taken}/metrics")
        yield
