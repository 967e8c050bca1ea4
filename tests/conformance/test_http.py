"""nuclei's own tests of http templates: the same results, and no more requests than nuclei sends."""

from __future__ import annotations

import re

import pytest

from rookery.mechanisms.engine import Response, UnsupportedTemplate, load_template
from tests.conformance.cases import Case
from tests.conformance.httpcases import FLOW, HTTP
from tests.conformance.running import NUCLEI, load, scan, scan_together
from tests.conformance.webserver import Asked, Reply, WebServer, pages
from tests.mechanisms.engine.support import run


@pytest.mark.parametrize("case", [*HTTP, *FLOW], ids=str)
def test_case(case: Case) -> None:
    with WebServer(case.answer, tls=case.tls) as server:
        outcome = scan(load(case.template), server.url + case.path, variables=case.variables)
        assert not outcome.failed
        assert (len(outcome.matches), len(server.asked)) == (case.results, case.requests)
        assert outcome.sent == case.requests


def test_templates_that_ask_the_same_share_one_request() -> None:
    """nuclei clusters these two."""
    templates = [load("http/get.yaml"), load("http/get-case-insensitive.yaml")]
    with WebServer(pages({"/": "This is test matcher text"})) as server:
        outcomes = scan_together(templates, server.url)
        assert [len(outcome.matches) for outcome in outcomes] == [1, 1]
        assert len(server.asked) == 1


def targets_of(name: str, path: str = "") -> list[str]:
    """What a template asks for, in order."""
    with WebServer(pages({})) as server:
        scan(load(name), server.url + path)
        return [asked.target for asked in server.asked]


def test_paths_are_sent_as_they_are_written() -> None:
    assert targets_of("http/http-paths.yaml") == list(load("http/http-paths.yaml").info.reference)


def test_unsafe_paths_are_sent_as_they_are_written() -> None:
    """These requests lack the blank line that ends them, as in nuclei's test, so no server answers them."""
    template = load("http/raw-unsafe-path.yaml")
    asked = run(template, lambda _: Response(404), "http://127.0.0.1")[1]
    assert [one.wire.decode().split(" ")[1] for one in asked] == list(template.info.reference)


@pytest.mark.parametrize(
    "name", ["http/raw-path-single-slash.yaml", "http/raw-unsafe-path-single-slash.yaml"]
)
def test_a_slash_is_the_path_of_the_target(name: str) -> None:
    assert targets_of(name, "/index.php") == ["/index.php"]


def test_a_random_variable_is_the_same_in_all_requests() -> None:
    first, second = targets_of("http/variable-dsl-function.yaml")
    assert first == second
    assert re.fullmatch(r"/\?x=[a-z0-9]{5}", first)


def test_a_match_after_redirects_names_the_last_url() -> None:
    def answer(asked: Asked) -> Reply:
        said = "This is test redirects matcher text"
        return Reply(said, 302, {"Location": "/redirected"}) if asked.path == "/" else Reply(said)

    with WebServer(answer) as server:
        (match,) = scan(load("http/redirect-match-url.yaml"), server.url).matches
        assert match.matched_at == f"{server.url}/redirected"


def test_the_helper_functions_of_nuclei() -> None:
    """Of its 88 lines of examples, those that call what is not run here are left out."""
    source = (NUCLEI / "http/dsl-functions.yaml").read_text()
    left_out = re.compile(r"^ +\d\d: \{\{(?:generate_java_gadget|jarm)\(.*\n", re.MULTILINE)
    template = load_template(left_out.sub("", source).encode(), path="dsl-functions.yaml")
    with WebServer(lambda asked: Reply(asked.head + asked.body)) as server:
        (match,) = scan(template, server.url).matches
    results = [one.partition(": ") for one in match.extracted if re.match(r"\d\d: ", one)]
    assert len(results) == 86
    assert all(value.strip() and "{{" not in value for _, _, value in results)


OFFLINE = (NUCLEI / "offlinehttp/data/req-resp-with-http-keywords.txt").read_bytes()


@pytest.mark.parametrize("name", ["rfc-req-resp.yaml", "offline-allowed-paths.yaml"])
def test_stored_responses_are_judged_like_others(name: str) -> None:
    head, _, body = OFFLINE.partition(b"\n\n")[2].partition(b"\n\n")
    pairs = (line.partition(": ") for line in head.decode().splitlines()[1:])
    response = Response(200, "OK", tuple((name, value) for name, _, value in pairs), body)
    outcome, _ = run(load(f"offlinehttp/{name}"), lambda _: response, "http://pastebin.com/")
    assert outcome.matches


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("http/interactsh.yaml", "out-of-band"),
        ("http/interactsh-stop-at-first-match.yaml", "out-of-band"),
        ("http/interactsh-requests-mc-and.yaml", "out-of-band"),
        ("http/default-matcher-condition.yaml", "out-of-band"),
        ("http/self-contained.yaml", "self-contained"),
        ("http/self-contained-with-path.yaml", "self-contained"),
        ("http/self-contained-with-params.yaml", "self-contained"),
        ("http/self-contained-file-input.yaml", "self-contained"),
        ("flow/iterate-values-flow.yaml", "its flow is JavaScript"),
        ("flow/iterate-one-value-flow.yaml", "its flow is JavaScript"),
    ],
)
def test_what_is_not_run_says_why(name: str, reason: str) -> None:
    with pytest.raises(UnsupportedTemplate, match=reason):
        load(name)
