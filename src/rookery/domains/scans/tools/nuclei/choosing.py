"""Which templates nuclei is given: those with which the gate can keep it to the scope; for others, why not.

Its HTTP clients make every connection through the gate. Its dialler for tcp and ssl does not: what the gate
has refused it dials itself, and `tls://` always. dns, and some functions of expressions, know no proxy. Where
the scope leaves nothing out, there is nothing to be kept to.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from rookery.domains.scans.scope import Scope
from rookery.domains.scans.tools.contract import ToolJob
from rookery.domains.templates import Selection, open_library
from rookery.domains.templates.files import read_file
from rookery.mechanisms.engine import Template, TemplateError

HELD = frozenset({"http"})
DIALLED = frozenset({"dns", "http", "ssl", "tcp"})
OTHERS = ("code", "file", "headless", "javascript", "websocket", "whois", "workflows")
"""What runs code, opens a browser, asks third parties or looks at files: never."""

PAST_THE_GATE = re.compile(
    rb"\b(jarm|llm_prompt|public_ip|resolve)\s*\(|^[ \t?-]*(pipeline)\s*:", re.MULTILINE
)
"""Functions that dial by themselves, and a client that does."""

_WORDS = "|".join((*sorted(DIALLED), "network", *OTHERS)).encode()
KEYS = re.compile(rb"""(?:^|[{,])[ \t?"']*(%s)["']?\s*:""" % _WORDS, re.MULTILINE)


class Choice(NamedTuple):
    """The templates that nuclei is given, by file, and `unread`, the files that it alone may understand.

    `skipped` counts those left out by reason; `unsigned` as in a Library.
    """

    templates: Mapping[str, Template]
    unread: tuple[str, ...]
    skipped: Mapping[str, int]
    unsigned: tuple[str, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.templates, *self.unread)


def choose(job: ToolJob) -> Choice:
    """Read and select the templates of a plan. Raises TemplatesNotFound and TrustedKeyUnusable."""
    library = open_library(job.plan.templates, job.data_dir, job.policy, lenient=True)
    selection = library.select(job.plan.wanted)
    is_free = Scope(job.scope).is_anything
    reasons: Counter[str] = Counter()
    kept = _kept(selection.templates, reasons, is_free=is_free)
    templates = {str(Path(template.path).absolute()): template for template in kept}
    unread = tuple(str(Path(path).absolute()) for path in _unread(selection, reasons, is_free=is_free))
    return Choice(templates, unread, dict(reasons.most_common()), selection.unsigned)


def protocols_given(scope: Scope) -> frozenset[str]:
    """The protocols that templates may have."""
    return DIALLED if scope.is_anything else HELD


def _kept(templates: Iterable[Template], reasons: Counter[str], *, is_free: bool) -> Iterator[Template]:
    for template in templates:
        reason = _reason_against(template, is_free=is_free)
        if reason:
            reasons[reason] += 1
        else:
            yield template


def _reason_against(template: Template, *, is_free: bool) -> str:
    if template.workflow:
        return _not_given("workflows")
    if strange := template.protocols - (DIALLED if is_free else HELD):
        return _not_held(min(strange)) if strange <= DIALLED else _not_given(min(strange - DIALLED))
    return "" if is_free else _way_past(_text(template.path))


def _unread(selection: Selection, reasons: Counter[str], *, is_free: bool) -> Iterator[str]:
    for one in selection.skipped:
        reason = _reason_unread(one.path, is_free=is_free) if one.is_unread else one.reason
        if reason:
            reasons[reason] += 1
        else:
            yield one.path


def _reason_unread(path: str, *, is_free: bool) -> str:
    """By what stands in the file, for what it means is not known here."""
    text = _text(path)
    keys = {found[1].decode().replace("network", "tcp") for found in KEYS.finditer(text)}
    if other := keys & set(OTHERS):
        return _not_given(min(other))
    if not is_free and (strange := (keys & DIALLED) - HELD):
        return _not_held(min(strange))
    return "" if is_free else _way_past(text)


def _way_past(text: bytes) -> str:
    found = PAST_THE_GATE.search(text)
    word = (found[1] + b"()" if found[1] else found[2]).decode() if found else ""
    return f"its {word} would go past the gate that keeps nuclei to the scope" if found else ""


def _not_held(protocol: str) -> str:
    return f"nuclei cannot be kept to the scope with {protocol}; the embedded engine can"


def _not_given(protocol: str) -> str:
    return f"nuclei is given nothing with {protocol}"


def _text(path: str) -> bytes:
    try:
        return read_file(path)
    except TemplateError:
        return b""
