"""Bringing what is missing into the mirror's repository, and noting that it is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Engine

from rookery.domains.backups.git import placing, positions
from rookery.domains.backups.git.placing import Change, Deed, Places
from rookery.domains.backups.git.positions import Placed, Position
from rookery.domains.backups.git.repository import Repository

AT_ONCE: Final = 200
"""Commits between two moves of the branch."""


class Filling:
    """One round of it; `commits` counts them. First the files that are there, then what is new."""

    def __init__(self, repository: Repository, engine: Engine) -> None:
        self._repository, self._engine = repository, engine
        self.commits = 0
        _recognise(repository, engine)
        self._placed = positions.placed(engine)
        self._places = Places(self._placed)

    def move(self, deeds: Mapping[str, Deed], rest: str) -> None:
        """Files that are astray by these deeds; with `rest`, others as well, by whoever is called so."""
        astray = [each for each in self._placed if placing.is_astray(each)]
        due = [each for each in astray if rest or each.device_id in deeds]
        for start in range(0, len(due), AT_ONCE):
            some = due[start : start + AT_ONCE]
            changes = [self._moved(each, deeds.get(each.device_id), rest) for each in some]
            self._commit(changes, [each.device_id for each in some])

    def _moved(self, each: Placed, deed: Deed | None, rest: str) -> Change:
        deed = deed or placing.deed_of(rest, each)
        text = positions.text(self._engine, each.device_id, each.position.number) if each.device else b""
        return placing.moved(self._places, each, text, deed)

    def add(self, device_ids: Sequence[str]) -> None:
        """All versions of these devices that are missing."""
        while found := positions.missing(self._engine, device_ids, AT_ONCE):
            changes = [placing.added(self._places, each) for each in found]
            self._commit(changes, [each.device_id for each in found])

    def _commit(self, changes: Sequence[Change], device_ids: Sequence[str]) -> None:
        """Without the removal of a file that another device has taken over."""
        self.commits += self._repository.commit([each for each in changes if each.path or each.former])
        positions.put(self._engine, {id_: self._places.of(id_) for id_ in device_ids})


def _recognise(repository: Repository, engine: Engine) -> None:
    """Note the commits that a process made before it died, which was before it could note them."""
    known = {each.device_id: each.position for each in positions.placed(engine)}
    found: dict[str, Position] = {}
    for message in repository.messages():
        said = placing.said_by(message)
        if said is None or known.get(said[0]) == said[1]:
            break  # somebody else's commit, or one that is noted
        found.setdefault(*said)
    if found:
        positions.put(engine, found)
