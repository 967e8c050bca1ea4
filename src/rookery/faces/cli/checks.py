"""What `rookery doctor` looks at: each check is a function that looks, changes nothing, and answers."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from rookery.base.errors import RookeryError

if TYPE_CHECKING:
    from rookery.base.config import Config, Loaded

T = TypeVar("T")

State = Literal["ok", "note", "warning", "no"]

LEAST_SQLITE = (3, 35, 0)  # RETURNING
LEAST_REDIS = (6, 2)  # LMOVE
LEAST_SPACE = 100 << 20  # bytes; below it, writes are about to fail
LITTLE_SPACE = 1 << 30
NOT_YET = "is made by the first command"
CONNECT_SECONDS = 5
CLOCK_SLACK = 300  # seconds that a file may come from the future, on another machine's clock

EXTRAS = {
    "postgres": ("psycopg",),
    "redis": ("redis", "rq"),
    "mongodb": ("pymongo",),
    "metrics": ("prometheus_client",),
    "tracing": ("opentelemetry",),
}


class Check(NamedTuple):
    """One answer. A `note` is only to know, a `warning` counts with --strict, a `no` always."""

    name: str
    state: State
    found: str
    fix: str = ""


def machine() -> Iterator[Check]:
    """What can be said without any setting."""
    yield python()
    yield sqlite()
    yield from map(extra, EXTRAS)


def installation(loaded: Loaded) -> Iterator[Check]:
    """What can be said of the configured places."""
    config = loaded.config
    yield settings(loaded)
    for look in (data_dir, keys, space, clock, dead_letters):
        yield _tried(look, config.data_dir)
    yield (store := _tried(database, config))
    if store.state == "ok" and not store.found.endswith(NOT_YET):
        yield _tried(audit, config)
    if config.mongodb.enabled:
        yield _tried(mongodb, config)
    if config.queue.backend == "rq":
        yield _tried(redis, config)
    yield from tools(config)


def _tried(look: Callable[[T], Check], at: T) -> Check:
    """A check's answer; when it cannot be made, that is one too. An error's docstring says what to do."""
    try:
        return look(at)
    except RookeryError as error:
        fix = (type(error).__doc__ or "").partition("\n")[0]
        return Check(look.__name__, "no", str(error).removesuffix(fix).rstrip(". :"), fix)
    except OSError as error:
        return Check(look.__name__, "no", str(error), "make it readable for this user")


def python() -> Check:
    """Python is new enough, or this would not run; said for bug reports."""
    return Check("python", "ok", f"{sys.version.split()[0]} at {sys.executable}")


def sqlite() -> Check:
    """The SQLite within Python has what the store uses."""
    if sqlite3.sqlite_version_info < LEAST_SQLITE:
        return Check("sqlite", "no", sqlite3.sqlite_version, "use a Python that has SQLite 3.35 or later")
    if sqlite3.threadsafety < 1:
        fix = "use a Python whose SQLite is built with SQLITE_THREADSAFE=1"
        return Check("sqlite", "no", "built for one thread only", fix)
    return Check("sqlite", "ok", sqlite3.sqlite_version)


def extra(name: str) -> Check:
    """Whether an optional extra is installed."""
    if missing := [module for module in EXTRAS[name] if find_spec(module) is None]:
        found = f"not installed ({', '.join(missing)} missing)"
        return Check(f"extra_{name}", "note", found, f"pip install 'rookery[{name}]', if you want it")
    return Check(f"extra_{name}", "ok", "installed")


def tools(config: Config) -> Iterator[Check]:
    """The programs that a scan can be run with; Rookery's own engine needs none of them."""
    for name, configured in (("nuclei", config.scan.nuclei_path), ("nmap", config.scan.nmap_path)):
        if path := shutil.which(configured or name):
            yield Check(name, "ok", path)
        elif configured:
            yield Check(name, "warning", f"{configured} cannot be run", f"correct scan.{name}_path")
        else:
            yield Check(name, "note", "not on PATH", f"install it if you want rookery scan --engine {name}")


def settings(loaded: Loaded) -> Check:
    """Which files and how many variables the settings come from."""
    files = ", ".join(map(str, loaded.files)) or "no file"
    others = sum(origin.startswith("ROOKERY_") for origin in loaded.origins.values())
    return Check("settings", "ok", f"{files}; {others} from the environment")


def data_dir(path: Path) -> Check:
    """The data directory is there, ours to write, and nobody else's to read."""
    if not path.exists():
        return _can_be_made(path)
    if not path.is_dir():
        return Check("data_dir", "no", f"{path} is not a directory", "move it away, or set data_dir")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return Check(
            "data_dir", "no", f"{path} is not writable", f"sudo chown -R $USER {path}, or set data_dir"
        )
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return Check("data_dir", "warning", f"{path} is open to other users", f"chmod 700 {path}")
    return Check("data_dir", "ok", str(path))


def keys(path: Path) -> Check:
    """Nobody else can read a private key."""
    private = (file for file in path.glob("keys/*") if file.suffix != ".pub")
    if shared := [str(file) for file in private if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]:
        return Check(
            "keys", "no", f"readable by others: {', '.join(shared)}", f"chmod 600 {' '.join(shared)}"
        )
    return Check("keys", "ok", "private")


