"""Evidence: what was sent and what came back, bounded, without the secrets in it.

What was sent is the template's own; only its headers can hold a secret, those of the one who scans.
"""

from __future__ import annotations

import re

from rookery.base.redact import MASK, is_secret_key, redact_text
from rookery.domains.findings.leaks import without_secrets

LONGEST_REQUEST = 8_192  # characters
LONGEST_RESPONSE = 32_768
CUT = "\n[… cut]"

_HEADER = re.compile(r"^([A-Za-z0-9_-]{1,64}):[ \t]*(\S[^\r\n]*)", re.MULTILINE)
_CURL_HEADER = re.compile(r"(-H\s+['\"]([A-Za-z0-9_-]{1,64}):\s*)([^'\"]*)")


def kept_answer(answer: str) -> str:
    """The beginning of what came back, secrets in all of it masked. Idempotent."""
    return without_secrets(kept(answer, LONGEST_RESPONSE))


def kept(message: str, longest: int = LONGEST_REQUEST) -> str:
    """The beginning of an HTTP message or a conversation, secrets in headers and URLs masked. Idempotent."""
    if len(message) > longest:
        message = message[: longest - len(CUT)] + CUT
    head, blank, body = _divided(message)
    return redact_text(_HEADER.sub(_masked, head) + blank + body)


def kept_command(command: str) -> str:
    """A curl command, bounded, the secrets in its headers masked."""
    return redact_text(_CURL_HEADER.sub(_masked_option, command[:LONGEST_REQUEST]))


def _divided(message: str) -> tuple[str, str, str]:
    for blank in ("\r\n\r\n", "\n\n"):
        head, found, body = message.partition(blank)
        if found:
            return head, found, body
    return message, "", ""


def _masked(header: re.Match[str]) -> str:
    return f"{header[1]}: {MASK}" if is_secret_key(header[1]) else header[0]


def _masked_option(option: re.Match[str]) -> str:
    return f"{option[1]}{MASK}" if is_secret_key(option[2]) else option[0]
