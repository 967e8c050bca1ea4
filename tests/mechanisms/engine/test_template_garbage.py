"""What servers and templates may throw at the engine: any text, never anything but its own refusals."""

from __future__ import annotations

import contextlib

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from rookery.mechanisms.engine import BadUrl, Request, Response, Target, UnsupportedTemplate
from rookery.mechanisms.engine.jq import compile_query
from rookery.mechanisms.engine.latin import narrow
from rookery.mechanisms.engine.model import HttpSpec
from rookery.mechanisms.engine.redirects import redirected
from rookery.mechanisms.engine.render import Unresolved, compile_text
from rookery.mechanisms.engine.requests import compile_requests
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
