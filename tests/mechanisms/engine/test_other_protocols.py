"""Blocks of the protocols beside http, sans-IO: what they ask, and what is refused with which words."""

from __future__ import annotations

from textwrap import dedent

import pytest

from rookery.mechanisms.engine import (
    Answer,
    Ask,
    DnsAsk,
    FileAnswer,
    FileAsk,
    Outcome,
    RequestFailed,
    Target,
    TcpAnswer,
    TcpAsk,
    TemplateError,
    TlsAnswer,
    TlsAsk,
    UnsupportedTemplate,
    execute,
    load_template,
)
from rookery.mechanisms.engine.plan import Plan
from rookery.mechanisms.engine.stored import decode_spec, encode_spec
from rookery.mechanisms.engine.template import parse_template
from tests.mechanisms.engine.support import HEAD


def ask_all(blocks: str, target: Target | str, answers: list[Answer]) -> tuple[Outcome, list[Ask]]:
    """The outcome of an execution that gets these answers in turn, and what it asked."""
    template = load_template(f"{HEAD}{dedent(blocks)}".encode(), path="check.yaml")
    running = execute(template, Target(target) if isinstance(target, str) else target)
    asked: list[Ask] = []
    try:
        asked.append(next(running))
        while True:
            asked.append(running.send(answers.pop(0)))
    except StopIteration as finished:
        return finished.value, asked


