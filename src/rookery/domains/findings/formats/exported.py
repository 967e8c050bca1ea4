"""What every export is made of: one finding, as a document, with its evidence."""

from __future__ import annotations

from typing import Any, NamedTuple


class Exported(NamedTuple):
    """A finding as `document.as_json` has it, what was sent and what came back (empty: not kept)."""

    document: dict[str, Any]
    request: str = ""
    response: str = ""
    curl: str = ""

    @property
    def baseline(self) -> str:
        """SARIF's word for what became of it since the run before: new, unchanged, or absent."""
        if self.document["state"] == "fixed":
            return "absent"
        return "new" if self.document["run_count"] <= 1 else "unchanged"


SUPPRESSED = frozenset({"false_positive", "risk_accepted", "out_of_scope"})
"""States in which a finding is no call to do anything."""
