"""`rookery`, and `python -m rookery`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and return its exit status."""
    if sys.argv[1:] == ["--version"]:  # before anything is imported that it does not need
        from rookery import __version__

        print(f"rookery {__version__}")  # noqa: T201
        return 0
    try:
        return _run()
    except KeyboardInterrupt:  # before run() could say so
        return 130


def _run() -> int:
    from rookery.faces.cli.run import run
    from rookery.faces.cli.signals import hear_nothing_more, hear_sigterm

    hear_sigterm()
    try:
        return run(sys.argv[1:])
    finally:
        hear_nothing_more()


if __name__ == "__main__":
    sys.exit(main())
