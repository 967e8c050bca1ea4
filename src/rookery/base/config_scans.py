"""The sections about scans: their manners, what becomes of their findings, and what else is kept of them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from rookery.base.config_sections import RUNTIME, Section


class Scan(Section, frozen=True, kw_only=True):
    """What a scan does unless the command says otherwise."""

    rate_limit: Annotated[
        float,
        Meta(
            ge=0,
            le=100_000,
            description="The most requests per second to all targets; 0: no limit.",
            extra=RUNTIME,
        ),
    ] = 150.0
    concurrency: Annotated[
        int, Meta(ge=1, le=10_000, description="The most requests under way at a time.", extra=RUNTIME)
    ] = 25
    timeout: Annotated[
        float, Meta(ge=0.1, le=600, description="Seconds to wait for an answer.", extra=RUNTIME)
    ] = 10.0
    host_rate_limit: Annotated[
        float,
        Meta(
            ge=0,
            le=100_000,
            description="The most requests per second to one host; 0: no limit.",
            extra=RUNTIME,
        ),
    ] = 0.0
    jitter: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="By how much of itself the time between two requests varies.",
            extra=RUNTIME,
        ),
    ] = 0.1
    retries: Annotated[
        int,
        Meta(ge=0, le=10, description="How often a request that got no answer is sent again.", extra=RUNTIME),
    ] = 1
    longest_pause: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="The most seconds a host that answers 429 or 503 is left in peace at a time.",
            extra=RUNTIME,
        ),
    ] = 60.0
    nuclei_path: Annotated[
        str | None, Meta(description="The nuclei program; not set, it is looked for on PATH.")
    ] = None
    nuclei_targets: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="For how many targets nuclei is started at a time.",
            extra=RUNTIME,
        ),
    ] = 100
    nuclei_memory: Annotated[
        int,
        Meta(
            ge=0,
            le=1 << 24,
            description="The most megabytes of memory for a nuclei; 0: no limit.",
            extra=RUNTIME,
        ),
    ] = 4096
    nmap_path: Annotated[
        str | None, Meta(description="The nmap program; not set, it is looked for on PATH.")
    ] = None
    hang_timeout: Annotated[
        float,
        Meta(
            ge=1,
            le=86_400,
            description="Seconds without any sign of work after which another program counts as hung.",
        ),
    ] = 300.0
    resolvers: Annotated[
        tuple[
            Annotated[str, Meta(pattern=r"^(\[[0-9a-fA-F:.]+\]|[0-9.]+)(:\d{1,5})?$|^[0-9a-fA-F:.]+$")], ...
        ],
        Meta(
            max_length=16,
            description="Name servers that dns templates ask, address or address:port; none: the system's.",
        ),
    ] = ()


class Findings(Section, frozen=True, kw_only=True):
    """What is due when, and when a finding counts as fixed."""

    critical_days: Annotated[
        int, Meta(ge=1, le=3650, description="Days until a critical finding should be fixed.", extra=RUNTIME)
    ] = 7
    high_days: Annotated[int, Meta(ge=1, le=3650, description="The same for a high one.", extra=RUNTIME)] = 30
    medium_days: Annotated[
        int, Meta(ge=1, le=3650, description="The same for a medium one.", extra=RUNTIME)
    ] = 90
    low_days: Annotated[int, Meta(ge=1, le=3650, description="The same for a low one.", extra=RUNTIME)] = 120
    kev_days: Annotated[
        int,
        Meta(
            ge=1,
            le=3650,
            description="The most days for one known to be exploited (CISA's catalogue).",
            extra=RUNTIME,
        ),
    ] = 14
    restart_on_reopen: Annotated[
        bool,
        Meta(description="Whether these days begin again when a fixed finding is seen again.", extra=RUNTIME),
    ] = True
    fixed_after_misses: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="A finding is fixed when so many completed checks in a row have not seen it.",
            extra=RUNTIME,
        ),
    ] = 1


class Runs(Section, frozen=True, kw_only=True):
    """What is kept of a scan beside its findings."""

    keep_days: Annotated[
        int,
        Meta(
            ge=0,
            le=36_500,
            description="Days until a run and its files are deleted, when the next scan starts; 0: never.",
            extra=RUNTIME,
        ),
    ] = 90
    max_bytes: Annotated[
        int,
        Meta(
            ge=0,
            le=1 << 40,
            description="The most bytes of raw items that are kept of one run.",
            extra=RUNTIME,
        ),
    ] = 100_000_000
