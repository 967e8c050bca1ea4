"""From templates to requests: variables, paths, raw text, redirects, cookies, flow."""

from __future__ import annotations

import re

import pytest

from rookery.mechanisms.engine import (
    LARGEST_BODY,
    Request,
    RequestFailed,
    Response,
    Target,
    UnsupportedTemplate,
)
from rookery.mechanisms.engine.target import BadUrl
from tests.mechanisms.engine.support import ok, operators, run, template

MATCH = "matchers: [{type: status, status: [200]}]"


def sent(path: str, url: str = "http://127.0.0.1:8080") -> Request:
    """The one request of a path."""
    return run(operators(MATCH, path), [ok()], url)[1][0]


@pytest.mark.parametrize(
    ("url", "path", "expected"),
    [
        ("http://h", "{{BaseURL}}", "http://h/"),
        ("http://h/app", "{{BaseURL}}/x", "http://h/app/x"),
        ("http://h/app/", "{{BaseURL}}/x", "http://h/app/x"),
        ("http://h/app/", "{{BaseURL}}", "http://h/app/"),
        ("http://h/app/i.php?a=1", "{{BaseURL}}", "http://h/app/i.php?a=1"),
        ("http://h/?a=1", "{{BaseURL}}/x?b=2", "http://h/x?a=1&b=2"),
        ("http://h/app/", "{{RootURL}}/x", "http://h/x"),
        (
            "https://h:8443/a/b.php",
            "{{Scheme}}://{{Host}}:{{Port}}{{Path}}/{{File}}",
            "https://h:8443/a/b.php",
        ),
        ("http://h:81", "http://{{Hostname}}/y", "http://h:81/y"),
        ("http://[::1]:81/", "{{BaseURL}}/y", "http://[::1]:81/y"),
        ("http://h", "{{BaseURL}}/a b%zz%41?c=\u00e9", "http://h/a%20b%25zzA?c=%c3%a9"),
        ("http://h", "{{BaseURL}}/#fragment", "http://h/"),
        ("http://h", "{{BaseURL}}/{{base64('a')}}", "http://h/YQ=="),
        ("http://h", "{{BaseURL}}/{{7*7}}", "http://h/%7B%7B7%2A7%7D%7D"),
        ("http://h", "{{BaseURL}}/?{{7*7}}", "http://h/?{{7*7}}"),
        ("http://h", "{{BaseURL}}/a('b')!*;[x]", "http://h/a('b')!*;[x]"),
        ("http://h", "{{BaseURL}}/a(<b>)%2f", "http://h/a%28%3Cb%3E%29/"),
        ("http://h", "{{BaseURL}}/?=&a=&b&a=1 2&c=%zz&", "http://h/?a&a=1+2&b&c=%zz"),
        ("http://user:pw@h/", "{{BaseURL}}/x", "http://h/x"),
    ],
)
def test_path(url: str, path: str, expected: str) -> None:
    assert sent(path.replace("'", "''"), url).url == expected


def test_a_host_name_in_any_script_is_dialled_as_it_is() -> None:
    request = sent("{{BaseURL}}/x", "http://m\u00fcller.example/")
    assert (request.host, request.netloc) == (
        "m\u00fcller.example",
        "m\u00fcller.example".encode().decode("latin-1"),
    )


def test_a_path_request_has_the_usual_headers_and_the_templates_own() -> None:
    check = template(
        """
        - method: POST
          path: ['{{BaseURL}}/']
          headers: {User-Agent: mine, X-Token: "{{md5('a')}}", Content-Length: '1'}
          body: "a\\nb"
        """
    )
    wire = run(check, [ok()])[1][0].wire.decode()
    assert wire == (
        "POST / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: mine\r\n"
        "X-Token: 0cc175b9c0f1b6a831c399e269772661\r\nAccept: */*\r\nAccept-Language: en\r\n"
        "Accept-Encoding: gzip\r\nContent-Length: 4\r\n\r\na\r\nb"
    )


