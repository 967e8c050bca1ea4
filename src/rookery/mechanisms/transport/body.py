"""Content codings, undone within a bound: a few kilobytes can hold gigabytes."""

from __future__ import annotations

import zlib
from dataclasses import replace

from rookery.mechanisms.engine import Response

GZIP = zlib.MAX_WBITS | 16
ZLIB = zlib.MAX_WBITS
RAW_DEFLATE = -zlib.MAX_WBITS
MOST_CODINGS = 4


def decoded(response: Response, most: int) -> Response:
    """The response without its content coding, its body at most `most` bytes.

    Done last, by the one who waited for it: kilobytes of many answers may wait, megabytes must not.
    """
    coding = ",".join(value for name, value in response.headers if name.lower() == "content-encoding")
    if not (coding and response.body):
        return response
    body, is_cut = decode_body(response.body, coding, most)
    return replace(response, body=body, truncated=response.truncated or is_cut)


def decode_body(data: bytes, coding: str, most: int) -> tuple[bytes, bool]:
    """The body without its Content-Encoding, at most `most` bytes, and whether something is missing.

    What is no valid compressed data, or of an unknown coding, stays as it came.
    """
    truncated = False
    for name in reversed([part.strip().lower() for part in coding.split(",")][:MOST_CODINGS]):
        windows = {"gzip": (GZIP,), "x-gzip": (GZIP,), "deflate": (ZLIB, RAW_DEFLATE)}.get(name, ())
        for window in windows:
            inflated = _inflate(data, window, most)
            if inflated is not None:
                data, cut = inflated
                truncated |= cut
                break
    return data, truncated


def _inflate(data: bytes, window: int, most: int) -> tuple[bytes, bool] | None:
    inflater = zlib.decompressobj(wbits=window)
    pieces, size = [], 0
    try:
        while data and not inflater.eof and size < most:
            piece = inflater.decompress(data, min(most - size, 1 << 20))
            pieces.append(piece)
            size += len(piece)
            data = inflater.unconsumed_tail
    except zlib.error:
        if not size:
            return None
    return b"".join(pieces), not inflater.eof
