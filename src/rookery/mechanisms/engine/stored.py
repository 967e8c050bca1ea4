"""Templates as bytes that are quick and safe to read back: what was checked once need not be again.

MessagePack of the template as it was written, never code and never pickle. The facts that selecting asks for
are read at once; the rest is decoded and compiled when the template is first run. What these bytes mean
depends on the code that made them: `code_stamp()` tells one code from another."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import msgspec

from rookery.base.structs import ready
from rookery.mechanisms.engine.model import BlockSpec, Info, TemplateSpec
from rookery.mechanisms.engine.payloads import NO_FILES, PayloadFiles, payload_files, payload_lines
from rookery.mechanisms.engine.template import (
    Program,
    Template,
    compile_program,
    digest_of,
    parse_template,
    random_string,
)
from rookery.mechanisms.engine.workflow import StepSpec

NO_INFO = Info(name="", author=())


class Stored(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A template that runs: its facts, and its blocks still encoded. Warnings are without the file's name."""

    id: str
    info: Info
    protocols: tuple[str, ...]
    request_count: int
    warnings: tuple[str, ...]
    random_strings: tuple[str, ...]
    sha256: str
    spec: bytes
    files: tuple[str, ...] = ()  # of payloads
    workflow: tuple[StepSpec, ...] = ()


def store_template(text: bytes, *, path: str, files: PayloadFiles = NO_FILES) -> Stored:
    """A template's file, parsed, checked by compiling it, and encoded.

    TemplateError or UnsupportedTemplate as `load_template` raises them.
    """
    spec, random_strings = parse_template(text, path=path)
    program = compile_program(spec, path=path, files=files)
    return Stored(
        id=spec.id,
        info=spec.info,
        protocols=tuple(sorted(program.protocols)),
        request_count=program.request_count,
        warnings=tuple(warning.removeprefix(f"{path}: ") for warning in spec.warnings),
        random_strings=random_strings,
        sha256=digest_of(text),
        spec=encode_spec(spec),
        workflow=spec.workflow,
        files=payload_files(spec),
    )


def restore_template(stored: Stored, *, path: str, files: PayloadFiles = NO_FILES) -> Template:
    """The template, not yet compiled. Its random strings are new ones, as with any load. MissingFile when one
    of its payload files is gone."""
    for name in stored.files:
        payload_lines(files, path, name)
    fresh = tuple(random_string() for _ in stored.random_strings)

    def program() -> Program:
        data = stored.spec
        for old, new in zip(stored.random_strings, fresh, strict=True):
            data = data.replace(old.encode(), new.encode())  # as long as the old, so that it stays whole
        return compile_program(decode_spec(data), path=path, files=files)

    return Template(
        id=stored.id,
        path=path,
        info=stored.info,
        protocols=frozenset(stored.protocols),
        request_count=stored.request_count,
        warnings=tuple(f"{path}: {warning}" for warning in stored.warnings),
        random_strings=fresh,
        sha256=stored.sha256,
        make=program,
        workflow=stored.workflow,
    )


def encode_spec(spec: TemplateSpec) -> bytes:
    """The template as it was written, without its info."""
    bare = replace(spec, info=NO_INFO, blocks=(), warnings=())
    return msgspec.msgpack.encode((bare, [(block.protocol, block) for block in spec.blocks]))


def decode_spec(data: bytes) -> TemplateSpec:
    """What `encode_spec` encoded; msgspec.DecodeError when it did not."""
    spec, blocks = _decoder().decode(data)
    kinds = _kinds()
    return replace(spec, blocks=tuple(kinds[protocol].decode(block) for protocol, block in blocks))


@lru_cache(maxsize=1)
def _decoder() -> msgspec.msgpack.Decoder[tuple[TemplateSpec, list[tuple[str, msgspec.Raw]]]]:
    return msgspec.msgpack.Decoder(ready(tuple[TemplateSpec, list[tuple[str, msgspec.Raw]]]))


@lru_cache(maxsize=1)
def _kinds() -> dict[str, msgspec.msgpack.Decoder[BlockSpec]]:
    """A decoder for the blocks of each protocol; every subclass of BlockSpec is one."""
    return {kind.protocol: msgspec.msgpack.Decoder(ready(kind)) for kind in BlockSpec.__subclasses__()}


@lru_cache(maxsize=1)
def code_stamp() -> str:
    """A fingerprint of the engine's own code: what other code stored is not read."""
    folder = Path(__file__).parent
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        whole.update(path.read_bytes())
    return whole.hexdigest()
