"""The one way a sighting is written: called by the hook's sink, inside its transaction, a batch at a time.

What is there is read first, in one query (and locked, where the database locks rows); what the sightings make
of it is decided in `standing`; then rows, decisions and history are written, a statement for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    String,
    bindparam,
    case,
    delete,
    false,
    func,
    literal_column,
    null,
    select,
    update,
)

from rookery.base.clock import now_us
from rookery.base.config import Findings as Policy
from rookery.domains.findings import grouping
from rookery.domains.findings.dialects import INSERT, among, insert_into, write_many
from rookery.domains.findings.items import NOT_EMPTIED, Vulnerability
from rookery.domains.findings.models import (
    CveFact,
    Finding,
    FindingAlias,
    FindingEvent,
    FindingEvidence,
)
from rookery.domains.findings.rows import AT_BIRTH, Fact, evidence_row, row_of
from rookery.domains.findings.standing import DECIDED, RULE, Line, Standing, seen_again

COLUMNS = [column.name for column in Finding.__table__.columns]
KEPT = {*DECIDED, "id", "fingerprint", "project_id", "owner", "labels", "first_seen_us", "last_run_id"}
COUNTED = {"run_count", "seen_count"}
NO_TEXT, NO_LIST = literal_column("''", String), literal_column("'[]'", String)
ONE, NONE = literal_column("1", Integer), literal_column("0", Integer)
"""Constants written into the statement: whoever executes it binds the columns alone."""

FIRST_LINE = {"id": "0", "kind": "found", "actor": RULE, "from_state": "", "to_state": ""}
"""What the first lines of all findings' histories have in common.

