"""Turns: one has it at a time, whoever else wants it, until that one gives it back or dies."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from rookery.base.config import encode_config
from rookery.mechanisms.store import open_engine
from rookery.mechanisms.store.turns import Turn, Turns, turns_of
from tests.conftest import Call
from tests.patience import PATIENCE, wait_for

CHILD = Path(__file__).with_name("turn_child.py")

databases = pytest.mark.parametrize("call", ["sync-sqlite", "sync-postgresql"], indirect=True)


@contextmanager
def stranger(call: Call) -> Iterator[Turns]:
    """The turns of another house on the same database."""
    engine = open_engine(call.config.database_url)
    turns = turns_of(engine, call.config.data_dir)
    yield turns
    turns.close()
    engine.dispose()


@databases
def test_one_has_it_until_it_gives_it_back(call: Call) -> None:
    with stranger(call) as others:
        mine, theirs = Turn(call.rook.turns, "r1"), Turn(others, "r1")
        assert (mine.take(), theirs.take()) == (True, False)
        mine.give()
        assert theirs.take()
        theirs.give()


@databases
def test_it_is_kept_from_others_of_the_same_house_too(call: Call) -> None:
    first, second = Turn(call.rook.turns, "r1"), Turn(call.rook.turns, "r1")
    assert (first.take(), second.take()) == (True, False)
    second.give()  # what it has not got
    assert not Turn(call.rook.turns, "r1").take()
    first.give()
    assert Turn(call.rook.turns, "r1").take()


@databases
def test_turns_of_different_things_have_nothing_to_do_with_each_other(call: Call) -> None:
    with stranger(call) as others:
        mine = [Turn(call.rook.turns, f"r{number}") for number in range(600)]
        assert all(each.take() for each in mine)
        mine[7].give()
        free = [number for number in range(600) if Turn(others, f"r{number}").take()]
    assert free == [7]


@databases
def test_who_has_given_it_back_does_not_take_it_any_more(call: Call) -> None:
    """As a thread may try to whose operation was cancelled meanwhile."""
    late = Turn(call.rook.turns, "r1")
    late.give()
    assert not late.take()
    assert Turn(call.rook.turns, "r1").take()


@databases
def test_nothing_stays_taken_after_a_kill(call: Call) -> None:
    command = [sys.executable, str(CHILD), encode_config(call.config), "r1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"taken\n"
        mine = Turn(call.rook.turns, "r1")
        assert not mine.take()
        child.kill()
        child.wait(PATIENCE)
    wait_for(mine.take)


@pytest.mark.parametrize("call", ["sync-postgresql"], indirect=True)
def test_a_server_that_drops_the_connection_frees_them_and_gives_others(
    call: Call,
) -> None:
    with stranger(call) as others:
        before, after = Turn(others, "r1"), Turn(call.rook.turns, "r1")
        assert before.take()
        with call.rook.engine.begin() as connection:
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
            )
        wait_for(after.take)
        before.give()
        assert not Turn(others, "r1").take()
        after.give()
        assert Turn(others, "r1").take()
