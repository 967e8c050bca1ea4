"""What nuclei's own tests leave out, over real connections: annotations, sizes, codings, logins, markup."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
import zlib

import pytest

from rookery.mechanisms.engine import Outcome, Target
from rookery.mechanisms.transport import OutOfScope
from tests.conformance.running import scan
from tests.conformance.webserver import Asked, Reply, WebServer, pages, redirect
from tests.mechanisms.engine.support import ok, run, template

PAGE = pages({"/": "Hello World"})


def found(http: str, reply: Reply | str) -> bool:
    """Whether a template with one request finds something in one reply."""
    with WebServer(pages({"/": reply})) as server:
        return bool(scan(template(f"- path: ['{{{{BaseURL}}}}']\n{http}"), server.url).matches)


def matched(kind: str, keys: str, reply: Reply | str = "Hello World") -> bool:
    """Whether one matcher of a kind matches."""
    return found(f"  matchers: [{{type: {kind}, {keys}}}]", reply)


@pytest.mark.parametrize(
    ("kind", "keys", "expected"),
    [
        ("word", "words: [Hello]", True),
        ("word", "words: [Hello], negative: true", False),
        ("word", "words: [Moon], negative: true", True),
        ("word", "words: [x], part: no_such_part, negative: true", False),
        ("word", "words: [hello]", False),
        ("word", "words: [hello], case-insensitive: true", True),
        ("word", "words: ['48656c6c6f'], encoding: hex", True),
        ("word", "words: [Hello, Moon], condition: and", False),
        ("word", "words: [Hello, Moon], match-all: true", True),
        ("regex", "regex: ['^H.*d$']", True),
        ("regex", "regex: ['^H.*d$'], negative: true", False),
        ("binary", "binary: ['6c6f20576f']", True),
        ("binary", "binary: ['00'], negative: true", True),
        ("size", "size: [11]", True),
        ("size", "size: [12]", False),
        ("size", "size: [12], negative: true", True),
        ("size", "size: [3], part: status_code", True),
        ("status", "status: [404], negative: true", True),
        ("status", "status: [200], negative: true", False),
        ("dsl", "dsl: ['len(body) == 11', 'status_code == 404']", True),
        ("dsl", "dsl: ['len(body) == 11', 'status_code == 404'], condition: and", False),
        ("dsl", "dsl: ['no_such_name == 1', 'true']", True),
        ("dsl", "dsl: ['no_such_name == 1'], condition: and", False),
        ("dsl", "dsl: [\"'text'\"]", False),
    ],
)
def test_matchers(kind: str, keys: str, expected: bool) -> None:
    assert matched(kind, keys) is expected


CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n6;x=y\r\n World\r\n0\r\nT: v\r\n\r\n"
)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(gzip.compress(b"Hello World"), headers={"Content-Encoding": "gzip"}),
        Reply(zlib.compress(b"Hello World"), headers={"Content-Encoding": "deflate"}),
        Reply(zlib.compress(b"Hello World")[2:-4], headers={"Content-Encoding": "deflate"}),
        Reply(raw=CHUNKED),
        Reply(raw=b"HTTP/1.0 200 OK\r\n\r\nHello World", close=True),
    ],
)
def test_a_body_is_read_whatever_its_coding(reply: Reply) -> None:
    assert matched("dsl", "dsl: [\"body == 'Hello World'\"]", reply)


def test_binary_bodies_are_bytes() -> None:
    assert matched("binary", "binary: ['00ff80'], condition: and", Reply(b"\x00\xff\x80\x00"))
    assert matched("dsl", "dsl: ['len(body) == 4']", Reply(b"\x00\xff\x80\x00"))


def test_max_size_cuts_the_body() -> None:
    assert found("  max-size: 5\n  matchers: [{type: dsl, dsl: [\"body == 'Hello'\"]}]", "Hello World")
    assert found("  max-size: 5\n  matchers: [{type: dsl, dsl: ['content_length == 11']}]", "Hello World")


def extracted(extractor: str, reply: Reply | str) -> list[str]:
    """What one extractor takes out of one reply."""
    with WebServer(pages({"/": reply})) as server:
        lines = f"- path: ['{{{{BaseURL}}}}']\n  extractors: [{{{extractor}}}]"
        return [text for match in scan(template(lines), server.url).matches for text in match.extracted]


DOCUMENT = '{"a": [{"b": 1}, {"b": "x"}, {"c": null}], "t": true, "n": 1.5, "o": {"k": [1]}}'
HTML = (
    "<html><body><table><tr><td title='t'>one</td></tr></table><a href='/x'>\u00e9</a><a>y</a></body></html>"
)
XML = '<?xml version="1.0"?><config><db><host>h1</host></db><db><host port="5">h2</host></db></config>'


@pytest.mark.parametrize(
    ("extractor", "reply", "expected"),
    [
        ("type: json, json: ['.a[].b']", DOCUMENT, ["1", "x"]),
        ("type: json, json: ['.t', '.n', '.o']", DOCUMENT, ["true", "1.5", '{"k":[1]}']),
        ("type: json, json: ['.missing']", DOCUMENT, []),
        ("type: json, json: ['.a']", "no json", []),
        ("type: kval, kval: [x_token]", Reply(headers={"X-Token": "secret"}), ["secret"]),
        ("type: kval, kval: [session]", Reply(headers={"Set-Cookie": "Session=abc; path=/"}), ["abc"]),
        ("type: kval, kval: [missing]", "x", []),
        ("type: kval, kval: [X_Token], case-insensitive: true", Reply(headers={"X-Token": "AbC"}), ["abc"]),
        ("type: regex, regex: ['[a-z]+(\\d)'], group: 1", "a1 b2 c2", ["1", "2"]),
        ("type: regex, regex: ['a'], group: 3", "a", []),
        ("type: dsl, dsl: ['len(body)', 'missing', 'status_code']", "abc", ["3", "200"]),
        ("type: xpath, xpath: ['//a/@href']", HTML, ["/x"]),
        ("type: xpath, xpath: ['/html/body/table/tbody/tr/td']", HTML, ["one"]),
        ("type: xpath, xpath: ['//td'], attribute: title", HTML, ["t"]),
        ("type: xpath, xpath: ['//a']", HTML, ["\u00e9", "y"]),
        ("type: xpath, xpath: ['/config/db/host']", XML, ["h1", "h2"]),
        ("type: xpath, xpath: ['//host[@port]'], attribute: port", XML, ["5"]),
    ],
)
def test_extractors(extractor: str, reply: Reply | str, expected: list[str]) -> None:
    assert extracted(extractor, reply) == expected


@pytest.mark.parametrize(
    ("keys", "reply", "expected"),
    [
        ("xpath: ['//a', '//b']", HTML, True),
        ("xpath: ['//a', '//b'], condition: and", HTML, False),
        ("xpath: ['//b'], negative: true", HTML, True),
        ("xpath: ['/config/db']", XML, True),
        ("xpath: ['//x']", '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e "<x/>">]><a>&e;</a>', False),
        ("xpath: ['count(//a)']", HTML, False),
        ("xpath: ['//a']", "", False),
        ("xpath: ['//a']", Reply(b"\x00\xff<a>"), True),
    ],
)
def test_xpath_matchers(keys: str, reply: Reply | str, expected: bool) -> None:
    assert matched("xpath", keys, reply) is expected


def raw(lines: str, keys: str = "") -> str:
    """A template's block with one raw request and a matcher that always matches."""
    text = lines.replace("\n", "\\n")
    return f'- raw: ["{text}"]\n  {keys}\n  matchers: [{{type: dsl, dsl: ["true"]}}]'


