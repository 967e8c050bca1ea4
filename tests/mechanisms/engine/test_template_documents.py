"""YAML is untrusted: bounded, text only, and every refusal is one line with file and line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.mechanisms.engine import TemplateError, UnsupportedTemplate, load_template
from rookery.mechanisms.engine.document import Mapping, Scalar, parse_document
from tests.mechanisms.engine.support import HEAD, ok, operators, run, source, template

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
BLOCK = "- path: ['{{BaseURL}}/']\n  matchers: [{type: status, status: [200]}]\n"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "check.yaml: the file is empty"),
        (b"just words", "check.yaml:1: the template must be a mapping"),
        (b"- a\n- b", "check.yaml:1: the template must be a mapping"),
        (b"id: [unclosed", "not YAML"),
        (b"id: a\nid: b", "check.yaml:2: the key 'id' appears twice"),
        (b"\xff\xfe\x00\x01", "check.yaml"),
        (b"id: a\n\x00\x01", "not YAML"),
        (b"---\nid: a\n---\nid: b", "more than one document"),
        (b"id: *nowhere", "the alias *nowhere has no anchor before it"),
        (b"id: a\n? [x]\n: y", "a key must be plain text"),
        (b"id: a\n<<: {a: b}", "merge keys"),
        (b"[" * 100 + b"]" * 100, "nested deeper than 40 levels"),
        (b"x" * (10 << 20), "larger than 8 MiB"),
        (BOMB.encode(), "more than 400,000 values"),
        (b"id: 'not valid!'\ninfo: {name: a, author: b}", "check.yaml:1: id 'not valid!'"),
        (b"id: a", "info is missing"),
        (b"id: a\ninfo: {author: b}\nhttp: []", "info must have 'name'"),
        (b"id: a\ninfo: {name: b}\nhttp: []", "info must have 'author'"),
        (b"id: a\ninfo: {name: a, author: b, severity: awful}", "severity must be one of"),
        (HEAD.encode(), "there is no block of any protocol"),
        (f"{HEAD}htpp: []".encode(), "unknown key 'htpp' in the template; did you mean 'http'?"),
        (source("- path: x"), "check.yaml:8: the http block: 'path' must be a list"),
        (source("- method: GET"), "the http block needs 'path' or 'raw'"),
        (source("- paths: [x]"), "unknown key 'paths' in the http block; did you mean 'path'?"),
        (source("- path: [x]\n  redirects: maybe"), "'redirects' must be true or false, not 'maybe'"),
        (source("- path: [x]\n  max-size: big"), "'max-size' must be a whole number, not 'big'"),
        (source("- path: [x]\n  matchers: [{type: wrod, words: [a]}]"), "matcher type 'wrod' must be one of"),
        (source("- path: [x]\n  matchers: [{type: status, status: [ok]}]"), "whole number, not 'ok'"),
        (source("- path: [x]\n  matchers: [{type: word, words: [a], condition: xor}]"), "one of or, and"),
        (source("- path: [x]\n  matchers: [{type: regex, regex: ['(']}]"), "check.yaml:9: bad regex '('"),
        (source("- path: [x]\n  matchers: [{type: binary, binary: [zz]}]"), "check.yaml:9"),
        (source("- path: [x]\n  matchers: [{type: dsl, dsl: ['1 +']}]"), "unexpected the end"),
        (source("- path: [x]\n  matchers: [{type: dsl, dsl: ['nothing(1)']}]"), "nothing() is not available"),
        (source("- raw: ['']"), "a raw request is empty"),
        (source('- raw: ["@timeout: soon\\nGET / HTTP/1.1"]'), "@timeout 'soon' is not a duration"),
        (source("- path: [x]\n  extractors: [{type: magic}]"), "extractor type 'magic' must be one of"),
    ],
)
def test_what_is_no_template_is_refused_in_one_line(data: bytes, said: str) -> None:
    with pytest.raises(TemplateError) as caught:
        load_template(data, path="check.yaml")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (f"{HEAD}headless: []".encode(), "the headless protocol is not run"),
        (source(BLOCK, "self-contained: true"), "self-contained"),
        (source(BLOCK, "flow: 'for (let x of y) http(1)'"), "its flow is JavaScript"),
        (source(BLOCK, "flow: dns(1)"), "its flow names the block dns(1)"),
        (source(BLOCK, "flow: (http(1)"), "its flow is JavaScript"),
        (source(BLOCK, "flow: http(1) &&"), "its flow is JavaScript"),
        (source(BLOCK, f"flow: {'(' * 99}http(1){')' * 99}"), "its flow is JavaScript"),
        (source("- path: ['{{BaseURL}}/{{interactsh-url}}']"), "out-of-band"),
        (source("- path: ['{{a}}']\n  payloads: {a: words.txt}"), "'words.txt' of check.yaml cannot be read"),
        (source("- path: [x]\n  pipeline: true"), "HTTP pipelining is not run"),
        (source("- path: [x]\n  global-matchers: true"), "global-matchers are not run"),
        (source("- path: [x]\n  fuzzing: []"), "fuzzing is not run"),
        (source("- path: [x]\n  extractors: [{type: json, json: ['reduce . as $x (0; 1)']}]"), "jq query"),
        (source("- path: ['{{jarm(x)}}']"), "jarm() is not run"),
        (source('- raw: ["@Hist: x\\nGET / HTTP/1.1"]'), "the annotation @Hist is not known"),
    ],
)
def test_what_is_not_run_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnsupportedTemplate) as caught:
        load_template(data, path="check.yaml")
    assert reason in caught.value.reason
    assert str(caught.value).startswith("check.yaml: ")


def test_scalars_stay_the_text_that_was_written() -> None:
    root = parse_document(b"a: 0000000107\nb: no\nc: 1e3\nd: ~\ne: '~'\nf: 2020-01-01", path="x")
    assert isinstance(root, Mapping)
    texts = [node.text for node in root.entries.values() if isinstance(node, Scalar)]
    assert texts == ["0000000107", "no", "1e3", "", "~", "2020-01-01"]


def test_an_alias_is_the_node_it_names() -> None:
    check = template(
        """
        - path: ["{{BaseURL}}/a"]
          matchers: &same [{type: status, status: [200]}]
        - path: ["{{BaseURL}}/b"]
          matchers: *same
        """
    )
    assert len(check.program.blocks[1].operators.matchers) == 1


def test_info_is_typed() -> None:
    info = load_template(
        b"id: a\ninfo: {name: n, author: 'x, y', severity: HIGH, tags: 'A,b', reference: 'https://r/1,2',"
        b" classification: {cve-id: cve-2020-1, cwe-id: 'cwe-1,cwe-2'}, metadata: {max-request: 2}}\n"
        b"http: [{path: ['{{BaseURL}}']}]",
        path="x",
    ).info
    assert (info.author, info.severity, info.tags) == (("x", "y"), "high", ("a", "b"))
    assert (info.reference, info.metadata) == (("https://r/1,2",), {"max-request": "2"})
    assert (info.classification.cve_id, info.classification.cwe_id) == (("CVE-2020-1",), ("CWE-1", "CWE-2"))


def test_an_unknown_key_of_info_is_a_warning_because_it_changes_nothing_that_is_run() -> None:
    check = load_template(b"id: a\ninfo: {name: n, author: x, colour: red}\nhttp: [{path: [a]}]", path="x")
    assert check.warnings == ("x: unknown key 'colour' in info", "x: info has no severity")


def test_what_looks_for_nothing_finds_nothing_and_is_named_in_a_warning() -> None:
    """As in nuclei, where a negative one of them holds; one of the official templates has such a matcher."""
    check = operators(
        """
        matchers:
          - {type: word, name: never}
          - {type: regex, name: neither, condition: and}
          - {type: dsl, name: nor, condition: and}
          - {type: word, name: always, negative: true}
        extractors: [{type: kval}]
        """
    )
    outcome, _ = run(check, [ok("any")])
    assert [match.matcher_name for match in outcome.matches] == ["always"]
    assert check.warnings == (
        "check.yaml: the word matcher of line 12 has no 'words': it finds nothing",
        "check.yaml: the regex matcher of line 13 has no 'regex': it finds nothing",
        "check.yaml: the dsl matcher of line 14 has no 'dsl': it finds nothing",
        "check.yaml: the word matcher of line 15 has no 'words': it finds nothing",
        "check.yaml: the kval extractor of line 16 has no 'kval': it finds nothing",
    )


def test_a_comment_or_description_about_callbacks_is_no_callback() -> None:
    text = source(BLOCK).replace(b"name: A check", b"name: Detects {{interactsh-url}}")
    assert load_template(text + b"\n# {{interactsh-url}}", path="check.yaml").request_count == 1


@given(st.binary(max_size=400))
def test_garbage_never_raises_anything_but_template_errors(data: bytes) -> None:
    with pytest.raises((TemplateError, UnsupportedTemplate)):
        load_template(data, path="garbage")


PIECES = (
    "id: a|info:|  name: n|http:|- path:|  - x|: |- |[|]|{|}|&a|*a|'|\"|  |matchers: |raw: |? |!!x|%|@|`|\n"
)
FRAGMENTS = st.sampled_from(PIECES.split("|"))


@given(st.lists(FRAGMENTS, max_size=30).map("".join))
def test_almost_yaml_never_raises_anything_but_template_errors(text: str) -> None:
    with pytest.raises((TemplateError, UnsupportedTemplate)):
        load_template(text.encode(), path="garbage")