def test_a_raw_request_keeps_its_lines_and_gets_a_length() -> None:
    check = template(
        """
        - raw:
            - |
              @timeout: 20s
              POST /login?x=1 HTTP/1.1
              Host: {{Hostname}}
              X-A: 1
              Content-Length: 999

              user=a
        """
    )
    request = run(check, [ok()], "http://h:81/app/")[1][0]
    assert request.timeout == 20.0
    assert request.wire.decode() == (
        "POST /app/login?x=1 HTTP/1.1\r\nHost: h:81\r\nX-A: 1\r\n"
        "User-Agent: Mozilla/5.0 (compatible; Rookery)\r\nAccept-Encoding: gzip\r\n"
        "Content-Length: 6\r\n\r\nuser=a"
    )


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("4m59s", 299.0), ("5m", 300.0), ("5m1s", 300.0), ("1h", 300.0), ("999999999h", 300.0), ("500ms", 0.5)],
)
def test_no_request_may_take_longer_than_five_minutes_whatever_its_template_says(
    written: str, seconds: float
) -> None:
    request = run(template(f'- raw: ["@timeout: {written}\\nGET /x HTTP/1.1"]'), [ok()])[1][0]
    assert request.timeout == seconds


def test_an_annotation_without_its_colon_is_ignored() -> None:
    request = run(template('- raw: ["@timeout 20s\\nGET /x HTTP/1.1"]'), [ok()])[1][0]
    assert (request.target, request.timeout) == ("/x", None)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("GET / HTTP/1.1", "/app"),
        ("GET  HTTP/1.1", "/app"),
        ("GET /a b HTTP/1.1", "/app/a%20b"),
        ("GET http://elsewhere/x?y=1 HTTP/1.1", "/app/x?y=1"),
        ("GET {{BaseURL}}/x HTTP/1.1", "/app/x"),
        ("GET /app HTTP/1.1", "/app"),
        ("GET x HTTP/1.1", "/app/x"),
        ("GET /x HTTP/1.1 # a remark", "/app/x"),
        ("GET /x", "/app/x"),
    ],
)
def test_the_path_of_a_raw_request(line: str, expected: str) -> None:
    request = run(template(f"- raw: ['{line}']"), [ok()], "http://h:81/app")[1][0]
    assert (request.host, request.target) == ("h", expected)


def test_disable_path_automerge_leaves_the_raw_path_alone() -> None:
    check = template("- raw: ['GET /x HTTP/1.1']\n  disable-path-automerge: true")
    assert run(check, [ok()], "http://h/app")[1][0].target == "/x"


def test_a_request_whose_variable_has_no_value_is_not_sent_and_says_so() -> None:
    outcome, asked = run(operators(MATCH, "{{BaseURL}}/{{nowhere}}"), [])
    assert (asked, outcome.unsent) == ([], ["{{nowhere}} has no value"])


def test_skip_variables_check_sends_it_as_it_is() -> None:
    check = template("- path: ['{{BaseURL}}/{{nowhere}}']\n  skip-variables-check: true")
    assert run(check, [ok()])[1][0].target == "/%7B%7Bnowhere%7D%7D"


def test_a_variable_is_rendered_once_per_execution() -> None:
    check = template(
        """
        - path: ['{{BaseURL}}/{{probe}}', '{{BaseURL}}/{{probe}}']
          matchers: [{type: word, words: ['{{probe}}']}]
        """,
        top="variables: {probe: '{{rand_base(8)}}', loop: '{{loop}}'}",
    )
    outcome, asked = run(check, lambda request: ok(request.target))
    assert asked[0].target == asked[1].target
    assert re.fullmatch(r"/\w{8}", asked[0].target)
    assert len(outcome.matches) == 2


def test_a_variable_made_of_itself_has_no_value() -> None:
    check = template("- path: ['{{BaseURL}}/{{loop}}']", top="variables: {loop: 'x{{loop}}'}")
    assert run(check, [])[0].unsent


def test_constants_win_over_variables() -> None:
    check = template("- path: ['{{BaseURL}}/{{a}}']", top="variables: {a: v}\nconstants: {a: c}")
    assert run(check, [ok()])[1][0].target == "/c"


