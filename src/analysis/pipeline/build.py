"""The engine: runs steps in order, skips those about which nothing has changed, survives being killed.

An engine of our own, because pytask 0.6 keeps its state in the root rather than under build/, trusts
modification times before contents, prints its own session report and needs 1.2 s to see that nothing changed.
It knows files and hashes only; this project's steps are listed in `steps`.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from analysis.data.provenance import sha256
from analysis.errors import AnalysisError
from analysis.pipeline.manifest import (
    Record,
    environment,
    file_hashes,
    has_wildcard,
    matching_files,
    read_manifest,
    write_manifest,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Listener", "Outcome", "Step", "build", "pending"]

STAGE = "build/staging"
LOCK = "build/lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the build.

    Parameters
    ----------
    name : str
        Name of the step, unique in the build.
    inputs : tuple of str
        Files that the step reads: globs relative to the project; "!" in front takes away, and a pattern
        without wildcards names a file that must exist.
    outputs : tuple of str
        Files that the step may write, likewise; those without wildcards it must write.
    action : callable
        Called with the project and an empty directory that mirrors it. What the action writes there is moved
        to its place in the project after the action has returned, one atomic move a file, and not at all if
        it raises.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    action: Callable[[Path, Path], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a step.

    Parameters
    ----------
    name : str
        Name of the step.
    reason : str or None
        Why it was built; None where nothing had changed.
    outputs : tuple of str
        The files that it wrote, now or when it was last built.
    seconds : float
        Time that it took.
    """

    name: str
    reason: str | None
    outputs: tuple[str, ...]
    seconds: float


class Listener(Protocol):
    """Whoever shows the progress of a build."""

    def started(self, name: str, number: int, count: int) -> None:
        """Take note that step `number` of `count` begins."""

    def finished(self, outcome: Outcome, number: int, count: int) -> None:
        """Take note that the step is done."""


def build(
    root: Path,
    steps: Sequence[Step],
    *,
    force: bool = False,
    only: Collection[str] = (),
    listener: Listener | None = None,
) -> list[Outcome]:
    """Run the steps whose inputs, outputs or versions differ from what the manifest records.

    Parameters
    ----------
    root : Path
        The project.
    steps : sequence of Step
        The whole build, in order.
    force : bool
        Run the steps even where nothing has changed.
    only : collection of str
        Names of the steps to look at; all where empty.
    listener : Listener, optional
        Told when each step begins and ends.

    Returns
    -------
    list of Outcome
        One an examined step, in order.

    Raises
    ------
    AnalysisError
        If another build of the project is running, or a step writes what it does not declare. What the
        actions raise is passed on; the steps before stay built and recorded.
    ValueError
        If `only` names a step that the build does not have.
    """
    unknown = sorted(set(only) - {step.name for step in steps})
    if unknown:
        raise ValueError(f"`only` must name steps of the build, but got {', '.join(unknown)}.")
    chosen = [step for step in steps if not only or step.name in only]
    outcomes: list[Outcome] = []
    with _alone(root):
        records = read_manifest(root)
        for number, step in enumerate(chosen, start=1):
            if listener is not None:
                listener.started(step.name, number, len(chosen))
            outcome = _bring_up_to_date(root, step, _before(steps, step), records, force=force)
            outcomes.append(outcome)
            if listener is not None:
                listener.finished(outcome, number, len(chosen))
        if not only:
            _forget_removed_steps(root, steps, records)
    return outcomes


def pending(root: Path, steps: Sequence[Step]) -> list[tuple[Step, str | None]]:
    """Tell which steps a build would run now, without running any.

    Parameters
    ----------
    root : Path
        The project.
    steps : sequence of Step
        The whole build, in order.

    Returns
    -------
    list of (Step, str or None)
        Each step with the reason to build it, None where nothing has changed. A step that is up to date may
        still be run by the next build, if one before it writes something new.
    """
    records = read_manifest(root)
    versions = environment()
    return [
        (step, _reason(root, records.get(step.name), _input_hashes(root, step), versions)) for step in steps
    ]


def _before(steps: Sequence[Step], step: Step) -> list[str]:
    names = [other.name for other in steps]
    return names[: names.index(step.name)]


