"""A stored template is the template: nothing is lost, and what is by chance is by chance again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from rookery.domains import templates
from rookery.mechanisms.engine import Request, Target, Template, TemplateError, execute, load_template
from rookery.mechanisms.engine.model import BlockSpec
from rookery.mechanisms.engine.schema import READERS
from rookery.mechanisms.engine.stored import (
    NO_INFO,
    Stored,
    code_stamp,
    decode_spec,
    encode_spec,
    restore_template,
    store_template,
)
from rookery.mechanisms.engine.template import parse_template

SHIPPED = sorted((Path(templates.__file__).parent / "shipped").rglob("*.yaml"))
BY_CHANCE = b"""
id: by-chance
info: {name: n, author: a}
variables: {word: "{{randstr_2}}"}
http:
  - path: ['{{BaseURL}}/{{randstr}}/{{word}}/{{randstr}}']
    matchers: [{type: word, words: ['{{randstr}}']}]
"""


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_nothing_of_a_template_is_lost(path: Path) -> None:
    spec, _ = parse_template(path.read_bytes(), path="x")
    assert decode_spec(encode_spec(spec)) == replace(spec, info=NO_INFO, warnings=())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_restored_template_has_the_facts_of_a_loaded_one(path: Path) -> None:
    data = path.read_bytes()
    loaded, restored = load_template(data, path="x"), _round_trip(data)
    for fact in ("id", "path", "info", "protocols", "request_count", "warnings", "sha256"):
        assert getattr(loaded, fact) == getattr(restored, fact)
    assert loaded.program.keeps_history == restored.program.keeps_history
    assert loaded.program.flow == restored.program.flow


def _round_trip(data: bytes) -> Template:
    stored = store_template(data, path="elsewhere")
    return restore_template(msgspec.msgpack.decode(msgspec.msgpack.encode(stored), type=Stored), path="x")


def test_the_blocks_of_every_protocol_can_be_stored() -> None:
    assert READERS.keys() <= {kind.protocol for kind in BlockSpec.__subclasses__()}


def _first_url(template: Template) -> str:
    request = next(execute(template, Target("http://h")))
    assert isinstance(request, Request)
    return request.url


def test_random_strings_are_new_ones_each_time_and_agree_within_a_template() -> None:
    stored = store_template(BY_CHANCE, path="x")
    one, other = restore_template(stored, path="x"), restore_template(stored, path="x")
    first, word, again = _first_url(one).removeprefix("http://h/").split("/")
    assert first == again != word
    assert _first_url(one) == _first_url(one) != _first_url(other)
    assert one.without_chance(_first_url(one)) == "http://h/{{randstr}}/{{randstr}}/{{randstr}}"


def test_its_digest_is_of_its_text_and_not_of_its_signature() -> None:
    signed = BY_CHANCE + b"# digest: 4a0a0047:922c64590222798b"
    same = {load_template(text, path="x").sha256 for text in (BY_CHANCE, signed, signed + b"00")}
    assert len(same) == 1
    assert load_template(BY_CHANCE.replace(b"name: n", b"name: m"), path="x").sha256 not in same


def test_warnings_name_the_file_where_it_is_now() -> None:
    data = b"id: a\ninfo: {name: n, author: x, colour: red}\nhttp: [{path: [a]}]"
    stored = store_template(data, path="there")
    assert all(warning.startswith("here: ") for warning in restore_template(stored, path="here").warnings)


def test_what_does_not_compile_is_not_stored() -> None:
    with pytest.raises(TemplateError, match=r"x:3: .*regex"):
        store_template(
            b"id: a\ninfo: {name: n, author: x}\n"
            b"http: [{path: [a], matchers: [{type: regex, regex: ['(']}]}]",
            path="x",
        )


def test_the_code_has_one_stamp() -> None:
    assert len(code_stamp()) == 64
