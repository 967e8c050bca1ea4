"""Passwords: argon2id, two at a time at most, for each takes 46 MB and a processor for 76 ms.

They have threads of their own, so that a thousand logins at once neither exhaust the memory nor keep the
event loop, or other work in threads, from going on.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Final, NamedTuple, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from rookery.domains.users.rules import LONGEST_PASSWORD, as_bytes, normal
from rookery.mechanisms.rook import Rook

AT_ONCE: Final = 2
HASHER: Final = PasswordHasher(memory_cost=47_104, time_cost=1, parallelism=1)
NOBODYS: Final = (
    "$argon2id$v=19$m=47104,t=1,p=1$YSBzYWx0IG9mIG5vYm9keQ$RwGd+GTOSFxi6p4WzuS9DaE08HM+YBGciFQo/mA1wrk"
)
"""What is verified for a user who does not exist, so that this takes as long."""

T = TypeVar("T")


class Verdict(NamedTuple):
    """Whether a password is right, and whether its hash was made with other parameters than today's."""

    is_right: bool
    is_outdated: bool


def hashed(rook: Rook, password: str) -> str:
    """The hash of a password, with its salt and parameters."""
    return rook.wait_for(_in_turn, HASHER.hash, as_bytes(normal(password)))


def verified(rook: Rook, password_hash: str | None, password: str) -> Verdict:
    """Whether it is the password; without a hash it is not, which takes as long to say."""
    return rook.wait_for(_in_turn, _verify, password_hash, as_bytes(normal(password[: LONGEST_PASSWORD + 1])))


def _verify(password_hash: str | None, password: bytes) -> Verdict:
    try:
        HASHER.verify(password_hash or NOBODYS, password)
    except (VerificationError, InvalidHashError):
        return Verdict(is_right=False, is_outdated=False)
    is_right = password_hash is not None
    return Verdict(is_right, is_right and HASHER.check_needs_rehash(password_hash or ""))


async def _in_turn(function: Callable[..., T], *args: Any) -> T:
    return await asyncio.get_running_loop().run_in_executor(_hands(os.getpid()), function, *args)


@cache
def _hands(_process: int) -> ThreadPoolExecutor:
    """One pool for each process: a fork has none of its parent's threads."""
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="rookery-password")
