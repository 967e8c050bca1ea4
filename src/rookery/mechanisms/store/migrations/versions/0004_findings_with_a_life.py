"""Findings with a state, a history, evidence, groups, and what the feeds say of CVEs.

A fingerprint names project and type from now on, and a finding's id is made of it: rows are written anew.
"""

from __future__ import annotations

import hashlib
import uuid
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

revision = "0004_findings_with_a_life"
down_revision = "0003_scans_and_findings"

BATCH = 500


def upgrade() -> None:
    op.execute("CREATE TABLE finding_before AS SELECT * FROM finding")
    op.drop_table("finding")
    finding = _finding()
    _belongings()
    _feeds()
    _carry_over(finding)
    op.drop_table("finding_before")


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _numbers(*names: str, nullable: bool = False) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=nullable) for name in names]


def _scores(*names: str) -> list[sa.Column[float]]:
    return [sa.Column(name, sa.Double(), nullable=True) for name in names]


def _flags(*names: str) -> list[sa.Column[bool]]:
    return [sa.Column(name, sa.Boolean(), nullable=False) for name in names]


def _finding() -> sa.Table:
    table = op.create_table(
        "finding",
        *_text("id", "fingerprint", "project_id", "group_id"),
        *_text("template_id", "template_sha256", "matcher", "engine", "type", "name"),
        *_numbers("severity", "priority", "exposure"),
        *_text("target", "matched_at", "scheme", "host"),
        *_numbers("port"),
        *_text(
            "path", "ip", "extracted", "meta", "description", "impact", "remediation", "reference", "tags"
        ),
        *_text("cve", "cwe", "cvss_vector"),
        *_scores("cvss_score", "epss", "epss_percentile"),
        *_flags("kev"),
        *_text("kev_added", "kev_due"),
        *_flags("ransomware"),
        *_text("state", "state_reason", "state_by"),
        *_numbers("state_at_us"),
        *_numbers("state_until_us", nullable=True),
        *_flags("needs_review"),
        *_text("owner", "labels"),
        *_numbers("due_us", nullable=True),
        *_numbers("first_seen_us", "last_seen_us"),
        *_numbers("fixed_us", nullable=True),
        *_text("last_run_id"),
        *_numbers("run_count", "seen_count", "missed_count", "reopened_count"),
        sa.PrimaryKeyConstraint("id", name="pk_finding"),
        sa.CheckConstraint(
            "state IN ('open', 'triaged', 'false_positive', 'risk_accepted', 'fixed', 'out_of_scope')",
            name=op.f("ck_finding_state"),
        ),
    )
    op.create_index("ix_finding_first_things_first", "finding", ["priority", "last_seen_us"])
    op.create_index("ix_finding_project_id_target", "finding", ["project_id", "target"])
    op.create_index("ix_finding_group_id", "finding", ["group_id"])
    return table


def _belonging(name: str, *columns: sa.Column[Any], key: tuple[str, ...]) -> None:
    op.create_table(
        name,
        *columns,
        sa.PrimaryKeyConstraint(*key, name=f"pk_{name}"),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["finding.id"], name=f"fk_{name}_finding_id", ondelete="CASCADE"
        ),
    )


def _belongings() -> None:
    _belonging(
        "finding_event",
        *_text("finding_id", "id"),
        *_numbers("at_us"),
        *_text("kind", "actor", "from_state", "to_state", "reason", "run_id"),
        key=("finding_id", "id"),
    )
    _belonging(
        "finding_evidence",
        *_text("finding_id"),
        *_numbers("seen_us"),
        *_text("request", "response", "curl"),
        key=("finding_id",),
    )
    for name, other in (("finding_cve", "cve"), ("finding_alias", "target")):
        _belonging(name, *_text(other, "finding_id"), key=(other, "finding_id"))
        op.create_index(f"ix_{name}_finding_id", name, ["finding_id"])
    op.create_table(
        "finding_group", *_text("id", "main_id"), sa.PrimaryKeyConstraint("id", name="pk_finding_group")
    )


