"""Identity: UUIDv7 (RFC 9562), made by the producer, sortable by birth."""

from __future__ import annotations

import uuid_utils


def new_id() -> str:
    """A new UUIDv7 in its canonical 36-character form. Costs about 0.25 µs."""
    return str(uuid_utils.uuid7())
