"""A request as a curl command, for a person who wants to see for themselves."""

from __future__ import annotations

import shlex

from rookery.mechanisms.engine.latin import widen
from rookery.mechanisms.engine.messages import Request

LONGEST_COMMAND = 16 << 10  # characters
LEFT_TO_CURL = frozenset(("content-length", "accept-encoding", "connection"))


def curl_command(request: Request) -> str:
    """The command that sends the request; empty when curl cannot: bytes as written, or far too many."""
    if request.exact or len(request.wire) > LONGEST_COMMAND:
        return ""
    words = ["curl", "-k", "-X", request.method]
    for name, value in request.headers:
        if name.lower() not in LEFT_TO_CURL and (name.lower(), value) != ("host", request.netloc):
            words += ["-H", f"{name}: {value}"]
    if request.body:
        words += ["--data-binary", request.body.decode("latin-1")]
    return widen(shlex.join([*words, "--path-as-is", request.url]).replace("\0", "\\0"))
