"""Web servers that are not weak, on loopback: a tidy one, and three that say 200 to everything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.mechanisms.transport.hostile import Behaviour

HARDENED = (
    "Content-Security-Policy: default-src 'self'; frame-ancestors 'none'\r\n"
    "X-Frame-Options: DENY\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
    "Strict-Transport-Security: max-age=31536000\r\n"
    "Set-Cookie: sid=1; Path=/; Secure; HttpOnly; SameSite=Lax\r\nServer: web\r\n"
)


def site(status: int, kind: str, page: Callable[[str, str], str]) -> Behaviour:
    """A server that answers whatever it is asked with this page, made of the request's path and text."""

    async def behave(head: bytes, writer: asyncio.StreamWriter) -> None:
        text = head.decode("latin-1")
        body = page(text.split(" ")[1], text).encode()
        writer.write(
            f"HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{HARDENED}"
            "Connection: close\r\n\r\n".encode()
            + body
        )
        await writer.drain()
        writer.close()

    return behave


def paragraph(text: str) -> str:
    return f"<!DOCTYPE html><html><head><title>Shop</title></head><body><p>{text}</p></body></html>"


CLEAN_SITES = {
    "says 404 to everything": site(404, "text/html", lambda path, _: paragraph(f"{path} was not found")),
    "says 200 to everything": site(200, "text/html", lambda *_: paragraph("Welcome to the shop")),
    "echoes the path with 200": site(200, "text/html", lambda path, _: paragraph(f"{path} was not found")),
    "echoes the request with 200": site(200, "text/html", lambda _, text: paragraph(text)),
    "echoes the path as text": site(200, "text/plain", lambda path, _: f"no such thing: {path}"),
    "says ok as JSON": site(200, "application/json", lambda path, _: f'{{"status": "ok", "path": "{path}"}}'),
    "says nothing": site(200, "application/octet-stream", lambda *_: ""),
}
