"""Servers that notifications are sent to: one for webhooks, one for mail."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import text

from rookery.base.clock import now_us
from rookery.domains.backups.events import BackupFailed, BackupTaken
from rookery.domains.notifications import delivering
from rookery.domains.notifications.document import NotificationInfo
from tests.conftest import Call
from tests.patience import wait_for
from tests.workers import working


class Receiver:
    """Takes webhooks, and answers with the next of `answers` (status, headers); without any, with 204."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.opens = threading.Event()
        self.opens.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.requests.append((headers, body))
                receiver.opens.wait()
                status, more = receiver.answers.pop(0) if receiver.answers else (204, {})
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hooks/t0ken-of-ours?x=1"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self.opens.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server for webhooks."""
    receiver = Receiver()
    yield receiver
    receiver.close()


class Mailbox:
    """Keeps the mail that a server is given; `url` is what Apprise calls it."""

    def __init__(self, port: int) -> None:
        self.mails: list[EmailMessage] = []
        self.refuses = False
        self._controller = Controller(self, hostname="127.0.0.1", port=port)
        self._controller.start()
        self.url = f"mailto://127.0.0.1:{port}/?from=rookery@example.org&to=noc@example.org&mode=insecure"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's
        """Keep one, or refuse it."""
        if self.refuses:
            return "451 come back later"
        self.mails.append(BytesParser(policy=default).parsebytes(envelope.content))
        return "250 OK"

    def close(self) -> None:
        """End it."""
        self._controller.stop()


@pytest.fixture
def mailbox(free_port: int) -> Iterator[Mailbox]:
    """A server for mail."""
    mailbox = Mailbox(free_port)
    yield mailbox
    mailbox.close()


def failed(call: Call, device: str = "r1", reason: str = "It does not answer.", in_row: int = 1) -> None:
    """A backup fails."""
    call(lambda rook: rook.emit(BackupFailed(device, f"id-{device}", "unreachable", reason, in_row)))


def recovered(call: Call, device: str = "r1") -> None:
    """A backup succeeds again."""
    call(lambda rook: rook.emit(BackupTaken(device, f"id-{device}", 1, False, 0, 0, True)))


def history(call: Call, **options: Any) -> list[NotificationInfo]:
    """What was told, the oldest first."""
    return list(reversed(call(delivering.history, **options)))


def all_told(call: Call, count: int) -> list[NotificationInfo]:
    """The history when so many have been told by a worker, or have failed."""

    def done() -> bool:
        found = call.rook.notifications.history()
        return sum(each.status != "waiting" for each in found) >= count

    with working(call.rook):
        wait_for(done)
    return history(call)


def hurry(call: Call) -> None:
    """All that waits for its time is due now."""
    with call.rook.transaction() as session:
        moment = {"now": now_us()}
        session.execute(text("UPDATE notification SET due_us = :now WHERE due_us > :now"), moment)
        session.execute(text("UPDATE task SET run_at_us = :now WHERE run_at_us > :now"), moment)
