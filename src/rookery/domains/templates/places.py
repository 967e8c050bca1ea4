"""Where templates lie: those that ship with Rookery, and those in `data_dir/templates`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from rookery.domains.templates.errors import TemplatesNotFound

SHIPPED = Path(__file__).parent / "shipped"
CHECKS = Path(__file__).parent / "checks"
"""What is looked for in configurations: by scans of stored ones, and by whoever names it."""
FOLDER = "templates"
LONGEST_PATH = 200  # characters shown of one


def installed(data_dir: Path | None) -> tuple[Path, ...]:
    """The folders with the templates that are there without being named; the user's own come first."""
    own = data_dir / FOLDER if data_dir else None
    return (own, SHIPPED) if own and own.is_dir() else (SHIPPED,)


def for_configurations(data_dir: Path | None) -> tuple[Path, ...]:
    """The folders with the templates that stored configurations are looked at with; the user's own first."""
    return (*(folder for folder in installed(data_dir) if folder != SHIPPED), CHECKS)


def find(paths: Iterable[Path], data_dir: Path | None) -> list[Path]:
    """Each path where it lies: as it stands, else inside an installed folder, `http/exposures` for instance.

    TemplatesNotFound for one that is nowhere.
    """
    return [_place_of(path, data_dir) for path in paths]


def _place_of(path: Path, data_dir: Path | None) -> Path:
    for candidate in _candidates(path, data_dir):
        if is_there(candidate):
            # What is allowed of a file goes by the folder it is in: no path may go through one it leaves.
            return candidate.resolve() if ".." in candidate.parts else candidate
    raise TemplatesNotFound(
        f"There is no template file or folder {str(path)[:LONGEST_PATH]}, neither here nor among those "
        "installed. `rookery templates list` shows the ids: --id takes one."
    )


def _candidates(path: Path, data_dir: Path | None) -> Iterator[Path]:
    yield path
    if not path.is_absolute() and ".." not in path.parts:
        yield from (folder / path for folder in (*installed(data_dir), CHECKS.parent))


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder, of whatever kind."""
    try:
        return path.exists()
    except OSError:  # a name that is too long, a folder that may not be entered
        return False
