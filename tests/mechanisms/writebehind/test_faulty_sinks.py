"""What a failing sink costs: nothing that could be delivered, and never the neighbours."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import random
import time
from pathlib import Path

import pytest
from sqlalchemy.exc import InternalError

from rookery.base.redact import register_secret
from rookery.mechanisms.store import limit_idling, open_engine
from rookery.mechanisms.writebehind import (
    Batch,
    BatchQueue,
    DeliveryError,
    PermanentError,
    RetryPolicy,
    SpoolError,
    TransientError,
    json_codec,
)
from rookery.mechanisms.writebehind.retry import is_transient
from tests.mechanisms.writebehind.sinks import FailsTimes, Shelf, numbered, refuse
from tests.patience import PATIENCE

QUICK = RetryPolicy(first=0.001, longest=0.002)
IMPATIENT = RetryPolicy(first=0.001, longest=0.002, patience=0)


class OperationalError(Exception):
    """Named like the database drivers' own, which are recognised by name."""


@pytest.mark.parametrize(
    "error",
    [
        ConnectionError("gone"),
        TimeoutError(),
        OSError(5, "io"),
        TransientError("later"),
        OperationalError("locked"),
    ],
)
def test_a_transient_error_is_retried_until_it_passes(error: Exception) -> None:
    shelf = Shelf(FailsTimes(5, error))
    with BatchQueue(shelf, name="t", retry=QUICK) as queue:
        for item in numbered(0, 30):
            queue.put(item)
        assert queue.flush(PATIENCE)
        assert shelf.items == numbered(0, 30)
        assert (queue.stats.retries, queue.stats.dead) == (5, 0)


def test_what_a_sink_calls_permanent_is_not_retried_even_if_its_cause_looks_transient() -> None:
    assert not is_transient(PermanentError("no"))
    assert not is_transient(ValueError("bad"))
    assert is_transient(TransientError("wait"))


