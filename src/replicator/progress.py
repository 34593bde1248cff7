"""How long work tells how far it is, without knowing who listens: a callable that stages are handed and may leave out."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called at the start of every step of a stage, and once more when the last one is done.

    Examples
    --------
    >>> def show(step: str, done: int, total: int, /, rows: int | None = None) -> None:
    ...     print(f"{step}: {done} of {total}")
    >>> show("Fit LB", 3, 22)
    Fit LB: 3 of 22
    """

    def __call__(self, step: str, done: int, total: int, /, rows: int | None = None) -> None:
        """Say that `done` of `total` steps are behind us.

        Parameters
        ----------
        step : str
            What is being done now, in words for the user; ``""`` at the end.
        done, total : int
            Steps finished and steps altogether, with ``0 <= done <= total``.
        rows : int, optional
            Made by these steps, where rows are made.
        """
        ...


def silent(step: str, done: int, total: int, /, rows: int | None = None) -> None:
    """Show nothing."""


def within(progress: Progress | None, first: int, last: int, total: int) -> Progress:
    """Let the steps of one stage fill a span of a longer bar.

    Parameters
    ----------
    progress : Progress or None
        The listener to the whole; None stands for :func:`silent`.
    first, last, total : int
        The stage moves the whole from `first` to `last` of `total`; its rows are its own.

    Returns
    -------
    Progress
        To be handed to the stage.

    Examples
    --------
    >>> stage = within(lambda step, done, total, rows=None: print(step, done, total), 20, 100, 100)
    >>> stage("Fit LB", 1, 2)
    Fit LB 60 100
    """
    if progress is None:
        return silent

    def inner(step: str, done: int, of: int, /, rows: int | None = None) -> None:
        progress(step, first + (last - first) * done // max(of, 1), total)

    return inner
