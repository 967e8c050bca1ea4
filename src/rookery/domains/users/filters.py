"""What can be asked of users; documented in docs/reference/filters.md."""

from __future__ import annotations

from rookery.domains.users.models import UserAccount
from rookery.mechanisms.filters.grammar import Field, Vocabulary
from rookery.mechanisms.filters.meaning import Meaning

FIELDS = (
    Field("name", "pattern", "user name; `*` and `?` stand for any characters and any one"),
    Field("email", "pattern", "e-mail address"),
    Field("role", "pattern", "viewer, operator or admin"),
    Field("enabled", "flag", "no: cannot log in, and their tokens are refused"),
    Field("totp", "flag", "yes: asked for a second factor"),
    Field("login", "past", "last login: `login<1d` within a day, `login>90d` not for ninety"),
    Field("created", "past", "when they were added"),
    Field("id", "id", "id of the user, or its beginning"),
)
VOCABULARY = Vocabulary(FIELDS, {"user": "name", "username": "name"})
MEANING = Meaning(
    VOCABULARY,
    {
        "name": UserAccount.username,
        "email": UserAccount.email,
        "role": UserAccount.role,
        "enabled": UserAccount.is_enabled,
        "totp": UserAccount.totp_secret.is_not(None),
        "login": UserAccount.last_login_us,
        "created": UserAccount.created_us,
        "id": UserAccount.id,
    },
    (UserAccount.username, UserAccount.email),
)
