"""Sessions: opened, used, rotated and ended, in both worlds and on both databases."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from rookery.domains.users import service, sessions
from rookery.domains.users.errors import SessionNotFound, SessionOver, UserNotFound
from rookery.domains.users.models import UserSession
from rookery.domains.users.rules import SESSION_IDLE, SESSION_LIFE, Role
from tests.conftest import Call
from tests.domains.users.people import add, at_once, audited, everything_stored, pass_time

SECOND = timedelta(seconds=1)


def test_whoever_has_the_secret_is_the_user(call: Call) -> None:
    user = add(call, "ada", "operator")
    made = call(sessions.open_session, user.id, "192.0.2.1", "Browser\x1b[0m 1.0" + "x" * 500)
    principal = call(sessions.verify_session, made.secret)
    assert (principal.user_id, principal.username, principal.role) == (user.id, "ada", Role.OPERATOR)
    assert (principal.session_id, principal.token_id, principal.scopes) == (made.session.id, None, None)
    assert principal.permits("devices:write")
    assert not principal.permits("users:write")
    assert call(sessions.sessions, user.id) == [made.session]
    assert made.session.user_agent.startswith("Browser[0m 1.0x")
    assert len(made.session.user_agent) < 200
    for wrong in ("", made.secret[:-1], made.session.id):
        with pytest.raises(SessionOver):
            call(sessions.verify_session, wrong)


def test_the_secret_is_kept_and_told_nowhere(call: Call, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "rookery")
    made = call(sessions.open_session, add(call).id)
    rotated = call(sessions.rotate_session, made.secret)
    stored = everything_stored(call)
    for secret in (made.secret, rotated.secret):
        assert secret not in stored + caplog.text + repr(made) + repr(rotated)


def test_an_unused_session_ends_after_twelve_hours(call: Call) -> None:
    user = add(call)
    made = call(sessions.open_session, user.id)
    for _ in range(3):
        pass_time(call, SESSION_IDLE - timedelta(minutes=10))
        call(sessions.verify_session, made.secret)
    pass_time(call, SESSION_IDLE + SECOND)
    with pytest.raises(SessionOver):
        call(sessions.verify_session, made.secret)
    with pytest.raises(SessionOver):
        call(sessions.rotate_session, made.secret)
    assert call(sessions.sessions, user.id) == []


def test_a_session_ends_after_seven_days_however_busy_it_is(call: Call) -> None:
    made = call(sessions.open_session, add(call).id)
    spent, step = timedelta(), timedelta(hours=11)
    while spent + step < SESSION_LIFE:
        pass_time(call, step)
        spent += step
        made = call(sessions.rotate_session, made.secret)
    pass_time(call, SESSION_LIFE - spent + SECOND)
    with pytest.raises(SessionOver):
        call(sessions.verify_session, made.secret)


def test_that_it_is_used_is_noted_once_a_minute(call: Call) -> None:
    made = call(sessions.open_session, add(call).id)

    def seen() -> int:
        with call.rook.reading() as session:
            return session.get_one(UserSession, made.session.id).seen_us

    first = seen()
    call(sessions.verify_session, made.secret)
    assert seen() == first
    pass_time(call, timedelta(minutes=2))
    call(sessions.verify_session, made.secret)
    assert seen() > first


def test_a_rotated_session_has_another_secret_and_the_old_one_is_worth_nothing(call: Call) -> None:
    made = call(sessions.open_session, add(call).id)
    rotated = call(sessions.rotate_session, made.secret)
    assert (rotated.session.id, rotated.session.expires) == (made.session.id, made.session.expires)
    assert call(sessions.verify_session, rotated.secret).session_id == made.session.id
    for use in (sessions.verify_session, sessions.rotate_session):
        with pytest.raises(SessionOver):
            call(use, made.secret)
    assert audited(call)[-1][0] == "session.rotated"


def test_of_two_who_rotate_at_once_one_goes_on(call: Call) -> None:
    made = call(sessions.open_session, add(call).id)
    came = at_once(call, *[lambda rook: sessions.rotate_session(rook, made.secret)] * 2)
    assert sorted(type(each).__name__ for each in came) == ["NewSession", "SessionOver"]


def test_sessions_are_ended_one_by_one_or_all_but_one(call: Call) -> None:
    user, other = add(call), add(call, "bo")
    first, second, third = (call(sessions.open_session, user.id) for _ in range(3))
    theirs = call(sessions.open_session, other.id)
    call(sessions.end_session, first.session.id)
    with pytest.raises(SessionNotFound):
        call(sessions.end_session, first.session.id)
    assert call(sessions.end_sessions, user.id, keep=third.session.id) == 1
    for ended in (first, second):
        with pytest.raises(SessionOver):
            call(sessions.verify_session, ended.secret)
    assert call(sessions.sessions, user.id) == [third.session]
    assert call(sessions.end_sessions, user.id) == 1
    assert call(sessions.end_sessions, user.id) == 0
    assert call(sessions.verify_session, theirs.secret).username == "bo"
    counts = [details["count"] for kind, _, details in audited(call) if kind == "sessions.ended"]
    assert counts == [1, 1, 1]


def test_what_has_ended_by_itself_is_cleared_away(call: Call) -> None:
    user = add(call)
    call(sessions.open_session, user.id)
    pass_time(call, SESSION_LIFE + SECOND)
    call(sessions.open_session, user.id)
    with call.rook.reading() as session:
        assert session.query(UserSession).count() == 1


def test_a_role_is_asked_anew_each_time(call: Call) -> None:
    add(call, "root", "admin")
    user = add(call, "ada", "admin")
    call(service.update, user.id, role="viewer")
    made = call(sessions.open_session, user.id)
    assert call(sessions.verify_session, made.secret).role is Role.VIEWER


def test_nobody_has_no_sessions(call: Call) -> None:
    for verb in (sessions.sessions, sessions.open_session, sessions.end_sessions):
        with pytest.raises(UserNotFound):
            call(verb, "nobody")
