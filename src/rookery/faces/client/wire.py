"""Requests on their way, from plain code and from coroutines; refusals come back as errors."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx
import msgspec

from rookery.base.errors import RookeryError
from rookery.base.redact import register_secret
from rookery.faces.client.calls import Contents, Pause, Reply, Request, Step, Steps
from rookery.faces.client.errors import AddressNotValid, LocalFileUnreadable, ServerUnreachable, TokenUnusable
from rookery.faces.client.refusals import refusal

PREFIX = "/api/v1"
IDLE = 2.0
"""Seconds for which an unused connection is kept: less than servers do, so that none ends in our hands."""
LIMITS = httpx.Limits(keepalive_expiry=IDLE)


def options(url: str, token: str, timeout: float) -> dict[str, Any]:
    """How a client of httpx is opened. Raises AddressNotValid, TokenUnusable."""
    token = token.strip()  # of a file, it ends with a line break
    if not (token and token.isascii() and token.isprintable()):
        raise TokenUnusable
    try:
        address = httpx.URL(url.rstrip("/"))
    except httpx.InvalidURL:
        raise AddressNotValid(f"{url}: {AddressNotValid.__doc__}") from None
    if address.scheme not in {"http", "https"} or not address.host:
        raise AddressNotValid(f"{url}: {AddressNotValid.__doc__}")
    register_secret(token)
    return {
        "base_url": f"{address}{PREFIX}", "headers": {"Authorization": f"Bearer {token}"}, "timeout": timeout,
        "limits": LIMITS,
    }  # fmt: skip


class Wire:
    """A server, for plain code."""

    def __init__(self, url: str, token: str, timeout: float) -> None:
        self.url = url
        self._client = httpx.Client(**options(url, token, timeout))

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def take(self, steps: Steps) -> Any:
        """Send what a call asks for, step by step; what it returns."""
        step = partial(next, steps)
        while True:
            try:
                asked = step()
            except StopIteration as ended:
                return ended.value
            try:
                reply = self._answered(asked)
            except RookeryError as error:
                step = partial(steps.throw, error)
            else:
                step = partial(steps.send, reply)

    def stream(self, request: Request, *, is_text: bool) -> Generator[Any, None, None]:
        """An answer, piece by piece."""
        with _reaching(self.url), self._client.stream(**_as_httpx(request)) as response:
            if not response.is_success:
                response.read()
            _reply(self.url, response)
            yield from response.iter_text() if is_text else response.iter_bytes()

    def _answered(self, asked: Step) -> Reply:
        if isinstance(asked, Pause):
            time.sleep(asked.seconds)
            return NOTHING
        if isinstance(asked, Contents):
            return _contents(asked)
        with _reaching(self.url):
            response = self._client.request(**_as_httpx(asked))
        return _reply(self.url, response, response.content)


class AsyncWire:
    """A server, for coroutines."""

    def __init__(self, url: str, token: str, timeout: float) -> None:
        self.url = url
        self._client = httpx.AsyncClient(**options(url, token, timeout))

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def take(self, steps: Steps) -> Any:
        """Send what a call asks for, step by step; what it returns."""
        step = partial(next, steps)
        while True:
            try:
                asked = step()
            except StopIteration as ended:
                return ended.value
            try:
                reply = await self._answered(asked)
            except RookeryError as error:
                step = partial(steps.throw, error)
            else:
                step = partial(steps.send, reply)

    async def stream(self, request: Request, *, is_text: bool) -> AsyncGenerator[Any, None]:
        """An answer, piece by piece."""
        with _reaching(self.url):
            async with self._client.stream(**_as_httpx(request)) as response:
                if not response.is_success:
                    await response.aread()
                _reply(self.url, response)
                async for piece in response.aiter_text() if is_text else response.aiter_bytes():
                    yield piece

    async def _answered(self, asked: Step) -> Reply:
        if isinstance(asked, Pause):
            await asyncio.sleep(asked.seconds)
            return NOTHING
        if isinstance(asked, Contents):
            return await asyncio.to_thread(_contents, asked)
        with _reaching(self.url):
            response = await self._client.request(**_as_httpx(asked))
        return _reply(self.url, response, response.content)


NOTHING = Reply(b"", {})


def _contents(asked: Contents) -> Reply:
    """Raises LocalFileUnreadable."""
    try:
        return Reply(asked.path.read_bytes(), {})
    except OSError as error:
        raise LocalFileUnreadable(f"{asked.path}: {error.strerror}.") from None


def _as_httpx(request: Request) -> dict[str, Any]:
    headers = dict(request.headers)
    asked: dict[str, Any] = {
        "method": request.method,
        "url": request.path,
        "params": request.query,
        "headers": headers,
    }
    if request.body is not None:
        is_file = isinstance(request.body, bytes)
        headers["Content-Type"] = "application/octet-stream" if is_file else "application/json"
        asked["content"] = request.body if is_file else msgspec.json.encode(request.body, enc_hook=str)
    return asked


def _reply(url: str, response: httpx.Response, content: bytes = b"") -> Reply:
    """What is answered. Raises what the server says no with."""
    if not response.is_success:
        raise refusal(url, response.status_code, response.headers, response.content)
    return Reply(content, response.headers)


@contextmanager
def _reaching(url: str) -> Generator[None, None, None]:
    try:
        yield
    except httpx.RequestError as error:
        raise ServerUnreachable(
            f"{url}: {error or type(error).__name__}. {ServerUnreachable.__doc__}"
        ) from error
