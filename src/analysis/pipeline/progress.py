"""What a person sees of a running build: a bar on a terminal, one line a step in a log, or nothing.

Shows what the engine tells it; decides nothing.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress, TaskID

    from analysis.pipeline.build import Listener, Outcome

__all__ = ["show_progress"]


class _Lines:
    """One line a step, begun when the step begins, so that a log shows which step hangs."""

    def __init__(self) -> None:
        self.line_is_open = False

    def started(self, name: str, number: int, count: int) -> None:
        click.echo(f"[{number}/{count}] {name}: ", nl=False, err=True)
        self.line_is_open = True

    def finished(self, outcome: Outcome, number: int, count: int) -> None:  # noqa: ARG002  # the listener's form
        click.echo(_result(outcome), err=True)
        self.line_is_open = False


class _Bar:
    """A bar with the name of the current step; finished steps scroll away above it."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.task: TaskID | None = None

    def started(self, name: str, number: int, count: int) -> None:
        if self.task is None:
            self.task = self.progress.add_task(name, total=count)
        self.progress.update(self.task, description=f"step {number} of {count}: {name}")

    def finished(self, outcome: Outcome, number: int, count: int) -> None:
        if self.task is None:
            raise RuntimeError("A step must begin before it ends.")
        self.progress.console.print(
            f"[{number}/{count}] {outcome.name}: {_result(outcome)}",
            style="dim" if outcome.reason is None else "",
            markup=False,
            highlight=False,
        )
        self.progress.advance(self.task)


def _result(outcome: Outcome) -> str:
    if outcome.reason is None:
        return "unchanged"
    return f"built in {outcome.seconds:.1f} s ({outcome.reason})"


@contextmanager
def show_progress(*, quiet: bool = False) -> Iterator[Listener | None]:
    """Show the progress of a build on standard error.

    Parameters
    ----------
    quiet : bool
        Show nothing.

    Yields
    ------
    Listener or None
        What to hand to `build`.
    """
    if quiet:
        yield None
        return
    if not sys.stderr.isatty():
        lines = _Lines()
        try:
            yield lines
        finally:
            if lines.line_is_open:
                click.echo("stopped", err=True)
        return

    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    columns: tuple[ProgressColumn, ...] = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield _Bar(progress)
