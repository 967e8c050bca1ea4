"""Digest authentication (RFC 7616, and RFC 2617 for servers without qop): the answer to a challenge."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from urllib.request import parse_http_list, parse_keqv_list

from rookery.mechanisms.engine.latin import to_bytes
from rookery.mechanisms.engine.messages import Request, Response

HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
QUOTED = ("username", "realm", "nonce", "uri", "response", "opaque", "cnonce")


@dataclass(frozen=True, slots=True)
class DigestLogin:
    """A name and password for a digest challenge; text holds a character per byte."""

    username: str
    password: str

    def answer(self, request: Request, response: Response) -> Request | None:
        """The request again with credentials, when the response asks for them by digest; else None."""
        if response.status != 401 or request.header("authorization") is not None:
            return None
        challenge = _challenge(response)
        name, _, session = challenge.get("algorithm", "MD5").upper().partition("-SESS")
        qops = [word.strip() for word in challenge.get("qop", "").split(",") if word.strip()]
        if "nonce" not in challenge or name not in HASHES or session or (qops and "auth" not in qops):
            return None
        header = self._authorization(request, challenge, HASHES[name], "auth" if qops else "")
        return replace(request, headers=(*request.headers, ("Authorization", header)))

    def _authorization(self, request: Request, challenge: dict[str, str], hashed: str, qop: str) -> str:
        def digest(*parts: str) -> str:
            return hashlib.new(hashed, to_bytes(":".join(parts)), usedforsecurity=False).hexdigest()

        realm, nonce = challenge.get("realm", ""), challenge["nonce"]
        extra = {"nc": "00000001", "cnonce": os.urandom(8).hex(), "qop": qop}
        secret = digest(self.username, realm, self.password)
        proof = (secret, nonce, *(extra.values() if qop else ()), digest(request.method, request.target))
        fields = {
            "username": self.username,
            "realm": realm,
            "nonce": nonce,
            "uri": request.target,
            "response": digest(*proof),
        }
        fields |= {name: challenge[name] for name in ("algorithm", "opaque") if name in challenge}
        fields |= extra if qop else {}
        return "Digest " + ", ".join(_field(name, value) for name, value in fields.items())


def _field(name: str, value: str) -> str:
    return f'{name}="{_escaped(value)}"' if name in QUOTED else f"{name}={value}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "").replace("\n", "")


def _challenge(response: Response) -> dict[str, str]:
    """The fields of the first digest challenge; none when there is no such."""
    for name, value in response.headers:
        scheme, _, rest = value.partition(" ")
        if name.lower() == "www-authenticate" and scheme.lower() == "digest":
            pairs = [item for item in parse_http_list(rest) if "=" in item]
            return {key.lower(): text for key, text in parse_keqv_list(pairs).items()}
    return {}