def test_randstr_is_the_same_in_request_and_matcher_and_new_with_each_load() -> None:
    block = "- path: ['{{BaseURL}}/{{randstr}}']\n  matchers: [{type: word, words: ['{{randstr}}']}]"
    outcome, asked = run(template(block), lambda request: ok(request.target))
    assert outcome.matches
    assert run(template(block), [ok()])[1][0].target != asked[0].target


def test_extracted_values_feed_later_requests() -> None:
    check = template(
        """
        - raw:
            - "GET /form HTTP/1.1"
            - "POST /form HTTP/1.1\\n\\ntoken={{token}}"
          extractors: [{type: regex, name: token, internal: true, regex: ['t=(\\w+)'], group: 1}]
          matchers: [{type: word, words: [welcome]}]
        """
    )
    outcome, asked = run(check, [ok("t=abc"), ok("welcome")])
    assert asked[1].body == b"token=abc"
    assert len(outcome.matches) == 1


def test_a_header_of_a_response_is_no_variable_of_the_next_request() -> None:
    check = template("- raw: ['GET / HTTP/1.1', 'GET /{{token}} HTTP/1.1']")
    outcome, asked = run(check, [ok("", token="evil")])
    assert len(asked) == 1
    assert outcome.unsent == ["{{token}} has no value"]


def test_parts_of_earlier_requests_have_numbers() -> None:
    check = template(
        """
        - path: ['{{BaseURL}}/1', '{{BaseURL}}/2']
          matchers: [{type: dsl, dsl: ['status_code_1 == 404', 'contains(body_2, "two")'], condition: and}]
        """
    )
    outcome, _ = run(check, [ok("one", 404), ok("two")])
    assert [match.matched_at for match in outcome.matches] == ["http://127.0.0.1:8080/2"]


def test_responses_that_are_kept_share_the_room_of_one() -> None:
    paths = "- path: ['{{BaseURL}}/1', '{{BaseURL}}/2']\n  matchers: [{type: dsl, dsl: ['%s']}]"
    forgets, keeps = template(paths % "len(body) > 1"), template(paths % "len(body_1) > 1")
    assert [request.max_body for request in run(forgets, [ok(), ok()])[1]] == [LARGEST_BODY, LARGEST_BODY]
    assert [request.max_body for request in run(keeps, [ok(), ok()])[1]] == [LARGEST_BODY // 2] * 2


def test_stop_at_first_match_sends_no_more() -> None:
    paths = "- path: ['{{BaseURL}}/1', '{{BaseURL}}/2']\n  matchers: [{type: status, status: [200]}]\n"
    assert len(run(template(paths), [ok(), ok()])[1]) == 2
    assert len(run(template(paths + "  stop-at-first-match: true"), [ok(), ok()])[1]) == 1


def test_a_failed_request_costs_only_its_own_result() -> None:
    check = template(
        "- path: ['{{BaseURL}}/1', '{{BaseURL}}/2']\n  matchers: [{type: status, status: [200]}]"
    )
    outcome, _ = run(check, [RequestFailed(OSError("gone")), ok()])
    assert (len(outcome.matches), len(outcome.failed), outcome.sent) == (1, 1, 2)


def redirecting(keys: str) -> list[str]:
    """The URLs a template with these keys asks for, when the server redirects twice, then elsewhere."""
    check = template(
        f"- path: ['{{{{BaseURL}}}}/0']\n  {keys}\n  matchers: [{{type: status, status: [302]}}]"
    )
    locations = {"/0": "/1", "/1": "2", "/2": "http://other:81/3"}

    def answer(request: Request) -> Response:
        location = locations.get(request.target)
        return ok("", 302, location=location) if location else ok()

    return [request.url for request in run(check, answer)[1]]


HERE = "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("redirects: false", [f"{HERE}/0"]),
        ("host-redirects: true", [f"{HERE}/0", f"{HERE}/1", f"{HERE}/2"]),
        ("redirects: true", [f"{HERE}/0", f"{HERE}/1", f"{HERE}/2", "http://other:81/3"]),
        ("redirects: true\n  max-redirects: 1", [f"{HERE}/0", f"{HERE}/1"]),
    ],
)
def test_redirects_are_followed_as_far_as_the_template_says(keys: str, expected: list[str]) -> None:
    assert redirecting(keys) == expected


