"""Configuration: all sections of the settings together, and the function that loads them.

Later sources win: defaults, /etc/rookery/rookery.toml, $XDG_CONFIG_HOME/rookery/rookery.toml, ./rookery.toml,
the environment (ROOKERY_SECTION__KEY, or ROOKERY_SECTION__KEY_FILE naming a file that holds the value), and
what the caller gives. A path given to `load_config` replaces the search for files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, structs

from rookery.base import config_sources as sources
from rookery.base.config_faces import Api
from rookery.base.config_fleet import Backups, Vault
from rookery.base.config_scans import Findings, Runs, Scan
from rookery.base.config_sections import (
    Audit,
    Database,
    Hooks,
    Logging,
    MongoDB,
    Notifications,
    Queue,
    Section,
    Templates,
)
from rookery.base.config_values import Setting, convert, register_secrets
from rookery.base.errors import ConfigError

__all__ = [
    "Api",
    "Audit",
    "Backups",
    "Config",
    "Database",
    "Findings",
    "Hooks",
    "Loaded",
    "Logging",
    "MongoDB",
    "Notifications",
    "Queue",
    "Runs",
    "Scan",
    "Section",
    "Templates",
    "Vault",
    "decode_config",
    "default_data_dir",
    "effective",
    "encode_config",
    "load_config",
    "origin_of",
    "sections",
    "settings",
    "with_values",
]

DEFAULT: Final = "default"
ORIGINS: Final = "origins"
"""What of a Config is no setting."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Every effective setting; and by its key the origin of each that was found in a file or variable."""

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
    findings: Findings = Findings()
    runs: Runs = Runs()
    queue: Queue = Queue()
    templates: Templates = Templates()
    vault: Vault = Vault()
    backups: Backups = Backups()
    api: Api = Api()
    notifications: Notifications = Notifications()
    origins: dict[str, str] = {}

    @property
    def database_url(self) -> str:
        """The database that is used: the one set, or SQLite in data_dir."""
        return self.database.url or f"sqlite:///{self.data_dir / 'rookery.db'}"


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration, and the files read."""

    config: Config
    files: tuple[Path, ...]

    @property
    def origins(self) -> dict[str, str]:
        """The origin of each setting by its key (`hooks.pool_size`)."""
        return dict.fromkeys(settings(), DEFAULT) | self.config.origins


@lru_cache(maxsize=1)
def settings() -> Mapping[str, Setting]:
    """Every setting by its key, in the order of the reference."""
    return {setting.key: setting for setting in _settings()}


def sections() -> Mapping[str, type[Section]]:
    """Every section by its name in the file."""
    return {field.encode_name: field.type for field in structs.fields(Config) if _is_section(field.type)}


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
    origins: dict[str, str] = {}
    for entry in entries:
        if entry.key in sections() and entry.value == {}:
            continue
        values[entry.key] = convert(entry, settings())
        origins[entry.key] = entry.origin
    if "data_dir" not in values:
        values["data_dir"], origins["data_dir"] = default_data_dir(environ), DEFAULT
    return Loaded(config=_built(values, origins), files=tuple(file.path for file in files))


def effective(config: Config) -> dict[str, Any]:
    """Every setting's value by key, the database's default resolved; may hold secrets."""
    values = {key: _value(config, setting) for key, setting in settings().items()}
    return values | {"database.url": config.database_url}


def origin_of(config: Config, key: str) -> str:
    """Where a setting was found: in a file or variable, in the program that made this Config, or nowhere."""
    setting = settings()[key]
    given = DEFAULT if _value(config, setting) == setting.default else "argument"
    return config.origins.get(key, given)


def with_values(config: Config, values: Mapping[str, Any]) -> Config:
    """The same with other values of these settings, by key, which are already of their types."""
    parts: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        section, _, _ = key.partition(".")
        parts.setdefault(section, {})[settings()[key].attribute] = value
    replaced = {name: structs.replace(getattr(config, name), **part) for name, part in parts.items()}
    return structs.replace(config, **replaced)


def encode_config(config: Config) -> str:
    """All settings as JSON, secrets included: for a process of our own."""
    values = {key: value for key, value in effective(config).items() if value is not None}
    return msgspec.json.encode(values | {ORIGINS: config.origins}, enc_hook=str).decode()


def decode_config(text: str) -> Config:
    """The settings in what `encode_config` returned; their secrets are registered for redaction."""
    values = msgspec.json.decode(text, type=dict[str, Any])
    origins = values.pop(ORIGINS)
    entries = [sources.Entry(key, value, "argument", Path.cwd()) for key, value in values.items()]
    register_secrets(entries)
    return _built({entry.key: convert(entry, settings()) for entry in entries}, origins)


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
    for field in structs.fields(Config):
        if field.name == ORIGINS:
            continue
        if not _is_section(field.type):
            yield Setting.of(field.encode_name, field)
            continue
        for inner in structs.fields(field.type):
            yield Setting.of(f"{field.encode_name}.{inner.encode_name}", inner)


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)


def _built(values: Mapping[str, Any], origins: dict[str, str]) -> Config:
    tree: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        section, _, _ = key.rpartition(".")
        tree.setdefault(section, {})[settings()[key].attribute] = value
    parts = {name: section(**tree.get(name, {})) for name, section in sections().items()}
    return Config(**tree[""], **parts, origins=origins)  # type: ignore[arg-type]  # each converted to its own field's type


def _value(config: Config, setting: Setting) -> Any:
    section, _, _ = setting.key.rpartition(".")
    return getattr(getattr(config, section) if section else config, setting.attribute)
