"""A queue against a model: whatever is put, refused, crashed or restarted, in any order, the promises hold.

The model knows which items were accepted, in which order, and which of them the sink refuses for good. At
every barrier each is in the sink or among the dead letters, exactly once, in order per key.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from itertools import count
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rookery.mechanisms.writebehind import Batch, BatchQueue, QueueClosed, RetryPolicy, has_leftovers
from tests.patience import PATIENCE

RETRY = RetryPolicy(first=0.0001, longest=0.0005, patience=0)


class CursorSink:
    """An exactly-once sink in memory, which outlives the processes, and its faults."""

    def __init__(self) -> None:
        self.stored: list[bytes] = []
        self.cursors: dict[str, int] = {}
        self.is_down = False
        self.failures_after_commit = 0
        self.dead: set[bytes] = set()

    def __call__(self, batch: Batch[bytes]) -> None:
        if self.is_down:
            raise ConnectionError("down")
        cursor = self.cursors.get(batch.stream, 0)
        fresh = [item for seq, item in zip(batch.seqs, batch, strict=True) if seq > cursor]
        if any(item.endswith(b"poison") for item in fresh):
            raise ValueError("poison")
        self.stored += fresh
        self.cursors[batch.stream] = max(cursor, batch.seqs[-1])
        if self.failures_after_commit:
            self.failures_after_commit -= 1
            raise ConnectionError("committed, but the answer was lost")


def key_of(item: bytes) -> bytes:
    return item.split(b":")[0]


class Life(RuleBasedStateMachine):
    """Items are `key:number[:poison]`; numbers ascend, so that order can be seen."""

    is_keyed = False

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="rookery-state-"))
        self.sink = CursorSink()
        self.numbers = count()
        self.accepted: list[bytes] = []
        self.is_open = True
        self.queue = self.make_queue()

    def make_queue(self) -> BatchQueue[bytes]:
        return BatchQueue(
            self.sink,
            name="model",
            key=key_of if self.is_keyed else None,
            batch_size=4,
            batch_interval=0.001,
            capacity=50,
            on_full="raise",
            spool=self.folder,
            spool_bytes=1 << 20,
            retry=RETRY,
        )

    @rule(key=st.sampled_from("abc"), is_poison=st.integers(0, 9).map(lambda roll: roll == 0))
    def put(self, key: str, is_poison: bool) -> None:
        item = f"{key}:{next(self.numbers)}{':poison' if is_poison else ''}".encode()
        if len(self.accepted) - len(self.sink.stored) > 40:
            return  # the queue may be full: test_full.py is about that
        try:
            self.queue.put(item)
        except QueueClosed:
            assert not self.is_open
        else:
            assert self.is_open
            self.accepted.append(item)

    @rule(times=st.integers(2, 6))
    def put_the_same_again(self, times: int) -> None:
        if self.accepted and self.is_open:
            for _ in range(times):
                self.put(key_of(self.accepted[-1]).decode(), False)

    @rule()
    def the_sink_goes_down(self) -> None:
        self.sink.is_down = True

    @rule()
    def the_sink_comes_back(self) -> None:
        self.sink.is_down = False

    @rule(times=st.integers(1, 3))
    def answers_get_lost(self, times: int) -> None:
        self.sink.failures_after_commit = times

    @precondition(lambda self: self.is_open and not self.sink.is_down)
    @rule()
    def flush(self) -> None:
        assert self.queue.flush(PATIENCE)
        self.check_barrier()

    @precondition(lambda self: self.is_open)
    @rule()
    def close(self) -> None:
        """With the sink down, the rest stays in the spool."""
        is_done = self.queue.close(0.02 if self.sink.is_down else PATIENCE)
        self.is_open = False
        assert is_done or self.sink.is_down
        if is_done:
            self.check_barrier()

    @precondition(lambda self: not self.is_open)
    @rule()
    def restart(self) -> None:
        self.queue = self.make_queue()
        self.is_open = True

    @precondition(lambda self: self.is_open)
    @rule()
    def crash(self) -> None:
        """Halted in mid-work, as near to a kill as one process gets; tests/crash does it for real."""
        self.queue._delivery.halt.set()
        self.queue.close(0)
        self.is_open = False

    @invariant()
    def stats_add_up(self) -> None:
        stats = self.queue.stats
        assert stats.accepted == (
            stats.delivered + stats.coalesced + stats.dead + stats.queued + stats.inflight
        )

    @invariant()
    def nothing_is_stored_twice_or_out_of_order(self) -> None:
        stored = list(self.sink.stored)
        assert len(stored) == len(set(stored))
        for key in {key_of(item) for item in stored}:
            numbers = [int(item.split(b":")[1]) for item in stored if key_of(item) == key]
            assert numbers == sorted(numbers)

    def check_barrier(self) -> None:
        stored, dead = set(self.sink.stored), self.dead_letters()
        good = [item for item in self.accepted if not item.endswith(b"poison")]
        assert stored <= set(good)
        assert {item for item in dead if not item.endswith(b"poison")} == set()
        if self.is_keyed:
            latest = {key_of(item): item for item in self.accepted}
            assert set(latest.values()) <= stored | dead
        else:
            assert stored == set(good)
            assert dead == set(self.accepted) - stored

    def dead_letters(self) -> set[bytes]:
        file = self.folder / "dead.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return {json.loads(line)["text"].encode() for line in lines}

    def teardown(self) -> None:
        self.sink.is_down = False
        self.sink.failures_after_commit = 0
        if not self.is_open:
            self.restart()
        assert self.queue.close(PATIENCE)
        self.check_barrier()
        assert not has_leftovers(self.folder)
        shutil.rmtree(self.folder)


class KeyedLife(Life):
    is_keyed = True


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestKeyedLife = KeyedLife.TestCase
TestKeyedLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
