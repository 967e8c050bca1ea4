"""The composition root: from a Config to a Rook or an AsyncRook. Nothing happens at import."""

from __future__ import annotations

import asyncio
import os
import pwd
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rookery import domains
from rookery.base.config import Config, load_config
from rookery.base.errors import Unavailable
from rookery.domains.audit.face import Audit
from rookery.domains.audit.listener import Listener
from rookery.domains.audit.service import AuditService
from rookery.domains.findings.face import Findings
from rookery.domains.findings.hooks import recording
from rookery.domains.scans import events as scan_events
from rookery.domains.scans.face import Scans
from rookery.mechanisms import rook as mechanism
from rookery.mechanisms.hooks import recover
from rookery.mechanisms.store import Base, migrate, open_async_engine, open_engine

if TYPE_CHECKING:
    from sqlalchemy import Engine, MetaData
    from sqlalchemy.ext.asyncio import AsyncEngine


class DataDirUnusable(Unavailable):
    """The data directory cannot be used: make it writable for this user, or name another with --data-dir."""


EVENTS = (*scan_events.EVENTS,)
"""What any domain announces; all of it is audited."""


class Rook(mechanism.Rook):
    """The whole house for plain code: one attribute for each domain, with its verbs."""

    def __init__(self, config: Config, engine: Engine, *, actor: str, audit: AuditService) -> None:
        super().__init__(config, engine, actor=actor, listeners=listeners(audit))
        self.audit: Audit[mechanism.Rook] = Audit(self, audit)
        self.findings: Findings[mechanism.Rook] = Findings(self)
        self.scans: Scans[mechanism.Rook] = Scans(self)
        self.on_close(audit.close)


class AsyncRook(mechanism.AsyncRook):
    """The whole house for coroutines: the same attributes, their verbs awaited."""

    def __init__(
        self, config: Config, engine: AsyncEngine, *, sync_engine: Engine, actor: str, audit: AuditService
    ) -> None:
        super().__init__(config, engine, sync_engine=sync_engine, actor=actor, listeners=listeners(audit))
        self.audit: Audit[mechanism.AsyncRook] = Audit(self, audit)
        self.findings: Findings[mechanism.AsyncRook] = Findings(self)
        self.scans: Scans[mechanism.AsyncRook] = Scans(self)
        self.on_close(audit.close)


def open(  # noqa: A001  read as rookery.open
    data_dir: Path | str | None = None, *, config: Config | None = None, actor: str | None = None
) -> Rook:
    """Open Rookery for plain code, migrating its database if need be; close it, or use it in a `with`.

    `data_dir` overrides the configured one; without `config` the configuration is loaded as the command line
    loads it; `actor` is the operating system's user unless given. Raises ConfigError, DataDirUnusable,
    a DatabaseUnavailable or a SchemaUnusable.
    """
    config = _configure(data_dir, config)
    engine, audit = _foundations(config)
    return Rook(config, engine, actor=actor or default_actor(), audit=audit)


@asynccontextmanager
async def aopen(
    data_dir: Path | str | None = None, *, config: Config | None = None, actor: str | None = None
) -> AsyncIterator[AsyncRook]:
    """Open Rookery for coroutines, as `open` does; what blocks meanwhile happens in a thread."""
    config = await asyncio.to_thread(_configure, data_dir, config)
    sync_engine, audit = await asyncio.to_thread(_foundations, config)
    engine, actor = open_async_engine(config.database_url), actor or default_actor()
    async with AsyncRook(config, engine, sync_engine=sync_engine, actor=actor, audit=audit) as rook:
        yield rook


def default_actor() -> str:
    """Who acts when no face says: this process's user, as the system knows it; $USER is anyone's to set."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user need not have a name
        return f"uid:{os.getuid()}"


def listeners(audit: AuditService) -> mechanism.Listeners:
    """Which events are heard by whom."""
    audited = Listener(audit, EVENTS)
    return dict.fromkeys(EVENTS, (audited,))


def metadata() -> MetaData:
    """The tables of every mechanism and domain, whose models are imported by this call."""
    import_module("rookery.mechanisms.writebehind.models")
    for domain in iter_modules(domains.__path__, "rookery.domains."):
        if any(module.name == "models" for module in iter_modules(import_module(domain.name).__path__)):
            import_module(f"{domain.name}.models")
    return Base.metadata


def _configure(data_dir: Path | str | None, config: Config | None) -> Config:
    wanted = None if data_dir is None else Path(data_dir)
    if config is None:
        config = load_config(data_dir=wanted).config
    elif wanted is not None:
        config = replace(config, data_dir=wanted)
    prepare_data_dir(config.data_dir)
    return config


def prepare_data_dir(path: Path) -> None:
    """Make the data directory, for this user's eyes only, or find it usable. Raises DataDirUnusable."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DataDirUnusable(f"{path}: {error.strerror}. {DataDirUnusable.__doc__}") from error
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise DataDirUnusable(f"{path}: not readable and writable. {DataDirUnusable.__doc__}")


def _foundations(config: Config) -> tuple[Engine, AuditService]:
    """A migrated database, into which what dead processes left has been delivered, and the audit log."""
    with ExitStack() as undo:
        engine = open_engine(config.database_url)
        undo.callback(engine.dispose)
        migrate(engine)
        audit = AuditService(
            config.database_url,
            config.data_dir,
            is_async=config.audit.is_async,
            capacity=config.audit.queue_maxsize,
        )
        undo.callback(audit.close)
        recover(recording(engine), config.data_dir / "spool" / "hooks")
        undo.pop_all()
    return engine, audit
