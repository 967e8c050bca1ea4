"""Text: searching, cutting, joining. Meanings follow projectdiscovery/dsl."""

from __future__ import annotations

import html
import re

from rookery.mechanisms.engine.dsl.functions.signature import MANY, table
from rookery.mechanisms.engine.dsl.values import (
    LARGEST_TEXT,
    Value,
    bounded,
    to_integer,
    to_list,
    to_number,
    to_text,
)
from rookery.mechanisms.engine.errors import DslError
from rookery.mechanisms.engine.latin import narrow, widen
from rookery.mechanisms.engine.regex import compile_regex

MOST_ITEMS = 1 << 20  # of a list
WORD = re.compile(r"\w[\w'\u2019]*")


def _lower(value: Value) -> str:
    return narrow(widen(to_text(value)).lower())


def _upper(value: Value) -> str:
    return narrow(widen(to_text(value)).upper())


def _length(value: Value) -> float:
    return float(len(value) if isinstance(value, list) else len(to_text(value)))


def _to_title(value: Value, _language: Value = "") -> str:
    """Words with a capital first letter, the others small."""
    return narrow(WORD.sub(lambda match: match[0].capitalize(), widen(to_text(value))))


def _count(value: Value, part: Value) -> float:
    return float(to_text(value).count(to_text(part)))


def _print_debug(*_values: Value) -> bool:
    """Values are shown when nuclei is being debugged; here the template goes on."""
    return True


def _reverse(value: Value) -> str:
    return to_text(value)[::-1]


def _repeat(value: Value, times: Value) -> str:
    text, count = to_text(value), max(to_integer(times), 0)
    bounded(len(text) * count)
    return text * count


def _replace(value: Value, old: Value, new: Value) -> str:
    text, before, after = to_text(value), to_text(old), to_text(new)
    bounded(len(text) + text.count(before) * len(after))
    return text.replace(before, after)


def _replace_regex(value: Value, pattern: Value, new: Value) -> str:
    return compile_regex(to_text(pattern)).replace(to_text(value), to_text(new), LARGEST_TEXT)


def _trim(value: Value, characters: Value) -> str:
    return to_text(value).strip(to_text(characters)) if characters else to_text(value)


def _trim_left(value: Value, characters: Value) -> str:
    return to_text(value).lstrip(to_text(characters)) if characters else to_text(value)


def _trim_right(value: Value, characters: Value) -> str:
    return to_text(value).rstrip(to_text(characters)) if characters else to_text(value)


def _trim_space(value: Value) -> str:
    return to_text(value).strip()


def _trim_prefix(value: Value, prefix: Value) -> str:
    return to_text(value).removeprefix(to_text(prefix))


def _trim_suffix(value: Value, suffix: Value) -> str:
    return to_text(value).removesuffix(to_text(suffix))


def _contains(value: Value, part: Value) -> bool:
    return to_text(part) in to_text(value)


def _contains_all(value: Value, *parts: Value) -> bool:
    text = to_text(value)
    return all(to_text(part) in text for part in parts)


def _contains_any(value: Value, *parts: Value) -> bool:
    text = to_text(value)
    return any(to_text(part) in text for part in parts)


def _starts_with(value: Value, *prefixes: Value) -> bool:
    return to_text(value).startswith(tuple(to_text(prefix) for prefix in prefixes))


def _ends_with(value: Value, *suffixes: Value) -> bool:
    return to_text(value).endswith(tuple(to_text(suffix) for suffix in suffixes))


def _line_starts_with(value: Value, *prefixes: Value) -> bool:
    return any(_starts_with(line, *prefixes) for line in to_text(value).split("\n"))


def _line_ends_with(value: Value, *suffixes: Value) -> bool:
    return any(_ends_with(line, *suffixes) for line in to_text(value).split("\n"))


def _equals_any(value: Value, *others: Value) -> bool:
    return to_text(value) in {to_text(other) for other in others}


def _concat(*values: Value) -> str:
    return "".join(to_text(value) for value in values)


def _split(value: Value, separator: Value = ",", most: Value = None) -> list[str]:
    """By a separator, into at most so many parts; by a number, into pieces of that length."""
    text, mark = to_text(value), to_text(separator)
    if most is None and mark.lstrip("+-").isdigit():
        return _pieces(text, int(mark))
    limit = -1 if most is None else to_integer(most)
    if limit == 0:
        return []
    parts = text.count(mark) + 1
    bounded(parts if limit < 0 else min(parts, limit), MOST_ITEMS)
    return text.split(mark, limit - 1 if limit > 0 else -1) if mark else list(text)


