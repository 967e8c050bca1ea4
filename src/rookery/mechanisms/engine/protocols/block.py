"""A block of any protocol but http: asks, one after the other, and operators on each answer's parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from rookery.mechanisms.engine.asks import Answer, Ask
from rookery.mechanisms.engine.dsl.parser import FINGERPRINT
from rookery.mechanisms.engine.dsl.values import Value
from rookery.mechanisms.engine.operators import Operators
from rookery.mechanisms.engine.parts import Parts
from rookery.mechanisms.engine.payloads import Payloads
from rookery.mechanisms.engine.protocols.jarm import GREETINGS
from rookery.mechanisms.engine.render import Text
from rookery.mechanisms.engine.values import Values


class Plan(Protocol):
    """What a block asks, compiled."""

    @property
    def texts(self) -> tuple[Text, ...]:
        """Every text it renders."""
        ...

    @property
    def most_asks(self) -> int:
        """How many asks there are at most."""
        ...

    @property
    def any_will_do(self) -> bool:
        """Whether one answered ask makes the failures of others no matter."""
        ...

    def asks(self, values: Values) -> Iterator[Ask]:
        """The asks for the target of these values; Unresolved or BadUrl when there can be none."""
        ...

    def parts(self, ask: Ask, answer: Answer) -> Iterable[Parts]:
        """What the answer holds: one set of parts for each time the operators are to look."""
        ...


@dataclass(frozen=True, slots=True)
class ProbeBlock:
    """One block of another protocol than http, compiled."""

    id: str
    protocol: str
    plan: Plan
    operators: Operators
    payloads: Payloads
    stops_at_first_match: bool

    @property
    def takes_fingerprints(self) -> bool:
        """Whether its operators want to know the JARM of where it asks."""
        return FINGERPRINT in self.operators.names

    @property
    def request_count(self) -> int:
        """How many asks there are at most."""
        each = 1 + len(GREETINGS) if self.takes_fingerprints else 1
        return self.plan.most_asks * self.payloads.count * each

    @property
    def kept_count(self) -> int:
        """How many answers it keeps, for blocks that look back."""
        return 1

    @property
    def texts(self) -> Iterable[Text]:
        """Every text it renders."""
        return self.plan.texts


class TableParts:
    """Parts that are known from the start, by name."""

    def __init__(self, table: dict[str, Value], *, matched_at: str, asked: str, status: int | None = None):
        self._table = table
        self._matched_at, self._asked, self._status = matched_at, asked, status

    @property
    def status(self) -> int | None:
        """What a status matcher looks at; None when the protocol has none."""
        return self._status

    @property
    def matched_at(self) -> str:
        """The host:port, name or path it came from."""
        return self._matched_at

    @property
    def address(self) -> str:
        """The IP address that answered, as far as it is known."""
        return str(self._table.get("ip", ""))

    def get(self, name: str) -> Value:
        """The part's value; KeyError when the answer has no such part."""
        return self._table[name]

    def name(self, name: str, value: Value) -> None:
        """Give a value a name among the parts."""
        self._table[name] = value

    def asked(self, most: int) -> str:
        """What was sent, at most so many characters."""
        return self._asked[:most]

    def beginning(self, most: int) -> str:
        """What came back, at most so many characters."""
        return str(self._table["response"])[:most]