def test_operators_see_every_hop_the_last_response_first() -> None:
    check = template(
        "- path: ['{{BaseURL}}/0']\n  redirects: true\n  matchers: [{type: status, status: [200, 302]}]"
    )
    found = run(check, [ok("", 302, location="/1"), ok()])[0].matches
    assert [match.matched_at for match in found] == [f"{HERE}/1", f"{HERE}/0"]


def test_the_body_of_a_redirect_is_looked_at_as_well() -> None:
    """nuclei has thrown it away by then, and sees an empty one."""
    check = template(
        "- path: ['{{BaseURL}}/0']\n  redirects: true\n  matchers: [{type: word, words: [moved to]}]"
    )
    found = run(check, [ok("moved to /1", 302, location="/1"), ok("here")])[0].matches
    assert [match.matched_at for match in found] == [f"{HERE}/0"]


def test_a_redirect_loop_ends_by_itself() -> None:
    check = template(
        "- path: ['{{BaseURL}}/0']\n  redirects: true\n  matchers: [{type: status, status: [200]}]"
    )
    _, asked = run(check, lambda _: ok("", 302, location="/0"))
    assert len(asked) == 11


@pytest.mark.parametrize("location", ["file:///etc/passwd", "gopher://x", "http://[bad", "mailto:a@b"])
def test_a_redirect_to_what_is_no_web_address_is_not_followed(location: str) -> None:
    check = template(
        "- path: ['{{BaseURL}}/0']\n  redirects: true\n  matchers: [{type: status, status: [302]}]"
    )
    outcome, asked = run(check, [ok("", 302, location=location)])
    assert (len(asked), len(outcome.matches)) == (1, 1)


def test_credentials_do_not_follow_a_redirect_to_another_host() -> None:
    check = template(
        "- path: ['{{BaseURL}}/0']\n  redirects: true\n  headers: {Authorization: secret, X-A: kept}"
    )
    _, asked = run(check, [ok("", 307, location="http://other/"), ok()])
    names = {name for name, _ in asked[1].headers}
    assert "Authorization" not in names
    assert {"X-A", "Host"} <= names


def test_cookies_are_kept_within_an_execution() -> None:
    check = template("- path: ['{{BaseURL}}/1', '{{BaseURL}}/2']\n  headers: {Cookie: own=1}")
    _, asked = run(check, [ok("", set_cookie="sid=abc; Path=/; HttpOnly"), ok()])
    assert ("Cookie", "own=1; sid=abc") in asked[1].headers


def test_disable_cookie_forgets_them() -> None:
    check = template("- path: ['{{BaseURL}}/1', '{{BaseURL}}/2']\n  disable-cookie: true")
    _, asked = run(check, [ok("", set_cookie="sid=abc"), ok()])
    assert all(name != "Cookie" for name, _ in asked[1].headers)


BLOCKS = """
- path: ['{{BaseURL}}/1']
  matchers: [{type: status, status: [200], internal: true}]
- path: ['{{BaseURL}}/2']
  matchers: [{type: dsl, dsl: ['status_code == 200 && http_1_status_code < 500']}]
"""


@pytest.mark.parametrize(
    ("flow", "first", "expected"),
    [
        ("", 404, ["/1", "/2"]),
        ("flow: http(1) && http(2)", 200, ["/1", "/2"]),
        ("flow: http(1) && http(2);", 404, ["/1"]),
        ("flow: http(1) || http(2)", 200, ["/1"]),
        ("flow: '!http(1) && (http(2))'", 404, ["/1", "/2"]),
        ("flow: http()", 404, ["/1", "/2"]),
        ("flow: http('http_1') && http(\"http_2\")", 200, ["/1", "/2"]),
    ],
)
def test_a_boolean_flow_decides_which_blocks_run(flow: str, first: int, expected: list[str]) -> None:
    outcome, asked = run(template(BLOCKS, top=flow), [ok("", first), ok()])
    assert [request.target for request in asked] == expected
    assert len(outcome.matches) == ("/2" in expected)


