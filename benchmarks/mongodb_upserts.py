"""MongoDB: the hook's bulk writes, beside one `update_one` for each finding.

Measured is the CPU time of this process, which is what a scan pays: the least of several rounds, each on a
collection of its own. What the server takes is the same on both sides, but for the round trips, and depends
on the server: FerretDB, which is what the tests start, looks through the whole collection at every update.
`ROOKERY_TEST_MONGODB_URL` measures another one.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

from pymongo import MongoClient
from pymongo.collection import Collection

from benchmarks.rows import Row
from rookery.base.config import MongoDB
from rookery.domains.findings.items import Vulnerability
from rookery.domains.findings.mongodb.clients import Document, Store
from rookery.domains.findings.mongodb.documents import gathered, sighting_of
from tests import servers

FINDINGS = 200  # FerretDB takes a time that grows with their square
ROUNDS = 5


def main() -> Iterator[Row]:
    """The cost of a finding on both sides, and how many times more one by one is."""
    with tempfile.TemporaryDirectory() as folder:
        servers.open_directory(Path(folder))
        url = f"{servers.mongodb_url().rstrip('/')}/bench_{uuid4().hex}"
        try:
            yield from _measured(url)
        finally:
            servers.stop_all()


def _measured(url: str) -> Iterator[Row]:
    items = [_sighting(number) for number in range(FINDINGS)]
    store = Store(MongoDB(url=url, indexes=()))
    client: MongoClient[Document] = MongoClient(url, tz_aware=True)
    singles = client.get_default_database()
    bulk = min(_cpu(lambda: store.write(items), store.findings.drop) for _ in range(ROUNDS))
    alone = singles["singly"]
    single = min(_cpu(lambda: _one_by_one(alone, items), alone.drop) for _ in range(ROUNDS))
    client.drop_database(singles)
    client.close()
    store.close()
    alike, alone_each = (seconds / FINDINGS * 1e6 for seconds in (bulk, single))
    detail = f"{FINDINGS} findings: {alike:.0f} µs each, {alone_each:.0f} µs one by one"
    yield Row(
        claim="MongoDB: CPU of one update_one per finding, to that of bulk upserts",
        value=single / bulk,
        unit="×",
        goal=10,
        better="more",
        detail=detail,
    )


def _cpu(work: Callable[[], object], prepare: Callable[[], object]) -> float:
    prepare()
    began = time.process_time()
    work()
    return time.process_time() - began


def _one_by_one(collection: Collection[Document], items: list[Vulnerability]) -> None:
    """What a hook without batches does: the same document, one request each."""
    for item in items:
        new = sighting_of(item)
        collection.update_one({"_id": new.id}, {"$set": new.details, **gathered(new)}, upsert=True)


def _sighting(number: int) -> Vulnerability:
    return Vulnerability(
        template_id="git-config-exposed",
        name="Git repository exposed",
        severity="medium",
        target="http://192.0.2.1",
        matched_at=f"http://192.0.2.1/{number}/.git/config",
        description="The folder .git of a repository is served." * 5,
        remediation="Deploy an export instead of a working copy." * 5,
        reference=["https://git-scm.com/docs/git-config"],
        tags=["exposure", "git", "config"],
        request="GET /.git/config HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n",
        response="HTTP/1.1 200 OK\r\n\r\n[core]\n" * 10,
        run_id="run-1",
    )
