"""What workers do for schedules."""

from __future__ import annotations

from rookery.domains.schedules.firing import fire_due
from rookery.mechanisms.tasks.registry import Chore

FIRING = Chore(name="schedules.fire", act=fire_due)