@pytest.mark.postgres
def test_a_transaction_that_the_server_has_ended_is_tried_again(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    limit_idling(engine, 0.05)
    with engine.connect() as asleep:
        asleep.exec_driver_sql("SELECT 1")
        time.sleep(0.5)
        with pytest.raises(InternalError, match="idle-in-transaction") as caught:
            asleep.exec_driver_sql("SELECT 1")
    engine.dispose()
    assert is_transient(caught.value)


def test_attempts_bound_the_retries() -> None:
    shelf = Shelf(FailsTimes(1_000, ConnectionError("gone")))
    retry = RetryPolicy(first=0.001, longest=0.001, attempts=3)
    with BatchQueue(shelf, name="t", retry=retry) as queue:
        for item in numbered(0, 5):
            queue.put(item)
        assert queue.flush(PATIENCE)
        assert shelf.calls == 3
        assert [letter.payload for letter in queue.dead] == numbered(0, 5)


def test_the_backoff_has_full_jitter_and_a_ceiling() -> None:
    policy = RetryPolicy(first=0.1, longest=2.0)
    random.seed(7)
    for attempt, ceiling in ((1, 0.1), (2, 0.2), (5, 1.6), (6, 2.0), (500, 2.0)):
        delays = [policy.delay(attempt) for _ in range(500)]
        assert min(delays) < 0.1 * ceiling
        assert 0.9 * ceiling < max(delays) <= ceiling


@pytest.mark.parametrize("bad", [[0], [99], [50], [3, 4, 5], [0, 17, 18, 64, 99]])
def test_poison_costs_only_itself(bad: list[int]) -> None:
    poison = [b"%d" % number for number in bad]
    shelf = Shelf(refuse(*poison))
    with BatchQueue(shelf, name="t", retry=QUICK) as queue:
        for item in numbered(0, 100):
            queue.put(item)
        assert queue.flush(PATIENCE)
        assert shelf.items == [item for item in numbered(0, 100) if item not in poison]
        assert [letter.payload for letter in queue.dead] == poison
        assert [letter.seq for letter in queue.dead] == [number + 1 for number in bad]
        assert queue.stats.dead == len(bad)


def test_isolating_one_poison_item_takes_logarithmically_many_calls() -> None:
    shelf = Shelf(refuse(b"77"))
    with BatchQueue(shelf, name="t", batch_size=128, batch_interval=60) as queue:
        for item in numbered(0, 128):
            queue.put(item)
        assert queue.flush(PATIENCE)
    assert shelf.calls <= 2 * 7 + 1


def test_every_dead_letter_is_reported_with_its_id_and_the_reason() -> None:
    errors: list[DeliveryError | SpoolError] = []
    codec = json_codec(dict[str, str])

    def sink(batch: Batch[dict[str, str]]) -> None:
        if any(item["id"] == "bad" for item in batch):
            raise ValueError("no such host")

    with BatchQueue(
        sink, name="hosts", codec=codec, key=lambda item: item["id"], on_error=errors.append
    ) as queue:
        for name in ("a", "bad", "b"):
            queue.put({"id": name})
        assert queue.flush(PATIENCE)
    (error,) = errors
    assert isinstance(error, DeliveryError)
    assert (error.queue, error.ids, error.dead) == ("hosts", ("bad",), True)
    assert "no such host" in str(error)


@pytest.mark.parametrize(
    ("bad", "most_calls"), [({700}, 16), (set(range(9, 1000, 10)), 600), (set(range(300, 400)), 150)]
)
def test_isolating_poison_costs_few_calls_whether_it_is_rare_frequent_or_in_one_place(
    bad: set[int], most_calls: int
) -> None:
    """Of 1,000 items; halving both halves of every refused batch took 21, 855 and 217 calls."""
    shelf = Shelf(refuse(*(b"%d" % number for number in bad)))
    with BatchQueue(shelf, name="t", batch_size=1_000, batch_interval=60) as queue:
        for item in numbered(0, 1_000):
            queue.put(item)
        assert queue.flush(PATIENCE)
        assert [int(letter.payload) for letter in queue.dead] == sorted(bad)
    assert shelf.calls <= most_calls


def test_a_sink_that_refuses_everything_for_a_while_loses_nothing() -> None:
    """A missing table is a fault of the sink, not of a hundred items: pause, and try the same items again."""
    shelf = Shelf(FailsTimes(300, LookupError("no such table")))
    with BatchQueue(shelf, name="t", retry=QUICK) as queue:
        for item in numbered(0, 100):
            queue.put(item)
        assert queue.flush(PATIENCE)
        assert shelf.items == numbered(0, 100)
        assert queue.stats.dead == 0
        assert queue.stats.retries > 0


def test_a_sink_that_breaks_in_the_middle_of_a_batch_is_recognised_too() -> None:
    """One item goes through alone, then everything is refused: nothing behind it is given up."""
    calls = iter(range(1_000))

    def break_down(batch: Batch[bytes]) -> None:
        number = next(calls)
        if len(batch) > 1 and number < 8:
            raise LookupError("too much at once")
        if 8 <= number < 300:
            raise LookupError("no such table")

    shelf = Shelf(break_down)
    with BatchQueue(shelf, name="t", retry=QUICK) as queue:
        for item in numbered(0, 100):
            queue.put(item)
        assert queue.flush(PATIENCE)
        assert shelf.items == numbered(0, 100)
        assert queue.stats.dead == 0


def test_when_patience_ends_everything_refused_becomes_dead_letters() -> None:
    shelf = Shelf(refuse(*numbered(0, 50)))
    with BatchQueue(shelf, name="t", retry=IMPATIENT) as queue:
        for item in numbered(0, 51):
            queue.put(item)
        assert queue.flush(PATIENCE)
        assert shelf.items == [b"50"]
        assert [letter.payload for letter in queue.dead] == numbered(0, 50)


def test_dead_letters_lie_in_the_spool_as_json_lines(tmp_path: Path) -> None:
    with BatchQueue(
        Shelf(refuse(b"caf\xc3\xa9", b"\xff\x00")), name="t", spool=tmp_path, retry=IMPATIENT
    ) as queue:
        queue.put("café".encode())
        queue.put(b"good")
        queue.put(b"\xff\x00")
        assert queue.flush(PATIENCE)
        rows = [
            json.loads(line) for line in (tmp_path / "dead.jsonl").read_text(encoding="utf-8").splitlines()
        ]
        assert [(row["stream"], row["seq"]) for row in rows] == [(queue.stream, 1), (queue.stream, 3)]
    assert rows[0]["text"] == "café"
    assert base64.b64decode(rows[1]["base64"]) == b"\xff\x00"
    assert "cannot store" in rows[0]["error"]


def test_dead_letters_that_cannot_be_written_hold_the_queue_rather_than_be_lost(tmp_path: Path) -> None:
    (tmp_path / "dead.jsonl").mkdir()  # no file can be written there
    shelf = Shelf(refuse(b"bad"))
    with BatchQueue(shelf, name="t", spool=tmp_path, retry=QUICK) as queue:
        queue.put(b"bad")
        assert not queue.flush(0.1)
        assert queue.stats.dead == 0
        (tmp_path / "dead.jsonl").rmdir()
        assert queue.flush(PATIENCE)
        assert queue.stats.dead == 1


def test_a_payload_that_cannot_be_decoded_is_poison_like_any_other() -> None:
    codec = json_codec(int)._replace(encode=lambda item: b"{" if item == 2 else b"%d" % item)
    got: list[int] = []
    with BatchQueue(got.extend, name="t", codec=codec, key=lambda item: item) as queue:
        for item in (1, 2, 3):
            queue.put(item)
        assert queue.flush(PATIENCE)
        assert got == [1, 3]
        assert [letter.payload for letter in queue.dead] == [b"{"]


def test_an_on_error_that_fails_does_not_stop_the_writer(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_error: object) -> None:
        raise RuntimeError("the reporter is broken")

    shelf = Shelf(refuse(b"bad"))
    with BatchQueue(shelf, name="t", on_error=fail) as queue:
        queue.put(b"bad")
        queue.put(b"good")
        assert queue.flush(PATIENCE)
    assert shelf.items == [b"good"]
    assert "on_error failed" in caplog.text


@pytest.mark.parametrize("error", [SystemExit(1), asyncio.CancelledError(), GeneratorExit()])
def test_a_sink_that_tries_to_end_its_thread_only_fails_its_batch(error: BaseException) -> None:
    shelf = Shelf(FailsTimes(1, error))
    with BatchQueue(shelf, name="t", retry=QUICK) as queue:
        queue.put(b"first")
        queue.flush(PATIENCE)
        queue.put(b"second")
        assert queue.flush(PATIENCE)
        assert queue.stats.writer_alive
    assert shelf.items[-1] == b"second"


def test_an_unexpected_error_in_the_writer_is_survived_and_nothing_is_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Here the caller's own policy breaks it; the same items are taken up again."""

    class Broken(RetryPolicy):
        def delay(self, attempt: int) -> float:
            raise RuntimeError(f"no delay for attempt {attempt}")

    shelf = Shelf(FailsTimes(1, ConnectionError("once")))
    with BatchQueue(shelf, name="t", batch_size=10, retry=Broken()) as queue:
        for item in numbered(0, 25):
            queue.put(item)
        assert queue.flush(PATIENCE)
        assert queue.stats.restarts == 1
        assert queue.stats.delivered == 25
    assert shelf.items == numbered(0, 25)
    assert "unexpected error in the writer" in caplog.text


def test_secrets_are_masked_in_reports_and_dead_letter_reasons(caplog: pytest.LogCaptureFixture) -> None:
    register_secret("hunter2-of-the-sink")

    def leak(_batch: Batch[bytes]) -> None:
        raise ValueError("login failed for hunter2-of-the-sink at postgresql://me:pw-in-url@host/db")

    with BatchQueue(leak, name="t", retry=IMPATIENT) as queue:
        queue.put(b"x")
        assert queue.flush(PATIENCE)
        (letter,) = queue.dead
        assert queue.stats.last_error is not None
        told = letter.error + queue.stats.last_error + caplog.text
    assert "hunter2" not in told
    assert "pw-in-url" not in told


def test_an_outage_is_logged_once_and_its_end_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    shelf = Shelf(FailsTimes(10, ConnectionError("nobody answers")))
    with BatchQueue(shelf, name="t", retry=QUICK) as queue:
        queue.put(b"x")
        assert queue.flush(PATIENCE)
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "works again after 10 failures" in caplog.text


def test_an_asynchronous_sink_is_awaited_on_one_loop_of_the_queues_own() -> None:
    loops: set[int] = set()
    got: list[bytes] = []
    fail = FailsTimes(1, ConnectionError("once"))

    async def sink(batch: Batch[bytes]) -> None:
        await asyncio.sleep(0)
        loops.add(id(asyncio.get_running_loop()))
        fail(batch)
        got.extend(batch)

    async def main() -> None:
        async with BatchQueue(sink, name="t", batch_size=10, retry=QUICK) as queue:
            for item in numbered(0, 50):
                await queue.aput(item)
            assert await queue.aflush(PATIENCE)
        assert id(asyncio.get_running_loop()) not in loops

    asyncio.run(main())  # noqa: TID251  the outermost shell of this test
    assert got == numbered(0, 50)
    assert len(loops) == 1