def space(path: Path) -> Check:
    """There is room on the disk of the data directory."""
    free = shutil.disk_usage(_existing(path)).free
    found = f"{free / (1 << 30):.1f} GiB free"
    fix = f"make room on the disk of {path}, or set data_dir"
    return Check(
        "space", "no" if free < LEAST_SPACE else "warning" if free < LITTLE_SPACE else "ok", found, fix
    )


def clock(path: Path) -> Check:
    """The clock has not gone back behind what was written already."""
    newest = max((file.stat().st_mtime for file in (Path(__file__), *_files(path))), default=0.0)
    ahead = newest - time.time()
    if ahead > CLOCK_SLACK:
        return Check("clock", "no", f"{ahead:.0f} s behind the newest file", "set the clock; use NTP")
    return Check("clock", "ok", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()))


def database(config: Config) -> Check:
    """The database can be reached, and has the tables of this version."""
    from sqlalchemy import make_url

    from rookery.mechanisms.store import check_schema, describe, head_revision, open_engine

    url = make_url(config.database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return Check("database", "ok", f"{describe(url)} {NOT_YET}")
    if url.get_backend_name() == "sqlite" and not os.access(str(url.database), os.W_OK):
        return Check("database", "no", f"{describe(url)} is read-only", f"chmod u+w {describe(url)}")
    if url.get_backend_name() == "postgresql":
        url = url.update_query_dict({"connect_timeout": str(CONNECT_SECONDS)})
    engine = open_engine(url.render_as_string(hide_password=False))
    try:
        check_schema(engine)
    finally:
        engine.dispose()
    return Check("database", "ok", f"{describe(engine.url)} at {head_revision()}")


def audit(config: Config) -> Check:
    """The audit log is what was written."""
    from sqlalchemy import make_url

    from rookery.domains.audit.keys import trusted_keys
    from rookery.domains.audit.reading import stored_log
    from rookery.domains.audit.verification import verify
    from rookery.domains.audit.witness import witness_of
    from rookery.mechanisms.store import open_engine

    engine = open_engine(config.database_url)
    try:
        with stored_log(engine, witness_of(make_url(config.database_url), config.data_dir)) as stored:
            verdict = verify(stored, trusted_keys(config.data_dir / "keys"))
    finally:
        engine.dispose()
    if verdict.is_intact:
        return Check("audit", "ok", f"intact; entries: {verdict.entries}")
    found = f"problems: {verdict.problem_count}; the first: {verdict.problems[0].message}"
    return Check(
        "audit", "no", found, "`rookery audit verify` shows all; restore the last backup from before"
    )


def dead_letters(path: Path) -> Check:
    """Nothing waits that could not be delivered."""
    found = [file for file in path.glob("spool/**/dead.jsonl") if file.stat().st_size]
    if found:
        fix = "read its `error`s, remove their cause; delete the file when nothing in it matters"
        return Check("dead_letters", "warning", ", ".join(map(str, found)), fix)
    return Check("dead_letters", "ok", "none")


def mongodb(config: Config) -> Check:
    """The MongoDB of the settings answers."""
    if find_spec("pymongo") is None:
        return Check("mongodb", "no", "its driver is missing", "pip install 'rookery[mongodb]'")
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    milliseconds = config.mongodb.server_selection_timeout_ms
    try:
        with MongoClient[dict[str, object]](
            config.mongodb.url, serverSelectionTimeoutMS=milliseconds
        ) as client:
            client.admin.command("ping")
    except PyMongoError as error:
        fix = "start it, or correct mongodb.url, or set mongodb.enabled = false"
        return Check("mongodb", "no", f"does not answer ({type(error).__name__})", fix)
    return Check("mongodb", "ok", "answers")


def redis(config: Config) -> Check:
    """The Redis of the settings answers, and drops nothing when it is full."""
    if missing := [module for module in EXTRAS["redis"] if find_spec(module) is None]:
        return Check("redis", "no", f"{', '.join(missing)} missing", "pip install 'rookery[redis]'")
    from redis import Redis
    from redis.exceptions import RedisError

    try:
        with Redis.from_url(config.queue.redis_url, socket_connect_timeout=CONNECT_SECONDS) as client:
            facts = client.info()
    except RedisError as error:
        fix = "start it, or correct queue.redis_url; until then tasks stay pending"
        return Check("redis", "no", f"does not answer ({type(error).__name__})", fix)
    return _judged(facts)


def _judged(facts: Mapping[str, Any]) -> Check:
    version, policy = str(facts["redis_version"]), str(facts.get("maxmemory_policy", "noeviction"))
    if tuple(map(int, version.split(".")[:2])) < LEAST_REDIS:
        return Check("redis", "no", f"version {version}", "use Redis 6.2 or later")
    if facts.get("maxmemory") and policy != "noeviction":
        fix = "set maxmemory-policy noeviction: what it drops is dispatched again, but late"
        return Check("redis", "warning", f"drops keys when it is full ({policy})", fix)
    return Check("redis", "ok", f"answers, version {version}")


def _can_be_made(path: Path) -> Check:
    if os.access(parent := _existing(path), os.W_OK | os.X_OK):
        return Check("data_dir", "ok", f"{path} {NOT_YET}")
    return Check(
        "data_dir", "no", f"{path} cannot be made in {parent}", "set data_dir to a place that is yours"
    )


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.absolute().parents) if folder.exists())


def _files(path: Path) -> Iterator[Path]:
    """The files directly in the data directory, of which the database is the newest."""
    return (file for file in path.glob("*") if file.is_file())
