"""What a house stands on: its configuration, its data directory, its database and its audit log."""

from __future__ import annotations

import os
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from msgspec.structs import replace
from sqlalchemy.orm import Session

from rookery import domains
from rookery.base.config import Config, load_config
from rookery.base.errors import Unavailable
from rookery.domains.audit.service import AuditService
from rookery.domains.findings.hooks import recording
from rookery.domains.findings.mongodb.hook import deliver_leftovers
from rookery.domains.scans.artifacts import keeping
from rookery.domains.settings.store import configured
from rookery.mechanisms.hooks import recover
from rookery.mechanisms.store import (
    Base,
    check_schema,
    explained,
    migrate,
    open_engine,
    read_only,
    takes_writes,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine, MetaData


class DataDirUnusable(Unavailable):
    """The data directory cannot be used: make it writable for this user, or name another with --data-dir."""


def configure(data_dir: Path | str | None, config: Config | None) -> Config:
    """The configuration, loaded unless it is given, with a data directory that can at least be read."""
    wanted = None if data_dir is None else Path(data_dir)
    if config is None:
        config = load_config(data_dir=wanted).config
    elif wanted is not None:
        config = replace(config, data_dir=wanted)
    prepare_data_dir(config.data_dir, to_write=False)
    return config


def prepare_data_dir(path: Path, *, to_write: bool = True) -> None:
    """Make the data directory, for this user's eyes only, or find it usable. Raises DataDirUnusable."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DataDirUnusable(f"{path}: {error.strerror}. {DataDirUnusable.__doc__}") from error
    if not os.access(path, os.R_OK | os.X_OK):
        raise DataDirUnusable(f"{path}: not readable. {DataDirUnusable.__doc__}")
    if to_write and not os.access(path, os.W_OK):
        raise DataDirUnusable(f"{path}: not writable. {DataDirUnusable.__doc__}")


def lay_foundations(config: Config) -> tuple[Engine, AuditService]:
    """The database and its audit log; of one that takes no writes what there is, to be read."""
    with ExitStack() as undo:
        engine = open_engine(config.database_url, sync_commits=config.database.sync_commits)
        undo.callback(engine.dispose)
        if not takes_writes(engine):
            return _to_read(config)
        prepare_data_dir(config.data_dir)
        audit = _to_write(config, engine, undo)
        undo.pop_all()
    return engine, audit


def _to_write(config: Config, engine: Engine, undo: ExitStack) -> AuditService:
    """Migrate; deliver what dead processes left."""
    migrate(engine)
    audit = AuditService(
        config.database_url,
        config.data_dir,
        is_async=config.audit.is_async,
        capacity=config.audit.queue_maxsize,
    )
    undo.callback(audit.close)
    audit.catch_up(engine)
    with explained(engine), Session(read_only(engine)) as session:  # others may write meanwhile
        current = configured(session, config)
    storing = recording(engine, current.findings) + keeping(config.data_dir, current.runs.max_bytes)
    recover(storing, config.data_dir / "spool" / "hooks")
    deliver_leftovers(config.mongodb, config.data_dir / "spool" / "hooks")
    return audit


def _to_read(config: Config) -> tuple[Engine, AuditService]:
    """Change nothing, anywhere; what would is refused where it tries."""
    engine = open_engine(config.database_url, takes_writes=False)
    try:
        check_schema(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine, AuditService(config.database_url, config.data_dir, takes_writes=False)


def metadata() -> MetaData:
    """The tables of every mechanism and domain, whose models are imported by this call."""
    for mechanism_ in ("replies", "tasks", "writebehind"):
        import_module(f"rookery.mechanisms.{mechanism_}.models")
    for domain in iter_modules(domains.__path__, "rookery.domains."):
        if any(module.name == "models" for module in iter_modules(import_module(domain.name).__path__)):
            import_module(f"{domain.name}.models")
    return Base.metadata
