"""Checkpoints: the signed statements "after N entries the chain's hash was H". Pure functions.

Every batch ends with one, in the same transaction. Each names the digest of the one before it, so the last
signature vouches for all of them. A prune record is signed likewise and says where the chain now begins.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final, NamedTuple

from rookery.domains.audit.keys import Signer
from rookery.domains.audit.rules import GENESIS, Head

FORMAT: Final = "rookery audit 1"


class Checkpoint(NamedTuple):
    """Signed: after `size` entries the last hash was `head`. `previous` digests the checkpoint before."""

    size: int
    head: bytes
    at_us: int
    previous: bytes
    key_id: str
    signature: bytes = b""

    @property
    def body(self) -> bytes:
        """What is signed: six lines of ASCII."""
        return (
            f"{FORMAT} checkpoint\nsize {self.size}\nhead {self.head.hex()}\nat_us {self.at_us}\n"
            f"previous {self.previous.hex()}\nkey {self.key_id}\n"
        ).encode()

    @property
    def digest(self) -> bytes:
        """What the next checkpoint names: the SHA-256 of body and signature."""
        return sha256(self.body + self.signature).digest()


class Base(NamedTuple):
    """Signed: the entries up to `size`, whose hash was `head`, were pruned, being older than `before_us`."""

    size: int
    head: bytes
    at_us: int
    before_us: int
    key_id: str
    signature: bytes = b""

    @property
    def body(self) -> bytes:
        """What is signed: six lines of ASCII."""
        return (
            f"{FORMAT} pruned\nsize {self.size}\nhead {self.head.hex()}\nat_us {self.at_us}\n"
            f"before_us {self.before_us}\nkey {self.key_id}\n"
        ).encode()


def start_of(base: Base | None) -> Head:
    """What the first entry of a whole log follows: nothing, or what was pruned."""
    return Head(base.size, base.head) if base else Head()


def sign_checkpoint(signer: Signer, head: Head, at_us: int, before: Checkpoint | None) -> Checkpoint:
    """The checkpoint of `head`, after the one before it."""
    previous = before.digest if before else GENESIS
    unsigned = Checkpoint(head.size, head.hash, at_us, previous, signer.key_id)
    return unsigned._replace(signature=signer.sign(unsigned.body))


def sign_base(signer: Signer, head: Head, at_us: int, before_us: int) -> Base:
    """The record that the chain begins after `head`."""
    unsigned = Base(head.size, head.hash, at_us, before_us, signer.key_id)
    return unsigned._replace(signature=signer.sign(unsigned.body))
