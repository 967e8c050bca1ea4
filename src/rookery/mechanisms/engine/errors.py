"""What the engine says no to. Every message is one line and names the file, and the line where it knows it.

Invalid
├── TemplateError            not a template: broken YAML, a wrong type, an unknown key, a bad expression
├── UnsupportedTemplate      a sound template that asks for something that is not run; `reason` says what
│   └── MissingFile          … or for a payload file that it cannot have
└── DslError                 an expression cannot be parsed, or failed on the values it met
FatalError
└── CheckBroken              a fault of the engine itself, which costs the one check it happened in
"""

from __future__ import annotations

from rookery.base.errors import FatalError, Invalid

LONGEST_MESSAGE = 400  # characters; a template can put anything into an error


def one_line(text: str) -> str:
    """The text with control characters shown rather than obeyed, and cut to a readable length."""
    plain = text
    if not text.isprintable():
        plain = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    return plain if len(plain) <= LONGEST_MESSAGE else plain[:LONGEST_MESSAGE] + "…"


class TemplateError(Invalid):
    """The file is not a valid template."""

    def __init__(self, reason: str, *, path: str = "", line: int | None = None) -> None:
        self.reason, self.path, self.line = one_line(reason), path, line
        place = ":".join(one_line(str(part)) for part in (path, line) if part)
        super().__init__(f"{place}: {self.reason}" if place else self.reason)


class UnsupportedTemplate(Invalid):
    """The template asks for something Rookery does not run."""

    def __init__(self, reason: str, *, path: str = "") -> None:
        self.reason, self.path = one_line(reason), path
        super().__init__(f"{one_line(path)}: {self.reason}" if path else self.reason)


class MissingFile(UnsupportedTemplate):
    """The template takes payloads from a file that it may not or cannot be given."""


class DslError(Invalid):
    """The expression cannot be evaluated."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class CheckBroken(FatalError):
    """A check broke off by a fault of Rookery's; the others go on. Please report it, with the template."""

    def __init__(self, template_id: str, error: Exception) -> None:
        said = one_line(f"{type(error).__name__}: {error}")
        super().__init__(f"{template_id} broke off, by a fault of Rookery's ({said}): please report it")


class UnknownFunction(DslError):
    """The expression calls a function that does not exist here."""


class RefusedFunction(UnknownFunction):
    """The expression calls a function of nuclei that is not run here; the message says why."""
