"""Names of cipher suites: IANA's, which templates use, and OpenSSL's, which Python's ssl uses."""

from __future__ import annotations

import re
import ssl
from functools import cache

from rookery.mechanisms.engine.errors import UnsupportedTemplate

KEY_EXCHANGES = {
    "": "RSA", "ADH": "DH_anon", "AECDH": "ECDH_anon", "SRP": "SRP_SHA", "SRP-RSA": "SRP_SHA_RSA",
    "SRP-DSS": "SRP_SHA_DSS",
}  # fmt: skip
SUITE = re.compile(
    r"(?:(?P<exchange>(?:EC)?DHE?-(?:RSA|ECDSA|DSS|PSK)|RSA-PSK|PSK|ADH|AECDH|SRP(?:-RSA|-DSS)?)-)?"
    r"(?P<cipher>AES128|AES256|CAMELLIA128|CAMELLIA256|ARIA128|ARIA256|ARIA|CHACHA20|DES-CBC3|DES-CBC|SEED"
    r"|IDEA-CBC|RC4|NULL)(?:-(?P<mode>GCM|CCM8|CCM|POLY1305))?(?:-(?P<hash>SHA\d*|MD5))?"
)
BLOCK_CIPHERS = {"DES-CBC3": "3DES_EDE", "DES-CBC": "DES", "IDEA-CBC": "IDEA"}


def iana_name(name: str) -> str:
    """IANA's name of a suite, from OpenSSL's: TLS_RSA_WITH_AES_128_CBC_SHA from AES128-SHA."""
    parts = SUITE.fullmatch(name)
    if name.startswith("TLS_") or parts is None:
        return name
    exchange = parts["exchange"] or ""
    exchange = KEY_EXCHANGES.get(exchange, exchange.replace("-", "_"))
    return (
        f"TLS_{exchange}_WITH_{_cipher(parts['cipher'], parts['mode'])}{_hash(parts['mode'], parts['hash'])}"
    )


def _cipher(cipher: str, mode: str | None) -> str:
    if cipher in ("NULL", "CHACHA20"):
        return cipher if mode is None else f"{cipher}_{mode}"
    if cipher == "RC4":
        return "RC4_128"
    name = BLOCK_CIPHERS.get(cipher) or re.sub(r"(?<=[A-Z])(?=\d)", "_", cipher)
    return f"{name}_{(mode or 'CBC').replace('CCM8', 'CCM_8')}"


def _hash(mode: str | None, name: str | None) -> str:
    if mode == "POLY1305":
        return "_SHA256"
    return f"_{name}" if name else ""


@cache
def _known() -> dict[str, str]:
    """OpenSSL's names by IANA's, of the suites that this OpenSSL has."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    own = [str(suite["name"]) for suite in context.get_ciphers()]
    return {iana_name(name): name for name in own}


def openssl_names(suites: tuple[str, ...], path: str) -> tuple[str, ...]:
    """OpenSSL's names of suites; UnsupportedTemplate when they cannot be asked for."""
    known = _known() if suites else {}
    for suite in suites:
        if suite.startswith(("TLS_AES_", "TLS_CHACHA20_")):
            raise UnsupportedTemplate("Python's ssl cannot restrict the ciphers of TLS 1.3", path=path)
        if suite not in known and suite not in known.values():
            raise UnsupportedTemplate(f"OpenSSL here lacks the cipher {suite}", path=path)
    return tuple(known.get(suite, suite) for suite in suites)
