"""Encryption and signed tokens, with keys that templates bring along: they try default and leaked ones."""

from __future__ import annotations

import base64
import hmac
import json
import os
import time
from typing import Any

from rookery.mechanisms.engine.dsl.functions.signature import MANY, table
from rookery.mechanisms.engine.dsl.values import Value, to_integer, to_text
from rookery.mechanisms.engine.errors import DslError
from rookery.mechanisms.engine.latin import narrow, to_bytes

BLOCK = 16  # bytes
NONCE = 12  # bytes
JWT_HASHES = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
ESCAPED: dict[str, str | int | None] = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}


def go_json(value: Any) -> str:
    """JSON as Go writes it: keys sorted, no blanks, and what HTML could trip over escaped."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return narrow(text.translate(str.maketrans(ESCAPED)))


def _aes_cbc(value: Value, key: Value, start: Value) -> str:
    # cryptography takes 100 ms to import, and one template in a thousand encrypts
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    text = to_bytes(to_text(value))
    padding = BLOCK - len(text) % BLOCK
    cipher = Cipher(algorithms.AES(to_bytes(to_text(key))), modes.CBC(to_bytes(to_text(start))))
    encryptor = cipher.encryptor()
    return (encryptor.update(text + bytes([padding]) * padding) + encryptor.finalize()).decode("latin-1")


def _aes_gcm(key: Value, value: Value) -> str:
    """A random nonce, and the value encrypted with it."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(NONCE)
    sealed = AESGCM(to_bytes(to_text(key))).encrypt(nonce, to_bytes(to_text(value)), None)
    return (nonce + sealed).decode("latin-1")


def _generate_jwt(claims: Value, algorithm: Value, key: Value = "", expires: Value = None) -> str:
    """A token of JSON claims; the algorithm 'none', in any spelling, leaves it unsigned."""
    payload = _claims(to_text(claims))
    if expires is not None:
        payload |= {"exp": to_integer(expires), "iat": int(time.time())}
    name = to_text(algorithm).strip()
    unsigned = name.lower() in ("", "none")
    header = {"alg": name or "none", "typ": "JWT"} if unsigned else {"alg": name.upper(), "typ": "JWT"}
    head = f"{_url_safe(to_bytes(go_json(header)))}.{_url_safe(to_bytes(go_json(payload)))}"
    return f"{head}." if unsigned else f"{head}.{_signature(head, name.upper(), to_text(key))}"


def _claims(text: str) -> dict[str, Any]:
    try:
        claims = json.loads(to_bytes(text))
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        raise DslError("generate_jwt() needs its claims as a JSON object")
    return claims


def _signature(head: str, algorithm: str, key: str) -> str:
    if algorithm not in JWT_HASHES:
        raise DslError(f"generate_jwt() signs with {', '.join(JWT_HASHES)}, not {algorithm[:20]!r}")
    return _url_safe(hmac.digest(to_bytes(key), to_bytes(head), JWT_HASHES[algorithm]))


def _url_safe(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _xor(*values: Value) -> str:
    """Texts of one length, combined byte by byte."""
    texts = [to_bytes(to_text(value)) for value in values]
    if len({len(text) for text in texts}) != 1:
        raise DslError("xor() needs texts of the same length")
    result = 0
    for text in texts:
        result ^= int.from_bytes(text, "big")
    return result.to_bytes(len(texts[0]), "big").decode("latin-1")


FUNCTIONS = table(
    ("aes_cbc", _aes_cbc, 3, 3),
    ("aes_gcm", _aes_gcm, 2, 2),
    ("generate_jwt", _generate_jwt, 2, 4),
    ("xor", _xor, 2, MANY),
)
