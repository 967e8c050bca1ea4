"""A host that keeps failing is left alone, so that one dead host does not cost a scan its time."""

from __future__ import annotations

from collections import Counter

from rookery.mechanisms.transport.errors import HostSkipped, TransportError, UnknownHost

MOST_ERRORS = 30  # in a row; nuclei's -max-host-error


class HostBudget:
    """Counts errors in a row per host and port. A name that does not resolve uses up its budget at once."""

    def __init__(self, most_errors: int = MOST_ERRORS) -> None:
        self._most = most_errors
        self._errors: Counter[tuple[str, int]] = Counter()
        self.skipped: Counter[tuple[str, int]] = Counter()

    def check(self, host: str, port: int) -> None:
        """HostSkipped when the host has used up its budget."""
        if self._errors[host, port] >= self._most:
            self.skipped[host, port] += 1
            raise HostSkipped(f"{host}:{port} was left alone after {self._most} errors in a row")

    def succeeded(self, host: str, port: int) -> None:
        """The host answered: it starts again."""
        self._errors.pop((host, port), None)

    def failed(self, host: str, port: int, error: TransportError) -> None:
        """The host did not answer."""
        self._errors[host, port] += self._most if isinstance(error, UnknownHost) else 1
