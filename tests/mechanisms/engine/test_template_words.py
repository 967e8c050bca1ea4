"""Many words at once give what they give one by one."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from rookery.mechanisms.engine.words import FEWEST, LONGEST_TEXT, Words
from tests.mechanisms.engine.support import matches, ok, operators

LETTERS = st.text(st.sampled_from("ab\xff\n"), min_size=1, max_size=6)


@given(st.lists(LETTERS, min_size=FEWEST, max_size=60), st.text(st.sampled_from("ab\xff\n"), max_size=300))
def test_what_is_found_together_is_what_is_found_one_by_one(words: list[str], text: str) -> None:
    together = Words()
    numbers = together.add(words)
    found = together.found_in(text)
    if found is not None:
        assert [number in found for number in numbers] == [word in text for word in words]


def distinct(count: int) -> list[str]:
    """So many words, none of which is in another."""
    return [f"word-{number:05}!" for number in range(count)]


def test_many_words_are_looked_for_together_and_few_one_by_one() -> None:
    many, few = Words(), Words()
    many.add(distinct(FEWEST))
    few.add(distinct(FEWEST - 1))
    text = "a page with word-00003! in it"
    assert many.found_in(text) == {3}
    assert few.found_in(text) is None


def test_a_long_text_and_words_within_words_are_left_to_the_plain_way() -> None:
    nested, many = Words(), Words()
    nested.add("a" * length for length in range(1, 200))
    many.add(distinct(FEWEST))
    assert nested.found_in("a" * LONGEST_TEXT) is None
    assert many.found_in("a" * (LONGEST_TEXT + 1)) is None


def test_matchers_of_many_words_agree_with_themselves_apart() -> None:
    words = distinct(40)
    lines = "".join(
        f"  - {{type: word, name: n{number}, words: ['{one}']}}\n" for number, one in enumerate(words)
    )
    negative = "  - {type: word, negative: true, condition: and, words: [word-00001!, word-00002!]}\n"
    folded = "  - {type: word, case-insensitive: true, words: [WORD-00041!]}\n"
    check = operators(f"matchers:\n{lines}")
    assert matches(check, ok("nothing but word-00039! here"))
    assert not matches(check, ok("WORD-00039! and word-00040!"))
    both = operators(f"matchers-condition: and\nmatchers:\n{negative}{folded}{lines.splitlines(True)[0]}")
    assert matches(both, ok("word-00001! word-00000! Word-00041!"))
    assert not matches(both, ok("word-00001! word-00002! word-00000! Word-00041!"))


def test_a_thousand_words_take_a_small_part_of_the_time() -> None:
    words, text = distinct(2000), "<p>some text of a page</p>\n" * 2000
    together = Words()
    together.add(words)
    together.found_in("")
    quick: list[float] = []
    slow: list[float] = []
    for _ in range(3):
        started = time.process_time()
        assert together.found_in(text + str(len(quick))) == set()
        quick.append(time.process_time() - started)
        started = time.process_time()
        assert not any(word in text for word in words)
        slow.append(time.process_time() - started)
    assert min(quick) * 3 < min(slow)
