"""Accepted risks whose time is over are open again for whoever looks, without any run in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

import rookery
from rookery.base.clock import now_us
from rookery.base.config import Config, Database
from rookery.domains.findings import store
from rookery.domains.findings.face import Findings
from rookery.domains.findings.hooks import RecordFindings
from rookery.domains.findings.lapsing import end_acceptances
from rookery.domains.findings.models import Finding
from rookery.domains.findings.rules import DAY_US, State
from rookery.mechanisms.writebehind import Batch
from tests.conftest import Call
from tests.domains.findings.test_life import decide, history, only
from tests.domains.findings.test_store import record, sighting

YESTERDAY, TOMORROW = -DAY_US, DAY_US


def accepted(call: Call, until: int) -> str:
    """The id of a finding that is accepted until then, seen from now."""
    record(call, sighting())
    decide(call, state="risk_accepted", state_reason="we know", state_until_us=now_us() + until)
    return only(call).id


def on(url: str, data_dir: Path) -> Config:
    return Config(data_dir=data_dir, database=Database(url=url))


def verb(name: str) -> Callable[..., Any]:
    """What `rook.findings.NAME` calls."""
    operation: Callable[..., Any] = Findings.__dict__[name].operation
    return operation


LOOKS: dict[str, Callable[[Call, str], bool]] = {
    "list": lambda call, id_: [each.id for each in call(verb("list"), "state:open")] == [id_],
    "count": lambda call, _id: call(verb("count"), "state:open") == 1,
    "get": lambda call, id_: call(verb("get"), id_).state == "open",
    "groups": lambda call, _id: call(verb("groups"))[0].active == 1,
    "history": lambda call, id_: call(verb("history"), id_)[-1].to_state == "open",
    "export": lambda call, _id: '"open"' in "".join(call(verb("export"), "jsonl", "state:open")),
    "triage": lambda call, _id: call(verb("triage"), "state:open", State.TRIAGED).changed == 1,
    "note": lambda call, _id: call(verb("note"), "state:open", "look").changed == 1,
}


@pytest.mark.parametrize("look", LOOKS)
def test_whoever_looks_finds_it_open_again(call: Call, look: str) -> None:
    id_ = accepted(call, YESTERDAY)
    assert LOOKS[look](call, id_)


def test_the_history_says_why_and_the_audit_log_that_it_was_no_person(call: Call) -> None:
    id_ = accepted(call, YESTERDAY)
    found = call(verb("get"), id_)
    assert (found.state, found.state_by, found.state_until_us) == ("open", "rookery", None)
    assert found.state_reason == "The time for which its risk was accepted is over."
    assert history(call)[-1] == ("state", "risk_accepted", "open")
    (call.async_rook if call.is_async else call.rook).audit.service.flush()
    [entry] = call.rook.audit.list(event_type="acceptances.ended")
    assert (entry.actor, entry.event_type) == ("rookery", "acceptances.ended")
    assert call(end_acceptances) == 0, "once is enough"


@pytest.mark.postgres
def test_where_nothing_can_be_written_it_is_shown_as_it_is_stored(postgres_url: str, data_dir: Path) -> None:
    """Neither is reading refused, nor is anything said that nobody could keep."""

    accepted = {"state": "risk_accepted", "state_until_us": now_us() - DAY_US}
    with rookery.open(config=on(postgres_url, data_dir)) as rook:
        batch = Batch([sighting()], stream="s", seqs=[1], recovered=False)
        RecordFindings(rook.engine)(None, batch)
        with rook.transaction() as session:
            session.execute(update(Finding).values(**accepted))
    read_only = f"{postgres_url}?options=-c%20default_transaction_read_only%3Don"
    with rookery.open(config=on(read_only, data_dir)) as rook:
        assert [found.state for found in rook.findings.list()] == ["risk_accepted"]


def test_what_is_still_accepted_stays_so(call: Call) -> None:
    id_ = accepted(call, TOMORROW)
    assert call(verb("get"), id_).state == "risk_accepted"
    assert call(end_acceptances) == 0


def test_all_projects_are_looked_at(call: Call) -> None:
    record(call, sighting(project_id="other"))
    decide(call, state="risk_accepted", state_until_us=now_us() - DAY_US)
    assert call(end_acceptances) == 1
    assert call(store.list_)[0].state == "open"
