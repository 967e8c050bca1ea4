"""Who is let in, who is not, and how long they have to wait."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import update

from rookery.base.clock import now
from rookery.domains.backups.resealing import rotate_out
from rookery.domains.credentials import service as credentials
from rookery.domains.users import logging_in, second_factor, service, sessions, store, tokens
from rookery.domains.users.document import User
from rookery.domains.users.errors import (
    LoginRefused,
    SessionOver,
    TokenRefused,
    TooManyAttempts,
    TotpNeeded,
    TotpNotValid,
    UserNotFound,
)
from rookery.domains.users.models import LoginThrottle, UserAccount
from rookery.domains.users.passwords import AT_ONCE, HASHER
from rookery.domains.users.throttling import FORGOTTEN_AFTER, FREE, LONGEST_WAIT
from tests.conftest import Call
from tests.domains.users.people import (
    PASSWORD,
    add,
    at_once,
    audited,
    everything_stored,
    pass_time,
    with_totp,
)

WRONG = "incorrect battery 43"
MANY = FREE + 10
HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"


def fail(call: Call, name: str = "ada", address: str | None = None, times: int = FREE) -> None:
    for _ in range(times):
        with pytest.raises(LoginRefused):
            call(logging_in.authenticate, name, WRONG, address=address)


def guess_long(call: Call, name: str = "ada", address: str | None = None) -> None:
    """Fail so often that the next attempt has to wait for minutes."""
    fail(call, name, address, times=1)
    with call.rook.transaction() as session:
        session.execute(update(LoginThrottle).where(LoginThrottle.failures > 0).values(failures=MANY))
    fail(call, name, address, times=1)


def has_to_wait(call: Call, name: str = "ada", address: str | None = None) -> bool:
    """Whether not even the right password is looked at."""
    try:
        call(logging_in.authenticate, name, PASSWORD, address=address)
    except TooManyAttempts as refused:
        return 0 < refused.retry_after <= LONGEST_WAIT
    return False


def test_the_right_password_lets_in_and_is_noted(call: Call) -> None:
    made = add(call)
    user = call(logging_in.authenticate, "ADA", PASSWORD, address=HOME)
    assert user.id == made.id
    assert user.last_login is not None
    details = {"address": HOME, "factor": "", "user_id": user.id}
    assert audited(call)[-1] == ("login.succeeded", "ada", details)


def test_the_same_password_may_come_from_another_keyboard(call: Call) -> None:
    add(call, password="caf\u00e9 au lait 42")
    assert call(logging_in.authenticate, "ada", "cafe\u0301 au lait 42").username == "ada"


def test_whatever_is_wrong_the_answer_is_the_same(call: Call) -> None:
    add(call)
    off = add(call, "off")
    call(service.update, off.id, enabled=False)
    add(call, "bot", password=None)
    attempts = [("ada", WRONG), ("nobody", PASSWORD), ("off", PASSWORD), ("bot", PASSWORD), ("x" * 500, "")]
    said = set()
    for name, password in attempts:
        with pytest.raises(LoginRefused) as refused:
            call(logging_in.authenticate, name, password)
        said.add(str(refused.value))
    assert said == {"User name, password or code is wrong."}
    reasons = [(who, details["reason"]) for kind, who, details in audited(call) if kind == "login.failed"]
    assert reasons == [
        ("ada", "wrong password"),
        ("nobody", "unknown user"),
        ("off", "disabled"),
        ("bot", "wrong password"),
        ("nobody", "unknown user"),
    ]


def test_a_password_typed_as_a_name_is_kept_nowhere(call: Call, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "rookery")
    add(call)
    with pytest.raises(LoginRefused):
        call(logging_in.authenticate, "my secret of 44", "ada", address=HOME)
    fail(call, times=1)
    stored = everything_stored(call)
    for secret in ("my secret of 44", PASSWORD, WRONG):
        assert secret not in stored
        assert secret not in caplog.text


@pytest.mark.parametrize("text", ["\0", "\ud800", "ada\0", "'; --", "x" * 100_000, ""])
def test_what_no_keyboard_types_is_wrong_and_no_failure_of_ours(call: Call, text: str) -> None:
    with_totp(call, add(call))
    for name, password, code in ((text, PASSWORD, None), ("ada", text, None), ("ada", PASSWORD, text or "x")):
        with pytest.raises(LoginRefused):
            call(logging_in.authenticate, name, password, totp=code, address=text)
    with pytest.raises(UserNotFound):
        call(store.by_username, text)
    with pytest.raises(UserNotFound):
        call(store.by_email, text)
    with pytest.raises(SessionOver):
        call(sessions.verify_session, text)
    with pytest.raises(TokenRefused):
        call(tokens.verify_token, text)


def test_five_failures_are_free_and_then_waits_double(call: Call) -> None:
    add(call)
    fail(call, times=FREE + 1)
    for wait in (1, 2, 4):
        pass_time(call, timedelta(seconds=wait))
        fail(call, times=1)
    waits = [details["wait"] for kind, _, details in audited(call) if kind == "login.failed"]
    assert waits == [0, 0, 0, 0, 0, 1, 2, 4, 8]


def test_no_wait_is_longer_than_five_minutes_and_nobody_is_locked_out(call: Call) -> None:
    add(call)
    guess_long(call)
    assert has_to_wait(call)
    pass_time(call, timedelta(seconds=LONGEST_WAIT + 1))
    assert not has_to_wait(call)
    fail(call)
    assert not has_to_wait(call)


def test_an_hour_without_failures_forgets_those_before(call: Call) -> None:
    add(call)
    guess_long(call, address=HOME)
    pass_time(call, FORGOTTEN_AFTER + timedelta(seconds=1))
    fail(call, address=HOME)
    assert not has_to_wait(call, address=HOME)


def test_what_is_forgotten_is_cleared_away(call: Call) -> None:
    for number in range(3):
        fail(call, f"user{number}", HOME, times=1)
    pass_time(call, FORGOTTEN_AFTER + timedelta(seconds=1))
    fail(call, "another", times=1)
    with call.rook.reading() as session:
        assert session.query(LoginThrottle).count() == 1


def test_a_clock_that_was_put_back_keeps_nobody_out(call: Call) -> None:
    add(call)
    guess_long(call)
    pass_time(call, -timedelta(days=1))
    assert not has_to_wait(call)


def test_unknown_names_have_to_wait_like_known_ones(call: Call) -> None:
    guess_long(call, "nobody")
    assert has_to_wait(call, "NOBODY")


@pytest.mark.parametrize(
    ("guesser", "neighbour"), [(ELSEWHERE, ELSEWHERE), ("2001:db8::1", "2001:db8::ffff:2")]
)
def test_an_address_has_to_wait_whichever_account_it_tries(call: Call, guesser: str, neighbour: str) -> None:
    add(call)
    guess_long(call, "somebody", guesser)
    assert has_to_wait(call, "ada", neighbour)
    assert not has_to_wait(call, "ada", HOME)


def test_who_logs_in_from_where_they_did_before_is_not_kept_out_by_others(call: Call) -> None:
    add(call)
    call(logging_in.authenticate, "ada", PASSWORD, address=HOME)
    guess_long(call, address=ELSEWHERE)
    assert has_to_wait(call, address=ELSEWHERE)
    assert has_to_wait(call, address="203.0.113.9")
    assert not has_to_wait(call, address=HOME)
    assert has_to_wait(call, address=ELSEWHERE)
    guess_long(call, address=HOME)
    assert has_to_wait(call, address=HOME)


def test_a_place_is_known_for_ninety_days(call: Call) -> None:
    add(call)
    call(logging_in.authenticate, "ada", PASSWORD, address=HOME)
    pass_time(call, timedelta(days=91))
    guess_long(call, address=ELSEWHERE)
    assert has_to_wait(call, address=HOME)


def test_a_login_of_ones_own_does_not_clear_ones_address(call: Call) -> None:
    add(call, "mallory")
    add(call, "ada")
    guess_long(call, "somebody", ELSEWHERE)
    pass_time(call, timedelta(seconds=LONGEST_WAIT + 1))
    assert not has_to_wait(call, "mallory", ELSEWHERE)
    fail(call, "ada", ELSEWHERE, times=1)
    assert has_to_wait(call, "ada", ELSEWHERE)


def test_guesses_at_once_are_no_more_than_guesses_in_a_row(call: Call) -> None:
    add(call)
    guess_long(call, address=HOME)
    pass_time(call, timedelta(seconds=LONGEST_WAIT + 1))
    guesses = [lambda rook: logging_in.authenticate(rook, "ada", WRONG, address=HOME)] * 12
    came = [type(each) for each in at_once(call, *guesses)]
    assert sorted(came, key=str) == [LoginRefused, *[TooManyAttempts] * 11]


def test_passwords_have_two_threads_of_their_own_however_many_come(call: Call) -> None:
    add(call)
    logins = [lambda rook: logging_in.authenticate(rook, "ada", PASSWORD)] * FREE
    assert {type(each) for each in at_once(call, *logins)} == {User}
    hands = [each for each in threading.enumerate() if each.name.startswith("rookery-password")]
    assert 1 <= len(hands) <= AT_ONCE == 2


def test_a_hash_of_before_is_renewed_at_the_next_login(call: Call) -> None:
    user = add(call)
    with call.rook.transaction() as session:
        row = session.get_one(UserAccount, user.id)
        row.password_hash = PasswordHasher(memory_cost=8, time_cost=1, parallelism=1).hash(PASSWORD)
    call(logging_in.authenticate, "ada", PASSWORD)
    with call.rook.reading() as session:
        renewed = session.get_one(UserAccount, user.id).password_hash or ""
    assert not HASHER.check_needs_rehash(renewed)
    assert call(logging_in.authenticate, "ada", PASSWORD)


# --- second factors


def test_a_second_factor_is_asked_for_once_it_was_confirmed(call: Call) -> None:
    user = add(call)
    secret = call(second_factor.totp_begin, user.id)
    assert secret.uri.startswith("otpauth://totp/Rookery:ada?secret=")
    assert secret.secret not in repr(secret)
    assert not call(store.get, user.id).has_totp
    assert call(logging_in.authenticate, "ada", PASSWORD)
    with pytest.raises(TotpNotValid):
        call(second_factor.totp_confirm, user.id, "not a code")
    app, codes = with_totp(call, user)
    assert call(store.get, user.id).has_totp
    assert len(set(codes)) == 10
    with pytest.raises(TotpNotValid, match="nothing to confirm"):
        call(second_factor.totp_confirm, user.id, app.at(now()))
    with pytest.raises(TotpNeeded):
        call(logging_in.authenticate, "ada", PASSWORD)
    with pytest.raises(LoginRefused):
        call(logging_in.authenticate, "ada", PASSWORD, totp="12345x")
    assert call(logging_in.authenticate, "ada", PASSWORD, totp=app.at(now())).username == "ada"
    assert audited(call)[-1][2]["factor"] == "totp"
    stored = everything_stored(call)
    assert not [secret for secret in (app.secret, *codes) if secret in stored]


def test_whether_the_password_is_right_is_not_told_by_the_question_for_a_code(call: Call) -> None:
    with_totp(call, add(call))
    with pytest.raises(LoginRefused):
        call(logging_in.authenticate, "ada", WRONG)
    with pytest.raises(TotpNeeded):
        call(logging_in.authenticate, "ada", PASSWORD, totp="")
    assert audited(call)[-1][0] == "second_factor.asked"


def test_a_code_is_taken_once(call: Call) -> None:
    app, _ = with_totp(call, add(call))
    code = app.at(now())
    came = at_once(call, *[lambda rook: logging_in.authenticate(rook, "ada", PASSWORD, totp=code)] * 2)
    assert sorted(type(each).__name__ for each in came) == ["LoginRefused", "User"]
    with pytest.raises(LoginRefused):
        call(logging_in.authenticate, "ada", PASSWORD, totp=code)
    earlier = app.at(now() - timedelta(seconds=30))
    with pytest.raises(LoginRefused):
        call(logging_in.authenticate, "ada", PASSWORD, totp=earlier)


def test_the_code_that_confirmed_does_not_let_in(call: Call) -> None:
    user = add(call)
    app = pyotp.TOTP(call(second_factor.totp_begin, user.id).secret)
    code = app.at(now())
    call(second_factor.totp_confirm, user.id, code)
    with pytest.raises(LoginRefused):
        call(logging_in.authenticate, "ada", PASSWORD, totp=code)
    upcoming = app.at(now() + timedelta(seconds=30))
    assert call(logging_in.authenticate, "ada", PASSWORD, totp=upcoming)


def test_codes_of_other_times_are_refused(call: Call) -> None:
    app, _ = with_totp(call, add(call))
    for minutes in (-2, 2):
        with pytest.raises(LoginRefused):
            call(logging_in.authenticate, "ada", PASSWORD, totp=app.at(now() + timedelta(minutes=minutes)))


def test_guessing_codes_is_slowed_down_and_the_password_alone_does_not_help(call: Call) -> None:
    with_totp(call, add(call))
    guess_long(call)
    pass_time(call, timedelta(seconds=LONGEST_WAIT + 1))
    with pytest.raises(TotpNeeded):
        call(logging_in.authenticate, "ada", PASSWORD)
    with pytest.raises(LoginRefused):
        call(logging_in.authenticate, "ada", PASSWORD, totp="no code")
    assert has_to_wait(call)


def test_a_recovery_code_stands_for_a_code_once(call: Call) -> None:
    _, codes = with_totp(call, add(call))
    assert call(logging_in.authenticate, "ada", PASSWORD, totp=codes[3].upper().replace("-", " "))
    assert audited(call)[-1][2]["factor"] == "recovery code"
    with pytest.raises(LoginRefused):
        call(logging_in.authenticate, "ada", PASSWORD, totp=codes[3])
    assert call(logging_in.authenticate, "ada", PASSWORD, totp=codes[4])


def test_a_second_factor_is_replaced_and_given_up(call: Call) -> None:
    user = add(call)
    old, old_codes = with_totp(call, user)
    new, codes = with_totp(call, user)
    for gone in (old.at(now()), old_codes[0]):
        with pytest.raises(LoginRefused):
            call(logging_in.authenticate, "ada", PASSWORD, totp=gone)
    assert call(logging_in.authenticate, "ada", PASSWORD, totp=new.at(now()))
    call(second_factor.totp_disable, user.id)
    call(second_factor.totp_disable, user.id)
    assert call(logging_in.authenticate, "ada", PASSWORD).has_totp is False
    assert [kind for kind, _, _ in audited(call)].count("totp.disabled") == 1
    assert codes[0] not in everything_stored(call)


def test_another_key_of_the_vault_opens_second_factors(call: Call) -> None:
    app, _ = with_totp(call, add(call))
    call(second_factor.totp_begin, add(call, "bo").id)
    call(credentials.rotate_key)
    assert call(rotate_out) == 1
    assert call(second_factor.reseal) == 0
    assert call(logging_in.authenticate, "ada", PASSWORD, totp=app.at(now()))
    assert ("totp_secrets.resealed", "2", {}) in audited(call)
