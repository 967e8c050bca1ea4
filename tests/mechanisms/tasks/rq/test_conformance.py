"""What holds for tasks on the database's own workers holds on those of RQ."""

from tests.mechanisms.tasks.test_running import *  # noqa: F403  the same tests, on another backend

del test_a_worker_takes_the_types_that_it_was_told_to_and_no_others  # noqa: F821  one of RQ takes all
