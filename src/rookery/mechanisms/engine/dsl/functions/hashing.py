"""Hashes, as lower-case hex; mmh3 as the signed 32-bit number Shodan lists favicons by."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache

from rookery.mechanisms.engine.dsl.functions.signature import table
from rookery.mechanisms.engine.dsl.values import Value, to_text
from rookery.mechanisms.engine.errors import DslError
from rookery.mechanisms.engine.latin import to_bytes

HMAC_HASHES = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
MASK = 0xFFFFFFFF


def _md5(value: Value) -> str:
    return hashlib.md5(to_bytes(to_text(value)), usedforsecurity=False).hexdigest()


def _sha1(value: Value) -> str:
    return hashlib.sha1(to_bytes(to_text(value)), usedforsecurity=False).hexdigest()


def _sha256(value: Value) -> str:
    return hashlib.sha256(to_bytes(to_text(value))).hexdigest()


def _sha512(value: Value) -> str:
    return hashlib.sha512(to_bytes(to_text(value))).hexdigest()


def _hmac(algorithm: Value, data: Value, key: Value) -> str:
    name = to_text(algorithm).replace("-", "").lower()
    if name not in HMAC_HASHES:
        raise DslError(f"hmac() knows {', '.join(HMAC_HASHES)}, not {name[:20]!r}")
    return hmac.new(to_bytes(to_text(key)), to_bytes(to_text(data)), name).hexdigest()


def _mmh3(value: Value) -> str:
    return str(murmur3(to_text(value)))


@lru_cache(maxsize=16)
def murmur3(text: str) -> int:
    """MurmurHash3 x86 32-bit, seed 0, signed (Austin Appleby, public domain)."""
    data = to_bytes(text)
    whole = len(data) & ~3
    state = 0
    for start in range(0, whole, 4):
        state ^= _scramble(int.from_bytes(data[start : start + 4], "little"))
        state = (_rotate(state, 13) * 5 + 0xE6546B64) & MASK
    state ^= _scramble(int.from_bytes(data[whole:], "little")) ^ len(data)
    state = ((state ^ (state >> 16)) * 0x85EBCA6B) & MASK
    state = ((state ^ (state >> 13)) * 0xC2B2AE35) & MASK
    state ^= state >> 16
    return state - (1 << 32) if state >> 31 else state


def _scramble(block: int) -> int:
    return (_rotate((block * 0xCC9E2D51) & MASK, 15) * 0x1B873593) & MASK


def _rotate(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (32 - bits))) & MASK


FUNCTIONS = table(
    ("md5", _md5, 1, 1),
    ("sha1", _sha1, 1, 1),
    ("sha256", _sha256, 1, 1),
    ("sha512", _sha512, 1, 1),
    ("hmac", _hmac, 3, 3),
    ("mmh3", _mmh3, 1, 1),
)
