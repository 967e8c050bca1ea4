"""Helpers of expressions beyond the common ones, by the examples of projectdiscovery/dsl."""

from __future__ import annotations

import io
import re
import time
import zipfile

import pytest

from rookery.mechanisms.engine import DslError, UnsupportedTemplate, load_template
from rookery.mechanisms.engine.dsl import Value, compile_expression
from rookery.mechanisms.engine.dsl.functions import REFUSED
from rookery.mechanisms.engine.errors import RefusedFunction
from rookery.mechanisms.engine.latin import narrow, to_bytes
from tests.mechanisms.engine.support import source


def evaluate(source: str) -> Value:
    return compile_expression(source).evaluate({"none": None}.__getitem__)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("hex_encode(gzip('Hello'))", "1f8b08000000000000fff248cdc9c907040000ffff8289d1f705000000"),
        ("hex_encode(zlib('Hello'))", "789cf248cdc9c907040000ffff058c01f5"),
        ("hex_encode(deflate('Hello'))", "f248cdc9c907040000ffff"),
        ("inflate(hex_decode('f348cdc9c90700'))", "Hello"),
        ("gzip_decode(gzip('Hello'), 4)", "Hell"),
        ("gzip_decode(gzip('Hello'), 100)", "Hello"),
        ("gzip_decode(gzip(repeat('abc', 5000))) == repeat('abc', 5000)", True),
        ("ip_format('127.0.0.1', '1')", "127.0.0.1"),
        ("ip_format('127.0.0.1', 2)", "127.1"),
        ("ip_format('127.0.0.1', 3)", "0177.0.0.01"),
        ("ip_format('127.0.0.1', 4)", "0x7f.0x0.0x0.0x1"),
        ("ip_format('127.0.0.1', '5')", "2130706433"),
        ("ip_format('127.0.0.1', 6)", "1111111000000000000000000000001"),
        ("ip_format('127.0.0.1', 7)", "0x7f.0.0.0x1"),
        ("ip_format('127.0.0.1', 8)", "::ffff:7f00:0001"),
        ("ip_format('::1', 9)", "%3A%3A%31"),
        ("ip_format('127.0.0.1', 10)", "127.000.000.001"),
        ("ip_format('127.0.1.0', '11')", "127.0.256"),
        ("ip_format('::0001', 8)", "::1"),
        ("unpack('>I', hex_decode('acd709d0'))", float(0xACD709D0 - (1 << 32))),
        ("unpack('<h', hex_decode('0100'))", 1.0),
        ("unpack('B', hex_decode('ff'))", 255.0),
        ("hex_encode(xor(hex_decode('0102'), hex_decode('0201')))", "0303"),
        ("concat(to_title('pRoJeCt'), to_title('diScOvErY'))", "ProjectDiscovery"),
        ('to_title("it\'s me")', "It's Me"),
        ("split('abcdefg', 2)", ["ab", "cd", "ef", "g"]),
        ("split('ab,cd,efg', ',', '3')", ["ab", "cd", "efg"]),
        ("split('ab,cd', ',', -1)", ["ab", "cd"]),
        ("split('ab', '')", ["a", "b"]),
        ("count('banana', 'an')", 2.0),
        ("print_debug(1, 'a')", True),
        ("to_bool(1)", True),
        ("to_bool('false')", False),
        (r"json_minify('{ \"name\": \"John\", \"foo\": \"<\" }')", r'{"foo":"\u003c","name":"John"}'),
        ("getNetworkPort('8443', '22')", "22"),
        ("getNetworkPort(2222, '22')", "2222"),
        ("html_escape('<é', true)", "&#60;&#233;"),
        ("hex_encode('ab', 'x')", r"\x61\x62"),
        ('url_encode("-_.!~*\'()")', "-_.!~*'()"),
        ("url_encode('a-b', true)", "a%2Db"),
        ("url_encode(hex_decode('ff41'))", "%EF%BF%BDA"),
        ("url_decode('%zz%4')", "%zz%4"),
        ("startswith('Hello', 'He')", True),
        ("date_time('02-01-2006 15:04', 1642032000)", "13-01-2022 00:00"),
        ("date_time('2006/1/2 3:04PM Mon Jan Z07:00', 1642032000)", "2022/1/13 12:00AM Thu Jan Z"),
        ("date_time('%Y-%M-%D %H:%m:%S', 1642032000)", "2022-01-13 00:00:00"),
        ("to_unix_time('1642032000.7')", 1642032000.0),
        ("to_unix_time('2022-01-13T16:30:10Z')", 1642091410.0),
        ("to_unix_time('2022-01-13 16:30:10 +01:00')", 1642087810.0),
        ("to_unix_time('2022-01-13')", 1642032000.0),
        ("to_unix_time('13-01-2022 -03:30', '02-01-2006 Z07:00')", 1642044600.0),
        (
            "hex_encode(aes_cbc('exampleplaintext', '0123456789abcdef', '0123456789abcdef'))",
            "963f4f55a48a299b70bd352256f28be6b910ea5228e8b499cf5f18dce7d2b914",
        ),
    ],
)
def test_functions(source: str, value: Value) -> None:
    assert evaluate(narrow(source)) == value


