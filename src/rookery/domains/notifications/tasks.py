"""What notifications leave to workers: to deliver, one message at a time over each channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rookery.base.config import Config
from rookery.domains.notifications.delivering import Delivery, deliver, look_after
from rookery.domains.notifications.occurrences import DELIVER
from rookery.mechanisms.tasks.registry import Chore, TaskType
from rookery.mechanisms.tasks.rules import RetryPolicy

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

RETRY = RetryPolicy(temporary=8, other=2, first_delay=10.0, longest_delay=3600.0)
"""Some hours, in which a mail server comes back."""


def _one_at_a_time(_session: Session, _config: Config, wanted: Delivery) -> Mapping[str, int]:
    return {f"channel {wanted.channel}": 1}


TASKS = (
    TaskType(
        name=DELIVER, function=deliver, payload=Delivery, retry=RETRY, timeout=300.0, limits=_one_at_a_time,
        summary="Tell what is due over a channel, for a rule.",
    ),
)  # fmt: skip

LOOKING_AFTER = Chore(name="notifications.look_after", act=look_after, every=60.0)
