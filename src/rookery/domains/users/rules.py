"""What a user is, what makes a password, and how long things last. Pure."""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta
from enum import StrEnum
from typing import Final

from rookery.domains.users.errors import PasswordTooWeak, UserNotValid

SESSION_IDLE: Final = timedelta(hours=12)
"""How long a session lasts that nobody uses."""
SESSION_LIFE: Final = timedelta(days=7)
"""How long it lasts at most."""
TOKEN_LIFE: Final = timedelta(days=90)
LONGEST_TOKEN_LIFE: Final = timedelta(days=3_660)
SETUP_LIFE: Final = timedelta(minutes=30)
TOUCHED_AFTER: Final = timedelta(minutes=1)
"""How old a note of the last use may be: not every request is worth a write."""
NETWORK_KNOWN_FOR: Final = timedelta(days=90)
RECOVERY_CODES: Final = 10

SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 1_024
LONGEST_EMAIL: Final = 254
LONGEST_TEXT: Final = 200
FEWEST_CHARACTERS: Final = 5
"""Different ones in a password."""
FEWEST_BESIDE_NAME: Final = 6

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,62}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_ROWS = (
    *("1234567890", "0987654321", "qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm"),
    *("abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkjihgfedcba"),
)
_INSTEAD_OF_LETTERS = str.maketrans("@4310$5!7", "aaeiossit")
_GUESSED_FIRST = frozenset(
    [
        "abcabc",
        "access",
        "adminadmin",
        "administrator",
        "adminpassword",
        "asdfasdf",
        "asdfghjkl",
        "baseball",
        "basketball",
        "changeit",
        "changeme",
        "changemenow",
        "changepassword",
        "cisco",
        "ciscocisco",
        "computer",
        "correcthorsebatterystaple",
        "default",
        "defaultpassword",
        "dragon",
        "enable",
        "football",
        "google",
        "hello",
        "helloworld",
        "iloveyou",
        "internet",
        "juniper",
        "letmein",
        "letmeinnow",
        "login",
        "loginlogin",
        "manager",
        "master",
        "michael",
        "mikrotik",
        "monkey",
        "mypassword",
        "network",
        "networkadmin",
        "newpassword",
        "nopassword",
        "nuclei",
        "operator",
        "oxidized",
        "pass",
        "passpass",
        "passphrase",
        "password",
        "passwordpassword",
        "princess",
        "qwerty",
        "qwertyqwerty",
        "qwertyuiop",
        "rancid",
        "rookery",
        "rookeryadmin",
        "root",
        "rootroot",
        "secret",
        "secretsecret",
        "security",
        "shadow",
        "starwars",
        "summer",
        "sunshine",
        "superman",
        "supersecret",
        "support",
        "switch",
        "sysadmin",
        "system",
        "temporary",
        "test",
        "testpassword",
        "testtest",
        "thisisapassword",
        "trustno",
        "ubiquiti",
        "user",
        "username",
        "welcome",
        "welcomewelcome",
        "whatever",
        "winter",
    ]
)
"""Words that are no password, whatever digits and signs stand around them."""


class Role(StrEnum):
    """What somebody is here for; each may do what those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


def role_of(name: str) -> Role:
    """The role of this name. Raises UserNotValid."""
    try:
        return Role(name)
    except ValueError:
        raise UserNotValid(f"role is one of {', '.join(Role)}, not {name[:80]!r}.") from None


def is_name(text: str) -> bool:
    """Whether a user may be called so."""
    return _NAME.fullmatch(text) is not None


def is_email(text: str) -> bool:
    """Whether it looks like an address; only mail to it would tell."""
    return len(text) <= LONGEST_EMAIL and text.isprintable() and _EMAIL.fullmatch(text) is not None


def check_user(username: str, email: str | None) -> None:
    """Raise UserNotValid, which names the part."""
    if not is_name(username):
        raise UserNotValid(f"username {username[:80]!r}: use letters, digits and . _ @ -, at most 63.")
    if email is not None and not is_email(email):
        raise UserNotValid("email is an address, such as ada@example.org, or none.")


def check_password(password: str, username: str, email: str | None) -> None:
    """Raise PasswordTooWeak for one that is short or is guessed first; never tells it."""
    folded, name = normal(password).casefold(), username.casefold()
    if not SHORTEST_PASSWORD <= len(folded) <= LONGEST_PASSWORD:
        raise PasswordTooWeak(
            f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters; several words are easy to "
            "remember."
        )
    beside = len(folded.replace(name, ""))
    if folded == (email or "").casefold() or (name in folded and beside < FEWEST_BESIDE_NAME):
        raise PasswordTooWeak("A password is not the user's name, nor their e-mail address.")
    if _is_guessed_first(folded):
        raise PasswordTooWeak("That password is among those that are guessed first: take another.")


def _is_guessed_first(folded: str) -> bool:
    word = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded).translate(_INSTEAD_OF_LETTERS)
    letters = re.sub(r"[\W\d_]+", "", word)
    is_row = any(folded in row * (len(folded) // len(row) + 2) for row in _ROWS)
    return len(set(folded)) < FEWEST_CHARACTERS or is_row or letters in _GUESSED_FIRST


def normal(password: str) -> str:
    """The same password from every keyboard: é is one character or two, as the system pleases."""
    return unicodedata.normalize("NFKC", password)


def as_bytes(text: str) -> bytes:
    """What somebody has sent, whatever that is: half a surrogate pair is a wrong password, not an error."""
    return text.encode("utf-8", "surrogatepass")


def one_line(text: str) -> str:
    """What a client says of itself, as it can be kept and shown."""
    return "".join(character for character in text[:LONGEST_TEXT] if character.isprintable())
