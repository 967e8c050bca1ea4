"""Which findings are of a CVE is said by the findings alone: a table of it cost each new one three writes."""

from __future__ import annotations

from alembic import op

revision = "0011_cves_in_their_findings"
down_revision = "0010_accepted_until"


def upgrade() -> None:
    op.drop_table("finding_cve")
