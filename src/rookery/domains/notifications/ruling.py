"""What people do with rules: make, change, switch and delete them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from rookery.base.clock import now_us
from rookery.base.ids import new_id
from rookery.domains.notifications import store
from rookery.domains.notifications.document import RuleInfo, decode_terms, rule_info
from rookery.domains.notifications.errors import RuleChanged, RuleNotValid
from rookery.domains.notifications.events import (
    NotificationRuleCreated,
    NotificationRuleDeleted,
    NotificationRuleUpdated,
)
from rookery.domains.notifications.models import Rule
from rookery.domains.notifications.rules import Quiet, Terms, Word, check_name, valid
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook

PARTS = frozenset(Terms.__struct_fields__)


@dual
def list_(rook: Rook, /) -> list[RuleInfo]:
    """Every rule, by name."""
    with rook.reading() as session:
        names = store.names(session)
        return [rule_info(row, names) for row in store.rule_rows(session)]


@dual
def get(rook: Rook, /, name: str) -> RuleInfo:
    """The rule of this name, in any case, or with this id. Raises RuleNotFound."""
    with rook.reading() as session:
        return rule_info(store.rule_row(session, name), store.names(session))


@dual
def create(
    rook: Rook,
    /,
    name: str,
    kinds: Sequence[str],
    channels: Sequence[str],
    *,
    severity: Word = "info",
    subjects: Sequence[str] = (),
    quiet: Quiet | None = None,
    digest: int = 0,
    collapse: int = 600,
) -> RuleInfo:
    """Have these kinds of events told over these channels, at least so bad, of subjects that match a pattern.

    See `Terms` for the rest. Raises RuleNotValid, RuleExists, ChannelNotFound.
    """
    check_name(name, RuleNotValid)
    wanted = Terms(
        kinds=tuple(kinds), channels=tuple(channels), severity=severity, subjects=tuple(subjects),
        quiet=quiet, digest=digest, collapse=collapse,
    )  # fmt: skip
    terms, moment = rook.offload(valid, wanted), now_us()
    with rook.transaction() as session:
        terms = _with_ids(session, terms)
        row = Rule(
            id=new_id(), name=name, called=name.lower(), terms=_encoded(terms), is_enabled=True, revision=1,
            created_us=moment, created_by=rook.actor, updated_us=moment,
        )  # fmt: skip
        store.add(session, row)
        rook.emit(NotificationRuleCreated(name, row.id, terms.kinds))
        return rule_info(row, store.names(session))


@dual
def update(rook: Rook, rule: str, /, *, revision: int | None = None, **parts: Any) -> RuleInfo:
    """Change what is given of name, is_enabled and the parts of `Terms`.

    With `revision`, only when nobody has changed it since it was that. Raises RuleNotFound, RuleChanged, and
    what `create` raises.
    """
    unknown = set(parts) - PARTS - {"name", "is_enabled"}
    if unknown:
        raise RuleNotValid(f"A rule has no {', '.join(sorted(unknown))}.")
    check_name(parts.get("name", "rule"), RuleNotValid)
    given = {key: value for key, value in parts.items() if key in PARTS}
    if given:  # a zone is read from its file: not in the transaction
        complete: dict[str, Any] = {"kinds": ("backup.failed",), "channels": ("any",)} | given
        rook.offload(valid, Terms(**complete))
    with rook.transaction() as session:
        row = store.rule_row(session, rule, for_update=True)
        if revision is not None and revision != row.revision:
            raise RuleChanged
        if changed := _write(session, row, parts, given):
            row.called, row.revision, row.updated_us = row.name.lower(), row.revision + 1, now_us()
            store.flush(session, row)
            rook.emit(NotificationRuleUpdated(row.name, row.id, changed))
        return rule_info(row, store.names(session))


def _write(session: Session, row: Rule, parts: dict[str, Any], given: dict[str, Any]) -> tuple[str, ...]:
    before = decode_terms(row.terms)
    terms = _with_ids(session, valid(msgspec.structs.replace(before, **given)))
    row.terms = _encoded(terms)
    own = {key: parts[key] for key in ("name", "is_enabled") if key in parts}
    changed = [key for key in given if getattr(before, key) != getattr(terms, key)]
    changed += [key for key, value in own.items() if getattr(row, key) != value]
    for key, value in own.items():
        setattr(row, key, value)
    return tuple(changed)


def _with_ids(session: Session, terms: Terms) -> Terms:
    """The channels by their ids, each once. Raises ChannelNotFound."""
    ids = (store.channel_row(session, name).id for name in terms.channels)
    return msgspec.structs.replace(terms, channels=tuple(dict.fromkeys(ids)))


def _encoded(terms: Terms) -> str:
    return msgspec.json.encode(terms).decode()


@dual
def delete(rook: Rook, /, name: str) -> None:
    """Delete a rule, and what waits to be told for it. Raises RuleNotFound."""
    with rook.transaction() as session:
        row = store.rule_row(session, name, for_update=True)
        store.forget(session, Rule, row.id)
        rook.emit(NotificationRuleDeleted(row.name, row.id))
