"""A key is claimed once, whoever comes at the same time; its answer is kept for whoever comes again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from rookery.base.clock import now_us
from rookery.mechanisms.replies import store
from rookery.mechanisms.replies.store import CLAIM_SECONDS, KEPT_SECONDS, Kept
from tests.conftest import Call


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    moment = now_us() + int(seconds * 1_000_000)
    monkeypatch.setattr(store, "now_us", lambda: moment)


def test_the_second_hears_of_the_first_and_then_gets_its_answer(call: Call) -> None:
    assert call(store.claim, "key", "digest") is None
    assert call(store.claim, "key", "another") == Kept("digest", 0, "", b"")
    call(store.keep, "key", 201, "{}", b"made")
    assert call(store.claim, "key", "digest") == Kept("digest", 201, "{}", b"made")
    assert call(store.claim, "other", "digest") is None


def test_what_was_given_back_is_free_and_an_answer_is_not_given_back(call: Call) -> None:
    call(store.claim, "key", "digest")
    call(store.release, "key")
    assert call(store.claim, "key", "digest") is None
    call(store.keep, "key", 201, "{}", b"made")
    call(store.release, "key")
    assert call(store.claim, "key", "digest") is not None


def test_a_claim_of_whoever_died_is_free_after_a_while(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    call(store.claim, "key", "digest")
    later(monkeypatch, CLAIM_SECONDS - 1)
    assert call(store.claim, "key", "digest") is not None
    later(monkeypatch, CLAIM_SECONDS + 1)
    assert call(store.claim, "key", "digest") is None


def test_an_answer_is_kept_for_a_day(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    call(store.claim, "key", "digest")
    call(store.keep, "key", 201, "{}", b"made")
    later(monkeypatch, KEPT_SECONDS - 60)
    assert call(store.claim, "key", "digest") is not None
    later(monkeypatch, KEPT_SECONDS + 60)
    assert call(store.claim, "key", "digest") is None


@pytest.mark.parametrize("call", ["sync-sqlite", "sync-postgresql"], indirect=True)
def test_of_many_at_once_one_has_it(call: Call) -> None:
    with ThreadPoolExecutor(8) as pool:
        claims = [pool.submit(store.claim, call.rook, "key", "digest") for _ in range(8)]
    assert sum(each.result() is None for each in claims) == 1
