"""From what happened to a message: Jinja2 templates, in a sandbox, bounded in size."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rookery.base.clock import from_us, now_us
from rookery.base.redact import redact_text
from rookery.domains.notifications.errors import ChannelNotValid
from rookery.domains.notifications.rules import LARGEST_TEMPLATE, Occurrence

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

SUBJECT: Final = """\
{{ items[0].title }}{% if items|length > 1 %} and {{ items|length - 1 }} more{% endif %}"""
TEXT: Final = """\
{% for item in items %}
{% if items|length > 1 or item.count > 1 %}
{{ item.title }}{% if item.count > 1 %} ({{ item.count }} times){% endif %}

{% endif %}
{% if item.text %}
{{ item.text }}
{% endif %}
{% if item.diff %}

{{ item.diff }}
{% endif %}
{{ item.severity }}, {{ item.at.strftime("%Y-%m-%d %H:%M:%S") }} UTC
{% if not loop.last %}

{% endif %}
{% endfor %}
{% if base_url %}

{{ base_url }}
{% endif %}
"""

LONGEST_SUBJECT: Final = 200
LONGEST_TEXT: Final = 60_000
MOST_PIECES: Final = 20_000
"""Pieces of output after which a template is taken for one that does not end."""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One of the things that a message tells; `diff` is what has changed in a configuration."""

    id: str
    kind: str
    subject: str
    severity: str
    title: str
    text: str
    count: int
    at: Any
    diff: str = ""
    details: dict[str, Any] = {}


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent: as a text, and the things that it tells."""

    subject: str
    text: str
    items: tuple[Item, ...]


def item(id_: str, occurrence: Occurrence, count: int, diff: str = "") -> Item:
    """What a template sees of an occurrence, secrets masked."""
    return Item(
        id=id_, kind=occurrence.kind, subject=occurrence.subject, severity=occurrence.severity,
        title=redact_text(occurrence.title), text=redact_text(occurrence.text), count=count,
        at=from_us(occurrence.at_us), diff=diff, details=occurrence.details,
    )  # fmt: skip


def message(items: Sequence[Item], *, subject: str, text: str, base_url: str) -> Message:
    """The message of these templates; of Rookery's own where there are none, or they cannot be filled."""
    from jinja2 import TemplateError

    values = {"items": items, "base_url": base_url}
    try:
        said = _filled(subject or SUBJECT, values), _filled(text or TEXT, values)
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError):
        said = _filled(SUBJECT, values), _filled(TEXT, values)
    return Message(subject=_on_one_line(said[0]), text=said[1].strip() + "\n", items=tuple(items))


def check(subject: str, text: str) -> None:
    """Raise ChannelNotValid unless a sample can be made of these templates."""
    from jinja2 import TemplateError

    for name, template in (("subject", subject), ("text", text)):
        if len(template) > LARGEST_TEMPLATE:
            raise ChannelNotValid(f"{name}: a template has at most {LARGEST_TEMPLATE:,} characters.")
        try:
            _filled(template, {"items": [SAMPLE], "base_url": "https://rookery.example"})
        except TemplateError as error:
            raise ChannelNotValid(f"{name}: the template is not valid: {error}.") from None
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise ChannelNotValid(f"{name}: the template fails: {type(error).__name__}: {error}.") from None


def _filled(template: str, values: dict[str, Any]) -> str:
    pieces = _environment().from_string(template).generate(values)
    return "".join(islice(pieces, MOST_PIECES))[:LONGEST_TEXT]


@cache
def _environment() -> SandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _on_one_line(text: str) -> str:
    line = re.sub(r"\s+", " ", text).strip()
    return line if len(line) <= LONGEST_SUBJECT else f"{line[: LONGEST_SUBJECT - 1]}…"


SAMPLE: Final = item(
    "test",
    Occurrence(
        kind="test", subject="Rookery", severity="info", title="A test of Rookery",
        text="If you read this, notifications arrive here.", at_us=now_us(),
    ),
    count=1,
)  # fmt: skip
