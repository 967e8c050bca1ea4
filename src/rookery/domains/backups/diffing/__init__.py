"""What has changed between two configurations, for people: `lines` compares, `hunks` groups the changes and
says in which section they are, `marks` what within a line, `rendering` writes it down.
"""

from rookery.domains.backups.diffing.hunks import Diff, Hunk, Line, diff
from rookery.domains.backups.diffing.rendering import unified

__all__ = ["Diff", "Hunk", "Line", "diff", "unified"]
