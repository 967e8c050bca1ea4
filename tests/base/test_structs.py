"""Threads that decode into the same type for the first time, at the same moment."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import rookery

SOURCES = Path(rookery.__path__[0])
PLAIN = {"Any", "None", "Raw", "bytes", "dict", "float", "int", "list", "msgspec", "object", "str", "tuple"}
"""Of these alone msgspec keeps nothing."""

MANY = """
import sys, threading
from typing import Annotated
from msgspec import Meta, convert, defstruct, json
from rookery.base.structs import ready

sys.setswitchinterval(1e-6)
Word = Annotated[str, Meta(min_length=1)]
for number in range(100):
    inner = defstruct(f"Inner{number}", [(f"word{at}", Word) for at in range(30)])
    outer = defstruct(f"Outer{number}", [(f"inner{at}", inner) for at in range(5)] + [("word", Word)])
    value = {f"inner{at}": {f"word{at}": "a" for at in range(30)} for at in range(5)} | {"word": "a"}
    text = json.encode(value)
    together = threading.Barrier(4)

    def decode():
        together.wait()
        assert convert(value, ready(outer)) == json.decode(text, type=ready(outer))
        done.append(1)

    done = []
    threads = [threading.Thread(target=decode) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 4
"""


def test_many_threads_decode_into_a_type_that_nobody_has_decoded_into() -> None:
    done = subprocess.run([sys.executable, "-c", MANY], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_type_of_ours_is_decoded_into_before_it_is_ready() -> None:
    files = set(SOURCES.rglob("*.py")) - {SOURCES / "base" / "structs.py"}
    kinds = {file: [*decoded_into(ast.parse(file.read_text()))] for file in files}
    assert sum(map(len, kinds.values())) > 50
    for file, found in kinds.items():
        assert [kind for kind in found if not is_ready(kind)] == [], file


def decoded_into(tree: ast.Module) -> Iterator[ast.expr]:
    """The types that msgspec is given in a module."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            match ast.unparse(call.func).split("."):
                case ["msgspec", "convert"]:
                    yield call.args[1]
                case ["msgspec", _, "Decoder"]:
                    yield from call.args[:1]
                case ["msgspec", _, "decode"]:
                    yield from (each.value for each in call.keywords if each.arg == "type")


def is_ready(kind: ast.expr) -> bool:
    if isinstance(kind, ast.Call) and ast.unparse(kind.func) == "ready":
        return True
    return {name.id for name in ast.walk(kind) if isinstance(name, ast.Name)} <= PLAIN
