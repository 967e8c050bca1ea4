"""API tokens: made, shown once, used, capped and revoked, in both worlds and on both databases."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from rookery.base.clock import now
from rookery.domains.users import service, store, tokens
from rookery.domains.users.bearer import mint
from rookery.domains.users.errors import TokenNotFound, TokenNotValid, TokenRefused, UserNotFound
from rookery.domains.users.rules import TOKEN_LIFE
from tests.conftest import Call
from tests.domains.users.people import add, audited, everything_stored, pass_time


def test_a_token_lets_a_program_do_what_its_scopes_say(call: Call) -> None:
    user = add(call, "ada", "operator")
    made = call(tokens.create_token, user.id, "nightly", ["devices:*", "findings:read", "devices:*"])
    principal = call(tokens.verify_token, made.secret, "192.0.2.1")
    assert (principal.user_id, principal.token_id, principal.session_id) == (user.id, made.token.id, None)
    assert made.secret.startswith(made.token.prefix)
    assert made.token.scopes == ("devices:*", "findings:read")
    assert abs(made.token.expires - now() - TOKEN_LIFE) < timedelta(minutes=5)
    for permission in ("devices:read", "devices:write", "findings:read"):
        assert principal.permits(permission)
    for permission in ("findings:triage", "backups:read", "self:write", "devices:fly", "devices:*", ""):
        assert not principal.permits(permission)


def test_a_token_is_kept_and_told_nowhere(call: Call, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "rookery")
    made = call(tokens.create_token, add(call).id, "nightly", ["devices:read"])
    call(tokens.verify_token, made.secret)
    secret = made.secret[len(made.token.prefix) + 1 :]
    for part in (secret, secret[:33]):
        assert part not in everything_stored(call) + caplog.text + repr(made)


def test_it_may_never_do_more_than_its_owner_may_now(call: Call) -> None:
    add(call, "root", "admin")
    user = add(call, "ada", "admin")
    text = call(tokens.create_token, user.id, "all", ["credentials:*", "devices:*"]).secret
    assert call(tokens.verify_token, text).permits("credentials:reveal")
    call(service.update, user.id, role="viewer")
    principal = call(tokens.verify_token, text)
    assert principal.permits("devices:read")
    assert not principal.permits("devices:write")
    assert not principal.permits("credentials:reveal")


def test_what_is_mistyped_or_of_no_token_is_refused(call: Call) -> None:
    text = call(tokens.create_token, add(call).id, "nightly", ["devices:read"]).secret
    another = text[:12] + mint().text[12:]
    for wrong in ("", text[:-1], text + "0", text.swapcase(), mint().text, another, "rk_" + "é" * 48):
        with pytest.raises(TokenRefused):
            call(tokens.verify_token, wrong)


def test_a_token_with_another_secret_is_refused(call: Call) -> None:
    made = call(tokens.create_token, add(call).id, "nightly", ["devices:read"])
    forged = mint()._replace(id=made.token.id)
    with pytest.raises(TokenRefused):
        call(tokens.verify_token, forged.text)


def test_it_expires(call: Call) -> None:
    made = call(tokens.create_token, add(call).id, "short", ["devices:read"], timedelta(hours=1))
    pass_time(call, timedelta(minutes=50))
    assert call(tokens.verify_token, made.secret)
    pass_time(call, timedelta(minutes=11))
    with pytest.raises(TokenRefused):
        call(tokens.verify_token, made.secret)
    assert [each.name for each in call(tokens.tokens)] == ["short"]


def test_it_is_revoked(call: Call) -> None:
    user = add(call)
    made, other = (call(tokens.create_token, user.id, name, ["devices:read"]) for name in ("a", "b"))
    call(tokens.revoke_token, made.token.prefix)
    with pytest.raises(TokenRefused):
        call(tokens.verify_token, made.secret)
    with pytest.raises(TokenNotFound):
        call(tokens.revoke_token, made.token.id)
    assert call(tokens.verify_token, other.secret)
    details = {"prefix": made.token.prefix, "user_id": user.id}
    assert audited(call)[-1] == ("token.revoked", "a", details)


def test_its_last_use_is_noted_once_a_minute(call: Call) -> None:
    user = add(call)
    text = call(tokens.create_token, user.id, "nightly", ["devices:read"]).secret
    (unused,) = call(tokens.tokens)
    assert (unused.last_used, unused.last_address) == (None, "")
    call(tokens.verify_token, text, "192.0.2.1")
    (used,) = call(tokens.tokens)
    assert used.last_used is not None
    call(tokens.verify_token, text, "192.0.2.2")
    assert call(tokens.tokens) == [used]
    pass_time(call, timedelta(minutes=2))
    call(tokens.verify_token, text, "192.0.2.2")
    (again,) = call(tokens.tokens)
    assert (again.last_address, again.last_used > used.last_used) == ("192.0.2.2", True)
    assert call(store.get, user.id).revision == user.revision


def test_tokens_are_listed_of_one_user_or_of_all(call: Call) -> None:
    ada, bo = add(call, "ada"), add(call, "bo")
    for user, name in ((ada, "one"), (bo, "two"), (ada, "three")):
        call(tokens.create_token, user.id, name, ["devices:read"])
    assert [each.name for each in call(tokens.tokens)] == ["three", "two", "one"]
    assert [each.name for each in call(tokens.tokens, ada.id)] == ["three", "one"]
    with pytest.raises(UserNotFound):
        call(tokens.tokens, "nobody")


@pytest.mark.parametrize(
    ("name", "scopes", "life", "said"),
    [
        ("", ["devices:read"], TOKEN_LIFE, "name of a token"),
        ("two\nlines", ["devices:read"], TOKEN_LIFE, "name of a token"),
        ("ci", [], TOKEN_LIFE, "has scopes"),
        ("ci", ["devices:fly"], TOKEN_LIFE, "'devices:fly' is no scope"),
        ("ci", ["*"], TOKEN_LIFE, "is no scope"),
        ("ci", ["*:*"], TOKEN_LIFE, "is no scope"),
        ("ci", ["self:write"], TOKEN_LIFE, "is no scope"),
        ("ci", ["devices:read"], timedelta(0), "lasts from a minute"),
        ("ci", ["devices:read"], timedelta(days=36_500), "lasts from a minute"),
    ],
)
def test_what_is_no_token_is_named(
    call: Call, name: str, scopes: list[str], life: timedelta, said: str
) -> None:
    user = add(call, password=None)
    with pytest.raises(TokenNotValid, match=said):
        call(tokens.create_token, user.id, name, scopes, life)
