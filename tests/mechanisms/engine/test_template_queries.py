"""jq in `json` extractors: what of it runs, what is refused, and that nothing of it takes long."""

from __future__ import annotations

import json
import time

import pytest

from rookery.mechanisms.engine import DslError
from rookery.mechanisms.engine.jq import compile_query

DOCUMENT = {
    "name": "x",
    "n": 3,
    "f": 1.5,
    "list": [{"id": 1, "tags": ["a", "b"]}, {"id": 2, "tags": []}],
    "nested": {"deep": {"id": 9}},
    "none": None,
    "no": False,
    "a-b": "dash",
    "text": "Hello World 42",
}


def found(query: str, document: object = DOCUMENT) -> list[str]:
    return compile_query(query).results(json.dumps(document))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (".name", ["x"]),
        (' ."a-b" ', ["dash"]),
        ('.["a-b"]', ["dash"]),
        (".list[0].id", ["1"]),
        (".list[-1].id", ["2"]),
        (".list[].id", ["1", "2"]),
        (".list.[1].id", ["2"]),
        (".list | .[] | .id", ["1", "2"]),
        (".list[0].tags[1:]", ['["b"]']),
        (".name, .n", ["x", "3"]),
        (".missing", []),
        (".none", []),
        (".name.x?", []),
        (".name.x", []),
        (".n, .name.x, .f", ["3"]),
        (".missing // .name", ["x"]),
        (".no // false", ["false"]),
        ("..|objects|.id//empty", ["1", "2", "9"]),
        ("..|objects|.id//empty[0]", ["1", "2", "9"]),
        (".list[] | select(.id == 2) | .tags | length", ["0"]),
        ('.list[] | select(.tags[] | contains("a")).id', ["1"]),
        ("if .no == true and .n == 3 then 1 elif .n > 2 then 2 else 3 end", ["2"]),
        ("if .no then 1 end | .name", ["x"]),
        (".nested | keys", ['["deep"]']),
        (".nested | to_entries | .[].key", ["deep"]),
        (".list | map(.id)", ["[1,2]"]),
        ("[.list[].id] | add", ["3"]),
        ('[.list[0].tags[]] | join("+")', ["a+b"]),
        (".n as $x | .list[] | .id + $x", ["4", "5"]),
        ("{name, id: .n, (.name): 1}", ['{"name":"x","id":3,"x":1}']),
        (".n + 1, .n - 1, .n * 2, .n / 2, .n % 2", ["4", "2", "6", "1.5", "1"]),
        ("-.n", ["-3"]),
        ('"a" + .name', ["ax"]),
        (".list | sort_by(-.id) | .[0].id", ["2"]),
        (".list | max_by(.id).id", ["2"]),
        (".list | group_by(.tags == []) | length", ["2"]),
        ("[3, 1, 2, 1] | sort, unique", ["[1,1,2,3]", "[1,2,3]"]),
        ('[null, true, 1, "a", [1], {}] | sort', ['[null,true,1,"a",[1],{}]']),
        ('.text | test("^hello"; "i")', ["true"]),
        (r'.text | scan("\\d+") | tonumber', []),
        (r'.text | scan("\\d+") | .[0] | tonumber', ["42"]),
        ('.text | split(" ") | first', ["Hello"]),
        ('.text | ascii_downcase | ltrimstr("hello ")', ["world 42"]),
        ("(.name | length) < 2 and (.n | not)", ["false"]),
        ("[limit(2; .list[0].tags[], 1)]", ['["a","b"]']),
        ("[range(3)]", ["[0,1,2]"]),
        ("first(.list[]).id", ["1"]),
        ("any(.list[]; .id == 2)", None),
        ("[.list[].id] | any(. > 1), all(. > 1)", ["true", "false"]),
        ('try error("x") catch .', []),
        (".name | @base64, (@base64 | @base64d)", ["eA==", "x"]),
        (".nested | tojson | fromjson | .deep.id", ["9"]),
        ('.nested | has("deep"), has("x")', ["true", "false"]),
        (".list | with_entries(.)", []),
        (".nested | with_entries(.key |= .)", None),
    ],
)
def test_queries(query: str, expected: list[str] | None) -> None:
    if expected is None:
        with pytest.raises(DslError, match="is not supported"):
            compile_query(query)
    else:
        assert found(query) == expected


@pytest.mark.parametrize(
    "query",
    [
        "",
        "..[",
        "def f: f; f",
        "reduce .[] as $x (0; . + $x)",
        "input",
        "env",
        "$ENV.PATH | import",
        "repeat(.)",
        "while(true; .)",
        '"\\(.a)"',
        "." + "a" * 3000,
        "(" * 100 + "." + ")" * 100,
        "[" * 5000,
        ". | " * 200 + ".",
        ".a.",
        ".[0",
        "if . then 1",
        "@sh",
    ],
)
def test_what_is_not_run_is_refused_in_one_line(query: str) -> None:
    with pytest.raises(DslError) as refused:
        compile_query(query)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "query",
    [
        "[range(1e9)]",
        "range(1e9) | select(false)",
        " | ".join(["[., .]"] * 30),
        " | ".join(["(., .)"] * 35),
        "[" + " | ".join(["(., .)"] * 35) + "]",
        " | ".join([". + ."] * 35) + " | length",
        " | ".join(["(.text + .text) as $t | {text: $t}"] * 18),
        "[..] as $a | $a[] | $a[] | $a[] | $a[] | $a[] | $a[] | $a[] | $a[] | select(false)",
        "[..] as $a | range(1e6) | $a == $a",
        "[..] as $a | range(1e6) | $a | tojson | select(false)",
        ". as $d | range(1e6) | $d | sort_by(.) | select(false)",
        "2 | " + " | ".join([". * ."] * 30),
        '[limit(1e6; range(1e6))] | [.[] | tostring] | join("x" + "y")',
    ],
)
def test_a_query_that_could_run_for_ever_is_cut_off(query: str) -> None:
    started = time.process_time()
    assert len(found(query)) <= 1000
    assert time.process_time() - started < 20
