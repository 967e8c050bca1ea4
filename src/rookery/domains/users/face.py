"""The verbs of users on a Rook: `rook.users.create(…)`, and `await arook.users.create(…)`."""

from __future__ import annotations

from rookery.domains.users import logging_in, second_factor, service, setup, store
from rookery.domains.users import sessions as browsers
from rookery.domains.users import tokens as programs
from rookery.mechanisms.face import Face, RookT, bound


class Users(Face[RookT]):
    """Who may come in, and how they prove who they are."""

    list = bound(store.list_)
    count = bound(store.count)
    get = bound(store.get)
    by_username = bound(store.by_username)
    by_email = bound(store.by_email)
    create = bound(service.create)
    update = bound(service.update)
    update_last_login = bound(service.update_last_login)
    set_password = bound(service.set_password)
    delete = bound(service.delete)
    authenticate = bound(logging_in.authenticate)
    totp_begin = bound(second_factor.totp_begin)
    totp_confirm = bound(second_factor.totp_confirm)
    totp_disable = bound(second_factor.totp_disable)
    sessions = bound(browsers.sessions)
    open_session = bound(browsers.open_session)
    verify_session = bound(browsers.verify_session)
    rotate_session = bound(browsers.rotate_session)
    end_session = bound(browsers.end_session)
    end_sessions = bound(browsers.end_sessions)
    tokens = bound(programs.tokens)
    create_token = bound(programs.create_token)
    revoke_token = bound(programs.revoke_token)
    verify_token = bound(programs.verify_token)
    setup_link = bound(setup.setup_link)
    first_admin = bound(setup.first_admin)
    set_up = bound(setup.set_up)