@pytest.mark.parametrize(
    ("flow", "expected"),
    [
        ("http(1) && http(9)", ["/1"]),
        ("http(9) && http(1)", []),
        ("http(9) || http(1)", ["/1"]),
        ("!http(9) && http(1)", ["/1"]),
    ],
)
def test_a_block_that_a_flow_names_and_there_is_not_finds_nothing(flow: str, expected: list[str]) -> None:
    """As in nuclei; two of the official templates name one."""
    check = template(
        "- path: ['{{BaseURL}}/1']\n  matchers: [{type: status, status: [200]}]", top=f"flow: '{flow}'"
    )
    outcome, asked = run(check, [ok()])
    assert [request.target for request in asked] == expected
    assert len(outcome.matches) == len(expected)
    assert ["its flow names the block http(9)" in line for line in check.warnings] == [True]


@pytest.mark.parametrize(
    ("operators_", "expected"),
    [
        ("", ["/1", "/2"]),
        ("extractors: [{type: regex, name: t, internal: true, regex: ['a.c']}]", ["/1", "/2"]),
        ("extractors: [{type: regex, name: t, internal: true, regex: ['x.z']}]", ["/1"]),
        ("matchers: [{type: word, words: [nothing]}]", ["/1"]),
    ],
)
def test_a_flow_goes_on_after_a_block_without_matchers_that_got_what_it_wanted(
    operators_: str, expected: list[str]
) -> None:
    check = template(
        f"- path: ['{{{{BaseURL}}}}/1']\n  {operators_}\n- path: ['{{{{BaseURL}}}}/2']",
        top="flow: http(1) && http(2)",
    )
    assert [request.target for request in run(check, [ok("abc"), ok()])[1]] == expected


@pytest.mark.parametrize("url", ["", "ftp://h", "http://", "http://h:99999", "http://a b/", "h" * 9000])
def test_a_url_that_cannot_be_requested_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(BadUrl) as caught:
        _ = Target(url).port
    assert "\n" not in str(caught.value)


def test_a_header_value_cannot_add_a_header() -> None:
    check = template(
        """
        - raw:
            - "GET /1 HTTP/1.1"
          extractors: [{type: regex, name: v, internal: true, regex: ['(?s).+']}]
        - path: ['{{BaseURL}}/2']
          headers: {X-V: '{{v}}'}
        """
    )
    outcome, asked = run(check, [ok("a\r\nX-Evil: 1")])
    assert len(asked) == 1
    assert outcome.unsent == ["a header holds a line break"]


def test_a_pause_is_made_before_a_request_that_waits() -> None:
    check = template("- raw: ['GET /?{{wait_for(5)}} HTTP/1.1']")
    request = run(check, [ok()])[1][0]
    assert (request.target, request.pause) == ("/?true", 5.0)
    for refused in ("wait_for(31)", "wait_for(n)", "waitfor(20)}}{{wait_for(20)"):
        with pytest.raises(UnsupportedTemplate, match="wait_for"):
            template(f"- raw: ['GET /?{{{{{refused}}}}} HTTP/1.1']")


BLOCK = "- path: ['{{BaseURL}}/1', '{{BaseURL}}/2']\n  matchers: [{type: status, status: [200]}]\n"


@pytest.mark.parametrize(("top", "expected"), [("", 4), ("stop-at-first-match: true", 1)])
def test_stop_at_first_match_of_a_template_ends_all_its_blocks(top: str, expected: int) -> None:
    outcome, asked = run(template(BLOCK * 2, top), lambda _: ok())
    assert (len(outcome.matches), len(asked)) == (expected, expected)