FAILED = RequestFailed(ValueError("no"))


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        ("dns: [{name: x, trace: true}]", "a dns trace is not run"),
        ("ssl: [{tls_cipher_enum: true}]", "the ciphers of a server are not enumerated"),
        ("ssl: [{cipher_suites: [TLS_AES_128_GCM_SHA256]}]", "cannot restrict the ciphers of TLS 1.3"),
        ("ssl: [{cipher_suites: [TLS_MADE_UP]}]", "OpenSSL here lacks the cipher TLS_MADE_UP"),
        ("file: [{extensions: [all], archive: true, matchers: [{type: word, words: [a]}]}]", "archives"),
        ("file: [{extensions: [all], mime-type: true, matchers: [{type: word, words: [a]}]}]", "MIME type"),
        ("websocket: [{address: x}]", "the websocket protocol is not run"),
        ("javascript: [{code: x}]", "the javascript protocol is not run"),
    ],
)
def test_what_is_not_run_is_refused_with_its_reason(blocks: str, words: str) -> None:
    with pytest.raises(UnsupportedTemplate, match=words):
        load_template(f"{HEAD}{blocks}".encode(), path="check.yaml")


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        ("tcp: [{inputs: [{data: a}]}]", "the tcp block needs 'host'"),
        ("tcp: [{host: [x], port: 70000}]", "'port' must be ports between 1 and 65535"),
        ("tcp: [{host: [x], port: ssh}]", "'port' must be ports between 1 and 65535"),
        ("tcp: [{host: [x], inputs: [{data: abc, type: hex}]}]", "is not hex"),
        ("tcp: [{host: [x], read-size: -1}]", "'read-size' must not be negative"),
        ("tcp: [{host: [x], inputs: [{dta: a}]}]", "did you mean 'data'"),
        ("tcp: [{host: [x]}]\nnetwork: [{host: [x]}]", "'network' is the old name of 'tcp'"),
        ("dns: [{type: HINFO}]", "the type of a dns block must be one of"),
        ("dns: [{class: lan}]", "the class must be one of"),
        ("ssl: [{min_version: tls9}]", "'min_version' must be one of"),
        ("file: [{extensions: [all]}]", "needs 'matchers' or 'extractors'"),
        ("file: [{max-size: many, extractors: [{type: regex, regex: [a]}]}]", "'max-size' must be a size"),
        ("dns: []", "there is no block of any protocol"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(blocks: str, words: str) -> None:
    with pytest.raises(TemplateError, match=words) as caught:
        load_template(f"{HEAD}{blocks}".encode(), path="check.yaml")
    assert "\n" not in str(caught.value)


def test_several_ports_are_dialled_and_one_that_answers_is_enough() -> None:
    blocks = "tcp: [{host: ['{{Hostname}}'], port: '25,2525'}]"
    outcome, asked = ask_all(blocks, "http://192.0.2.1", [FAILED, TcpAnswer()])
    assert [(ask.host, ask.port, ask.tls) for ask in asked if isinstance(ask, TcpAsk)] == [
        ("192.0.2.1", 25, False),
        ("192.0.2.1", 2525, False),
    ]
    assert outcome.failed == []
    assert len(ask_all(blocks, "http://192.0.2.1", [FAILED, FAILED])[0].failed) == 2


def test_hosts_after_one_with_tls_are_dialled_with_tls() -> None:
    blocks = "tcp: [{host: ['a.test:1', 'tls://a.test:1', 'b.test:2']}]"
    _, asked = ask_all(blocks, "http://x", [TcpAnswer()] * 3)
    assert [(ask.host, ask.tls) for ask in asked if isinstance(ask, TcpAsk)] == [
        ("a.test", False),
        ("a.test", True),
        ("b.test", True),
    ]


def test_a_later_input_holds_what_an_earlier_one_read() -> None:
    blocks = """
    tcp:
      - host: ['{{Hostname}}']
        inputs: [{data: hello, read: 8, name: nonce}, {data: '{{hex_encode(nonce)}}', type: hex}]
    """
    _, asked = ask_all(blocks, "http://192.0.2.1:7", [TcpAnswer()])
    assert isinstance(asked[0], TcpAsk)
    talk = asked[0].dialogue
    first, second = talk.next_step(None), talk.next_step(b"\x00\x01")
    assert (first and first.data, second and second.data) == (b"hello", b"\x00\x01")


def test_a_value_that_is_missing_in_the_middle_of_a_dialogue_ends_it() -> None:
    blocks = "tcp: [{host: ['{{Hostname}}'], inputs: [{data: '{{nobody}}'}]}]"
    template = load_template(f"{HEAD}{blocks}".encode(), path="check.yaml")
    running = execute(template, Target("http://192.0.2.1:7"))
    ask = next(running)
    assert isinstance(ask, TcpAsk)
    assert ask.dialogue.next_step(None) is None
    with pytest.raises(StopIteration) as finished:
        running.send(TcpAnswer())
    assert finished.value.value.unsent == ["{{nobody}} has no value"]


def test_a_target_without_a_port_is_not_dialled_for_a_template_without_one() -> None:
    outcome, asked = ask_all("tcp: [{host: ['{{Hostname}}']}]", "http://192.0.2.1", [])
    assert (asked, outcome.unsent) == ([], ["192.0.2.1 is not host:port"])


def test_dns_asks_about_the_target_s_name_whatever_its_port() -> None:
    _, asked = ask_all(
        "dns: [{name: '_dmarc.{{FQDN}}', type: txt, retries: 99}]", "https://a.test:8443/x", [FAILED]
    )
    assert asked == [DnsAsk("_dmarc.a.test.", "TXT", retries=10)]


def test_ssl_dials_443_unless_the_target_has_a_port() -> None:
    blocks = "ssl: [{address: '{{Host}}:{{Port}}', min_version: ssl30, max_version: tls10}]"
    _, asked = ask_all(blocks, "http://a.test", [FAILED])
    assert asked == [TlsAsk("a.test", 443, "", "TLSv1")]
    assert ask_all(blocks, "http://[::1]:80", [FAILED])[1] == []  # {{Host}} has no brackets: as in nuclei
    _, asked = ask_all("ssl: [{address: '{{Hostname}}'}]", "http://[::1]:80", [FAILED])
    assert asked == [TlsAsk("::1", 80)]


def test_a_certificate_that_cannot_be_parsed_has_fingerprints_only() -> None:
    blocks = "ssl: [{extractors: [{type: dsl, dsl: [fingerprint_hash, subject_cn]}]}]"
    outcome, _ = ask_all(blocks, "https://a.test", [TlsAnswer("TLSv1.2", "AES128-SHA", b"garbage")])
    assert "44136fa3" not in outcome.matches[0].extracted[0]
    assert len(outcome.matches[0].extracted) == 1
    assert '"cipher":"TLS_RSA_WITH_AES_128_CBC_SHA"' in outcome.matches[0].response


@pytest.mark.parametrize(
    ("keys", "path", "wanted"),
    [
        ("extensions: [all]", "/etc/router.cfg", True),
        ("extensions: [all]", "/a/picture.png", False),
        ("extensions: [png]", "/a/picture.png", True),  # what is listed counts more than what is denied
        ("extensions: [cfg]", "/a/router.conf", False),
        ("extensions: [all]\n    denylist: [old]", "/a/old/router.cfg", False),
        ("extensions: [all]\n    denylist: [old]", "/a/older/router.cfg", True),
        ("extensions: [all]\n    denylist: [.cfg]", "/a/router.cfg", False),
    ],
)
def test_which_files_are_read(keys: str, path: str, wanted: bool) -> None:
    blocks = f"file:\n  - matchers: [{{type: word, words: [a]}}]\n    {keys}"
    _, asked = ask_all(blocks, Target(path, is_file=True), [FileAnswer(b"a")])
    assert asked == ([FileAsk(path)] if wanted else [])


def test_lines_are_looked_at_one_by_one_unless_something_is_combined() -> None:
    by_line = "file: [{extensions: [all], extractors: [{type: regex, regex: ['^[a-z]+$']}]}]"
    answer = FileAnswer(b"ab\r\ncd\n\nEF\ngh")
    outcome, _ = ask_all(by_line, Target("x.txt", is_file=True), [answer])
    assert [match.extracted for match in outcome.matches] == [("ab", "cd", "gh")]
    whole = "file: [{extensions: [all], matchers: [{type: word, words: ['ab', 'gh'], condition: and}]}]"
    assert len(ask_all(whole, Target("x.txt", is_file=True), [answer])[0].matches) == 1


def test_blocks_of_every_protocol_can_be_stored_and_read_back() -> None:
    blocks = """
    dns: [{name: '{{FQDN}}', resolvers: [127.0.0.1]}]
    tcp: [{host: [a], port: '1,2', exclude-ports: '3', inputs: [{data: ab, type: hex, read: 1, name: n}]}]
    ssl: [{min_version: tls10, cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]}]
    file: [{extensions: [all, cfg], denylist: [old], matchers: [{type: word, words: [a]}]}]
    """
    spec, _ = parse_template(f"{HEAD}{dedent(blocks)}".encode(), path="x")
    assert [block.protocol for block in spec.blocks] == ["dns", "tcp", "ssl", "file"]
    assert decode_spec(encode_spec(spec)).blocks == spec.blocks


@pytest.mark.parametrize(
    "operator",
    [
        "matchers: [{type: regex, regex: ['^b$']}]",
        "matchers: [{type: regex, regex: ['\\Ab']}]",
        "matchers: [{type: regex, regex: ['b\\z']}]",
        "matchers: [{type: regex, regex: ['(?i)^B']}]",
        "matchers: [{type: regex, regex: ['(?-m)^b$']}]",
        "matchers: [{type: word, words: [B], case-insensitive: true}]",
        "matchers: [{type: word, words: [zzz], negative: true}]",
        "matchers: [{type: dsl, dsl: ['raw == \"b\"']}]",
        "matchers: [{type: size, size: [1]}]",
        "matchers: [{type: word, words: [x.txt], part: path}]",
        "extractors: [{type: regex, regex: ['^B$'], case-insensitive: true}]",
        "matchers: [{type: regex, regex: [zzz]}, {type: word, words: [b]}]",
    ],
)
def test_a_quick_look_at_the_whole_file_hides_no_line(operator: str) -> None:
    blocks = f"file: [{{extensions: [all], {operator}}}]"
    for data in (b"a\r\nb\r\nc", b"a\nb\nc\n", b"b"):
        assert ask_all(blocks, Target("x.txt", is_file=True), [FileAnswer(data)])[0].matches, data


def test_words_that_are_no_hex_are_looked_for_as_they_are() -> None:
    blocks = "file: [{extensions: [all], matchers: [{type: word, encoding: hex, words: ['4142', '030']}]}]"
    for data in (b"AB", b"030"):
        assert ask_all(blocks, Target("x.txt", is_file=True), [FileAnswer(data)])[0].matches


def test_expressions_with_commas_between_them_are_a_list() -> None:
    blocks = "ssl: [{extractors: [{type: dsl, dsl: ['tls_version, cipher']}]}]"
    outcome, _ = ask_all(blocks, "https://a.test", [TlsAnswer("TLSv1.2", "AES128-SHA", b"")])
    assert outcome.matches[0].extracted == ("[tls12 TLS_RSA_WITH_AES_128_CBC_SHA]",)


def test_templates_for_files_suit_files_and_all_others_urls() -> None:
    assert Target("x.txt", is_file=True).suits({"file"})
    assert not Target("x.txt", is_file=True).suits({"http"})
    assert Target("http://a.test").suits({"http", "dns", "tcp", "ssl"})
    assert not Target("http://a.test").suits({"file"})


def test_what_several_templates_ask_alike_is_asked_once_but_each_has_its_own_dialogue() -> None:
    plan = Plan(Target("https://a.test:7"))
    for blocks in ("ssl: [{}]", "ssl: [{address: '{{Hostname}}'}]", "dns: [{}]", "dns: [{type: A}]"):
        plan.begin(load_template(f"{HEAD}{blocks}".encode(), path="check.yaml"))
    assert plan.asks == 2
    for _ in range(2):
        plan.begin(load_template(f"{HEAD}tcp: [{{host: ['{{{{Hostname}}}}']}}]".encode(), path="check.yaml"))
    assert plan.asks == 4
