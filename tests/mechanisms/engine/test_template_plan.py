"""Many templates together: each gets what it would have got alone, and what is equal is asked once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rookery.mechanisms.engine import (
    LARGEST_BODY,
    Outcome,
    Request,
    RequestFailed,
    Response,
    Target,
    Template,
    execute,
    load_template,
)
from rookery.mechanisms.engine.plan import Plan
from tests.mechanisms.engine.support import template

TARGET = Target("http://127.0.0.1:8080/app")
Site = Callable[[Request], Response | RequestFailed]


def site(request: Request) -> Response | RequestFailed:
    """A site whose every answer depends on the whole request, and on nothing else."""
    path = request.target.partition("?")[0]
    cookie = dict(request.headers).get("Cookie", "")
    if path.endswith("/login"):
        return Response(302, "Found", (("Set-Cookie", f"u={request.method}"), ("Location", "/app/home")))
    if path.endswith("/away"):
        return Response(301, "Moved", (("Location", "http://127.0.0.2:81/app/home"),))
    if path.endswith("/broken"):
        return RequestFailed(ValueError("no answer"))
    status = 200 if path.endswith(("/home", "/token")) else 404
    return Response(status, "", (), f"{request.method} {path} {cookie} token=t{len(path)}".encode())


def alone(one: Template) -> tuple[Outcome, list[Request]]:
    """What becomes of a template that runs by itself, and what it asks."""
    asked: list[Request] = []
    steps = execute(one, TARGET)
    try:
        ask = next(steps)
        while True:
            assert isinstance(ask, Request)
            asked.append(ask)
            ask = steps.send(site(ask))
    except StopIteration as finished:
        return finished.value, asked


def together(templates: list[Template]) -> tuple[dict[str, Outcome], list[Request]]:
    """The same for all of them in one plan."""
    plan, outcomes = Plan(TARGET), dict[str, Outcome]()
    asked: list[Request] = []
    for done in map(plan.begin, templates):
        if done is not None:
            outcomes[done.template.path] = done.outcome
    while (shared := plan.take()) is not None:
        assert isinstance(shared.ask, Request)
        asked.append(shared.ask)
        for done in plan.give(shared, site(shared.ask)):
            if done is not None:
                outcomes[done.template.path] = done.outcome
    assert (plan.executions, plan.under_way) == (0, 0)
    return outcomes, asked


def facts(outcome: Outcome) -> object:
    """All of an outcome but the objects in it."""
    matches = [
        (one.matched_at, one.matcher_name, one.extractor_name, one.extracted, one.request, one.response)
        for one in outcome.matches
    ]
    return matches, outcome.sent, outcome.unsent, [str(error) for error in outcome.failed]


PATHS = ("/", "/home", "/login", "/away", "/broken", "/token", "/{{token}}", "/x?q=1")
MATCHERS = (
    "{type: status, status: [200]}",
    "{type: word, words: ['POST']}",
    "{type: word, part: header, words: [Cookie]}",
    "{type: dsl, dsl: ['contains(body_1, \"home\") || status_code_2 == 404']}",
)
EXTRACTORS = ("{type: regex, name: token, internal: true, regex: ['t[0-9]+']}", "{type: regex, regex: [app]}")
BLOCKS = st.builds(
    lambda paths, method, matchers, extractors, flags: (
        f"- method: {method}\n  path: [{', '.join(repr('{{BaseURL}}' + path) for path in paths)}]\n"
        f"  matchers: [{', '.join(matchers)}]\n  extractors: [{', '.join(extractors)}]\n"
        + "".join(f"  {flag}: true\n" for flag in flags)
    ),
    st.lists(st.sampled_from(PATHS), min_size=1, max_size=4),
    st.sampled_from(("GET", "POST", "HEAD")),
    st.lists(st.sampled_from(MATCHERS), max_size=2),
    st.lists(st.sampled_from(EXTRACTORS), max_size=2),
    st.sets(st.sampled_from(("stop-at-first-match", "redirects", "host-redirects", "disable-cookie"))),
)
FLOWS = ("", "http(1) && http(2)", "http(2) || http(1)", "!http(1) && http(2)")
TEMPLATES = st.lists(
    st.tuples(st.lists(BLOCKS, min_size=2, max_size=2).map("".join), st.sampled_from(FLOWS)),
    min_size=1,
    max_size=6,
)


@given(TEMPLATES)
def test_together_each_template_comes_to_what_it_comes_to_alone(texts: list[tuple[str, str]]) -> None:
    templates = [
        template(blocks, top=f"flow: '{flow}'\n" if flow else "", path=str(number))
        for number, (blocks, flow) in enumerate(texts)
    ]
    expected = {one.path: alone(one) for one in templates}
    outcomes, asked = together(templates)
    assert {path: facts(outcome) for path, outcome in outcomes.items()} == {
        path: facts(outcome) for path, (outcome, _) in expected.items()
    }
    apart = Counter(request for _, requests in expected.values() for request in requests)
    assert not Counter(asked) - apart  # nothing is asked that nobody would ask, nor more often


def get(path: str, **more: str) -> Template:
    lines = "".join(f"\n  {key}: {value}" for key, value in more.items())
    return template(f"- path: ['{{{{BaseURL}}}}{path}']{lines}")


def test_equal_requests_are_asked_once_whatever_their_templates_do_with_the_answer() -> None:
    _, asked = together([get("/home"), get("/home", redirects="true"), get("/home", matchers="[]")] * 5)
    assert len(asked) == 1


def test_what_differs_in_any_byte_is_asked_apart() -> None:
    others = [get("/home", body="x"), get("/home", method="HEAD"), get("/home", headers="{A: b}")]
    _, asked = together([get("/home"), *others, get("/Home")])
    assert len(asked) == 5


def test_of_equal_requests_the_one_that_wants_most_is_asked_and_each_gets_what_it_wanted() -> None:
    short = get("/home", **{"max-size": "8", "matchers": "[{type: dsl, dsl: ['len(body) == 8']}]"})
    whole = get("/home", matchers="[{type: dsl, dsl: ['len(body) > 8']}]")
    for templates in ([short, whole], [whole, short]):
        outcomes, asked = together([replace(one, path=one.id + str(n)) for n, one in enumerate(templates)])
        assert [request.max_body for request in asked] == [LARGEST_BODY]
        assert all(outcome.matches for outcome in outcomes.values())


def test_a_template_that_asks_the_same_twice_gets_two_answers() -> None:
    twice = template("- path: ['{{BaseURL}}/home', '{{BaseURL}}/home']")
    outcomes, asked = together([twice, get("/home")])
    assert len(asked) == 2
    assert outcomes[twice.path].sent in (1, 2)


def test_what_a_flow_does_not_come_to_is_not_asked() -> None:
    gated = template(
        "- path: ['{{BaseURL}}/x']\n  matchers: [{type: status, status: [200]}]\n"
        "- path: ['{{BaseURL}}/home']\n  matchers: [{type: status, status: [200]}]\n",
        top="flow: http(1) && http(2)\n",
    )
    _, asked = together([gated, get("/x")])
    assert [request.target for request in asked] == ["/app/x"]


def test_what_many_wait_for_comes_last_so_that_more_may_join() -> None:
    late = template("- path: ['{{BaseURL}}/x', '{{BaseURL}}/home']")
    _, asked = together([get("/home"), get("/home"), late])
    assert [request.target for request in asked] == ["/app/x", "/app/home"]


def test_a_site_asked_for_nothing_is_done_at_once() -> None:
    nothing = get("/{{token}}")
    outcomes, asked = together([nothing])
    assert not asked
    assert outcomes[nothing.path].unsent == ["{{token}} has no value"]


def test_asks_of_every_protocol_can_be_merged_and_a_dialogue_never_is() -> None:
    source = "id: a\ninfo: {name: n, author: x}\n"
    texts = {
        "dns": "dns: [{name: '{{FQDN}}', type: A}]",
        "ssl": "ssl: [{address: '{{Host}}:{{Port}}'}]",
        "tcp": "tcp: [{host: ['{{Hostname}}'], inputs: [{data: x}]}]",
    }
    merged = {}
    for protocol, text in texts.items():
        plan = Plan(Target("http://h.example:81"))
        for number in range(3):
            plan.begin(load_template(f"{source}{text}".encode(), path=str(number)))
        merged[protocol] = plan.asks
        plan.close()
    assert merged == {"dns": 1, "ssl": 1, "tcp": 3}
