"""What to scan and with what, and what came of it."""

from __future__ import annotations

from pathlib import Path

import msgspec


class ScanPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What to scan, and with what.

    `endpoints` are http(s) URLs, `templates` files or folders of nuclei-format templates (none: those that
    ship with Rookery), `severity_levels` nuclei's words (none: all). `rate_limit` is in requests per second
    over all endpoints (0: no limit), `concurrency` in requests under way, `timeout` in seconds per answer;
    None takes what is configured. `run_id` is the id of the one run of this plan; without it, the plan can be
    run as often as you like, and each run gets an id of its own.
    """

    endpoints: tuple[str, ...]
    templates: tuple[Path, ...] = ()
    severity_levels: tuple[str, ...] = ()
    rate_limit: float | None = None
    concurrency: int | None = None
    timeout: float | None = None
    run_id: str = ""


class ScanResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a scan.

    `success` is false when it was interrupted, broke off or reached no target; `error` then says why. Errors
    at some targets (`errors`, one line each) do not make it unsuccessful. `severities` counts findings by
    word, `skipped` templates by reason, `unreached_count` endpoints that gave no answer at all.
    """

    run_id: str
    success: bool
    endpoint_count: int
    unreached_count: int
    template_count: int
    request_count: int
    finding_count: int
    severities: dict[str, int]
    skipped: dict[str, int]
    errors: tuple[str, ...]
    error_count: int
    duration_ms: int
    error: str = ""
