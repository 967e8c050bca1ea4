"""What is quick gives what is slow: URLs, remembered calls, parts made once, matchers in another order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.mechanisms.engine import BadUrl, split_url
from rookery.mechanisms.engine.dsl import compile_expression
from rookery.mechanisms.engine.latin import LONG, lower, to_bytes
from rookery.mechanisms.engine.messages import Request, Response
from rookery.mechanisms.engine.parts import ResponseParts
from rookery.mechanisms.engine.target import split_url_by_the_book
from tests.mechanisms.engine.support import matches, ok, operators

PIECES = (
    "http://",
    "https://",
    "HTTP:",
    "h.example",
    "a@b",
    ":80",
    ":x",
    "[::1]",
    "/",
    "?",
    "#",
    "%",
    "\\",
    " ",
)
ODD = ("\t", "\n", "\x00", "\x85", "é", "ﬀ", "..", "a=b&c", ";", "")
URLS = st.lists(st.sampled_from(PIECES + ODD), max_size=9).map("".join)


@given(st.one_of(URLS, URLS.map("http://h.example".__add__), st.text(max_size=20)))
def test_a_url_is_split_as_by_the_book(url: str) -> None:
    try:
        expected = split_url_by_the_book(url)
    except BadUrl:
        with pytest.raises(BadUrl):
            split_url(url)
    else:
        assert split_url(url) == expected


@given(st.text(st.characters(max_codepoint=255), max_size=50), st.integers(0, 60))
def test_long_texts_are_folded_and_encoded_like_short_ones(text: str, times: int) -> None:
    whole = text * times
    assert (lower(whole), to_bytes(whole)) == (whole.lower(), whole.encode("latin-1"))


@pytest.mark.parametrize("call", ["md5(body)", "mmh3(base64_py(body))", "to_lower(body)", "tolower(body)"])
def test_a_remembered_call_gives_each_text_its_own_value(call: str) -> None:
    expression = compile_expression(call)
    texts = [letter * (LONG + 1) for letter in "ABABC"]
    first, second, again, _, third = [expression.evaluate({"body": text}.__getitem__) for text in texts]
    assert first == again
    assert len({first, second, third}) == 3


def parts(response: Response) -> ResponseParts:
    return ResponseParts(Request("GET", "http", "h", 80, "h", "/"), response)


def test_what_an_extractor_named_stays_with_its_execution() -> None:
    response = ok("a page", server="x")
    one, other = parts(response), parts(response)
    assert one.get("body") == other.get("body") == "a page"
    one.name("body", "extracted")
    one.name("server", "mine")
    assert (one.get("body"), one.get("server")) == ("extracted", "mine")
    assert str(one.get("all")).startswith("extracted")
    assert (other.get("body"), other.get("server")) == ("a page", "x")
    assert str(other.get("all")).startswith("a page")


def test_parts_of_the_request_are_of_the_own_request() -> None:
    response = ok("a page")
    parts(response).get("matched")
    other = ResponseParts(Request("GET", "http", "h", 80, "h", "/other"), response)
    assert other.get("matched") == "http://h/other"


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("body", ["needle", "hay"])
def test_the_order_of_matchers_that_must_all_hold_does_not_matter(status: int, body: str) -> None:
    lines = ["  - {type: dsl, dsl: ['len(body) > 3']}", "  - {type: word, words: [needle]}"]
    lines.append("  - {type: status, status: [200]}")
    for order in (lines, lines[::-1]):
        check = operators("\n".join(["matchers-condition: and", "matchers:", *order]))
        assert matches(check, ok(body, status)) is (status == 200 and body == "needle")
