"""Encodings: base64, hex, URL, number bases, compression (bounded when it inflates), JSON layout."""

from __future__ import annotations

import base64
import gzip
import zlib
from functools import lru_cache
from urllib.parse import quote_plus, unquote_to_bytes

import msgspec

from rookery.mechanisms.engine.dsl.functions.signature import table
from rookery.mechanisms.engine.dsl.values import LARGEST_TEXT, Value, to_integer, to_text
from rookery.mechanisms.engine.errors import DslError
from rookery.mechanisms.engine.latin import to_bytes


def _base64(value: Value) -> str:
    return base64.b64encode(to_bytes(to_text(value))).decode("ascii")


def _base64_py(value: Value) -> str:
    return _base64_lines(to_text(value))


@lru_cache(maxsize=16)
def _base64_lines(text: str) -> str:
    """Lines of 76 characters, as Shodan hashes favicons: hundreds of templates ask it of the same body."""
    return base64.encodebytes(to_bytes(text)).decode("ascii")


def _base64_decode(value: Value) -> str:
    text = to_text(value).replace("\n", "").replace("\r", "").rstrip("=")
    padded = text + "=" * (-len(text) % 4)
    decoded = base64.b64decode(padded, altchars=b"-_" if {"-", "_"} & set(text) else None, validate=True)
    return decoded.decode("latin-1")


def _hex_encode(value: Value) -> str:
    return to_bytes(to_text(value)).hex()


def _hex_decode(value: Value) -> str:
    return bytes.fromhex(to_text(value)).decode("latin-1")


def _url_encode(value: Value) -> str:
    return quote_plus(to_bytes(to_text(value)))


def _url_decode(value: Value) -> str:
    return unquote_to_bytes(to_bytes(to_text(value).replace("+", " "))).decode("latin-1")


def _hex_to_dec(value: Value) -> float:
    return float(int(to_text(value).lower().removeprefix("0x"), 16))


def _oct_to_dec(value: Value) -> float:
    return float(int(to_text(value).lower().removeprefix("0o"), 8))


def _bin_to_dec(value: Value) -> float:
    return float(int(to_text(value).lower().removeprefix("0b"), 2))


def _dec_to_hex(value: Value) -> str:
    return f"{to_integer(value):x}"


def _gzip(value: Value) -> str:
    return gzip.compress(to_bytes(to_text(value)), mtime=0).decode("latin-1")


def _gzip_decode(value: Value) -> str:
    return _inflated(value, zlib.MAX_WBITS | 16)


def _zlib(value: Value) -> str:
    return zlib.compress(to_bytes(to_text(value))).decode("latin-1")


def _zlib_decode(value: Value) -> str:
    return _inflated(value, zlib.MAX_WBITS)


def _deflate(value: Value) -> str:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return (compressor.compress(to_bytes(to_text(value))) + compressor.flush()).decode("latin-1")


def _inflate(value: Value) -> str:
    return _inflated(value, -zlib.MAX_WBITS)


def _inflated(value: Value, window: int) -> str:
    inflater = zlib.decompressobj(wbits=window)
    try:
        text = inflater.decompress(to_bytes(to_text(value)), LARGEST_TEXT)
    except zlib.error as error:
        raise DslError(f"not compressed data: {error}") from None
    if inflater.unconsumed_tail:
        raise DslError(f"the data inflates to more than {LARGEST_TEXT:,} bytes")
    return text.decode("latin-1")


def _json_minify(value: Value) -> str:
    return _laid_out(value, indent=-1)


def _json_prettify(value: Value) -> str:
    return _laid_out(value, indent=4)


def _laid_out(value: Value, indent: int) -> str:
    try:
        return msgspec.json.format(to_bytes(to_text(value)), indent=indent).decode("latin-1")
    except msgspec.DecodeError as error:
        raise DslError(f"not JSON: {error}") from None


FUNCTIONS = table(
    ("base64", _base64, 1, 1),
    ("base64_py", _base64_py, 1, 1),
    ("base64_decode", _base64_decode, 1, 1),
    ("hex_encode", _hex_encode, 1, 1),
    ("hex_decode", _hex_decode, 1, 1),
    ("url_encode", _url_encode, 1, 1),
    ("url_decode", _url_decode, 1, 1),
    ("hex_to_dec", _hex_to_dec, 1, 1),
    ("oct_to_dec", _oct_to_dec, 1, 1),
    ("bin_to_dec", _bin_to_dec, 1, 1),
    ("dec_to_hex", _dec_to_hex, 1, 1),
    ("gzip", _gzip, 1, 1),
    ("gzip_decode", _gzip_decode, 1, 1),
    ("zlib", _zlib, 1, 1),
    ("zlib_decode", _zlib_decode, 1, 1),
    ("deflate", _deflate, 1, 1),
    ("inflate", _inflate, 1, 1),
    ("json_minify", _json_minify, 1, 1),
    ("json_prettify", _json_prettify, 1, 1),
)
