"""Matchers and extractors, one rule each."""

from __future__ import annotations

import pytest

from rookery.mechanisms.engine import Response, Template
from tests.mechanisms.engine.support import extracted, matcher, matches, ok, operators, run, template

PAGE = ok("<h1>Caf\u00e9 World</h1>\n", content_type="text/html", x_powered_by="PHP/8.1", server="nginx")


@pytest.mark.parametrize(
    ("kind", "lines", "expected"),
    [
        ("word", "words: [World]", True),
        ("word", "words: [world]", False),
        ("word", "words: [wORLD]\ncase-insensitive: true", True),
        ("word", "words: [Caf\u00e9]", True),
        ("word", "words: [Moon, World]", True),
        ("word", "words: [Moon, World]\ncondition: and", False),
        ("word", "words: [h1, World]\ncondition: and", True),
        ("word", "words: [Moon]\nnegative: true", True),
        ("word", "words: [World]\nnegative: true", False),
        ("word", "words: ['576f726c64']\nencoding: hex", True),
        ("word", "words: ['{{Port}}80']\nnegative: true", True),
        ("word", "part: header\nwords: ['X-Powered-By: PHP']", True),
        ("word", "part: header\nwords: ['HTTP/1.1 200 OK']", True),
        ("word", "part: header\nwords: [World]", False),
        ("word", "part: all\nwords: [World, nginx]\ncondition: and", True),
        ("word", "part: response\nwords: [World, nginx]\ncondition: and", True),
        ("word", "part: request\nwords: ['GET / HTTP/1.1']", True),
        ("word", "part: content_type\nwords: [text/html]", True),
        ("word", "part: x_powered_by\nwords: [PHP]", True),
        ("word", "part: no_such_header\nwords: [PHP]", False),
        ("word", "part: no_such_header\nwords: [PHP]\nnegative: true", False),
        ("regex", "regex: ['Wor.d']", True),
        ("regex", "regex: ['(?i)wor.d', 'x(?i)Y']\ncondition: or", True),
        ("regex", "regex: ['</h1>$']", False),
        ("regex", "regex: ['(?m)</h1>$']", True),
        ("regex", "regex: ['\u00e9\\b']\nnegative: true", True),
        ("status", "status: [301, 200]", True),
        ("status", "status: [404]", False),
        ("status", "status: [404]\nnegative: true", True),
        ("size", "size: [21]", True),
        ("size", "size: [20]", False),
        ("size", "part: server\nsize: [5]", True),
        ("binary", "binary: ['3c68313e']", True),
        ("binary", "binary: ['c3a9', 'ffff']\ncondition: and", False),
        ("dsl", "dsl: ['status_code == 200 && len(body) == 21']", True),
        ("dsl", "dsl: ['contains(body, \"World\")', 'status_code == 404']", True),
        ("dsl", "dsl: ['contains(body, \"World\")', 'status_code == 404']\ncondition: and", False),
        ("dsl", "dsl: ['no_such_name == 1', 'true']", True),
        ("dsl", "dsl: ['no_such_name == 1', 'true']\ncondition: and", False),
        ("dsl", "dsl: ['len(body)']", False),
        ("dsl", "dsl: ['content_length == 21 && content_type == \"text/html\"']", True),
        ("dsl", 'dsl: [\'Host == "127.0.0.1" && Scheme == "http" && Port == "8080"\']', True),
    ],
)
def test_matcher(kind: str, lines: str, expected: bool) -> None:
    assert matches(matcher(kind, lines), PAGE) is expected


def test_bytes_that_are_no_text_are_matched_as_bytes() -> None:
    response = ok(b"\x00\xff\xfeMZ")
    assert matches(matcher("binary", "binary: ['00fffe']"), response)
    assert matches(matcher("regex", r"regex: ['\xff\xfeMZ']"), response)
    assert matches(matcher("dsl", "dsl: ['len(body) == 5']"), response)


@pytest.mark.parametrize(("condition", "expected"), [("or", True), ("and", False)])
def test_matchers_condition_joins_matchers(condition: str, expected: bool) -> None:
    check = operators(
        f"""
        matchers-condition: {condition}
        matchers:
          - {{type: word, words: [World]}}
          - {{type: status, status: [404]}}
        """
    )
    assert matches(check, PAGE) is expected


def test_without_a_condition_one_matcher_is_enough() -> None:
    check = operators("matchers: [{type: word, words: [World]}, {type: status, status: [404]}]")
    assert matches(check, PAGE)


def test_each_named_matcher_is_a_result_of_its_own() -> None:
    check = operators(
        """
        matchers:
          - {type: word, name: a, words: [World]}
          - {type: word, name: b, words: [Moon]}
          - {type: status, name: c, status: [200]}
        """
    )
    assert [match.matcher_name for match in run(check, [PAGE])[0].matches] == ["a", "c"]


def test_with_and_there_is_one_result_whatever_the_names() -> None:
    check = operators(
        """
        matchers-condition: and
        matchers:
          - {type: word, name: a, words: [World]}
          - {type: status, name: c, status: [200]}
        """
    )
    assert [match.matcher_name for match in run(check, [PAGE])[0].matches] == [""]


