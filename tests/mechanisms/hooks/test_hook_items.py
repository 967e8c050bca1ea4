"""Items have an identity from birth, and survive the way through a queue."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from rookery.mechanisms.hooks import Error, Info, Item, Target, item_from
from rookery.mechanisms.hooks.items import decode, encode
from tests.mechanisms.runner.tools import Sighting


class UserAccount(Item):
    username: str


def test_every_item_has_an_identity_from_birth() -> None:
    """An empty one counts as none: in the first design all such items were the same."""
    items = [Info(message="x"), Info(message="x"), Info(message="x", _uuid=""), Info(message="x", _uuid="")]
    assert len({item._uuid for item in items if item._uuid}) == 4


def test_the_type_is_the_class_name_in_snake_case() -> None:
    assert UserAccount(username="root")._type == "user_account"
    assert msgspec.json.decode(encode(UserAccount(username="root")))["_type"] == "user_account"


@pytest.mark.parametrize(
    "value",
    [
        Sighting(url="a", number=3, _context={"scan": {"deep": [1, None]}}),
        Error(message="ä\u2028\x00", ids=["1"]),
        Target(name="t"),
        "a line",
        ["argv", "--flag"],
        {"raw": 1, "_type": "looks like an item"},
        None,
    ],
)
def test_items_and_values_come_back_as_they_went(value: Any) -> None:
    assert decode(encode(value)) == value


def test_what_comes_back_is_a_snapshot() -> None:
    item = Sighting(url="a", _context={"n": 1})
    sent = encode(item)
    item.url, item._context["n"] = "changed", 2
    assert decode(sent).url == "a"
    assert decode(sent)._context == {"n": 1}


def test_an_item_type_defined_later_comes_back_too() -> None:
    decode(encode(Info(message="the decoder is built")))

    class DefinedLater(Item):
        value: int

    assert decode(encode(DefinedLater(value=1))).value == 1


def test_a_record_with_a_type_is_that_item_and_a_wrong_one_says_what_does_not_fit() -> None:
    assert item_from({"_type": "sighting", "url": "a"}).__class__ is Sighting
    with pytest.raises(msgspec.ValidationError, match="missing required field `url`"):
        item_from({"_type": "sighting"})
    with pytest.raises(msgspec.ValidationError, match="nothing"):
        item_from({"_type": "nothing"})
    with pytest.raises(msgspec.ValidationError, match="not an item"):
        item_from({"_type": "_value", "value": 1})


def test_items_can_be_copied_without_losing_who_they_are() -> None:
    item = Sighting(url="a")
    assert copy.deepcopy(item) == item