def test_host_annotation_asks_another_server_and_keeps_the_host_header() -> None:
    with WebServer(PAGE) as target, WebServer(PAGE) as other:
        text = raw(f"@Host: {other.url}\nGET /x HTTP/1.1\nHost: {{{{Hostname}}}}")
        (match,) = scan(template(text), target.url).matches
        assert (target.asked, other.asked[0].header("host")) == ([], f"127.0.0.1:{target.port}")
        assert match.matched_at == f"{other.url}/x"


def test_host_annotation_does_not_leave_the_scope() -> None:
    with WebServer(PAGE) as target:
        outcome = scan(template(raw("@Host: 192.0.2.1\nGET / HTTP/1.1")), target.url)
        assert [type(error) for error in outcome.failed] == [OutOfScope]
        assert target.asked == []


@pytest.mark.parametrize(("value", "expected"), [("request.host", "inner.example"), ("other.example", None)])
def test_the_name_in_the_handshake_can_be_chosen(value: str, expected: str | None) -> None:
    with WebServer(PAGE, tls=True) as target:
        scan(template(raw(f"@tls-sni: {value}\nGET / HTTP/1.1\nHost: inner.example:443")), target.url)
        assert target.asked[0].server_name == (expected or value)


def test_unsafe_bytes_arrive_as_they_are_written() -> None:
    text = "GET /%zz HTTP/1.1\nHost: {{Hostname}}\nX-Odd : value\n\tfolded\nContent-Length: 3\n\nabc"
    with WebServer(PAGE) as target:
        scan(template(raw(text, "unsafe: true")), f"{target.url}/base")
        head = target.asked[0].head.decode()
    lines = ["GET /base/%zz HTTP/1.1", f"Host: 127.0.0.1:{target.port}", "X-Odd : value", "\tfolded"]
    assert head == "\r\n".join([*lines, "Content-Length: 3", ""])
    assert target.asked[0].body == b"abc"


