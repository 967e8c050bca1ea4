"""Templates in a few lines, and a network that is a list of responses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from textwrap import dedent, indent

from rookery.mechanisms.engine import (
    Outcome,
    Request,
    RequestFailed,
    Response,
    Target,
    Template,
    execute,
    load_template,
)

HEAD = "id: a-check\ninfo:\n  name: A check\n  author: someone\n  severity: low\n"
TARGET = "http://127.0.0.1:8080"

Answer = Response | RequestFailed


def template(http: str, top: str = "", *, path: str = "check.yaml") -> Template:
    """A template with these http blocks and top-level keys."""
    return load_template(source(http, top), path=path)


def source(http: str, top: str = "") -> bytes:
    """The YAML of such a template."""
    return f"{HEAD}{dedent(top)}\nhttp:\n{indent(dedent(http), '  ')}".encode()


def operators(lines: str, path: str = "{{BaseURL}}/") -> Template:
    """A template with one GET and these matchers and extractors."""
    return template(f"- method: GET\n  path: ['{path}']\n{indent(dedent(lines), '  ')}")


def matcher(kind: str, lines: str) -> Template:
    """A template with one GET and one matcher."""
    return operators(f"matchers:\n  - type: {kind}\n{indent(dedent(lines), '    ')}")


def ok(body: bytes | str = b"", status: int = 200, **headers: str) -> Response:
    """A response; `content_type=` becomes the header content-type."""
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Response(status, "OK", pairs, body.encode() if isinstance(body, str) else body)


def run(
    check: Template, answers: Iterable[Answer] | Callable[[Request], Answer], url: str = TARGET
) -> tuple[Outcome, list[Request]]:
    """The outcome of an execution, and the requests it asked for."""
    answer = answers if callable(answers) else _in_turn(answers)
    asked: list[Request] = []
    running = execute(check, Target(url))
    try:
        request = next(running)
        while True:
            assert isinstance(request, Request)
            asked.append(request)
            request = running.send(answer(request))
    except StopIteration as finished:
        return finished.value, asked


def _in_turn(answers: Iterable[Answer]) -> Callable[[Request], Answer]:
    remaining = iter(answers)
    return lambda _: next(remaining)


def matches(check: Template, response: Response) -> bool:
    """Whether a template reports anything about one response."""
    return bool(run(check, [response])[0].matches)


def extracted(check: Template, response: Response) -> tuple[str, ...]:
    """What a template takes out of one response."""
    found = run(check, [response])[0].matches
    return found[0].extracted if found else ()