Their id is the same whoever writes them: two processes that both think a finding new leave one line. And it
comes before those of the lines that are written in the same moment.
"""

Row = dict[str, Any]


def upsert(connection: Connection, items: Iterable[object], policy: Policy | None = None) -> None:
    """Write sightings: new findings, or later sightings of ones that are there; other items are passed over.

    A sighting older than the row's last one, which another process was slow to bring, is counted, and may
    change when the weakness was first seen, but no more. A run counts once, however often it sees it.
    """
    sightings = [item for item in items if isinstance(item, Vulnerability)]
    seen = sorted(sightings, key=attrgetter("fingerprint"))
    if not seen:
        return
    policy = policy or Policy()
    facts = facts_of(connection, {cve for item in seen for cve in item.cve})
    rows = [row_of(item, facts, policy) for item in seen]
    batch = Batch(_standings(connection, {row["id"] for row in rows}), policy)
    for row in rows:
        batch.take(row)
    write_many(connection, _statement, rows)
    batch.write(connection)
    _keep_evidence(connection, seen)


class Batch:
    """What a batch of sightings makes of the findings that are there."""

    def __init__(self, known: dict[str, Standing], policy: Policy) -> None:
        self._known, self._policy, self._now_us = known, policy, now_us()
        self._new: dict[str, Row] = {}
        self._changed: dict[str, Standing] = {}
        self._found: list[Row] = []
        self._history: list[Line] = []
        self._aliases: list[Row] = []

    def take(self, row: Row) -> None:
        """One more sighting, in the order of their births."""
        standing = self._known.get(row["id"])
        if standing is None:
            if row["id"] not in self._new:
                self._begin(row)
                return
            standing = self._known[row["id"]] = _newborn(self._new[row["id"]])
        if row["last_seen_us"] >= standing.last_seen_us:
            self._compare(standing, row)
        lines = list(seen_again(standing, row, self._policy, self._now_us))
        if lines:
            self._changed[standing.id] = standing
            self._history += lines

    def _begin(self, row: Row) -> None:
        self._new[row["id"]] = row
        reason = f"First seen by {row['engine']} at {row['matched_at'][:200]}."
        told = {"at_us": self._now_us, "reason": reason, "run_id": row["last_run_id"]}
        self._found.append({"finding_id": row["id"], **told})

    def _compare(self, standing: Standing, row: Row) -> None:
        if row["target"] != standing.target:
            self._aliases.append({"target": standing.target, "finding_id": standing.id, "now": row["target"]})

    def write(self, connection: Connection) -> None:
        """Write decisions, history and groups; the rows of the findings are there."""
        if self._changed:
            decided = [
                {"b_id": one.id} | {f"b_{name}": getattr(one, name) for name in DECIDED}
                for one in self._changed.values()
            ]
            connection.execute(_decision(), decided)
        self._history += grouping.join(connection, self._new, self._now_us)
        if self._found:
            write_many(connection, _first_lines, self._found)
        if self._history:
            write_many(connection, _history, self._history)
        if self._aliases:
            _keep_aliases(connection, self._aliases)


def _newborn(row: Row) -> Standing:
    """How a finding stands that this batch has seen for the first time."""
    of = {**AT_BIRTH, **row}
    return Standing(**{name: of[name] for name in Standing.__slots__})


def facts_of(connection: Connection, cves: set[str]) -> dict[str, Fact]:
    """What the feeds say of these CVEs, of those they know."""
    if not cves:
        return {}
    columns = [getattr(CveFact, name) for name in Fact._fields]
    rows = connection.execute(select(CveFact.cve, *columns).where(among(connection, CveFact.cve, cves)))
    return {row[0]: Fact._make(row[1:]) for row in rows}


def _standings(connection: Connection, ids: set[str]) -> dict[str, Standing]:
    columns = [getattr(Finding, name) for name in Standing.__slots__]
    query = select(*columns).where(among(connection, Finding.id, ids))
    locked = query.order_by(Finding.fingerprint).with_for_update()
    return {row[0]: Standing(*row) for row in connection.execute(locked)}


def _history(dialect: str) -> Any:
    table: Any = FindingEvent.__table__
    return INSERT[dialect](table).values(_parameters(table)).on_conflict_do_nothing()


def _first_lines(dialect: str) -> Any:
    table: Any = FindingEvent.__table__
    values = _parameters(table) | _constants(FIRST_LINE)
    return INSERT[dialect](table).values(values).on_conflict_do_nothing()


def _evidence(dialect: str) -> Any:
    table: Any = FindingEvidence.__table__
    insert = INSERT[dialect](table).values(_parameters(table))
    new = insert.excluded
    changed = {name: new[name] for name in ("seen_us", "request", "response", "curl")}
    is_newer = new.seen_us >= table.c.seen_us
    return insert.on_conflict_do_update(index_elements=["finding_id"], set_=changed, where=is_newer)


def _parameters(table: Any) -> dict[str, Any]:
    """A parameter for each column, of the same name."""
    return {column.name: bindparam(column.name, type_=column.type) for column in table.columns}


def _statement(dialect: str) -> Any:
    table = Finding.__table__
    insert = INSERT[dialect](table).values(_parameters(table) | _constants(AT_BIRTH))
    new = insert.excluded
    is_newer = new.last_seen_us >= Finding.last_seen_us
    changed: dict[str, Any] = {
        name: case((is_newer, _said(name, new[name])), else_=getattr(Finding, name))
        for name in COLUMNS
        if name not in KEPT | COUNTED
    }
    is_first = new.first_seen_us < Finding.first_seen_us
    changed["first_seen_us"] = case((is_first, new.first_seen_us), else_=Finding.first_seen_us)
    is_of_a_run = (new.last_run_id != NO_TEXT) & is_newer
    changed["last_run_id"] = case((is_of_a_run, new.last_run_id), else_=Finding.last_run_id)
    is_another = (Finding.last_run_id != new.last_run_id) & (new.last_run_id != NO_TEXT)
    changed["run_count"] = Finding.run_count + case((is_another, ONE), else_=NONE)
    changed["seen_count"] = Finding.seen_count + new.seen_count
    return insert.on_conflict_do_update(index_elements=[Finding.id], set_=changed)


def _constants(values: Mapping[str, Any]) -> dict[str, Any]:
    """Columns whose values are written into the statement, and bound by nobody."""
    special = {"None": null(), "False": false()}
    return {name: special.get(repr(value), literal_column(repr(value))) for name, value in values.items()}


def _said(name: str, value: Any) -> Any:
    if name not in NOT_EMPTIED:
        return value
    old = getattr(Finding, name)
    return (
        func.coalesce(value, old)
        if name == "cvss_score"
        else case(((value == NO_TEXT) | (value == NO_LIST), old), else_=value)
    )


@cache
def _decision() -> Any:
    decided: dict[str, Any] = {name: bindparam(f"b_{name}") for name in DECIDED}
    return update(Finding).where(Finding.id == bindparam("b_id")).values(decided)


def _keep_evidence(connection: Connection, seen: Sequence[Vulnerability]) -> None:
    rows = [evidence_row(item) for item in seen if item.request or item.response or item.curl]
    if rows:
        write_many(connection, _evidence, rows)


def _keep_aliases(connection: Connection, aliases: Sequence[Row]) -> None:
    """The targets through which findings were seen before; the one they are seen through now is none."""
    insert = insert_into(connection, FindingAlias)
    old = [{"target": row["target"], "finding_id": row["finding_id"]} for row in aliases]
    connection.execute(insert.on_conflict_do_nothing(), old)
    is_now = (FindingAlias.target == bindparam("now")) & (FindingAlias.finding_id == bindparam("of"))
    connection.execute(
        delete(FindingAlias).where(is_now), [{"now": row["now"], "of": row["finding_id"]} for row in aliases]
    )
