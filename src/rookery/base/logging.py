"""Logging by the standard library: lines for people on a terminal, JSON lines elsewhere, never a secret.

Only an outermost shell calls `start_logging`; Rookery used as a library leaves logging as it finds it.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal, TextIO

from rookery.base.redact import redact, redact_text

Format = Literal["auto", "human", "json"]

_STANDARD_FIELDS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {10: "\\n", 9: "\\t"}
_CONTROLS_OF_BLOCKS = {code: text for code, text in _CONTROLS.items() if code not in (9, 10)}


_fields: ContextVar[Mapping[str, object]] = ContextVar("rookery_log_fields", default=MappingProxyType({}))


@contextmanager
def logged_with(**fields: object) -> Iterator[None]:
    """Give what is logged in this block, by this thread or coroutine, these fields beside its own."""
    token = _fields.set({**_fields.get(), **fields})
    try:
        yield
    finally:
        _fields.reset(token)


class Surroundings(logging.Filter):
    """Gives a record the fields of `logged_with` that it does not have itself."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always keeps the record."""
        for name, value in _fields.get().items():
            record.__dict__.setdefault(name, value)
        return True


class Redaction(logging.Filter):
    """Masks secrets in a record's message, arguments, extra fields, exception and stack, in place.

    In place, because a record goes on to the handlers of others, who must not see them either.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Always keeps the record."""
        record.args = redact(record.args)
        record.msg, record.args = redact_text(_message(record)), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact_text(record.exc_text)
        if record.stack_info:
            record.stack_info = redact_text(record.stack_info)
        record.__dict__.update(redact(_extra(record)))
        return True


class HumanFormatter(logging.Formatter):
    """`12:34:56 WARNING rookery.store: message`, local time, of a record that Redaction has seen.

    Control characters are shown, not obeyed: the message is one line, and nothing moves the cursor.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line; below it the exception and the stack, if there are any."""
        time = self.formatTime(record, "%H:%M:%S")
        line = f"{time} {record.levelname} {record.name}: {record.getMessage()}".translate(_CONTROLS)
        below = (text.translate(_CONTROLS_OF_BLOCKS) for text in (record.exc_text, record.stack_info) if text)
        return "\n".join([line, *below])


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time (RFC 3339, UTC), level, logger, message, exception, and extra fields.

    Of a record that Redaction has seen.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_text:
            line["exception"] = record.exc_text
        return json.dumps(_extra(record) | line, default=str, ensure_ascii=False)


def start_logging(
    level: str = "warning", log_format: Format = "auto", stream: TextIO | None = None
) -> logging.Handler:
    """Send the root logger's records to stream (standard error) and return the handler doing so.

    `auto` is human on a terminal, JSON otherwise. Called again, it replaces its own earlier handler only.
    """
    target = stream or sys.stderr
    human = log_format == "human" or (log_format == "auto" and target.isatty())
    handler = logging.StreamHandler(target)
    handler.set_name("rookery")
    handler.addFilter(Surroundings())
    handler.addFilter(Redaction())
    handler.setFormatter(HumanFormatter() if human else JsonFormatter())
    root = logging.getLogger()
    root.handlers = [other for other in root.handlers if other.get_name() != "rookery"]
    root.addHandler(handler)
    root.setLevel(level.upper())
    return handler


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in record.__dict__.items() if name not in _STANDARD_FIELDS}


def _message(record: logging.LogRecord) -> str:
    """The message with its arguments; both as they are where they do not fit, for logging must not fail."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 -- an argument's __str__ may raise anything
        return f"{record.msg} (arguments that do not fit)"
