"""What the tests of schedules submit: tasks that do nothing but fit."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rookery.mechanisms.tasks.registry import TaskType
from tests.domains.schedules.notes import TYPES


@pytest.fixture
def own_types() -> Sequence[TaskType]:
    """The types of tasks that the schedules of the tests submit."""
    return TYPES
