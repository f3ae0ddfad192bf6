"""Figures to files: PDF, SVG, PNG, the plotted numbers as CSV and the words as JSON, byte for byte the same.

The same figure gives the same bytes in every run and process. Drawing happens elsewhere.
"""

from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from matplotlib.style import context

from analysis.figures.style import EXPORT_SETTINGS, POINTS_PER_INCH

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["FIGURES_VARIABLE", "PNG_DPI", "save_figure"]

FIGURES_VARIABLE = "REANALYSIS_FIGURES_DIR"
PNG_DPI = 300
_NO_PDF_DATES = dict.fromkeys(("CreationDate", "ModDate", "Producer", "Creator"))
_NAME = re.compile(r"[a-z0-9_]+")


def save_figure(
    fig: Figure,
    name: str,
    *,
    source: pd.DataFrame,
    title: str,
    caption: str,
    alt: str,
    directory: Path | str | None = None,
) -> list[Path]:
    """Write a figure with its numbers and its words.

    Parameters
    ----------
    fig : Figure
        What is saved, at its own size.
    name : str
        Name of the files, of small letters, digits and underscores.
    source : DataFrame
        The plotted numbers, one row a mark. Numbers are written with 12 significant digits; the index is
        not written.
    title, caption, alt : str
        Title, caption, and what a reader who cannot see the figure is told. Title and `alt` are also within
        the pictures; in the SVG screen readers find them.
    directory : path, optional
        Where to write; by default the folder that the environment variable ``REANALYSIS_FIGURES_DIR``
        names, or else ``figures`` in the project.

    Returns
    -------
    list of Path
        NAME.pdf, NAME.svg, NAME.png (300 dpi), NAME.csv and NAME.json. Nothing is written unless all five
        can be made, and each replaces its predecessor in one move.

    Raises
    ------
    TypeError
        If the figure or the numbers are of another type.
    ValueError
        If the name is not as above, the figure or the table is empty, or a title, caption or alternative
        text is missing.

    Notes
    -----
    Letters are embedded as TrueType in the PDF. In the SVG they are outlines, so that it looks the same
    where the font is not installed.
    """
    from analysis.data.provenance import project_root, write_atomic

    _check(fig, name, source, {"title": title, "caption": caption, "alt": alt})
    folder = directory if directory is not None else os.environ.get(FIGURES_VARIABLE)
    place = Path(folder) if folder else project_root() / "figures"
    words = {"title": title, "caption": caption, "alt": alt}
    contents = {
        "pdf": _render(fig, "pdf", _NO_PDF_DATES | {"Title": title, "Subject": alt}),
        "svg": _accessible(_render(fig, "svg", {"Date": None, "Creator": None}), name, title=title, alt=alt),
        "png": _render(fig, "png", {"Software": None, "Title": title, "Description": alt}),
        "csv": source.to_csv(index=False, float_format="%.12g", lineterminator="\n").encode("utf-8"),
        "json": (json.dumps(words, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode("utf-8"),
    }
    paths = []
    for suffix, content in contents.items():
        path = place / f"{name}.{suffix}"
        write_atomic(path, content)
        paths.append(path)
    return paths


def _check(fig: Figure, name: str, source: pd.DataFrame, words: dict[str, str]) -> None:
    import pandas as pd
    from matplotlib.figure import Figure as FigureType

    if not isinstance(fig, FigureType):
        raise TypeError(
            f"`fig` must be a Figure, but got {type(fig).__name__}; Axes have one as `ax.figure`."
        )
    if not isinstance(source, pd.DataFrame):
        raise TypeError(
            f"`source` must be a DataFrame of the plotted numbers, but got {type(source).__name__}."
        )
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"`name` must be small letters, digits and underscores, but got {name!r}.")
    if not any(ax.has_data() or ax.texts for ax in fig.axes) and not fig.texts:
        raise ValueError("`fig` must show something, but is empty.")
    if source.empty:
        raise ValueError("`source` must hold the plotted numbers, but is empty.")
    for argument, text in words.items():
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"`{argument}` must be a text, but got {text!r}.")


def _render(fig: Figure, kind: str, metadata: Mapping[str, str | None]) -> bytes:
    stream = io.BytesIO()
    with context(EXPORT_SETTINGS | {"svg.hashsalt": "epi-reanalysis"}):
        fig.savefig(stream, format=kind, dpi=PNG_DPI if kind == "png" else POINTS_PER_INCH, metadata=metadata)
    return stream.getvalue()


def _accessible(svg: bytes, name: str, *, title: str, alt: str) -> bytes:
    """Give the picture the role of an image with a name and a description."""
    text = svg.decode("utf-8")
    start = text.index("<svg ")
    end = text.index(">", start)
    named = f' role="img" aria-labelledby="{name}-title {name}-desc"'
    words = (
        f'\n <title id="{name}-title">{escape(title)}</title>\n <desc id="{name}-desc">{escape(alt)}</desc>'
    )
    return f"{text[:end]}{named}>{words}{text[end + 1 :]}".encode()
