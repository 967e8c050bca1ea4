"""What an HTTP server means by Retry-After."""

from __future__ import annotations

import email.utils
import time


def seconds_of(header: str | None) -> float | None:
    """The seconds that it asks to wait, as a number or a date; None when it says nothing usable."""
    if header is None:
        return None
    if header.isascii() and header.isdigit() and len(header) < 10:
        return float(header)
    try:
        return max(email.utils.parsedate_to_datetime(header).timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return None
