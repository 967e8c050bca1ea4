"""Payloads, values given from outside, and requests that are sent once, several times or with all values."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rookery.domains.templates.payloadfiles import LibraryFiles
from rookery.mechanisms.engine import (
    Burst,
    Outcome,
    Request,
    Response,
    Target,
    Template,
    TemplateError,
    UnsupportedTemplate,
    execute,
    load_template,
)
from tests.mechanisms.engine.support import ok, run, source, template

NAMED = "matchers: [{type: word, words: ['{{user}}']}]"


def targets(check: Template, answer: Response | None = None) -> list[str]:
    """What a template asks for, in order."""
    return [request.target for request in run(check, lambda _: answer or ok())[1]]


def outcome_with(check: Template, **variables: str) -> tuple[Outcome, list[Request]]:
    """The same, with variables given for the run."""
    running, asked = execute(check, Target("http://h"), variables), []
    try:
        request = next(running)
        while True:
            assert isinstance(request, Request)
            asked.append(request)
            request = running.send(ok("found"))
    except StopIteration as finished:
        return finished.value, asked


def paths(payloads: str, *more: str, path: str = "/{{a}}-{{b}}") -> Template:
    """A template with one path and these payloads."""
    lines = "".join(f"\n  {line}" for line in more)
    return template(f"- path: ['{{{{BaseURL}}}}{path}']\n  payloads: {payloads}{lines}")


@pytest.mark.parametrize(
    ("attack", "expected"),
    [
        ("pitchfork", ["/1-x", "/2-y"]),
        ("clusterbomb", ["/1-x", "/1-y", "/1-z", "/2-x", "/2-y", "/2-z"]),
    ],
)
def test_an_attack_combines_payloads(attack: str, expected: list[str]) -> None:
    assert targets(paths("{a: [1, 2], b: [x, y, z]}", f"attack: {attack}")) == expected


def test_batteringram_is_the_default_and_takes_one_payload() -> None:
    assert targets(paths("{a: [1, 2]}", path="/{{a}}")) == ["/1", "/2"]
    with pytest.raises(TemplateError, match=r"x\.yaml:8: batteringram takes exactly one payload"):
        load_template(source("- path: ['{{a}}{{b}}']\n  payloads: {a: [1], b: [2]}"), path="x.yaml")


def test_a_payload_that_nothing_names_is_dropped() -> None:
    assert targets(paths("{a: [1, 2], zzz: [3, 4, 5]}", path="/{{a}}")) == ["/1", "/2"]


def test_a_payload_can_be_lines_of_text_or_by_aggression() -> None:
    assert targets(paths('{a: "1\\n2\\n"}', path="/{{a}}")) == ["/1", "/2"]
    assert targets(paths("{a: {low: [1], medium: [2], high: [3]}}", path="/{{a}}")) == ["/1"]


def test_each_combination_goes_through_all_requests() -> None:
    check = template("- path: ['{{BaseURL}}/a{{n}}', '{{BaseURL}}/b{{n}}']\n  payloads: {n: [1, 2]}")
    assert targets(check) == ["/a1", "/b1", "/a2", "/b2"]
    assert check.request_count == 4


def test_once_is_sent_with_the_first_payload_only() -> None:
    raw = '["@once\\nGET /login HTTP/1.1", "GET /{{n}} HTTP/1.1"]'
    check = template(f"- raw: {raw}\n  payloads: {{n: [1, 2]}}")
    assert targets(check) == ["/login", "/1", "/2"]
    assert check.request_count == 3


def test_a_payload_may_have_placeholders_of_its_own() -> None:
    check = paths("{a: ['{{Host}}', \"{{md5('a')}}\", '{{7*7}}', '{{nothing}}', last]}", path="/?{{a}}")
    outcome, asked = run(check, lambda _: ok())
    known = ["/?127.0.0.1", "/?0cc175b9c0f1b6a831c399e269772661", "/?{{7*7}}", "/?last"]
    assert [request.target for request in asked] == known
    assert outcome.unsent == ["{{nothing}} has no value"]


def test_a_payload_without_value_is_sent_as_it_is_when_that_is_wanted() -> None:
    check = paths("{a: ['{{nothing}}']}", "skip-variables-check: true", path="/?{{a}}")
    assert targets(check) == ["/?{{nothing}}"]


def test_a_payload_that_grows_unreasonably_is_left_out() -> None:
    check = paths("{a: ['{{big}}{{big}}', small]}", path="/{{a}}")
    big = load_template(
        source(
            "- path: ['{{BaseURL}}/{{a}}']\n  payloads: {a: ['{{big}}{{big}}', small]}",
            "variables: {big: \"{{repeat('x', 16000000)}}\"}",
        ),
        path="x",
    )
    assert targets(check) == targets(big) == ["/small"]


def test_variables_made_of_payloads_are_made_anew() -> None:
    check = template(
        "- path: ['{{BaseURL}}/{{both}}?{{user}}&{{other}}']\n  payloads: {user: [a, b]}",
        'variables: {both: "{{user}}:{{mid}}", mid: "{{to_upper(user)}}", other: "{{rand_base(9)}}"}',
    )
    first, second = targets(check)
    assert (first[:6], second[:6]) == ("/a:A?a", "/b:B?b")
    assert first[6:] == second[6:]


def test_stop_at_first_match_ends_with_the_payload_that_matched() -> None:
    check = paths("{user: [a, b, c]}", "stop-at-first-match: true", NAMED, path="/{{user}}")
    outcome, asked = run(check, lambda request: ok("it is b" if request.target == "/b" else "no"))
    assert [request.target for request in asked] == ["/a", "/b"]
    assert [match.meta for match in outcome.matches] == [{"user": "b"}]


def test_what_an_extractor_finds_does_not_stop_the_payloads() -> None:
    extract = "extractors: [{type: regex, regex: ['.+']}]"
    check = paths("{user: [a, b]}", "stop-at-first-match: true", extract, path="/{{user}}")
    assert targets(check, ok("x")) == ["/a", "/b"]


def test_section_signs_are_placeholders_too() -> None:
    check = paths(
        "{a: [1]}", path="/\u00a7a\u00a7/\u00a7b\u00a7/{{base64('\u00a7a\u00a7')}}".replace("'", "''")
    )
    assert targets(check) == ["/1/%C2%A7b%C2%A7/MQ=="]


def test_a_header_may_be_named_by_a_payload() -> None:
    check = template("- path: ['{{BaseURL}}']\n  headers: {'X-{{h}}': v}\n  payloads: {h: [A, B]}")
    headers = [dict(request.headers) for request in run(check, lambda _: ok())[1]]
    assert [one.get("X-A", one.get("X-B")) for one in headers] == ["v", "v"]


FOUND = "extractors: [{type: regex, name: id, internal: true, group: 1, regex: ['id=(\\w+)']}]"
TWO = f"- path: ['{{{{BaseURL}}}}/list', '{{{{BaseURL}}}}/{{{{id}}}}']\n  {FOUND}"


def test_a_request_takes_the_first_of_several_extracted_values() -> None:
    assert targets(template(TWO), ok("id=a id=b")) == ["/list", "/a"]
    three = TWO.replace("{{id}}", "{{id0}}{{id1}}")
    assert targets(template(three), ok("id=a id=b")) == ["/list", "/ab"]


def test_iterate_all_sends_the_next_request_with_each_of_them() -> None:
    assert targets(template(f"{TWO}\n  iterate-all: true"), ok("id=a id=b id=c")) == [
        "/list",
        "/a",
        "/b",
        "/c",
    ]


def test_a_matcher_of_the_same_answer_sees_all_extracted_values() -> None:
    check = template(f"{TWO}\n  matchers: [{{type: dsl, dsl: ['len(id) == 2']}}]")
    assert len(run(check, lambda _: ok("id=a id=bc"))[0].matches) == 2


def test_a_placeholder_without_value_ends_the_block() -> None:
    check = template("- path: ['{{BaseURL}}/1', '{{BaseURL}}/{{nothing}}', '{{BaseURL}}/3']")
    outcome, asked = run(check, lambda _: ok())
    assert [request.target for request in asked] == ["/1"]
    assert outcome.unsent == ["{{nothing}} has no value"]


VALUES = "- path: ['{{BaseURL}}/{{v}}-{{c}}-{{p}}-{{Host}}']\n  payloads: {p: [payload]}"


def test_what_goes_before_what() -> None:
    check = template(VALUES, "variables: {v: own, p: own, Host: own}\nconstants: {c: constant}")
    assert outcome_with(check)[1][0].target == "/own-constant-payload-own"
    given = outcome_with(check, v="cli", c="cli", p="cli", Host="cli")[1][0]
    assert given.target == "/cli-constant-payload-cli"


def test_a_burst_is_sent_at_once_and_judged_one_by_one() -> None:
    check = template(
        """
        - raw: ['GET / HTTP/1.1']
          race: true
          race_count: 3
          matchers: [{type: status, status: [200]}]
        """
    )
    running = execute(check, Target("http://h"))
    burst = next(running)
    assert isinstance(burst, Burst)
    assert len(burst.requests) == 3
    with pytest.raises(StopIteration) as finished:
        running.send((ok(), ok("", 500), ok()))
    assert (len(finished.value.value.matches), finished.value.value.sent) == (2, 3)


THREADED = """
- path: ['{{{{BaseURL}}}}/{{{{user}}}}']
  payloads: {{user: [a, b, c, d, e]}}
  threads: 2
  {keys}
  matchers: [{{type: word, words: ['{{{{user}}}}']}}]