def test_a_token_is_signed_or_says_that_it_is_not() -> None:
    signed = evaluate(r"generate_jwt('{\"name\":\"John Doe\",\"foo\":\"bar\"}', 'HS256', 'hello-world')")
    assert signed == (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJmb28iOiJiYXIiLCJuYW1lIjoiSm9obiBEb2UifQ."
        "EsrL8lIcYJR_Ns-JuhF3VCllCP7xwbpMCCfHin_WT6U"
    )
    assert evaluate(r"generate_jwt('{\"a\":1}', 'None')") == "eyJhbGciOiJOb25lIiwidHlwIjoiSldUIn0.eyJhIjoxfQ."


def test_sealed_text_is_nonce_and_cipher_and_tag() -> None:
    sealed = evaluate("len(aes_gcm('AES256Key-32Characters1234567890', 'exampleplaintext'))")
    assert sealed == 12 + 16 + 16


def test_an_archive_holds_what_was_put_in() -> None:
    data = evaluate("zip('a.txt', 'abcd', 'b/c.txt', '')")
    archive = zipfile.ZipFile(io.BytesIO(to_bytes(str(data))))
    assert {name: archive.read(name) for name in archive.namelist()} == {"a.txt": b"abcd", "b/c.txt": b""}


@pytest.mark.parametrize(
    ("source", "pattern"),
    [
        ("rand_base(10, '')", "[a-zA-Z0-9]{10}"),
        ("rand_char('')", "[a-zA-Z0-9]"),
        ("rand_ip('192.168.0.0/24', '192.168.0.7/32')", r"192\.168\.0\.\d+"),
        ("rand_ip('2001:db8::/64')", "2001:db8:[0-9a-f:]+"),
        ("rand_text_numeric(10, 123)", "[4-90]{10}"),
    ],
)
def test_random_values_have_the_asked_for_form(source: str, pattern: str) -> None:
    assert re.fullmatch(pattern, str(evaluate(source)))


@pytest.mark.parametrize(
    "source",
    [
        "repeat('x', 1000000000)",
        "padding('a', 'b', 1000000000, 'prefix')",
        "rand_base(1000000000)",
        f"concat({', '.join(['repeat(1, 16000000)'] * 9)})",
        f"({', '.join(['repeat(1, 16000000)'] * 9)}) == 1",
        "url_encode(repeat('{', 16000000))",
        "split(repeat('a,', 2000000), ',')",
        "split(repeat('a', 4000000), 2)",
        "sort(repeat('ba', 4000000))",
        "replace(repeat('a', 1000000), 'a', repeat('b', 1000000))",
        "join(repeat('b', 1000000), split(repeat('a,', 1000), ','))",
        "rand_ip('nowhere')",
        "ip_format('127.0.0.1', 12)",
        "ip_format('127.0.0.1', 11)",
        "ip_format('x', 1)",
        "unpack('>Q?', 'abc')",
        "unpack('>Q', 'abc')",
        "xor('a', 'bc')",
        "zip('a')",
        "aes_cbc('a', 'short key', '0123456789abcdef')",
        "aes_gcm('short key', 'a')",
        "generate_jwt('[]', 'none')",
        "generate_jwt('{}', 'RS256', 'x')",
        "json_minify('[1]')",
        "date_time('%Q')",
        "date_time('%Y', 99999999999999)",
        "to_unix_time('tomorrow')",
        "hex_encode('a', 'y')",
        "rand_int(5, 5)",
    ],
)
def test_what_is_too_much_or_wrong_is_one_line_at_once(source: str) -> None:
    started = time.process_time()
    with pytest.raises(DslError) as refused:
        evaluate(source)
    assert "\n" not in str(refused.value)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_what_is_not_run_is_refused_with_its_reason(name: str, reason: str) -> None:
    with pytest.raises(RefusedFunction, match=re.escape(f"the function {name}() is not run: {reason}")):
        compile_expression(f"{name}('a')")
    for template in (
        f"- path: [\"{{{{BaseURL}}}}/{{{{{name}('a')}}}}\"]",
        f"- path: ['{{{{BaseURL}}}}']\n  matchers: [{{type: dsl, dsl: [\"{name}('a')\"]}}]",
    ):
        with pytest.raises(UnsupportedTemplate, match=re.escape(reason)):
            load_template(source(template), path="x.yaml")
