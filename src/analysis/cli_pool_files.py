"""What `reanalysis pool --out` writes: the estimates, the words, the forest plot and the table of a paper."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from analysis.errors import AnalysisError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from analysis.meta.pooled_estimate import PooledEstimate
    from analysis.meta.small_study_summary import SmallStudySummary
    from analysis.tables.methods_text import MethodsText
    from analysis.values.counts import Proportion, Rate, TwoByTwo, TwoRates

__all__ = ["JOURNALS", "contents_of", "write_contents"]

# The keys of `analysis.figures.journals.JOURNALS`, named here so that the command line starts fast.
JOURNALS = ("default", "lancet", "bmj", "jama", "nejm", "nature", "plos", "elsevier", "springer")
# Journals whose manner of laying out a forest plot is known.
_LAYOUTS = {"lancet", "bmj", "jama"}
# What stays beside the picture: its numbers are in pooled.csv, its words in pooled.md.
_NOT_WRITTEN = {".csv", ".json"}


def contents_of(
    pooled: PooledEstimate,
    *,
    counts: TwoByTwo | Proportion | Rate | TwoRates | None,
    small_study: SmallStudySummary,
    text: MethodsText,
    notes: tuple[str, ...],
    corrections: tuple[str, ...],
    journal: str,
) -> Mapping[str, bytes]:
    """Return everything that is written by file name, before anything is.

    `corrections`, what was added to empty cells, stands under the figure and the table too.
    """
    from analysis.figures.export import save_figure
    from analysis.figures.forest import figure_forest
    from analysis.figures.style import style
    from analysis.tables.effects_table import effects_table
    from analysis.tables.export import write_table
    from analysis.tables.pooled import pooled_frame, shorten_small_study, stacked, studies_frame

    frame = studies_frame(pooled, counts=counts)
    with TemporaryDirectory() as folder, style(journal):
        try:
            figure = figure_forest(
                pooled.effects,
                pooled=pooled,
                table=counts,
                layout=journal if journal in _LAYOUTS else "default",
                note=" ".join(corrections) or None,
            )
        except ValueError as error:
            raise AnalysisError(f"The forest plot could not be drawn: {error}") from error
        asked = None if journal == "default" else journal
        paths = save_figure(figure, "forest", journal=asked, directory=folder)
        paths += write_table(
            effects_table(pooled, counts=counts, notes=corrections),
            f"{folder}/studies",
            formats=("docx", "tex", "html", "xlsx"),
        )
        made = {path.name: path.read_bytes() for path in paths if path.suffix not in _NOT_WRITTEN}
    remarks = "".join(f"\nNote: {note}\n" for note in notes)
    summary = f"\n## Small-study effects\n\n```\n{shorten_small_study(small_study)}\n```\n"
    together = stacked(frame, pooled_frame(pooled))
    return {
        "pooled.csv": together.to_csv(index=False, lineterminator="\n").encode(),
        "pooled.md": f"{text}{summary}{remarks}".encode(),
        **made,
    }


def write_contents(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write the files, each in one move, and say which."""
    from analysis.data.provenance import write_atomic

    for name, content in contents.items():
        path = folder / name
        try:
            write_atomic(path, content)
        except (OSError, ValueError) as error:
            raise AnalysisError(f"{path} cannot be written: {error}") from error
        click.echo(f"Written: {path}", err=True)