"""


def bursts(check: Template) -> tuple[Outcome, list[int]]:
    """The outcome of a template that sends several requests at once, and how many it sends each time."""
    running, sizes = execute(check, Target("http://h")), list[int]()
    try:
        ask = next(running)
        while True:
            assert isinstance(ask, Burst)
            sizes.append(len(ask.requests))
            ask = running.send(tuple(ok(f"I am {one.target[1:]}") for one in ask.requests))
    except StopIteration as finished:
        return finished.value, sizes


def test_threads_have_so_many_requests_under_way() -> None:
    outcome, sizes = bursts(template(THREADED.format(keys="redirects: true")))
    assert sizes == [2, 2, 1]
    assert [match.meta["user"] for match in outcome.matches] == list("abcde")


@pytest.mark.parametrize("keys", ["stop-at-first-match: true", "iterate-all: true", FOUND])
def test_requests_that_depend_on_each_other_are_sent_one_by_one(keys: str) -> None:
    outcome, asked = run(template(THREADED.format(keys=keys)), lambda one: ok(f"I am {one.target[1:]}"))
    assert len(asked) == (1 if keys.startswith("stop") else 5)
    assert outcome.matches


@pytest.fixture
def library(tmp_path: Path) -> Path:
    (tmp_path / "lib" / "http" / "deep").mkdir(parents=True)
    (tmp_path / "lib" / "words.txt").write_bytes(b"one\r\n\ntw\xff\n")
    (tmp_path / "lib" / "helpers").mkdir()
    (tmp_path / "lib" / "helpers" / "list.txt").write_text("helped\n")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "lib" / "http" / "link.txt").symlink_to(tmp_path / "secret.txt")
    return tmp_path / "lib"


def from_file(library: Path, name: str, folder: Path | None) -> list[str]:
    """The targets of a template deep in a library that takes its payload from a file of this name."""
    data = source(f"- path: ['{{{{BaseURL}}}}/{{{{a}}}}']\n  payloads: {{a: '{name}'}}")
    path = library / "http" / "deep" / "check.yaml"
    return targets(load_template(data, path=str(path), files=LibraryFiles(folder)))


def test_a_payload_file_is_looked_for_upward(library: Path) -> None:
    assert from_file(library, "words.txt", library) == ["/one", "/tw%FF"]
    assert from_file(library, "helpers/list.txt", library / "http") == ["/helped"]
    assert from_file(library, "helpers/list.txt", None) == ["/helped"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/etc/passwd", "is not a path below"),
        ("../../../secret.txt", "is not a path below"),
        ("helpers/../../secret.txt", "is not a path below"),
        ("etc/passwd", "does not exist"),
        ("secret.txt", "does not exist"),
        ("link.txt", "is a link out of the library"),
        ("http", "does not exist"),
        ("x" * 500, "cannot be read"),
        ("x" * 5000, "is not a path below"),
    ],
)
def test_no_payload_file_is_read_outside_the_library(library: Path, name: str, reason: str) -> None:
    with pytest.raises(UnsupportedTemplate, match=re.escape(reason)) as refused:
        from_file(library, name, library)
    assert "\n" not in str(refused.value)


def test_a_library_begins_at_the_folder_that_was_given(library: Path) -> None:
    with pytest.raises(UnsupportedTemplate, match="does not exist"):
        from_file(library, "words.txt", library / "http")


def test_too_many_combinations_are_refused_without_making_them() -> None:
    names = "abcd"
    lists = ", ".join(f"{name}: [{','.join(map(str, range(40)))}]" for name in names)
    path = "".join(f"{{{{{name}}}}}" for name in names)
    data = source(f"- path: ['{path}']\n  payloads: {{{lists}}}\n  attack: clusterbomb")
    with pytest.raises(UnsupportedTemplate, match="2,560,000 combinations"):
        load_template(data, path="x")