def test_internal_matchers_are_never_reported() -> None:
    assert not matches(operators("matchers: [{type: status, status: [200], internal: true}]"), PAGE)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("{type: regex, regex: ['W\\w+']}", ("World",)),
        ("{type: regex, regex: ['(W)(or)'], group: 2}", ("or",)),
        ("{type: regex, regex: ['(W)'], group: 7}", ()),
        ("{type: regex, regex: ['h1']}", ("h1",)),
        ("{type: regex, regex: ['Caf.+ ']}", ("Caf\u00e9 ",)),
        ("{type: regex, part: header, regex: ['PHP/([0-9.]+)'], group: 1}", ("8.1",)),
        ("{type: kval, kval: [server, x_powered_by, missing]}", ("nginx", "PHP/8.1")),
        ("{type: kval, kval: [x-powered-by]}", ("PHP/8.1",)),
        ("{type: dsl, dsl: ['len(body)', 'no_such_name', 'to_upper(server)']}", ("21", "NGINX")),
    ],
)
def test_extractor(lines: str, expected: tuple[str, ...]) -> None:
    assert extracted(operators(f"extractors: [{lines}]"), PAGE) == expected


DOCUMENT = '{"a": {"b": 1, "c-d": [true, null, "x"]}, "list": [{"name": "n1"}, {"name": "n2"}, 3], "é": "ü"}'


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (".a.b", ("1",)),
        ('.a."c-d"[2]', ("x",)),
        ('.a["c-d"][]', ("true", "x")),
        (".list[].name", ("n1", "n2")),
        (".list[] | .name", ("n1", "n2")),
        (".list[-1]", ("3",)),
        (".list[9]", ()),
        (".a.b.c", ()),
        (".a", ('{"b":1,"c-d":[true,null,"x"]}',)),
        (".missing?", ()),
        ('."é"', ("ü",)),
    ],
)
def test_json_extractor(query: str, expected: tuple[str, ...]) -> None:
    check = operators(f"extractors:\n  - type: json\n    json:\n      - '{query}'")
    assert extracted(check, ok(DOCUMENT)) == expected


def test_a_body_that_is_no_json_gives_nothing() -> None:
    check = operators("extractors: [{type: json, json: [.a]}]")
    assert extracted(check, ok("<html>")) == ()
    assert extracted(check, ok("[" * 100_000)) == ()


def test_what_was_extracted_is_dropped_when_no_matcher_matches() -> None:
    check = operators(
        "matchers: [{type: status, status: [404]}]\nextractors: [{type: regex, regex: [World]}]"
    )
    assert run(check, [PAGE])[0].matches == []


def test_a_matcher_can_use_what_an_extractor_found() -> None:
    check = operators(
        """
        extractors: [{type: regex, name: version, part: header, regex: ['PHP/([0-9.]+)'], group: 1}]
        matchers: [{type: dsl, dsl: ['compare_versions(version, "< 8.2")']}]
        """
    )
    assert matches(check, PAGE)
    assert not matches(check, ok("", x_powered_by="PHP/8.3"))


def test_what_an_extractor_found_wins_over_a_header_of_its_name() -> None:
    check = operators(
        """
        extractors: [{type: regex, name: server, internal: true, regex: ['World']}]
        matchers: [{type: dsl, dsl: ['server == "World"']}]
        """
    )
    assert matches(check, PAGE)


def test_named_extractors_are_results_of_their_own() -> None:
    check = operators(
        """
        extractors:
          - {type: regex, name: a, regex: [World]}
          - {type: kval, name: b, kval: [server]}
        """
    )
    found = run(check, [PAGE])[0].matches
    assert [(match.extractor_name, match.extracted) for match in found] == [
        ("a", ("World",)),
        ("b", ("nginx",)),
    ]


def test_a_pattern_that_matches_nothing_everywhere_is_capped() -> None:
    check = operators("extractors: [{type: regex, regex: ['x*|[a-z]+']}]")
    assert len(extracted(check, ok("ab " * 100_000))) < 100


def test_evidence_is_bounded_and_readable() -> None:
    match = run(operators("matchers: [{type: status, status: [200]}]"), [ok("é" * 100_000)])[0].matches[0]
    assert len(match.response) <= 64 << 10
    assert "ééé" in match.response
    assert match.request.startswith("GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n")


def test_headers_are_matched_in_canonical_spelling_and_order() -> None:
    response = Response(200, "OK", (("x-b", "2"), ("CONTENT-type", "a"), ("X-B", "1")), b"")
    check = matcher(
        "word", 'part: header\nwords: ["HTTP/1.1 200 OK\\r\\nContent-Type: a\\r\\nX-B: 1\\r\\nX-B: 2\\r\\n"]'
    )
    assert matches(check, response)
    assert matches(matcher("word", "part: x_b\nwords: ['2 1']"), response)


def test_cookies_are_parts_by_their_names() -> None:
    assert matches(matcher("word", "part: sid\nwords: [abc]"), ok("", set_cookie="SID=abc; Path=/"))


def test_a_value_in_a_response_is_never_rendered_again() -> None:
    check: Template = template(
        """
        - raw:
            - "GET /one HTTP/1.1"
            - "GET /two?v={{value}} HTTP/1.1"
          extractors: [{type: regex, name: value, internal: true, regex: ['v=(.*)'], group: 1}]
          matchers: [{type: word, words: ['{{value}}']}]
        """
    )
    outcome, asked = run(check, [ok('v={{md5("x")}}'), ok('seen {{md5("x")}}')])
    assert asked[1].target == '/two?v={{md5("x")}}'
    assert outcome.matches