def _bring_up_to_date(
    root: Path, step: Step, before: Collection[str], records: dict[str, Record], *, force: bool
) -> Outcome:
    """Run one step if it needs it, and record what it did at once."""
    begin = monotonic()
    inputs = _input_hashes(root, step)
    versions = environment()
    reason = _reason(root, records.get(step.name), inputs, versions) or ("forced" if force else None)
    if reason is not None:
        old = records.get(step.name)
        outputs = _run(root, step, {name: records[name] for name in before if name in records})
        records[step.name] = Record(inputs=inputs, outputs=outputs, environment=versions)
        if old is not None:
            _remove_leftovers(root, old.outputs, records)
        write_manifest(root, records)
    return Outcome(
        name=step.name,
        reason=reason,
        outputs=tuple(records[step.name].outputs),
        seconds=monotonic() - begin,
    )


def _run(root: Path, step: Step, before: Mapping[str, Record]) -> dict[str, str]:
    """Run the action in an empty stage and move what it wrote into place; return the hashes of that."""
    stage = root / STAGE
    if stage.exists():
        shutil.rmtree(stage)
    stage.mkdir(parents=True)
    try:
        step.action(root, stage)
        written = sorted(path.relative_to(stage).as_posix() for path in stage.rglob("*") if path.is_file())
        _check_outputs(step, written, before)
        hashes = {name: sha256(stage / name) for name in written}
        for name in written:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (stage / name).replace(root / name)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return hashes


def _check_outputs(step: Step, written: Collection[str], before: Mapping[str, Record]) -> None:
    """Refuse what the step does not declare, what an earlier step owns, and less than was declared."""
    # Only earlier steps can dispute a file: a later one may just have given it up, and is asked next.
    for name in written:
        if not any(fnmatchcase(name, pattern) for pattern in step.outputs):
            raise AnalysisError(
                f"Step {step.name} may write {', '.join(step.outputs) or 'nothing'}, but wrote {name}."
            )
        for other, record in before.items():
            if name in record.outputs:
                raise AnalysisError(
                    f"Steps {other} and {step.name} both write {name}. Give it another name in one of them."
                )
    missing = [name for name in step.outputs if not has_wildcard(name) and name not in written]
    if missing:
        raise AnalysisError(f"Step {step.name} must write {', '.join(missing)}, but did not.")


def _input_hashes(root: Path, step: Step) -> dict[str, str]:
    return file_hashes(root, matching_files(root, step.inputs))


def _reason(
    root: Path, record: Record | None, inputs: Mapping[str, str], versions: Mapping[str, str]
) -> str | None:
    """Say in a few words why the step must be run; None if it need not."""
    if record is None:
        return "never built"
    return (
        _difference("input", record.inputs, inputs)
        or _difference("output", record.outputs, file_hashes(root, record.outputs))
        or _difference("version", record.environment, versions)
    )


def _difference(what: str, before: Mapping[str, str], now: Mapping[str, str]) -> str | None:
    names = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    if not names:
        return None
    how = "new" if names[0] not in before else "removed" if names[0] not in now else "changed"
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{what} {how}: {names[0]}{more}"


def _remove_leftovers(root: Path, files: Mapping[str, str], records: Mapping[str, Record]) -> None:
    """Remove files that were written once and belong to no step now, unless somebody has edited them."""
    owned = {name for record in records.values() for name in record.outputs}
    for name in sorted(files.keys() - owned):
        path = root / name
        if path.is_file() and sha256(path) == files[name]:
            path.unlink()


def _forget_removed_steps(root: Path, steps: Sequence[Step], records: dict[str, Record]) -> None:
    removed = sorted(records.keys() - {step.name for step in steps})
    for name in removed:
        _remove_leftovers(root, records.pop(name).outputs, records)
    if removed:
        write_manifest(root, records)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the lock of the project; the operating system frees it if this process dies."""
    from filelock import FileLock, Timeout

    path = root / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise AnalysisError(
            f"Another build of {root} is running (it holds {LOCK}). Wait until it ends, or stop it."
        ) from None
    try:
        yield
    finally:
        lock.release()
