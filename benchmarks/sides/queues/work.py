"""The task of every side: nothing. Standard library only."""


def nothing(number: int) -> None:
    """Does nothing."""
