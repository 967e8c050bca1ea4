"""The expression language: govaluate's operators, nuclei's helpers, and no way to run code."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rookery.mechanisms.engine import DslError
from rookery.mechanisms.engine.dsl import Value, compile_expression
from rookery.mechanisms.engine.dsl.functions import FUNCTIONS
from rookery.mechanisms.engine.dsl.values import LARGEST_TEXT
from rookery.mechanisms.engine.latin import narrow

NAMES: dict[str, Value] = {"body": "Hello World", "status_code": 200.0, "yes": True, "items": ["b", "a", "b"]}


def evaluate(source: str) -> Value:
    return compile_expression(source).evaluate(NAMES.__getitem__)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("2 ** 3 ** 1", 8.0),
        ("7 % 4 - -1", 4.0),
        ("0x10 + .5", 16.5),
        ("1 << 4 | 1", 17.0),
        ("10 / 4", 2.5),
        ("'a' + 'b'", "ab"),
        ("'n=' + 5", "n=5"),
        ("'n=' + 2.5", "n=2.5"),
        ("1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3", True),
        ("'a' < 'b'", True),
        ("1 == 1.0", True),
        ("'1' == 1", False),
        ("true == 1", False),
        ("false || !false", True),
        ("!!true", True),
        ("status_code == 200 ? 'ok' : 'no'", "ok"),
        ("true ? false ? 1 : 2 : 3", 2.0),
        ("contains(body, 'World':'Moon')", True),
        ("'b' in ('a', 'b')", True),
        ("body =~ '^H.*d$'", True),
        ("body !~ 'x'", True),
        ("[status_code] == 200", True),
        (r"'it\'s'", "it's"),
        (r"'a\nb'", "anb"),
        ("\"double 'quotes'\"", "double 'quotes'"),
        ("'{{status_code}}!'", "200!"),
        ("'{{7*7}} {{unknown}}'", "{{7*7}} {{unknown}}"),
        ("{{status_code}} == 200", True),
        ("false && unknown_name", False),
        ("true || unknown_name", True),
    ],
)
def test_operators(source: str, value: Value) -> None:
    assert evaluate(source) == value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("to_lower(body)", "hello world"),
        (narrow("toupper('é')"), narrow("É")),
        ("len(body)", 11.0),
        ("len(items)", 3.0),
        ("contains(body, 'World')", True),
        ("contains_all(body, 'Hello', 'World')", True),
        ("contains_all(body, 'Hello', 'Moon')", False),
        ("contains_any(body, 'Moon', 'World')", True),
        ("starts_with(body, 'x', 'He')", True),
        ("ends_with(body, 'ld')", True),
        ("line_starts_with('a\n' + 'b', 'b')", True),
        ("concat('a', 1, true)", "a1true"),
        ("replace(body, 'o', '0')", "Hell0 W0rld"),
        ("replace_regex('a1b22', '[0-9]+', '<$0>')", "a<1>b<22>"),
        ("trim('xxaxx', 'x')", "a"),
        ("trim_left('xxa', 'x')", "a"),
        ("trim_right('axx', 'x')", "a"),
        ("trim_space('  a ')", "a"),
        ("trim_prefix('ab', 'a')", "b"),
        ("trim_suffix('ab', 'b')", "a"),
        ("reverse('abc')", "cba"),
        ("repeat('ab', 3)", "ababab"),
        ("split('a,b,c', ',', 2)", ["a", "b,c"]),
        ("join('-', 'a', 'b')", "a-b"),
        ("join('-', items)", "b-a-b"),
        ("sort(items)", ["a", "b", "b"]),
        ("uniq(items)", ["b", "a"]),
        ("sort('cab')", "abc"),
        ("uniq('abab')", "ab"),
        ("line_ends_with('a\n' + 'b', 'a')", True),
        ("regex_all('^[ab]$', items)", True),
        ("regex_any('^c$', items)", False),
        ("json_prettify('{\"a\":1}')", '{\n    "a": 1\n}'),
        ("sha512('a')", hashlib.sha512(b"a").hexdigest()),
        ("compare_versions('1.0', '!= 1.0')", False),
        ("index(items, 1)", "a"),
        ("substr('hello', 1, 3)", "el"),
        ("padding('a', '0', 3, 'prefix')", "00a"),
        ("remove_bad_chars('abc', 'ac')", "b"),
        ("regex('W.r', body)", True),
        ("equals_any('a', 'b', 'a')", True),
        ("html_escape('<a>')", "&lt;a&gt;"),
        ("html_unescape('&lt;')", "<"),
        ("to_number('12.5')", 12.5),
        ("to_string(3)", "3"),
        ("md5('a')", "0cc175b9c0f1b6a831c399e269772661"),
        ("sha1('a')", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
        ("sha256('a')", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        ("hmac('sha1', 'data', 'key')", "104152c5bfdca07bc633eebd46199f0255c9f49d"),
        ("mmh3('hello')", "613153351"),
        ("mmh3('')", "0"),
        ("base64('ab')", "YWI="),
        ("base64_decode('YWI')", "ab"),
        ("base64_py(repeat('a', 60))", base64.encodebytes(b"a" * 60).decode()),
        ("hex_encode('ab')", "6162"),
        ("hex_decode('6162')", "ab"),
        ("hex_to_dec('ff')", 255.0),
        ("bin_to_dec('0b101')", 5.0),
        ("oct_to_dec('17')", 15.0),
        ("dec_to_hex(255)", "ff"),
        ("url_encode('a b&c/')", "a%20b%26c%2F"),
        ("url_decode('a+b%26')", "a+b&"),
        ("gzip_decode(gzip('abc'))", "abc"),
        ("zlib_decode(zlib('abc'))", "abc"),
        ("inflate(deflate('abc'))", "abc"),
        ("json_minify('{ \"a\" : 1 }')", '{"a":1}'),
        ("compare_versions('1.2.3', '< 1.3', '>= 1.2')", True),
        ("compare_versions('1.2.3', '< 1.2.3')", False),
        ("compare_versions('v2.0', '= 2.0.0')", True),
        ("compare_versions('1.9.5', '~> 1.9')", True),
        ("compare_versions('2.0.0', '~> 1.9')", False),
        ("compare_versions('1.0-beta', '< 2.0')", False),
        ("compare_versions('1.0-beta.2', '> 1.0-beta.1')", True),
    ],
)
def test_helpers(source: str, value: Value) -> None:
    assert evaluate(source) == value


@pytest.mark.parametrize(
    ("source", "pattern"),
    [
        ("rand_base(8)", r"[a-zA-Z0-9]{8}"),
        ("rand_base(4, 'ab')", r"[ab]{4}"),
        ("rand_text_alpha(5)", r"[a-zA-Z]{5}"),
        ("rand_text_alphanumeric(5)", r"[a-zA-Z0-9]{5}"),
        ("rand_text_numeric(5, '01')", r"[2-9]{5}"),
        ("to_string(rand_int(3, 4))", r"3"),
        ("rand_char('x')", r"x"),
        ("to_string(unix_time())", r"\d{10}"),
        ("date_time('%Y-%M-%D')", r"\d{4}-\d\d-\d\d"),
    ],
)
def test_random_and_time_helpers_have_the_asked_for_form(source: str, pattern: str) -> None:
    assert re.fullmatch(pattern, str(evaluate(source)))


@pytest.mark.parametrize(
    "source",
    [
        "",
        "1 +",
        "(1",
        "1 2",
        "'open",
        "a b",
        "__import__('os')",
        "().__class__",
        "md5()",
        "md5('a', 'b')",
        "unheard_of('a')",
        "1 ? 2",
        "#",
        "(" * 100 + "1" + ")" * 100,
        "'{{" * 200,
    ],
)
def test_what_is_no_expression_is_refused(source: str) -> None:
    with pytest.raises(DslError):
        compile_expression(source)


@pytest.mark.parametrize(
    "source",
    [
        "1 && true",
        "'a' > 1",
        "'a' - 1",
        "!5",
        "1 / 0",
        "2 ** 99999",
        "1 << 5000",
        "repeat('a', 99999999999)",
        "padding('a', 'b', 99999999999)",
        "rand_base(99999999999)",
        "to_number('x')",
        "base64_decode('!')",
        "hex_decode('zz')",
        "gzip_decode('no')",
        "compare_versions('x', '< 1')",
        "index(items, 9)",
        "regex('(', 'a')",
        "hmac('md99', 'a', 'b')",
    ],
)
def test_what_fails_on_its_values_is_an_error_and_nothing_else(source: str) -> None:
    with pytest.raises(DslError):
        evaluate(source)


def test_a_compressed_bomb_is_cut_off() -> None:
    bomb = zlib.compress(bytes(100 << 20)).hex()
    assert evaluate(f"len(zlib_decode(hex_decode('{bomb}')))") == LARGEST_TEXT
    assert evaluate(f"len(zlib_decode(hex_decode('{bomb}'), 10))") == 10.0


def test_a_long_chain_of_operators_needs_no_stack() -> None:
    assert evaluate(" && ".join(["true"] * 5000)) is True
    assert evaluate(" + ".join(["1"] * 5000)) == 5000.0


PIECES = (*"()'\",![]?:-1 \\", "{{", "}}", "0x", "body", "&&", "||", "**", " in ")


@given(
    st.one_of(
        st.text(max_size=60), st.lists(st.sampled_from([*PIECES, *FUNCTIONS]), max_size=25).map("".join)
    )
)
def test_any_text_is_an_expression_or_an_error(source: str) -> None:
    try:
        expression = compile_expression(source)
    except DslError:
        return
    assert all(name in source for name in expression.names)


VALUES = st.one_of(st.text("ab01.,<>=%-", max_size=12), st.floats(-1e3, 1e3), st.booleans(), st.none())


@given(st.sampled_from(sorted(FUNCTIONS)), st.lists(VALUES, min_size=1, max_size=4))
@example("to_unix_time", ["", "11"])
def test_no_helper_fails_otherwise_than_with_its_error(name: str, values: list[Value]) -> None:
    names = {f"v{number}": value for number, value in enumerate(values)}
    with contextlib.suppress(DslError):
        compile_expression(f"{name}({', '.join(names)})").evaluate(names.__getitem__)
