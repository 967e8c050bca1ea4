"""The same weakness on several targets: grouped as findings come, by a key; never by comparing pairs.

The newest finding of a group speaks for it. It takes over from the one that spoke before what people gave
that and it does not have yet: owner and labels, and that somebody looks at it (triaged). That a finding is
false, accepted or out of scope was decided of one target, and is not passed on to another.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from rookery.domains.findings.dialects import INSERT, among, write_many
from rookery.domains.findings.models import Finding, FindingGroup
from rookery.domains.findings.rules import State
from rookery.domains.findings.standing import RULE, Line, line


def join(connection: Connection, new: Mapping[str, Mapping[str, Any]], at_us: int) -> list[Line]:
    """Let new findings, rows by id, join their groups; the history of what they took over."""
    if not new:
        return []
    mains = {row["group_id"]: row["id"] for row in sorted(new.values(), key=itemgetter("last_seen_us"))}
    before = _mains(connection, list(mains))
    write_many(connection, _speaks, [{"id": group, "main_id": main} for group, main in sorted(mains.items())])
    given = _given(connection, set(before.values())) if before else {}
    heirs = {id_: before[row["group_id"]] for id_, row in new.items() if before.get(row["group_id"]) in given}
    return _hand_over(connection, heirs, given, at_us) if heirs else []


def _speaks(dialect: str) -> Any:
    table: Any = FindingGroup.__table__
    insert = INSERT[dialect](table).values(id=bindparam("id"), main_id=bindparam("main_id"))
    return insert.on_conflict_do_update(index_elements=["id"], set_={"main_id": insert.excluded.main_id})


def _mains(connection: Connection, groups: list[str]) -> dict[str, str]:
    query = select(FindingGroup.id, FindingGroup.main_id).where(among(connection, FindingGroup.id, groups))
    return {row.id: row.main_id for row in connection.execute(query)}


def _given(connection: Connection, ids: set[str]) -> dict[str, tuple[str, str, bool]]:
    """Owner, labels and whether it is triaged, of those findings that people gave any of it."""
    is_given = (Finding.owner != "") | (Finding.labels != "[]") | (Finding.state == State.TRIAGED.value)
    query = select(Finding.id, Finding.owner, Finding.labels, Finding.state)
    rows = connection.execute(query.where(among(connection, Finding.id, ids), is_given))
    return {row.id: (row.owner, row.labels, row.state == State.TRIAGED.value) for row in rows}


def _hand_over(
    connection: Connection, heirs: Mapping[str, str], given: Mapping[str, tuple[str, str, bool]], at_us: int
) -> list[Line]:
    taken = update(Finding).where(Finding.id == bindparam("heir"))
    connection.execute(
        taken.values(owner=bindparam("its_owner"), labels=bindparam("its_labels")),
        [
            {"heir": heir, "its_owner": given[old][0], "its_labels": given[old][1]}
            for heir, old in heirs.items()
        ],
    )
    lines = [
        line(heir, "copied", f"Owner and labels are those of finding {old}, the same elsewhere.", at_us=at_us)
        for heir, old in heirs.items()
        if given[old][:2] != ("", "[]")
    ]
    triaged = {heir: old for heir, old in heirs.items() if given[old][2]}
    if triaged:
        reason = "The same weakness elsewhere is triaged."
        state = {"state": State.TRIAGED.value, "state_reason": reason, "state_by": RULE, "state_at_us": at_us}
        connection.execute(update(Finding).where(Finding.id.in_(triaged)).values(state))
        change = (State.OPEN.value, State.TRIAGED.value)
        lines += [line(heir, "state", reason, at_us=at_us, change=change) for heir in triaged]
    return lines
