"""From YAML nodes to an HttpSpec: what an `http` block may hold, and what of it is refused."""

from __future__ import annotations

from rookery.mechanisms.engine.blockschema import read_block
from rookery.mechanisms.engine.errors import UnsupportedTemplate
from rookery.mechanisms.engine.keywords import HTTP_KEYS, REFUSED_FLAGS, REFUSED_KEYS
from rookery.mechanisms.engine.model import HttpSpec
from rookery.mechanisms.engine.payloadschema import read_attack, read_payloads
from rookery.mechanisms.engine.reader import Reader

MOST_AT_ONCE = 100  # requests of one race


def read_http(block: Reader) -> HttpSpec:
    """One `http` block."""
    block.refuse_unknown_keys(HTTP_KEYS)
    _refuse_http_features(block)
    spec = HttpSpec(
        **read_block(block),
        method=block.text("method"),
        path=block.texts("path"),
        raw=block.texts("raw"),
        body=block.text("body"),
        headers=block.table("headers"),
        redirects=block.flag("redirects"),
        host_redirects=block.flag("host-redirects"),
        max_redirects=block.number("max-redirects"),
        disable_cookie=block.flag("disable-cookie"),
        disable_path_automerge=block.flag("disable-path-automerge"),
        skip_variables_check=block.flag("skip-variables-check"),
        max_size=block.number("max-size"),
        payloads=read_payloads(block),
        attack=read_attack(block),
        threads=block.number("threads"),
        unsafe=block.flag("unsafe"),
        iterate_all=block.flag("iterate-all"),
        race=block.flag("race"),
        race_count=min(block.number("race_count"), MOST_AT_ONCE),
        digest_username=block.text("digest-username"),
        digest_password=block.text("digest-password"),
    )
    if not spec.path and not spec.raw:
        raise block.error("the http block needs 'path' or 'raw'")
    return spec


def _refuse_http_features(block: Reader) -> None:
    for key, reason in REFUSED_FLAGS.items():
        if block.flag(key):
            raise UnsupportedTemplate(reason, path=block.path)
    for key, reason in REFUSED_KEYS.items():
        if key in block:
            raise UnsupportedTemplate(reason, path=block.path)
