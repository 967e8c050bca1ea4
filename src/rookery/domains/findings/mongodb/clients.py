"""MongoDB to plain and to async callers: the same documents, the same errors."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pymongo import AsyncMongoClient, IndexModel, MongoClient
from pymongo.errors import BulkWriteError, ConfigurationError, ConnectionFailure, InvalidURI, OperationFailure

from rookery.base.config import MongoDB as Settings
from rookery.base.errors import ConfigError
from rookery.domains.findings.mongodb.documents import Written, writing, written
from rookery.mechanisms.writebehind import PermanentError, TransientError

log = logging.getLogger(__name__)

FINDINGS, RUNS = "findings", "runs"
DEFAULT_DATABASE = "rookery"
ITEMS_FAULT = frozenset({2, 9, 14, 28, 40, 52, 54, 55, 56, 57, 10334, 17280, 51075})
"""Codes of what is wrong with a document; with anything else it is the server that cannot do it now."""
LONGEST_ANSWER_MS = 30_000
"""After which a server that says nothing is taken for one that is away; `socketTimeoutMS` in the URL wins."""
Document = dict[str, Any]


class Store:
    """Findings and runs in one MongoDB. Connects when first used; the first write creates the indexes."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._client: MongoClient[Document] = _opened(MongoClient, settings)
        self._database = self._client.get_database(name_of(settings, self._client))
        self.findings = self._database[FINDINGS]
        self._is_indexed = False

    def write(self, items: Iterable[object]) -> None:
        """Write the sightings among some items. Raises TransientError, or PermanentError for bad ones."""
        steps, done = writing(items), None
        with said_shortly():
            while True:
                try:
                    operations = steps.send(done) if done else next(steps)
                except StopIteration:
                    return
                with kept_going():
                    self.create_indexes()
                done = self._bulk(operations)

    def _bulk(self, operations: list[Any]) -> Written:
        try:
            result = self.findings.bulk_write(operations, ordered=False)
        except (OperationFailure, KeyError) as error:
            return judged(error)
        return written(result.bulk_api_result)

    def create_indexes(self) -> None:
        """Ask for the configured indexes, once. Raises TransientError; ConfigError where they are refused."""
        if self._is_indexed:
            return
        refusals: list[str] = []
        with said_shortly():
            for index in indexes(self.settings):  # at once, FerretDB hangs up when several are there already
                try:
                    self.findings.create_indexes([index])
                except OperationFailure as error:
                    refusals.append(reason_of(error))
        self._is_indexed = True
        refuse(refusals)

    def write_run(self, run_id: str, facts: Mapping[str, Any]) -> None:
        """Set some facts of a run, leaving the others. Raises TransientError."""
        with said_shortly():
            self._database[RUNS].update_one({"_id": run_id}, {"$set": dict(facts)}, upsert=True)

    def get(self, finding_id: str) -> Document | None:
        """A finding as it is stored, or None."""
        found: Document | None = self.findings.find_one({"_id": finding_id})
        return found

    def is_reachable(self) -> bool:
        """Whether a server answers."""
        try:
            self._client.admin.command("ping")
        except Exception:  # noqa: BLE001 -- whatever is wrong, now is no time to write
            return False
        return True

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class AsyncStore:
    """As Store, for coroutines. Belongs to one event loop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._client: AsyncMongoClient[Document] = _opened(AsyncMongoClient, settings)
        self._database = self._client.get_database(name_of(settings, self._client))
        self.findings = self._database[FINDINGS]
        self._is_indexed = False

    async def write(self, items: Iterable[object]) -> None:
        """As `Store.write`."""
        steps, done = writing(items), None
        with said_shortly():
            while True:
                try:
                    operations = steps.send(done) if done else next(steps)
                except StopIteration:
                    return
                with kept_going():
                    await self.create_indexes()
                done = await self._bulk(operations)

    async def _bulk(self, operations: list[Any]) -> Written:
        try:
            result = await self.findings.bulk_write(operations, ordered=False)
        except (OperationFailure, KeyError) as error:
            return judged(error)
        return written(result.bulk_api_result)

    async def create_indexes(self) -> None:
        """As `Store.create_indexes`."""
        if self._is_indexed:
            return
        refusals: list[str] = []
        with said_shortly():
            for index in indexes(self.settings):
                try:
                    await self.findings.create_indexes([index])
                except OperationFailure as error:
                    refusals.append(reason_of(error))
        self._is_indexed = True
        refuse(refusals)

    async def get(self, finding_id: str) -> Document | None:
        """As `Store.get`."""
        found: Document | None = await self.findings.find_one({"_id": finding_id})
        return found

    async def aclose(self) -> None:
        """As `Store.close`."""
        await self._client.close()


@contextmanager
def said_shortly() -> Iterator[None]:
    """What pymongo says at length of a server that does not answer, in one line."""
    try:
        yield
    except ConnectionFailure as error:
        short = str(error).partition(" (configured")[0].partition(", Timeout:")[0]
        raise TransientError(f"MongoDB does not answer: {short}") from error


@contextmanager
def kept_going() -> Iterator[None]:
    """An index that cannot be had holds up no finding."""
    try:
        yield
    except ConfigError as error:
        log.warning("%s", error)


def refuse(reasons: list[str]) -> None:
    """Raise what the server says of indexes that it does not make, if it says anything."""
    if reasons:
        raise ConfigError(f"mongodb.indexes: findings are copied without some of them: {'; '.join(reasons)}")


def reason_of(error: OperationFailure) -> str:
    """What the server says is wrong, without its whole answer."""
    return str(error.details.get("errmsg", error) if error.details else error)


def judged(error: OperationFailure | KeyError) -> Written:
    """What a bulk write came to that was refused in part. Raises where all of it was."""
    if isinstance(error, KeyError):  # FerretDB's account of a refusal lacks what pymongo looks for
        raise PermanentError("the server refused the batch, without saying which document of it") from error
    if isinstance(error, BulkWriteError):
        if error.details.get("writeConcernErrors"):
            raise TransientError("the write was not confirmed by enough servers") from error
        return written(error.details)
    raise (PermanentError if error.code in ITEMS_FAULT else TransientError)(reason_of(error)) from error


def indexes(settings: Settings) -> list[IndexModel]:
    """The configured indexes: fields separated by spaces, `-` before one for descending."""
    return [
        IndexModel([(field.lstrip("-"), -1 if field[0] == "-" else 1) for field in index.split()])
        for index in settings.indexes
        if index.split()
    ]


def name_of(settings: Settings, client: Any) -> str:
    """The database: the one set, or that in the URL, or `rookery`."""
    return settings.database or str(client.get_default_database(DEFAULT_DATABASE).name)


def _opened(kind: Any, settings: Settings) -> Any:
    patience = {} if "sockettimeoutms=" in settings.url.lower() else {"socketTimeoutMS": LONGEST_ANSWER_MS}
    try:
        return kind(
            settings.url,
            **patience,
            maxPoolSize=settings.max_pool_size,
            serverSelectionTimeoutMS=settings.server_selection_timeout_ms,
            tz_aware=True,
            appname="rookery",
            connect=False,
        )
    except (ConfigurationError, InvalidURI, ValueError) as error:
        raise ConfigError(f"mongodb.url cannot be used: {error}") from None