def _feeds() -> None:
    op.create_table(
        "cve_fact",
        *_text("cve", "kev_added", "kev_due"),
        *_flags("ransomware"),
        *_scores("epss", "epss_percentile"),
        sa.PrimaryKeyConstraint("cve", name="pk_cve_fact"),
    )
    op.create_table(
        "feed",
        *_text("name", "dated"),
        *_numbers("imported_us", "entries"),
        sa.PrimaryKeyConstraint("name", name="pk_feed"),
    )


def _carry_over(finding: sa.Table) -> None:
    """Those whose place had a random part in it get a fingerprint of that place; they are found anew."""
    connection = op.get_bind()
    before = sa.table("finding_before", *(sa.column(name) for name in OLD))
    groups = sa.table("finding_group", sa.column("id"), sa.column("main_id"))
    mains: dict[str, str] = {}
    latest_last = sa.select(before).order_by(before.c.last_seen_us)
    rows = {row["id"]: row for row in map(_new, connection.execute(latest_last).mappings())}
    kept = iter(rows.values())
    while batch := list(islice(kept, BATCH)):
        connection.execute(sa.insert(finding), batch)
        mains.update({row["group_id"]: row["id"] for row in batch})
    if mains:
        connection.execute(
            sa.insert(groups), [{"id": group, "main_id": main} for group, main in mains.items()]
        )


OLD = (
    *("template_id", "matcher", "name", "severity", "target", "matched_at", "extracted", "description"),
    *("remediation", "reference", "tags", "first_seen_us", "last_seen_us", "last_run_id", "run_count"),
)
EMPTY = dict.fromkeys(
    (
        "template_sha256",
        "ip",
        "impact",
        "cvss_vector",
        "kev_added",
        "kev_due",
        "state_reason",
        "state_by",
        "owner",
    ),
    "",
)
NONE = dict.fromkeys(
    ("cvss_score", "epss", "epss_percentile", "state_until_us", "due_us", "fixed_us"),
)
DAYS = {2: 120, 3: 90, 4: 30, 5: 7}


def _new(old: Any) -> dict[str, Any]:
    parts = urlsplit(old["matched_at"])
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    host, path = (parts.hostname or "").lower(), parts.path or "/"
    identity = (
        "v1",
        "default",
        old["template_id"],
        old["matcher"],
        "http",
        parts.scheme,
        host,
        str(port),
        path,
    )
    print_ = hashlib.sha256("\0".join(identity).encode()).hexdigest()
    group = hashlib.sha256("\0".join(("default", old["template_id"])).encode()).hexdigest()[:32]
    days = DAYS.get(old["severity"])
    return (
        {name: old[name] for name in OLD}
        | EMPTY
        | NONE
        | dict.fromkeys(("kev", "ransomware", "needs_review"), False)
        | dict.fromkeys(("cve", "cwe", "labels"), "[]")
        | {
            "id": _id(print_),
            "fingerprint": print_,
            "project_id": "default",
            "group_id": group,
            "engine": "embedded",
            "type": "http",
            "priority": old["severity"] * 1_000_000,
            "exposure": 0,
            "scheme": parts.scheme,
            "host": host,
            "port": port,
            "path": path,
            "meta": "{}",
            "state": "open",
            "state_at_us": old["first_seen_us"],
            "seen_count": old["run_count"],
            "missed_count": 0,
            "reopened_count": 0,
            "due_us": None if days is None else old["first_seen_us"] + days * 86_400_000_000,
        }
    )


def _id(print_: str) -> str:
    bits = int(print_[:32], 16)
    bits = bits & ~(0xF << 76) | (0x8 << 76)
    return str(uuid.UUID(int=bits & ~(0x3 << 62) | (0x2 << 62)))
