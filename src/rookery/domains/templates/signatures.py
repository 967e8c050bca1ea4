"""Who signed a template, and whether it still is what was signed.

A signed template ends in `# digest: SIGNATURE:KEY`. SIGNATURE is, in hex, Go's gob encoding of an ECDSA
signature (ASN.1) over the SHA-256 of everything above that line, without outer white space; KEY is the MD5 of
the public key's X. nuclei's own public certificate comes with Rookery; more keys are the user's to trust.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509.oid import NameOID

from rookery.domains.templates.errors import SignatureRefused, TrustedKeyUnusable

NUCLEI_CERTIFICATE = Path(__file__).parent / "keys" / "nuclei.crt"
LARGEST_KEY_FILE = 64 << 10  # bytes
DIGEST = b"# digest: "
DIGEST_LINE = re.compile(rb"# digest: ([0-9a-f]{2,600}):([0-9a-f]{32})", re.IGNORECASE)
PEM = re.compile(rb"-----BEGIN [A-Z0-9 ]+-----(.+?)-----END [A-Z0-9 ]+-----", re.DOTALL)
BYTES = 0x0A  # gob's number of the type []byte

State = Literal["signed", "unsigned", "unknown key", "tampered"]


@dataclass(frozen=True, slots=True)
class Signature:
    """What a template's signature is worth. `signer` is the name in a trusted key's certificate."""

    state: State
    signer: str = ""

    def __str__(self) -> str:
        """In words, as people are told."""
        return {
            "signed": f"signed by {self.signer}",
            "unsigned": "not signed",
            "unknown key": "signed with a key that is not trusted",
            "tampered": f"changed after {self.signer} signed it",
        }[self.state]


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key whose signatures count, and whose it is."""

    name: str
    key: EllipticCurvePublicKey

    @property
    def fragment(self) -> bytes:
        """What names the key in a digest line."""
        x = self.key.public_numbers().x
        significant = x.to_bytes((x.bit_length() + 7) // 8, "big")
        return hashlib.md5(significant, usedforsecurity=False).hexdigest().encode()


class Trust:
    """The keys whose signatures count: nuclei's, and those in the user's files.

    Raises TrustedKeyUnusable for a file that holds no ECDSA public key.
    """

    def __init__(self, files: Iterable[Path] = ()) -> None:
        keys = [read_key(path) for path in (NUCLEI_CERTIFICATE, *files)]
        self._keys = {key.fragment: key for key in keys}

    def judge(self, data: bytes) -> Signature:
        """The state of the signature of a template file."""
        at = data.rfind(DIGEST)
        line = DIGEST_LINE.fullmatch(data[at:].strip()) if at >= 0 else None
        if line is None:
            return Signature("unsigned")
        key = self._keys.get(line[2].lower())
        if key is None:
            return Signature("unknown key")
        is_genuine = _verifies(key.key, data[:at], bytes.fromhex(line[1].decode()))
        return Signature("signed" if is_genuine else "tampered", key.name)


class Gate:
    """Lets templates in by their signatures, as `templates.unsigned` says, and counts those not signed.

    `policy` is `run`, which does not even look; `warn`; or `refuse`. Raises TrustedKeyUnusable.
    """

    def __init__(self, policy: str, key_files: Iterable[Path] = ()) -> None:
        self._refuses = policy == "refuse"
        self._trust = None if policy == "run" else Trust(key_files)
        self._unsigned: Counter[str] = Counter()

    def admit(self, data: bytes, path: str | Path) -> None:
        """Look at a template file. Raises SignatureRefused where the policy keeps it out."""
        signature = self._trust.judge(data) if self._trust else None
        if signature is None or signature.state == "signed":
            return
        if self._refuses:
            raise SignatureRefused(str(signature), path=str(path))
        self._unsigned[str(signature)] += 1

    @property
    def unsigned(self) -> tuple[str, ...]:
        """What templates were let in without a good signature, a line for each reason."""
        return tuple(
            f"{count} template{'s' if count > 1 else ''}: {reason}"
            for reason, count in self._unsigned.most_common()
        )


def _verifies(key: EllipticCurvePublicKey, content: bytes, gob: bytes) -> bool:
    digest = hashlib.sha256(content.strip().replace(b"\r\n", b"\n")).digest()
    try:
        key.verify(_signature_in(gob), digest, ECDSA(Prehashed(SHA256())))
    except (InvalidSignature, ValueError):
        return False
    return True


def _signature_in(gob: bytes) -> bytes:
    """The bytes in a gob message that holds one []byte: length, type, zero, count, bytes. Else ValueError."""
    _, rest = _unsigned(gob)
    if rest[:2] != bytes((BYTES, 0)):
        raise ValueError("not a []byte")
    count, value = _unsigned(rest[2:])
    if len(value) != count:
        raise ValueError("cut short")
    return value


def _unsigned(gob: bytes) -> tuple[int, bytes]:
    """A gob number and what follows: one byte below 128, else a negated count of big-endian bytes."""
    if not gob or gob[0] < 128:
        return int.from_bytes(gob[:1], "big"), gob[1:]
    width = 256 - gob[0]
    return int.from_bytes(gob[1 : 1 + width], "big"), gob[1 + width :]


def read_key(path: Path) -> TrustedKey:
    """The key in a PEM file, a certificate (nuclei's own label counts as well) or a public key."""
    try:
        with path.open("rb") as file:
            block = PEM.search(file.read(LARGEST_KEY_FILE))
        name, key = _certified(path, b64decode(block[1] if block else b""))
    except OSError as error:
        raise TrustedKeyUnusable(f"The key {path} cannot be read: {error.strerror}.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise TrustedKeyUnusable(f"{path}: {TrustedKeyUnusable.__doc__}") from None
    if not isinstance(key, EllipticCurvePublicKey):
        raise TrustedKeyUnusable(f"{path}: {TrustedKeyUnusable.__doc__}")
    return TrustedKey(name, key)


def _certified(path: Path, der: bytes) -> tuple[str, object]:
    """Name and key of a certificate, or the key alone, named by its file."""
    try:
        certificate = x509.load_der_x509_certificate(der)
    except ValueError:
        return path.stem, load_der_public_key(der)
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return (str(names[0].value) if names else path.stem), certificate.public_key()