def _pieces(text: str, size: int) -> list[str]:
    if size <= 0 or size >= len(text):
        return [text]
    bounded(len(text) // size + 1, MOST_ITEMS)
    return [text[start : start + size] for start in range(0, len(text), size)]


def _join(separator: Value, *values: Value) -> str:
    items = [item for value in values for item in to_list(value)]
    bounded(sum(map(len, items)) + len(items) * len(to_text(separator)))
    return to_text(separator).join(items)


def _sort(*values: Value) -> Value:
    if len(values) == 1 and not isinstance(values[0], list):
        text = to_text(values[0])
        bounded(len(text), MOST_ITEMS)
        return "".join(sorted(text))
    return sorted(item for value in values for item in to_list(value))


def _uniq(*values: Value) -> Value:
    if len(values) == 1 and not isinstance(values[0], list):
        return "".join(dict.fromkeys(to_text(values[0])))
    return list(dict.fromkeys(item for value in values for item in to_list(value)))


def _index(value: Value, position: Value) -> str:
    items = value if isinstance(value, list) else to_text(value)
    place = to_integer(position)
    if not 0 <= place < len(items):
        raise DslError(f"index {place} is outside 0 to {len(items) - 1}")
    return items[place]


def _substr(value: Value, start: Value, end: Value = None) -> str:
    text = to_text(value)
    first, last = to_integer(start), len(text) if end is None else to_integer(end)
    if not 0 <= first <= last <= len(text):
        raise DslError(f"the range {first} to {last} is outside the text")
    return text[first:last]


def _padding(value: Value, filler: Value, length: Value, where: Value = "suffix") -> str:
    text, fill = to_text(value), to_text(filler)
    missing = bounded(to_integer(length)) - len(text)
    if missing <= 0 or not fill:
        return text
    added = (fill * (missing // len(fill) + 1))[:missing]
    return added + text if to_text(where) == "prefix" else text + added


def _remove_bad_chars(value: Value, bad: Value) -> str:
    return to_text(value).translate({ord(character): None for character in to_text(bad)})


def _regex(pattern: Value, value: Value) -> bool:
    return compile_regex(to_text(pattern)).found_in(to_text(value))


def _regex_all(pattern: Value, *values: Value) -> bool:
    compiled = compile_regex(to_text(pattern))
    return all(compiled.found_in(item) for value in values for item in to_list(value))


def _regex_any(pattern: Value, *values: Value) -> bool:
    compiled = compile_regex(to_text(pattern))
    return any(compiled.found_in(item) for value in values for item in to_list(value))


def _html_escape(value: Value, everything: Value = False) -> str:
    """The characters that HTML gives a meaning; with `true`, every character as its number."""
    if everything is True or everything == 1:
        return "".join(f"&#{ord(char)};" for char in widen(to_text(value)))
    escaped = html.escape(to_text(value), quote=False)
    return escaped.replace('"', "&#34;").replace("'", "&#39;")


def _html_unescape(value: Value) -> str:
    return narrow(html.unescape(widen(to_text(value))))


FUNCTIONS = table(
    ("to_lower", _lower, 1, 1),
    ("to_upper", _upper, 1, 1),
    ("to_title", _to_title, 1, 2),
    ("count", _count, 2, 2),
    ("print_debug", _print_debug, 1, MANY),
    ("to_string", to_text, 1, 1),
    ("to_number", to_number, 1, 1),
    ("len", _length, 1, 1),
    ("reverse", _reverse, 1, 1),
    ("repeat", _repeat, 2, 2),
    ("replace", _replace, 3, 3),
    ("replace_regex", _replace_regex, 3, 3),
    ("trim", _trim, 2, 2),
    ("trim_left", _trim_left, 2, 2),
    ("trim_right", _trim_right, 2, 2),
    ("trim_space", _trim_space, 1, 1),
    ("trim_prefix", _trim_prefix, 2, 2),
    ("trim_suffix", _trim_suffix, 2, 2),
    ("contains", _contains, 2, 2),
    ("contains_all", _contains_all, 2, MANY),
    ("contains_any", _contains_any, 2, MANY),
    ("starts_with", _starts_with, 2, MANY),
    ("ends_with", _ends_with, 2, MANY),
    ("line_starts_with", _line_starts_with, 2, MANY),
    ("line_ends_with", _line_ends_with, 2, MANY),
    ("equals_any", _equals_any, 2, MANY),
    ("concat", _concat, 1, MANY),
    ("split", _split, 1, 3),
    ("join", _join, 2, MANY),
    ("sort", _sort, 1, MANY),
    ("uniq", _uniq, 1, MANY),
    ("index", _index, 2, 2),
    ("substr", _substr, 2, 3),
    ("padding", _padding, 3, 4),
    ("remove_bad_chars", _remove_bad_chars, 2, 2),
    ("regex", _regex, 2, 2),
    ("regex_all", _regex_all, 2, MANY),
    ("regex_any", _regex_any, 2, MANY),
    ("html_escape", _html_escape, 1, 2),
    ("html_unescape", _html_unescape, 1, 1),
)
