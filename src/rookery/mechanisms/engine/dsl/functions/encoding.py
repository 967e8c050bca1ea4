"""Encodings: base64, hex, URL, number bases, packed numbers, JSON layout."""

from __future__ import annotations

import base64
import json
import re
import struct
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

import msgspec

from rookery.mechanisms.engine.dsl.functions.ciphers import go_json
from rookery.mechanisms.engine.dsl.functions.signature import table
from rookery.mechanisms.engine.dsl.values import Value, bounded, to_integer, to_number, to_text
from rookery.mechanisms.engine.errors import DslError
from rookery.mechanisms.engine.latin import to_bytes

NO_CHARACTER = re.compile("[\udc80-\udcff]")


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


def _hex_encode(value: Value, form: Value = "") -> str:
    """As digits; with the format 'x' as \\x61\\x62."""
    digits = to_bytes(to_text(value)).hex()
    if to_text(form) == "x":
        return "".join(f"\\x{digits[start : start + 2]}" for start in range(0, len(digits), 2))
    if form:
        raise DslError(f"hex_encode() knows the format 'x', not {to_text(form)[:20]!r}")
    return digits


def _hex_decode(value: Value) -> str:
    return bytes.fromhex(to_text(value)).decode("latin-1")


def _url_encode(value: Value, everything: Value = False) -> str:
    """As encodeURIComponent does; with `true`, only letters and digits stay as they are."""
    plain = to_text(value)
    bounded(3 * len(plain))
    text = quote(go_characters(plain), safe="-_.!~*'()")
    if everything is True or everything == 1:
        return text.translate({ord(char): f"%{ord(char):02X}" for char in "-_.!~*'()"})
    return text


def go_characters(text: str) -> str:
    """The Unicode text in bytes as Go walks through it: each byte that is no UTF-8 is one U+FFFD."""
    return NO_CHARACTER.sub("\ufffd", to_bytes(text).decode("utf-8", "surrogateescape"))


def _url_decode(value: Value) -> str:
    return unquote_to_bytes(to_bytes(to_text(value))).decode("latin-1")


def _hex_to_dec(value: Value) -> float:
    return float(int(to_text(value).lower().removeprefix("0x"), 16))


def _oct_to_dec(value: Value) -> float:
    return float(int(to_text(value).lower().removeprefix("0o"), 8))


def _bin_to_dec(value: Value) -> float:
    return float(int(to_text(value).lower().removeprefix("0b"), 2))


def _dec_to_hex(value: Value) -> str:
    return f"{to_integer(value):x}"


def _unpack(form: Value, value: Value) -> float | str | bool:
    """One packed number: `<` or `>`, and one of ? b B h i l q f d. All whole numbers but B are signed."""
    order, kind = "<", to_text(form)
    if kind[:1] in ("<", ">", "!"):
        order, kind = kind[0], kind[1:]
    kind = kind if kind in ("B", "?") else kind.lower()
    if kind not in tuple("?bBhilqfd"):
        raise DslError(f"unpack() does not know the format {to_text(form)[:20]!r}")
    size = struct.calcsize(order + kind)
    try:
        number = struct.unpack(order + kind, to_bytes(to_text(value))[:size])[0]
    except struct.error:
        raise DslError(f"unpack() needs {size} bytes") from None
    return number if isinstance(number, bool) else float(number)


def _json_minify(value: Value) -> str:
    """A JSON object without blanks, its keys sorted."""
    try:
        document = json.loads(to_bytes(to_text(value)))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise DslError("json_minify() needs a JSON object")
    return go_json(document)


def _json_prettify(value: Value) -> str:
    try:
        return msgspec.json.format(to_bytes(to_text(value)), indent=4).decode("latin-1")
    except msgspec.DecodeError as error:
        raise DslError(f"not JSON: {error}") from None


def _to_bool(value: Value) -> bool:
    text = to_text(value)
    if text in ("1", "t", "T", "true", "TRUE", "True"):
        return True
    if text in ("0", "f", "F", "false", "FALSE", "False", ""):
        return False
    return to_number(value) != 0


FUNCTIONS = table(
    ("base64", _base64, 1, 1),
    ("base64_py", _base64_py, 1, 1),
    ("base64_decode", _base64_decode, 1, 1),
    ("hex_encode", _hex_encode, 1, 2),
    ("hex_decode", _hex_decode, 1, 1),
    ("url_encode", _url_encode, 1, 2),
    ("url_decode", _url_decode, 1, 1),
    ("hex_to_dec", _hex_to_dec, 1, 1),
    ("oct_to_dec", _oct_to_dec, 1, 1),
    ("bin_to_dec", _bin_to_dec, 1, 1),
    ("dec_to_hex", _dec_to_hex, 1, 1),
    ("unpack", _unpack, 2, 2),
    ("to_bool", _to_bool, 1, 1),
    ("json_minify", _json_minify, 1, 1),
    ("json_prettify", _json_prettify, 1, 1),
)
