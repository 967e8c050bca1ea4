"""The sections of the settings: each setting with its type, bounds, default and meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

RUNTIME: Final[dict[str, Any]] = {"runtime": True}
"""Marks what may be set in the database while Rookery runs: whoever uses it asks `Rook.current_config`."""

SqlUrl = Annotated[
    str,
    Meta(
        pattern=r"^(sqlite|postgresql)(\+[a-z]+)?://",
        extra={"allowed": "a URL, sqlite:///FILE or postgresql://USER@HOST/DATABASE", "hidden": True},
    ),
]
MongoUrl = Annotated[
    str,
    Meta(
        pattern=r"^mongodb(\+srv)?://",
        extra={"allowed": "a URL, mongodb://HOST/DATABASE", "hidden": True},
    ),
]


class Section(msgspec.Struct, frozen=True):
    """One [section] of the file."""


class Database(Section, frozen=True, kw_only=True):
    """Where rows live."""

    url: Annotated[
        SqlUrl | None, Meta(description="The SQL database. Not set, it is SQLite in `data_dir/rookery.db`.")
    ] = None
    sync_commits: Annotated[
        bool,
        Meta(
            description="Whether a commit on SQLite waits for the disk, so that a power failure costs "
            "nothing either; the audit log always does. The death of a process costs nothing in any case."
        ),
    ] = False


class Hooks(Section, frozen=True, kw_only=True):
    """Functions that are called on a runner's events."""

    pool_size: Annotated[
        int, Meta(ge=1, le=64, description="How many async hook queues may deliver at the same time.")
    ] = 4
    batch_size: Annotated[
        int, Meta(ge=1, le=100_000, description="Deliver to an async hook when this many items wait.")
    ] = 100
    batch_interval: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="Deliver when the oldest item has waited this many seconds; 0: at once.",
        ),
    ] = 5.0
    modules: Annotated[
        tuple[str, ...],
        Meta(
            description="Hook modules: dotted names, or paths of Python files, relative to the settings file."
        ),
    ] = ()


class MongoDB(Section, frozen=True, kw_only=True):
    """A MongoDB that findings are copied to."""

    enabled: Annotated[bool, Meta(description="Whether findings are copied to MongoDB.")] = False
    url: Annotated[MongoUrl, Meta(description="The server and the database.")] = (
        "mongodb://127.0.0.1:27017/rookery"
    )
    database: Annotated[
        str | None,
        Meta(
            min_length=1,
            max_length=63,
            description="The database. Not set, it is the one in the URL, or `rookery`.",
            extra={"allowed": "a name of at most 63 characters"},
        ),
    ] = None
    indexes: Annotated[
        tuple[str, ...],
        Meta(
            description="The indexes of the collection `findings`, made when a run starts: fields separated "
            "by spaces, `-` before one that descends.",
        ),
    ] = ("project_id -severity_rank -last_seen", "template_id", "target", "run_ids", "cve")
    batch_size: Annotated[int, Meta(ge=1, le=100_000, description="Write when this many findings wait.")] = (
        100
    )
    batch_interval: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="Write when the oldest finding has waited this many seconds; 0: at once.",
        ),
    ] = 5.0
    max_pool_size: Annotated[
        int, Meta(ge=0, le=1000, description="The most connections kept open; 0: as many as are asked for.")
    ] = 10
    server_selection_timeout_ms: Annotated[
        int,
        Meta(ge=0, le=600_000, description="Milliseconds to look for a server; 0: one attempt, no waiting."),
    ] = 5000


class Audit(Section, frozen=True, kw_only=True, rename={"is_async": "async"}):
    """The audit log."""

    is_async: Annotated[
        bool,
        Meta(description="Whether `record` returns before its entry is in the database."),
    ] = True
    queue_maxsize: Annotated[
        int,
        Meta(
            ge=1, le=10_000_000, description="Entries that may wait for the database before `record` waits."
        ),
    ] = 10_000


class Logging(Section, frozen=True, kw_only=True):
    """What Rookery says of itself, on standard error."""

    level: Annotated[
        Literal["debug", "info", "warning", "error", "critical"],
        Meta(description="The least level that is written."),
    ] = "warning"
    format: Annotated[
        Literal["auto", "human", "json"],
        Meta(
            description="Lines for people, JSON lines, or `auto`: for people on a terminal, JSON elsewhere."
        ),
    ] = "auto"


class Queue(Section, frozen=True, kw_only=True):
    """Tasks: the long work that is done beside whoever asks for it."""

    enabled: Annotated[
        bool, Meta(description="Whether `submit_scan_async` leaves its scan to a worker, or does it at once.")
    ] = True
    backend: Annotated[
        Literal["inline", "database", "rq"],
        Meta(
            description="Who runs tasks: whoever submits them, workers that look into the database, or "
            "workers of RQ on Redis."
        ),
    ] = "database"
    redis_url: Annotated[
        str,
        Meta(
            pattern=r"^(rediss?|unix)://",
            description="The Redis of the `rq` backend.",
            extra={"allowed": "a URL, redis://HOST:6379/0", "hidden": True},
        ),
    ] = "redis://127.0.0.1:6379/0"
    concurrency: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="How many tasks a worker runs at the same time.",
            extra=RUNTIME,
        ),
    ] = 4
    grace: Annotated[
        float,
        Meta(ge=0, le=3600, description="Seconds that running tasks have to end when their worker stops."),
    ] = 30.0
    keep_days: Annotated[
        int,
        Meta(
            ge=0,
            le=36_500,
            description="Days until a task that has ended is deleted; 0: never.",
            extra=RUNTIME,
        ),
    ] = 30
    artifact_days: Annotated[
        int,
        Meta(
            ge=0,
            le=36_500,
            description="Days until the files of a task that has ended are deleted; with the task at the "
            "latest, which 0 means.",
            extra=RUNTIME,
        ),
    ] = 30
    scans_per_target: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="How many scans of one target may run at the same time; a scan keeps the limit "
            "that it was submitted with.",
            extra=RUNTIME,
        ),
    ] = 1


class Templates(Section, frozen=True, kw_only=True):
    """The checks a scan runs."""

    unsigned: Annotated[
        Literal["run", "warn", "refuse"],
        Meta(
            description="What becomes of templates that no trusted key has signed, or that were changed "
            "afterwards. `run` does not look at signatures; those that ship with Rookery always run."
        ),
    ] = "run"
    trusted_keys: Annotated[
        tuple[Path, ...],
        Meta(
            description="Files with a public key or certificate (ECDSA, PEM) whose signatures count, beside "
            "that of nuclei's own templates; relative to the settings file.",
            extra={"allowed": "a list of paths"},
        ),
    ] = ()


class Notifications(Section, frozen=True, kw_only=True):
    """What is told of what happens."""

    base_url: Annotated[
        str,
        Meta(
            max_length=500,
            pattern=r"^(https?://\S+)?$",
            description="Where people find Rookery: at the end of each message. Empty: left out.",
            extra={"allowed": "a URL, https://HOST", **RUNTIME},
        ),
    ] = ""
    keep_days: Annotated[
        int,
        Meta(
            ge=0,
            le=36_500,
            description="Days until a notification is forgotten that was told, or failed; 0: never.",
            extra=RUNTIME,
        ),
    ] = 90
