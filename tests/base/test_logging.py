"""Log lines: readable where a person reads, JSON where a program does, secrets in neither."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from rookery.base import redact
from rookery.base.logging import Format, logged_with, start_logging

logger = logging.getLogger("rookery.test")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _root_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(redact, "_secrets", ())
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers, root.level = before, level


def _started(log_format: Format = "auto", stream: io.StringIO | None = None) -> io.StringIO:
    stream = stream or io.StringIO()
    start_logging("info", log_format, stream)
    return stream


def _json_lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_away_from_a_terminal_a_record_is_one_json_line() -> None:
    stream = _started()
    logger.info("took %d\nms", 3, extra={"device": "r1"})
    (line,) = _json_lines(stream)
    assert line.pop("time").endswith("+00:00")
    assert line == {"device": "r1", "level": "info", "logger": "rookery.test", "message": "took 3\nms"}


def test_on_a_terminal_a_record_is_a_line_for_people() -> None:
    stream = _started(stream=Terminal())
    logger.warning("disk is full")
    assert stream.getvalue().endswith(" WARNING rookery.test: disk is full\n")


def test_the_setting_overrules_the_terminal() -> None:
    stream = _started("json", Terminal())
    logger.info("x")
    assert _json_lines(stream)[0]["message"] == "x"


def test_control_characters_from_outside_cannot_drive_the_terminal() -> None:
    stream = _started("human")
    logger.error("banner: %s", "\x1b[2J\nforged line")
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize("log_format", ["human", "json"])
def test_no_secret_reaches_the_log_by_message_argument_extra_or_exception(log_format: Format) -> None:
    redact.register_secret("hunter2")
    stream = _started(log_format)
    logger.info("message hunter2 %s %s", {"password": "by-key"}, "hunter2", extra={"token": "by-extra"})
    try:
        int("postgresql://u:by-url@h hunter2")
    except ValueError:
        logger.exception("it failed")
    for secret in ("hunter2", "by-key", "by-extra", "by-url"):
        assert secret not in stream.getvalue()
    assert "ValueError" in stream.getvalue()


def test_the_controls_in_an_exception_are_shown_too() -> None:
    stream = _started("human")
    try:
        int("\x1b[2J")
    except ValueError:
        logger.exception("no number")
    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().count("\n") > 3


def test_arguments_that_do_not_fit_their_message_lose_neither_the_record_nor_the_caller() -> None:
    stream = io.StringIO()
    handler = start_logging("info", "json", stream)
    handler.handle(logging.makeLogRecord({"msg": "%d of %d", "args": ("x",)}))
    assert _json_lines(stream)[0]["message"].startswith("%d of %d")


def test_starting_twice_replaces_the_earlier_handler() -> None:
    first = _started("json")
    second = _started("json")
    logger.info("once")
    assert first.getvalue() == ""
    assert len(_json_lines(second)) == 1


def test_records_below_the_level_are_not_written() -> None:
    stream = _started()
    logger.debug("detail")
    assert stream.getvalue() == ""


def test_what_is_logged_in_a_block_has_its_fields_and_those_of_the_blocks_around_it() -> None:
    stream = _started()
    with logged_with(task_id="t1", attempt=1):
        logger.info("outer")
        with logged_with(attempt=2):
            logger.info("inner", extra={"device": "r1"})
            logger.info("its own", extra={"task_id": "t2"})
    logger.info("outside")
    found = [
        {k: v for k, v in line.items() if k in {"task_id", "attempt", "device"}}
        for line in _json_lines(stream)
    ]
    assert found == [
        {"task_id": "t1", "attempt": 1},
        {"task_id": "t1", "attempt": 2, "device": "r1"},
        {"task_id": "t2", "attempt": 2},
        {},
    ]


def test_threads_do_not_have_each_others_fields() -> None:
    stream = _started()
    with logged_with(task_id="t1"):
        thread = threading.Thread(target=logger.info, args=("beside",))
        thread.start()
        thread.join()
    (line,) = _json_lines(stream)
    assert "task_id" not in line
