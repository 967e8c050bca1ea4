"""Configuration: every setting with its type, bounds, default and meaning, and the function that loads it.

Later sources win: defaults, /etc/rookery/rookery.toml, $XDG_CONFIG_HOME/rookery/rookery.toml, ./rookery.toml,
the environment (ROOKERY_SECTION__KEY, or ROOKERY_SECTION__KEY_FILE naming a file that holds the value), and
what the caller gives. A path given to `load_config` replaces the search for files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from rookery.base import config_sources as sources
from rookery.base.config_values import Setting, convert, register_secrets
from rookery.base.errors import ConfigError

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


class Scan(Section, frozen=True, kw_only=True):
    """What a scan does unless the command says otherwise."""

    rate_limit: Annotated[
        float, Meta(ge=0, le=100_000, description="The most requests per second to all targets; 0: no limit.")
    ] = 150.0
    concurrency: Annotated[
        int, Meta(ge=1, le=10_000, description="The most requests under way at a time.")
    ] = 25
    timeout: Annotated[float, Meta(ge=0.1, le=600, description="Seconds to wait for an answer.")] = 10.0


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Every effective setting."""

    data_dir: Annotated[
        Path,
        Meta(description="The folder of the database, keys and spools: the one to back up."),
    ]
    database: Database = Database()
    hooks: Hooks = Hooks()
    mongodb: MongoDB = MongoDB()
    audit: Audit = Audit()
    logging: Logging = Logging()
    scan: Scan = Scan()

    @property
    def database_url(self) -> str:
        """The database that is used: the one set, or SQLite in data_dir."""
        return self.database.url or f"sqlite:///{self.data_dir / 'rookery.db'}"


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration, the origin of each setting by its key (`hooks.pool_size`), and the files read."""

    config: Config
    origins: Mapping[str, str]
    files: tuple[Path, ...]


@lru_cache(maxsize=1)
def settings() -> Mapping[str, Setting]:
    """Every setting by its key, in the order of the reference."""
    return {setting.key: setting for setting in _settings()}


def sections() -> Mapping[str, type[Section]]:
    """Every section by its name in the file."""
    return {
        field.encode_name: field.type for field in msgspec.structs.fields(Config) if _is_section(field.type)
    }


def load_config(
    path: Path | None = None, environ: Mapping[str, str] | None = None, *, data_dir: Path | None = None
) -> Loaded:
    """Read every source and return the effective configuration; register its secrets for redaction.

    Raises ConfigError, one line that names the key, where it came from, what is allowed and what is nearest.
    """
    environ = os.environ if environ is None else environ
    files = [sources.read(path)] if path else sources.found(environ)
    entries = [entry for file in files for entry in sources.file_entries(file)]
    entries += sources.environment_entries(environ, settings())
    if data_dir is not None:
        entries.append(sources.Entry("data_dir", str(data_dir), "argument", Path.cwd()))
    register_secrets(entries)
    values: dict[str, Any] = {}
    origins = dict.fromkeys(settings(), "default")
    for entry in entries:
        if entry.key in sections() and entry.value == {}:
            continue
        values[entry.key] = convert(entry, settings())
        origins[entry.key] = entry.origin
    if "data_dir" not in values:
        values["data_dir"] = default_data_dir(environ)
    return Loaded(config=_built(values), origins=origins, files=tuple(file.path for file in files))


def effective(config: Config) -> dict[str, Any]:
    """Every setting's value by key, the database's default resolved; may hold secrets."""
    values = {key: _value(config, setting) for key, setting in settings().items()}
    return values | {"database.url": config.database_url}


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """$XDG_DATA_HOME/rookery where that is set, /var/lib/rookery for root, else the platform's place.

    Raises ConfigError for a user who has no home.
    """
    if home := environ.get("XDG_DATA_HOME"):
        return Path(home) / "rookery"
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/rookery")
    from platformdirs import user_data_path

    try:
        return user_data_path("rookery", appauthor=False)
    except RuntimeError:
        raise ConfigError("this user has no home to keep data in: set ROOKERY_DATA_DIR") from None


def _settings() -> Iterator[Setting]:
    for field in msgspec.structs.fields(Config):
        if not _is_section(field.type):
            yield Setting.of(field.encode_name, field)
            continue
        for inner in msgspec.structs.fields(field.type):
            yield Setting.of(f"{field.encode_name}.{inner.encode_name}", inner)


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)


def _built(values: Mapping[str, Any]) -> Config:
    tree: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        section, _, _ = key.rpartition(".")
        tree.setdefault(section, {})[settings()[key].attribute] = value
    parts = {name: section(**tree.get(name, {})) for name, section in sections().items()}
    return Config(**tree[""], **parts)  # type: ignore[arg-type]  # each converted to its own field's type


def _value(config: Config, setting: Setting) -> Any:
    section, _, _ = setting.key.rpartition(".")
    return getattr(getattr(config, section) if section else config, setting.attribute)
