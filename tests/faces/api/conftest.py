"""The API as its clients have it: a real server on loopback, whose loop is watched for what blocks it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import uvicorn

from rookery import app
from rookery.base.config import Api, Config, Database
from rookery.domains.users.document import User
from rookery.domains.users.permissions import PERMISSIONS, SESSION_ONLY
from rookery.faces.api.application import application
from tests.conftest import watching_loops
from tests.patience import PATIENCE

PASSWORD = "the owls are not what they seem"
ROLES = ("viewer", "operator", "admin")
Client = Callable[..., httpx.Client]


class Serving:
    """A server in a thread with a loop of its own."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.api = f"{self.url}/api/v1"
        self._ready: Future[uvicorn.Server] = Future()
        self._thread = Thread(target=self._run)

    def __enter__(self) -> Serving:
        self._thread.start()
        self._server = self._ready.result(PATIENCE)
        return self

    def stop(self) -> None:
        """Tell it to end."""
        self._server.should_exit = True
        self._loop.call_soon_threadsafe(self._application.state.feeds.close)

    def __exit__(self, *_exc: object) -> None:
        if not self._server.should_exit:
            self.stop()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with app.aopen(config=self._config) as rook:
            self._application = application(rook)
            config = uvicorn.Config(self._application, log_config=None, lifespan="off")
            server = uvicorn.Server(config)
            self._ready.set_result(server)
            with watching_loops():
                await server.serve(sockets=[self._socket])


@pytest.fixture
def api_settings() -> Api:
    """Without a limit of requests; a test that is about it gives another."""
    return Api(requests_per_minute=0)


@pytest.fixture
def config(request: pytest.FixtureRequest, data_dir: Path, api_settings: Api) -> Config:
    """A migrated database of its own: SQLite, unless the test asks for `postgres_url`."""
    url = request.getfixturevalue(getattr(request, "param", "sqlite_url"))
    return Config(data_dir=data_dir, database=Database(url=url), api=api_settings)


@pytest.fixture
def rook(config: Config) -> Iterator[app.Rook]:
    """The same house from within."""
    with app.open(config=config, actor="within") as rook:
        yield rook


@pytest.fixture
def serving(config: Config, rook: app.Rook) -> Iterator[Serving]:
    """The server."""
    with Serving(config) as serving:
        yield serving


@pytest.fixture
def people(rook: app.Rook) -> dict[str, User]:
    """Somebody of each role, called like it."""
    return {role: rook.users.create(role, None, role, password=PASSWORD) for role in ROLES}


@pytest.fixture
def client(serving: Serving, rook: app.Rook, people: dict[str, User]) -> Iterator[Client]:
    """A client with a token of somebody; without scopes it may all that its owner may."""
    with ExitStack() as closing:

        def as_somebody(role: str | None, *scopes: str, **options: Any) -> httpx.Client:
            headers = {}
            if role is not None:
                made = rook.users.create_token(people[role].id, "test", scopes or everything())
                rook.audit.flush()  # or who listens from now on may still hear of it
                headers = {"Authorization": f"Bearer {made.secret}"}
            opened = httpx.Client(base_url=serving.api, headers=headers, timeout=PATIENCE, **options)
            return closing.enter_context(opened)

        yield as_somebody


def everything() -> list[str]:
    """Scopes of a token that may whatever a token may."""
    return sorted(PERMISSIONS.keys() - SESSION_ONLY)
