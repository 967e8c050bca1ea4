"""Messages from templates: of Rookery, of people, and of people who mean harm."""

from __future__ import annotations

import pytest

from rookery.base.redact import register_secret
from rookery.domains.notifications.errors import ChannelNotValid
from rookery.domains.notifications.rendering import LONGEST_TEXT, Item, check, item, message
from rookery.domains.notifications.rules import Occurrence


def one(title: str = "r1 could not be backed up", count: int = 1, diff: str = "") -> Item:
    happened = Occurrence(
        kind="backup.failed", subject="r1", severity="medium", title=title, text="It does not answer.",
        at_us=1_764_281_400_000_000,
    )  # fmt: skip
    return item("id-1", happened, count, diff)


def said(*items: Item, subject: str = "", text: str = "") -> tuple[str, str]:
    made = message(items, subject=subject, text=text, base_url="https://rookery.example")
    return made.subject, made.text


def test_one_thing_is_told_with_its_difference_and_where_to_look() -> None:
    assert said(one(diff="-a\n+b")) == (
        "r1 could not be backed up",
        "It does not answer.\n\n-a\n+b\nmedium, 2025-11-27 22:10:00 UTC\n\nhttps://rookery.example\n",
    )


def test_several_are_told_in_one_message_each_with_its_count() -> None:
    subject, text = said(one(), one(count=3))
    assert subject == "r1 could not be backed up and 1 more"
    assert "r1 could not be backed up (3 times)" in text


def test_a_subject_is_one_line_whatever_a_device_has_sent() -> None:
    assert said(one("two\r\nBcc: all@example.org"))[0] == "two Bcc: all@example.org"
    assert len(said(one("x" * 5_000))[0]) == 200


def test_a_channel_may_have_templates_of_its_own() -> None:
    assert said(one(), subject="{{ items[0].severity|upper }}", text="{{ items|length }}") == (
        "MEDIUM",
        "1\n",
    )


@pytest.mark.parametrize(
    "template",
    [
        "{{ items[0].__class__.__mro__ }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{% for i in range(100000000) %}x{% endfor %}",
        "{{ nothing }}",
        "{% if %}",
        "{{ 1 / 0 }}",
        "x" * 20_001,
    ],
)
def test_a_template_that_fails_is_refused_and_were_it_there_rookerys_own_is_used(template: str) -> None:
    with pytest.raises(ChannelNotValid, match="template"):
        check("", template)
    if len(template) <= 20_000:
        assert "It does not answer." in said(one(), text=template)[1]


def test_an_endless_template_ends() -> None:
    text = said(
        one(), text="{% for a in range(90000) %}{% for b in range(90000) %}x{% endfor %}{% endfor %}"
    )[1]
    assert len(text) <= LONGEST_TEXT


def test_secrets_are_masked() -> None:
    register_secret("hunter-two-22")
    assert "hunter" not in "".join(said(one("It said hunter-two-22")))
