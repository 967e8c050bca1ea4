"""Packages with tools, as an installer leaves them: a module and its metadata, in a folder on sys.path."""

from __future__ import annotations

from pathlib import Path


def install(site: Path, name: str, entry: str, source: str) -> None:
    """Put the package `name`, one module of `source`, into a folder; `entry` is its line of entry points."""
    module = entry.partition("=")[2].partition(":")[0].strip()
    (site / f"{module}.py").write_text(source, encoding="utf-8")
    metadata = site / f"{name.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[rookery.tools]\n{entry}\n")
