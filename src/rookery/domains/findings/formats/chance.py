"""nuclei's `{{randstr}}` in a URL: a random word of 27 characters, another one in every run. Pure.

With it in the path, one weakness would be another finding after each run. The word is a KSUID: base 62, and
in its first four bytes the second at which it was made, when the templates were loaded. That tells it from
any other word of that length, for the result was written soon after.
"""

from __future__ import annotations

import re

WORD = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{27}(?![0-9A-Za-z])")
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
EPOCH = 1_400_000_000  # seconds; that of KSUIDs
LONGEST_RUN = 14 * 86_400  # seconds
SLACK = 3_600


def without_chance(url: str, seen: float) -> str:
    """The URL with `{{randstr}}` for every word that was made in the time before it was `seen`."""
    return WORD.sub(lambda word: "{{randstr}}" if _is_fresh(word[0], seen) else word[0], url)


def _is_fresh(word: str, seen: float) -> bool:
    number = 0
    for digit in word:
        number = number * 62 + DIGITS.index(digit)
    made = (number >> 128) + EPOCH
    return seen - LONGEST_RUN <= made <= seen + SLACK
