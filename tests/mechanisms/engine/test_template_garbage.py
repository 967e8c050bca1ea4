"""What servers and templates may throw at the engine: any text, never anything but its own refusals."""

from __future__ import annotations

import contextlib
import math
from itertools import product

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.mechanisms.engine import BadUrl, DslError, Request, Response, Target, UnsupportedTemplate
from rookery.mechanisms.engine.dsl import Value, compile_expression
from rookery.mechanisms.engine.dsl.functions import FUNCTIONS
from rookery.mechanisms.engine.jq import compile_query
from rookery.mechanisms.engine.latin import narrow
from rookery.mechanisms.engine.model import HttpSpec
from rookery.mechanisms.engine.rawrequests import compile_requests
from rookery.mechanisms.engine.redirects import redirected
from rookery.mechanisms.engine.render import Unresolved, compile_text
from rookery.mechanisms.engine.values import Values
from tests.mechanisms.engine.support import matches, operators

BYTES = st.binary(max_size=200).map(lambda data: data.decode("latin-1"))
MARKS = st.sampled_from(
    ["{{", "}}", "a", "'", '"', "(", ")", "md5", "BaseURL", "\\", " ", "7*7", "\n", "/", ":", "["]
)
ALMOST = st.lists(MARKS, max_size=25).map("".join)
PAGE = Request("GET", "http", "h", 80, "h", "/dir/page")
TARGET = Target("http://h/dir/?q=1")


@given(st.one_of(BYTES, ALMOST))
def test_any_text_can_be_rendered_leniently(text: str) -> None:
    with contextlib.suppress(UnsupportedTemplate):
        compile_text(text).render_leniently(TARGET.variables.__getitem__)


@given(
    st.one_of(BYTES, ALMOST.map(lambda text: f"http://{text}")), st.sampled_from([301, 302, 303, 307, 308])
)
def test_any_location_is_followed_or_not(location: str, status: int) -> None:
    request = redirected(PAGE, status, location)
    if request is not None:
        assert request.scheme in {"http", "https"}
        assert request.wire.count(b"\r\n\r\n") == 1
        assert b"\n" not in request.wire.split(b"\r\n", 1)[0]


@given(st.one_of(BYTES, ALMOST), st.one_of(BYTES, ALMOST))
def test_any_raw_request_and_path_is_built_or_refused(raw: str, path: str) -> None:
    values = Values(TARGET, {}, {}, keeps_history=False)
    with contextlib.suppress(Unresolved, BadUrl, UnsupportedTemplate):
        for plan in compile_requests(
            HttpSpec(1, path=(path, "{{BaseURL}}/" + path), raw=("GET /" + raw,)), "x"
        ):
            assert b"\n" not in plan.build(values).wire.split(b"\r\n", 1)[0]


CHECK = operators(
    """
    matchers-condition: or
    matchers:
      - {type: dsl, dsl: ['contains(all_headers, md5(body)) || content_length > 5 || len(response) == 3']}
      - {type: word, part: all, words: [nothing]}
    extractors:
      - {type: json, json: ['.a[].b']}
      - {type: kval, kval: [set_cookie, a]}
    """
)


@given(st.binary(max_size=200), st.dictionaries(BYTES, BYTES, max_size=4))
def test_any_response_can_be_judged(body: bytes, headers: dict[str, str]) -> None:
    assert matches(CHECK, Response(200, "OK", tuple(headers.items()), body)) in {True, False}


LEAVES = st.none() | st.text() | st.floats()
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(JSON)
def test_a_query_gives_text_whatever_the_document(document: object) -> None:
    text = msgspec.json.encode(document).decode("latin-1")
    for query in (".", ".a", ".[]", ".[0]", ".a.b[].c"):
        assert all(isinstance(found, str) for found in compile_query(query).results(narrow(text)))


VALUES: dict[str, Value] = {
    "deep": '{"a":' * 50_000 + "1" + "}" * 50_000, "open": "[" * 50_000, "negative": -1.0, "large": 1e300,
    "not_a_number": math.nan, "nothing": None, "empty": "", "nul": "\0", "bytes": "\xff\xfe", "none": [],
    "pattern": "(a+)+$", "words": ["a", "b"], "yes": True, "date": "2022-01-01", "network": "10.0.0.0/8",
    "json": '{"a":1}',
}  # fmt: skip


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_any_values_give_a_value_or_the_engines_own_refusal(function: str) -> None:
    for count in (0, 1, 2):
        for names in product(VALUES, repeat=count):
            with contextlib.suppress(DslError):
                compile_expression(f"{function}({', '.join(names)})").evaluate(VALUES.__getitem__)


def test_a_text_that_would_grow_without_end_is_not_made() -> None:
    """A replacement of 600 kB in each of 50,000 places took a minute and 23 GB."""
    with pytest.raises(DslError, match="too long"):
        compile_expression("replace_regex(open, empty, deep)").evaluate(VALUES.__getitem__)
