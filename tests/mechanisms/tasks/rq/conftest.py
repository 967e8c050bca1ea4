"""A Redis of the test's own, which it may stop, start and empty, behind the queue of `call`."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from redis import Redis
from rq import Queue as RQueue
from rq.job import Job
from rq.serializers import JSONSerializer

from rookery.base.config import Queue
from rookery.mechanisms.tasks.rq.wire import LANES
from tests import servers

IN_BOTH_WORLDS = pytest.mark.parametrize(
    "call",
    ["sync-sqlite", pytest.param("async-postgresql", marks=pytest.mark.postgres)],
    indirect=True,
)
"""The two combinations that have the most in common with the other two."""


class OwnRedis:
    """A Redis that keeps nothing on disk: whoever stops it has emptied it."""

    def __init__(self, home: Path) -> None:
        self._home, self._port, self._pid = home, servers.free_port(), 0
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.client = Redis.from_url(self.url)

    def start(self) -> None:
        try:
            self._pid = cast("int", servers.start_redis(self._home, self._port)["pid"])
        except servers.NoServer as error:
            servers.skip(f"redis: {error}")

    def stop(self) -> None:
        servers.stop(self._pid)

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        os.kill(self._pid, signal.SIGKILL)
        self.stop()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """It takes connections, and answers none."""
        os.kill(self._pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._pid, signal.SIGCONT)

    def jobs(self) -> list[Job]:
        """What waits, in the order of the queues."""
        return [job for name in LANES for job in self.queue(name).jobs]

    def queue(self, name: str) -> RQueue:
        """As anybody with RQ sees it, who does not know ours."""
        return RQueue(name, connection=self.client, serializer=JSONSerializer)

    def everything(self) -> bytes:
        """All that it holds, in one piece."""
        keys = cast("list[bytes]", self.client.keys("*"))
        return b"\n".join(b"%s %s" % (key, self._value(key)) for key in keys)

    def _value(self, key: bytes) -> bytes:
        client: Any = self.client
        read = {
            b"string": client.get,
            b"hash": client.hgetall,
            b"list": lambda key: client.lrange(key, 0, -1),
            b"set": client.smembers,
            b"zset": lambda key: client.zrange(key, 0, -1),
            b"stream": client.xrange,
        }
        return repr(read[client.type(key)](key)).encode()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[OwnRedis]:
    """A private Redis, started."""
    server = OwnRedis(tmp_path / "redis")
    server.start()
    yield server
    server.client.close()
    server.stop()


@pytest.fixture
def queue_settings(redis: OwnRedis) -> Queue:
    """The queue of `call` is on it."""
    return Queue(backend="rq", redis_url=redis.url, grace=30.0)
