"""Templates that mean harm, and servers that help them: each is bounded, and each refusal is one line."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rookery.mechanisms.engine import DslError, Response, TemplateError, UnsupportedTemplate, load_template
from rookery.mechanisms.engine.regex import compile_regex
from rookery.mechanisms.engine.xpath import Markup, compile_xpath
from tests.mechanisms.engine.support import HEAD, matcher, ok, operators, run, source, template

PATIENCE = 20.0  # seconds of CPU; what is unbounded takes hours


@contextmanager
def soon() -> Iterator[None]:
    started = time.process_time()
    yield
    assert time.process_time() - started < PATIENCE


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(.*)*x", "(a?){50}a{50}", r"(\w+\s?)*!"])
def test_no_regex_takes_longer_than_its_text_is_long(pattern: str) -> None:
    with soon():
        compile_regex(pattern).found_in("a" * 1_000_000 + "!")


@pytest.mark.parametrize(
    "pattern", ["a{1001}", "((a{100}){100}){100}", "(" * 2000, "x" * 100_000, r"\C{9}(?=a)"]
)
def test_a_regex_that_would_be_enormous_is_refused(pattern: str) -> None:
    with soon(), pytest.raises(DslError) as refused:
        compile_regex(pattern)
    assert "\n" not in str(refused.value)


def test_an_extractor_that_matches_everywhere_gives_a_bounded_number_of_values() -> None:
    check = operators(
        "extractors: [{type: regex, name: x, internal: true, regex: ['.|']}]\nmatchers:\n"
        "  - {type: dsl, dsl: ['len(x) <= 1000']}"
    )
    with soon():
        assert run(check, [ok(bytes(range(256)) * 4000)])[0].matches


def test_a_thousand_extractors_of_a_whole_body_keep_a_bounded_amount() -> None:
    lines = "".join(
        f"\n  - {{type: regex, name: x{number}, internal: true, regex: ['(?s).+']}}" for number in range(200)
    )
    check = operators(f"extractors:{lines}\nmatchers: [{{type: dsl, dsl: ['len(x0) > 1 && len(x199) > 1']}}]")
    with soon():
        assert not run(check, [ok(b"a" * (1 << 20))])[0].matches


def test_variables_that_double_each_other_have_no_value() -> None:
    lines = "\n".join(f'  v{number}: "{{{{v{number - 1}}}}}{{{{v{number - 1}}}}}"' for number in range(1, 40))
    check = template("- path: ['{{BaseURL}}/{{v39}}']", f"variables:\n  v0: xxxxxxxxxxxxxxxx\n{lines}")
    with soon():
        outcome, asked = run(check, [])
    assert (asked, outcome.unsent) == ([], ["{{v39}} has no value"])


def test_variables_that_name_each_other_in_a_circle_have_no_value() -> None:
    check = template("- path: ['{{BaseURL}}/{{a}}']", 'variables: {a: "{{b}}", b: "{{c}}", c: "{{a}}"}')
    assert run(check, [])[1] == []


def test_a_text_of_many_large_values_is_not_made() -> None:
    slots = "{{repeat('x', 16000000)}}" * 40
    check = template(f'- path: ["{{{{BaseURL}}}}/{slots}"]')
    with soon():
        outcome, asked = run(check, [])
    assert asked == []
    assert "is more than" in outcome.unsent[0]


def test_a_word_that_grows_unreasonably_does_not_match() -> None:
    with soon():
        assert not run(matcher("word", 'words: ["' + "{{repeat('x', 16000000)}}" * 9 + '"]'), [ok()])[
            0
        ].matches


@pytest.mark.parametrize(
    "path",
    [
        "//*[//*[//*]]",
        "//a/following::b[preceding::c]",
        "//*" * 400,
        "//*[a][b][c][d][e][f][g][h][i]",
        "//*[",
    ],
)
def test_an_xpath_that_could_take_long_is_refused(path: str) -> None:
    with pytest.raises(DslError) as refused:
        compile_xpath(path)
    assert "\n" not in str(refused.value)


def test_an_xpath_cannot_call_anything() -> None:
    for path in ("re:test(//a, 'x')", "document('/etc/passwd')//a", "unheard-of()"):
        assert Markup("<a>x</a>").nodes(path) == []


@pytest.mark.parametrize(
    "body",
    [
        "<a>" * 300_000,
        "<a b='" * 100_000,
        "<table>" + "<tr><td>" * 50_000,
        "<?xml version='1.0'?>" + "<a>" * 100_000,
        "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'>"
        + "".join(f"<!ENTITY {chr(98 + n)} '{('&' + chr(97 + n) + ';') * 10}'>" for n in range(12))
        + "]><a>&m;</a>",
        '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        "<!--" * 100_000,
        "\x00" * 1000,
    ],
)
def test_markup_that_is_a_bomb_is_looked_at_briefly(body: str) -> None:
    check = operators("extractors: [{type: xpath, xpath: ['//*', '//a[following-sibling::b]', '//a//a']}]")
    with soon():
        outcome = run(check, [Response(200, "OK", (), body.encode("latin-1"))])[0]
    found = [text for match in outcome.matches for text in match.extracted]
    assert len(found) <= 1000
    assert not any("root:" in text or len(text) > 1 << 20 for text in found)


@pytest.mark.parametrize(
    "data",
    [
        HEAD.encode() + b"http: " + b"[" * 5000,
        HEAD.encode() + b"http:\n" + b"".join(b" " * n + b"- \n" for n in range(100)),
        HEAD.encode() + b"variables: {" + b"a: {" * 3000,
        b"a: &a [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(
            b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(9)
        ),
        source("- path: ['{{BaseURL}}']\n  payloads: {a: {b: {c: {d: [1]}}}}"),
        source("- path: ['{{BaseURL}}']\n  payloads: [1]"),
        source("- path: ['{{a}}']\n  payloads: {a: []}"),
        source("- path: ['{{a}}']\n  payloads: {a: {lowest: [1]}}"),
        source("- path: ['{{a}}']\n  payloads: {a: [1]}\n  attack: sniper"),
        source("- raw: ['@timeout: forever\\nGET / HTTP/1.1']".replace("'", '"')),
        source("- raw: ['@once']"),
    ],
)
def test_a_template_that_is_wrong_or_a_bomb_is_one_line_at_once(data: bytes) -> None:
    with soon(), pytest.raises((TemplateError, UnsupportedTemplate)) as refused:
        load_template(data, path="x.yaml")
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 600
