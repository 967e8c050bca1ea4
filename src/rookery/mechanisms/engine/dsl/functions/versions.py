"""compare_versions, with the rules of hashicorp/go-version, which nuclei uses."""

from __future__ import annotations

import re
from typing import NamedTuple

from rookery.mechanisms.engine.dsl.functions.signature import MANY, table
from rookery.mechanisms.engine.dsl.values import Value, to_text
from rookery.mechanisms.engine.errors import DslError

VERSION = re.compile(
    r"v?(\d+(?:\.\d+)*)(?:-?([0-9A-Za-z\-~]+(?:\.[0-9A-Za-z\-~]+)*))?(?:\+[0-9A-Za-z\-~.]+)?"
)
CONSTRAINT = re.compile(r"(>=|<=|!=|~>|>|<|=|)\s*(\S+)")
LONGEST_VERSION = 200


class Version(NamedTuple):
    """Numeric segments (at least three) and the pre-release part, empty for a release."""

    segments: tuple[int, ...]
    prerelease: str
    written: int


def parse_version(text: str) -> Version:
    """The version in a text; DslError when it is none."""
    match = VERSION.fullmatch(text.strip()) if len(text) <= LONGEST_VERSION else None
    if match is None:
        raise DslError(f"{text[:40]!r} is not a version")
    numbers = [int(part) for part in match[1].split(".")]
    return Version(tuple(numbers + [0] * (3 - len(numbers))), match[2] or "", len(numbers))


def _order(left: Version, right: Version) -> int:
    width = max(len(left.segments), len(right.segments))
    first = left.segments + (0,) * (width - len(left.segments))
    second = right.segments + (0,) * (width - len(right.segments))
    if first != second:
        return 1 if first > second else -1
    return _prerelease_order(left.prerelease, right.prerelease)


def _prerelease_order(left: str, right: str) -> int:
    """A release is newer than its pre-releases; their dotted parts compare as numbers, then as text."""
    if left == right:
        return 0
    if not left or not right:
        return 1 if not left else -1
    return 1 if _prerelease_key(left) > _prerelease_key(right) else -1


def _prerelease_key(text: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in text.split(".")]


def _satisfies(version: Version, constraint: str) -> bool:
    match = CONSTRAINT.fullmatch(constraint.strip())
    if match is None:
        raise DslError(f"{constraint[:40]!r} is not a version constraint")
    bound = parse_version(match[2])
    order = _order(version, bound)
    if match[1] in ("", "="):
        return order == 0
    if match[1] == "!=":
        return order != 0
    if not _prerelease_allowed(version, bound):
        return False
    if match[1] == "~>":
        fixed = max(bound.written - 1, 1)
        return order >= 0 and version.segments[:fixed] == bound.segments[:fixed]
    return {">": order > 0, "<": order < 0, ">=": order >= 0, "<=": order <= 0}[match[1]]


def _prerelease_allowed(version: Version, bound: Version) -> bool:
    """A pre-release only meets a bound that is a pre-release of the same version."""
    if version.prerelease and bound.prerelease:
        return version.segments == bound.segments
    return not version.prerelease


def _compare_versions(version: Value, *constraints: Value) -> bool:
    parsed = parse_version(to_text(version))
    every = ",".join(to_text(constraint) for constraint in constraints).split(",")
    return all(_satisfies(parsed, constraint) for constraint in every)


FUNCTIONS = table(("compare_versions", _compare_versions, 2, MANY))
