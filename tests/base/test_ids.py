"""Ids are UUIDv7: unique, and in the order of their birth."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

from rookery.base.ids import new_id


def test_an_id_is_a_uuid_of_version_7_in_canonical_form() -> None:
    made = new_id()
    assert str(uuid.UUID(made)) == made
    assert uuid.UUID(made).version == 7


def test_ids_made_one_after_the_other_sort_in_that_order() -> None:
    made = [new_id() for _ in range(10_000)]
    assert made == sorted(set(made))


def test_threads_never_make_the_same_id() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = [
            made for batch in pool.map(lambda _: [new_id() for _ in range(2_000)], range(8)) for made in batch
        ]
    assert len(set(made)) == 16_000