def test_an_absolute_url_is_asked_where_it_leads_within_the_scope() -> None:
    with WebServer(PAGE) as target, WebServer(PAGE) as other:
        path = f"- path: ['{other.url}/x', 'http://192.0.2.1/y']\n  matchers: [{{type: dsl, dsl: ['true']}}]"
        outcome = scan(template(path), target.url)
        assert (len(target.asked), [asked.target for asked in other.asked]) == (0, ["/x"])
        assert [type(error) for error in outcome.failed] == [OutOfScope]


def test_another_port_of_the_target_can_be_asked() -> None:
    with WebServer(PAGE) as target, WebServer(PAGE) as other:
        scan(template(f"- path: ['{{{{BaseURL}}}}:{other.port}/x']"), f"{target.url}/base")
        assert [asked.target for asked in other.asked] == ["/base/x"]


REALM = 'Digest realm="r", nonce="n", qop="auth", opaque="o"'


def _digest(asked: Asked) -> Reply:
    fields = dict(re.findall(r'(\w+)="?([^",]+)"?', asked.header("authorization").partition(" ")[2]))
    secret = hashlib.md5(b"admin:r:pass", usedforsecurity=False).hexdigest()
    wanted = hashlib.md5(f"GET:{asked.target}".encode(), usedforsecurity=False).hexdigest()
    proof = ":".join([secret, "n", fields.get("nc", ""), fields.get("cnonce", ""), "auth", wanted])
    if fields.get("response") == hashlib.md5(proof.encode(), usedforsecurity=False).hexdigest():
        return Reply("welcome")
    return Reply("who are you", 401, {"WWW-Authenticate": REALM})


def login(password: str) -> tuple[Outcome, int]:
    """What comes of a login by digest, and how many requests it took."""
    keys = f"  digest-username: admin\n  digest-password: {password}"
    matcher = "  matchers: [{type: word, words: [welcome]}]"
    with WebServer(_digest) as server:
        outcome = scan(template(f"- path: ['{{{{BaseURL}}}}/p?q=1']\n{keys}\n{matcher}"), server.url)
        return outcome, len(server.asked)


def test_a_digest_challenge_is_answered_once() -> None:
    outcome, asked = login("pass")
    assert (len(outcome.matches), asked, outcome.sent) == (1, 2, 2)
    outcome, asked = login("wrong")
    assert (len(outcome.matches), asked) == (0, 2)


def test_a_match_carries_its_evidence() -> None:
    http = """
    - path: ['{{BaseURL}}/{{p}}']
      payloads: {p: ["it's"]}
      matchers: [{type: status, status: [404]}]
    """
    with WebServer(pages({})) as server:
        (match,) = scan(template(http), server.url).matches
    assert (match.kind, match.meta, match.address) == ("http", {"p": "it's"}, "127.0.0.1")
    assert match.request.startswith("GET /it's HTTP/1.1\r\n")
    assert "not found" in match.response
    assert match.curl.startswith("curl -k -X GET -H ")
    assert match.curl.endswith(f"'{server.url}/it'\"'\"'s'")


def test_names_of_a_domain_are_those_of_the_public_suffix_list() -> None:
    check = template("- path: ['http://127.0.0.1/{{SD}}/{{DN}}/{{TLD}}/{{RDN}}/{{FQDN}}']")
    (request,) = run(check, [ok()], "http://a.b.example.co.uk")[1]
    assert request.target == "/a.b/example/co.uk/example.co.uk/a.b.example.co.uk"
    assert Target("http://127.0.0.1").variables["FQDN"] == "127.0.0.1"
    assert run(check, [ok()], "http://127.0.0.1")[1] == []


def test_bodies_of_megabytes_pass_through_the_dsl() -> None:
    body = base64.b64encode(bytes(3 << 20)).decode()
    assert matched("dsl", f"dsl: ['len(base64_decode(body)) == {3 << 20}']", Reply(body))


def test_redirects_are_followed_for_requests_that_are_sent_at_the_same_time() -> None:
    http = """
    - path: ['{{BaseURL}}/{{p}}']
      payloads: {p: [a, b, c]}
      threads: 3
      redirects: true
      matchers: [{type: word, words: ['end of {{p}}']}]
    """

    def answer(asked: Asked) -> Reply:
        return Reply(f"end of {asked.path[5:]}") if asked.path.startswith("/end") else _moved(asked)

    with WebServer(answer) as server:
        outcome = scan(template(http), server.url)
    assert sorted(match.matched_at for match in outcome.matches) == [
        f"{server.url}/end/{one}" for one in "abc"
    ]
    assert (len(server.asked), outcome.sent) == (6, 6)


def _moved(asked: Asked) -> Reply:
    return redirect(f"/end{asked.path}")
