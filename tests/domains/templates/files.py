"""Template files for tests."""

from __future__ import annotations

from pathlib import Path


def write(folder: Path, name: str, data: bytes | str) -> Path:
    """A file in a folder, which is made with its parents."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def check(severity: str = "low", tags: str = "a", template_id: str = "a-check", name: str = "n") -> str:
    """A template that asks for the front page."""
    return (
        f"id: {template_id}\ninfo: {{name: '{name}', author: x, severity: {severity}, tags: '{tags}'}}\n"
        "http: [{path: ['{{BaseURL}}/'], matchers: [{type: word, words: [hello]}]}]\n"
    )
