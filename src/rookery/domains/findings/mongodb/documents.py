"""A sighting as MongoDB keeps it, and the operations that write it. Pure.

One document per finding, with the finding's id as its `_id`. The operations may be carried out again, in any
order and by several processes at once, and leave the same document: what was seen last wins by `version`, the
microsecond it was seen in; when it was first seen, and by which runs, is gathered. What people add to a
document, its `state` among that, is never touched.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, NamedTuple

import bson
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from pymongo import UpdateOne

from rookery.domains.findings.items import NOT_EMPTIED, Vulnerability
from rookery.domains.findings.rules import Severity, State
from rookery.mechanisms.writebehind import PermanentError

LARGEST_DOCUMENT = (16 << 20) - (64 << 10)  # bytes: MongoDB's limit, less room for what is gathered
DUPLICATE = 11000  # the code of "somebody else has just written a document with this _id"
LONGEST_REASON = 300  # characters
OWN = frozenset({"severity", "run_id", "request", "response", "curl"})  # kept under other names
COPIED = tuple(name for name in Vulnerability.__struct_fields__ if name[0] != "_" and name not in OWN)
_copied = attrgetter(*COPIED)
KEPT = NOT_EMPTIED | {"evidence", "last_run_id"}
"""Details that a later sighting which lacks them leaves as they are."""


class Sighting(NamedTuple):
    """All that a batch says of one finding: the newest details, when it was first seen, by which runs."""

    id: str
    details: dict[str, Any]
    first_seen: datetime
    run_ids: tuple[str, ...]


class Written(NamedTuple):
    """What a bulk write came to: which operations made a document, and which were refused, with the reason.

    `raced` are those that somebody else was quicker with.
    """

    made: frozenset[int]
    refused: Mapping[int, str]
    raced: frozenset[int]


Steps = Generator[list[UpdateOne], Written, None]


def writing(items: Iterable[object]) -> Steps:
    """Write the sightings among some items: yields operations for a bulk write, is sent what it came to.

    Those that cannot be written cost no other its place; then PermanentError names them, so that a queue
    finds out which they are.
    """
    sound, unwritable = _encoded(merged(items))
    if sound:
        sightings = [sighting for sighting, _ in sound]
        made = yield [upsert(sighting, born) for sighting, born in sound]
        unwritable |= {sightings[at].id: reason for at, reason in made.refused.items()}
        known = [at for at in range(len(sightings)) if at not in made.made and at not in made.refused]
        late = [UpdateOne({"_id": sightings[at].id}, gathered(sightings[at])) for at in sorted(made.raced)]
        if known:
            newer = [newest(sightings[at]) for at in known]
            done = yield newer + late
            unwritable |= {
                sightings[known[at]].id: why for at, why in done.refused.items() if at < len(known)
            }
    if unwritable:
        raise PermanentError("; ".join(f"{id_}: {reason}" for id_, reason in unwritable.items())[:2000])


def merged(items: Iterable[object]) -> list[Sighting]:
    """One sighting for each finding among the items; what is no sighting is passed over."""
    by_id: dict[str, Sighting] = {}
    for item in items:
        if isinstance(item, Vulnerability):
            new = sighting_of(item)
            old = by_id.get(new.id)
            by_id[new.id] = new if old is None else _together(old, new)
    return list(by_id.values())


def _together(old: Sighting, new: Sighting) -> Sighting:
    first, last = sorted((old.details, new.details), key=lambda details: details["version"])
    return Sighting(
        old.id,
        {**first, **_said(last)},
        min(old.first_seen, new.first_seen),
        tuple(dict.fromkeys((*old.run_ids, *new.run_ids))),
    )


def sighting_of(item: Vulnerability) -> Sighting:
    """What one item says of its finding."""
    seen_us = round(item._timestamp * 1_000_000)
    seen = datetime.fromtimestamp(seen_us / 1_000_000, UTC)
    details = {
        **dict(zip(COPIED, _copied(item), strict=True)),
        "severity": item.severity,
        "severity_rank": int(Severity.of(item.severity)),
        "evidence": _evidence(item),
        "last_run_id": item.run_id,
        "last_seen": seen,
        "version": seen_us,
    }
    return Sighting(item.finding_id, details, seen, (item.run_id,) if item.run_id else ())


def _evidence(item: Vulnerability) -> dict[str, str]:
    """Empty, rather than full of empty texts, where there is none."""
    kept = {"request": item.request, "response": item.response, "curl": item.curl}
    return kept if any(kept.values()) else {}


def upsert(sighting: Sighting, born: RawBSONDocument) -> UpdateOne:
    """Make the document where there is none; gather what is gathered where there is one."""
    return UpdateOne({"_id": sighting.id}, {"$setOnInsert": born, **gathered(sighting)}, upsert=True)


def newest(sighting: Sighting) -> UpdateOne:
    """Take over the details, unless the document has been seen later."""
    older = {"_id": sighting.id, "version": {"$lte": sighting.details["version"]}}
    return UpdateOne(older, {"$set": _said(sighting.details)})


def _said(details: Mapping[str, Any]) -> dict[str, Any]:
    """The details without what is empty and would take something away."""
    return {name: value for name, value in details.items() if value or name not in KEPT}


def gathered(sighting: Sighting) -> dict[str, Any]:
    """What every sighting adds to, whichever comes first."""
    runs = {"$addToSet": {"run_ids": {"$each": list(sighting.run_ids)}}} if sighting.run_ids else {}
    return {"$min": {"first_seen": sighting.first_seen}, **runs}


def _encoded(
    sightings: list[Sighting],
) -> tuple[list[tuple[Sighting, RawBSONDocument]], dict[str, str]]:
    """Those that can be written, with the documents they would make, encoded; and why the others cannot."""
    sound: list[tuple[Sighting, RawBSONDocument]] = []
    reasons: dict[str, str] = {}
    for sighting in sightings:
        try:
            encoded = bson.encode({**sighting.details, "state": State.OPEN.value})
        except (BSONError, ValueError, OverflowError, TypeError) as error:
            reasons[sighting.id] = f"{type(error).__name__}: {error}"[:LONGEST_REASON]
            continue
        if len(encoded) > LARGEST_DOCUMENT:
            reasons[sighting.id] = f"the document has {len(encoded)} bytes, more than MongoDB takes"
        else:
            sound.append((sighting, RawBSONDocument(encoded)))
    return sound, reasons


def written(details: Mapping[str, Any]) -> Written:
    """What a bulk write came to, from pymongo's account of it."""
    errors = details.get("writeErrors", ())
    raced = frozenset(error["index"] for error in errors if error.get("code") == DUPLICATE)
    refused = {
        error["index"]: str(error.get("errmsg", "refused"))[:LONGEST_REASON]
        for error in errors
        if error["index"] not in raced
    }
    return Written(frozenset(one["index"] for one in details.get("upserted", ())), refused, raced)
