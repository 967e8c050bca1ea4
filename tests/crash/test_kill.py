"""A process is killed at a random moment; what it had acknowledged is in the sink exactly once, in order."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from tests.crash.rounds import Household, assert_exactly_once, found_a_household, read_some

PID = re.compile(rb"^pid:(\d+)$", re.MULTILINE)


@pytest.fixture
def household(tmp_path: Path, sqlite_template: Path) -> Household:
    return found_a_household(tmp_path, sqlite_template)


def test_twenty_processes_one_after_the_other_lose_nothing(household: Household) -> None:
    """Each new process takes over what the killed one left, while it already puts items of its own."""
    for number in range(20):
        household.live_and_die(f"r{number}", "steadily")
    household.restart()
    assert len(household.acknowledged) > 1_000
    assert_exactly_once(household)


@pytest.mark.parametrize("number", range(4))
def test_each_restart_delivers_all_of_the_process_before(household: Household, number: int) -> None:
    household.live_and_die(f"r{number}", "steadily")
    household.restart()
    assert_exactly_once(household)


def test_with_the_sink_down_all_of_it_is_in_the_spools(household: Household) -> None:
    """Eight processes die one after the other, and none of them ever reached the sink."""
    for number in range(8):
        household.live_and_die(f"r{number}", "sink down")
    assert household.arrived() == []
    household.restart()
    assert_exactly_once(household)


def test_with_poison_items_the_good_arrive_and_the_poison_becomes_dead_letters(household: Household) -> None:
    """A poison item is in the dead letters at least once, whenever the kill comes, and never in the sink."""
    for number in range(10):
        household.live_and_die(f"r{number}", "poison")
    household.restart()
    assert_exactly_once(household)
    poison = {item for item in household.acknowledged if item.endswith("poison")}
    assert poison
    assert poison <= set(household.dead())
    assert all(item.endswith("poison") for item in household.dead())


def test_killed_during_close(household: Household) -> None:
    for number in range(8):
        lines = household.live_until_line(f"r{number}", "during close", b"closing")
        assert sum(line.startswith(f"r{number}:") for line in lines) == 1_500
    household.restart()
    assert_exactly_once(household)


def test_with_a_full_disk_put_refuses_and_what_it_accepted_survives(household: Household) -> None:
    for number in range(4):
        lines = household.live_until_line(f"r{number}", "disk full", b"refused")
        assert "cannot grow" in lines[-1]
    household.restart()
    assert len(household.acknowledged) > 400
    assert_exactly_once(household)


def test_parent_and_forked_child_killed_together(household: Household) -> None:
    """The items before the fork belong to the parent; each side then has a spool of its own."""
    for number in range(6):
        process = household.start(f"r{number}", "fork")
        seen = b""
        while len(PID.findall(seen)) < 2 or seen.count(b"\n") < 2_000:
            seen += read_some(process)
        for pid in PID.findall(seen):
            os.kill(int(pid), signal.SIGKILL)
        household.bury(process, seen)
    household.restart()
    assert any("-child:" in item for item in household.acknowledged)
    assert_exactly_once(household)


def test_on_sigterm_without_a_handler(household: Household) -> None:
    for number in range(4):
        household.live_and_die(f"r{number}", "steadily", by=signal.SIGTERM)
    household.restart()
    assert_exactly_once(household)


@pytest.mark.parametrize(("mode", "status"), [("sys.exit", 3), ("exception", 1)])
def test_leaving_without_close_delivers_at_exit(household: Household, mode: str, status: int) -> None:
    """No restart is needed: the interpreter's exit flushes."""
    _, returncode = household.live("r0", mode)
    assert returncode == status
    assert len(household.acknowledged) == 1_000
    assert_exactly_once(household)


def test_os_exit_leaves_it_to_the_next_process(household: Household) -> None:
    household.live("r0", "os._exit")
    household.restart()
    assert len(household.acknowledged) == 1_000
    assert_exactly_once(household)
