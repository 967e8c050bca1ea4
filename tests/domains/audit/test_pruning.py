"""Removing the oldest entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rookery.base.clock import from_us
from rookery.domains.audit.errors import LogBroken
from rookery.domains.audit.rules import AuditEntry
from rookery.domains.audit.service import AuditService
from tests.domains.audit.conftest import StoredChain

Verb = Callable[..., Any]


@pytest.fixture
def recorded(audit: Verb) -> list[AuditEntry]:
    """Ten entries, each at a moment of its own."""
    entries: list[AuditEntry] = []
    while len(entries) < 10:
        entry = audit("record", "scan.started", object=f"run {len(entries) + 1}")
        if not entries or entry.at_us > entries[-1].at_us:
            entries.append(entry)
    return entries


def test_the_rest_stays_verifiable_and_says_who_did_it(audit: Verb, recorded: list[AuditEntry]) -> None:
    assert audit("prune", from_us(recorded[6].at_us)) == 6
    verdict = audit("verify")
    assert verdict.problems == ()
    assert verdict.entries == 5
    newest, *others = audit("list")
    assert [entry.position for entry in others] == [10, 9, 8, 7]
    assert (newest.event_type, newest.actor, newest.object) == ("audit.pruned", "tester", "entries up to 6")
    assert newest.details["removed"] == 6


def test_pruning_again_and_recording_on_keeps_one_chain(audit: Verb, recorded: list[AuditEntry]) -> None:
    audit("prune", from_us(recorded[3].at_us))
    audit("prune", from_us(recorded[8].at_us))
    audit("record", "scan.started", object="after")
    verdict = audit("verify")
    assert verdict.problems == ()
    assert [entry.position for entry in audit("list")] == [13, 12, 11, 10, 9]


def test_everything_may_be_pruned_but_the_entry_that_says_so(audit: Verb, recorded: list[AuditEntry]) -> None:
    assert audit("prune", datetime.now(UTC) + timedelta(days=1)) == len(recorded)
    assert [entry.event_type for entry in audit("list")] == ["audit.pruned"]
    assert audit("verify").is_intact


def test_when_nothing_is_older_nothing_happens(audit: Verb, recorded: list[AuditEntry]) -> None:
    assert audit("prune", datetime(2000, 1, 1, tzinfo=UTC)) == 0
    assert audit("count") == len(recorded)


@pytest.fixture
def served(stored: StoredChain) -> Iterator[AuditService]:
    with AuditService(stored.url, stored.data_dir) as service:
        yield service


def test_entries_removed_by_hand_are_no_prune(stored: StoredChain) -> None:
    stored.tamper(
        "DELETE FROM audit_entry WHERE position <= 5", "DELETE FROM audit_checkpoint WHERE size <= 5"
    )
    assert ("missing", 1) in stored.found()


def test_a_forged_prune_record_is_found(stored: StoredChain, served: AuditService) -> None:
    served.prune(datetime.now(UTC), actor="alice")
    stored.append(10)
    stored.tamper(
        "DELETE FROM audit_entry WHERE position <= 25",
        "DELETE FROM audit_checkpoint WHERE size <= 25",
        "UPDATE audit_base SET size = 25, head = (SELECT previous FROM audit_entry WHERE position = 26)",
    )
    assert ("checkpoint", 25) in stored.found()


def test_a_broken_log_is_pruned_only_by_force(stored: StoredChain, served: AuditService) -> None:
    stored.tamper("UPDATE audit_entry SET actor = 'mallory' WHERE position = 7")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with pytest.raises(LogBroken, match="entry 7"):
        served.prune(tomorrow, actor="alice")
    assert stored.verify().entries == 20
    assert served.prune(tomorrow, actor="alice", force=True) == 20
    assert served.verify().is_intact


def test_a_restored_backup_is_told_from_the_full_log_and_can_begin_anew(
    stored: StoredChain, served: AuditService, data_dir: Path
) -> None:
    """The witness still knows what the older database does not."""
    stored.tamper(
        "DELETE FROM audit_entry WHERE position > 10", "DELETE FROM audit_checkpoint WHERE size > 10"
    )
    assert not served.verify().is_intact
    served.prune(datetime.now(UTC) + timedelta(days=1), actor="alice", force=True)
    assert served.verify().is_intact
