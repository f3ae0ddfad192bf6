"""Figures to files: PDF, SVG, PNG, EPS, TIFF, the plotted numbers as CSV and the words as JSON, byte-stable.

The same figure gives the same bytes in every run and process. Drawing happens elsewhere.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from matplotlib.style import context

from analysis.figures.parts.flatten import flattened
from analysis.figures.journals import Preset, preset
from analysis.figures.record import FigureRecord, record_of
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
_EPS_COMMENTS = re.compile(rb"^%%(CreationDate|Creator|Title):.*\n", re.MULTILINE)


def save_figure(
    fig: Figure,
    name: str,
    *,
    source: pd.DataFrame | None = None,
    title: str | None = None,
    caption: str | None = None,
    alt: str | None = None,
    journal: str | None = None,
    directory: Path | str | None = None,
) -> list[Path]:
    """Write a figure with its numbers and its words.

    Parameters
    ----------
    fig : Figure
        What is saved, at its own size. Those of the `figure_x` functions bring numbers and words along;
        what is given here takes the place of theirs.
    name : str
        Name of the files, of small letters, digits and underscores.
    source : DataFrame, optional
        The plotted numbers, one row a mark. Numbers are written with 12 significant digits; the index is
        not written.
    title, caption, alt : str, optional
        Title, caption, and what a reader who cannot see the figure is told. Title and `alt` are also within
        the pictures; in the SVG screen readers find them.
    journal : str, optional
        A journal of `analysis.figures.style.style`, whose formats are written too. Draw the figure in its
        style for its sizes, and ask `check_figure` whether it keeps its rules.
    directory : path, optional
        Where to write; by default the folder that the environment variable ``REANALYSIS_FIGURES_DIR``
        names, or else ``figures`` in the project.

    Returns
    -------
    list of Path
        NAME.pdf, NAME.svg, NAME.png (300 dpi), of the journal's formats NAME.eps and NAME.tiff (compressed
        by LZW, without an alpha channel, at the journal's resolution), NAME.csv and NAME.json. Nothing is
        written unless all can be made and the folder takes them; then each replaces its predecessor.

    Raises
    ------
    TypeError
        If the figure or the numbers are of another type.
    ValueError
        If the name is not as above, the figure or the table is empty, a title, caption or alternative text
        is missing and the figure brings none along, the journal is unknown, or an EPS is wanted of half
        transparent marks without an outline that lie on others.
    OSError
        If the folder cannot be written to.

    Notes
    -----
    Letters are embedded as TrueType in PDF and EPS. In the SVG they are outlines, so that it looks the same
    where the font is not installed. EPS knows no transparency: half transparent marks get the colour that
    they have on the background, and those that lie on other marks keep their outline alone.

    Examples
    --------
    >>> import tempfile
    >>> from analysis import TwoByTwo, figure_number_needed_to_treat, number_needed_to_treat
    >>> trial = TwoByTwo(exposed_cases=10, exposed_total=100, control_cases=9, control_total=100)
    >>> fig = figure_number_needed_to_treat(number_needed_to_treat(trial), labels=["A trial"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in save_figure(fig, "trial", directory=folder)]
    ['trial.pdf', 'trial.svg', 'trial.png', 'trial.csv', 'trial.json']
    """
    from analysis.data.provenance import project_root

    rules = None if journal is None else preset(journal)
    _check_figure(fig, name)
    record = _complete(record_of(fig), source=source, title=title, caption=caption, alt=alt)
    folder = directory if directory is not None else os.environ.get(FIGURES_VARIABLE)
    place = Path(folder) if folder else project_root() / "figures"
    return _write_all(place, name, _contents(fig, name, record, rules))


def _contents(fig: Figure, name: str, record: FigureRecord, rules: Preset | None) -> dict[str, bytes]:
    title, alt = record.title, record.alt
    words = {"title": title, "caption": record.caption, "alt": alt}
    contents = {
        "pdf": _render(fig, "pdf", _NO_PDF_DATES | {"Title": title, "Subject": alt}),
        "svg": _accessible(_render(fig, "svg", {"Date": None, "Creator": None}), name, title=title, alt=alt),
        "png": _render(fig, "png", {"Software": None, "Title": title, "Description": alt}, dpi=PNG_DPI),
    }
    if rules is not None and "eps" in rules.formats:
        contents["eps"] = _eps(fig, name)
    if rules is not None and "tiff" in rules.formats:
        contents["tiff"] = _tiff(fig, rules.tiff_dpi)
    table = record.numbers.to_csv(index=False, float_format="%.12g", lineterminator="\n")
    contents["csv"] = table.encode("utf-8")
    contents["json"] = (json.dumps(words, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode(
        "utf-8"
    )
    return contents


def _write_all(place: Path, name: str, contents: Mapping[str, bytes]) -> list[Path]:
    """Write all files or none: into a folder of their own first, and then each to its place in one move."""
    from analysis.data.provenance import write_atomic

    staging = place / f".{name}.{os.getpid()}"
    paths = [place / f"{name}.{suffix}" for suffix in contents]
    try:
        for path, content in zip(paths, contents.values(), strict=True):
            write_atomic(staging / path.name, content)
        for path in paths:
            (staging / path.name).replace(path)
    except OSError as error:
        raise type(error)(
            error.errno,
            f"`directory` must be a folder that files can be written to, but {str(place)!r} is not "
            f"({error.strerror}). Give another one, or set {FIGURES_VARIABLE}",
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return paths


def _check_figure(fig: Figure, name: str) -> None:
    from matplotlib.figure import Figure as FigureType

    if not isinstance(fig, FigureType):
        raise TypeError(
            f"`fig` must be a Figure, but got {type(fig).__name__}; Axes have one as `ax.figure`."
        )
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"`name` must be small letters, digits and underscores, but got {name!r}. A folder is given as "
            "`directory`, and the endings are added."
        )
    if not any(ax.has_data() or ax.texts for ax in fig.axes) and not fig.texts:
        raise ValueError("`fig` must show something, but is empty.")


def _complete(
    record: FigureRecord | None,
    *,
    source: pd.DataFrame | None,
    title: str | None,
    caption: str | None,
    alt: str | None,
) -> FigureRecord:
    """Return what was given, and for the rest what the figure brought along."""
    import pandas as pd

    given = {"source": source, "title": title, "caption": caption, "alt": alt}
    missing = [f"`{argument}`" for argument, value in given.items() if value is None]
    if record is None and missing:
        listed = " and ".join(filter(None, [", ".join(missing[:-1]), missing[-1]]))
        raise ValueError(
            f"{listed} must be given, because `fig` brings no record along; the figures of the `figure_x` "
            "functions do."
        )
    if record is not None:
        given = {
            "source": record.numbers if source is None else source,
            "title": record.title if title is None else title,
            "caption": record.caption if caption is None else caption,
            "alt": record.alt if alt is None else alt,
        }
    numbers = given.pop("source")
    if not isinstance(numbers, pd.DataFrame):
        raise TypeError(
            f"`source` must be a DataFrame of the plotted numbers, but got {type(numbers).__name__}."
        )
    if numbers.empty:
        raise ValueError("`source` must hold the plotted numbers, but is empty.")
    words: dict[str, str] = {}
    for argument, text in given.items():
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"`{argument}` must be a text, but got {text!r}.")
        words[argument] = text
    return FigureRecord(numbers=numbers, title=words["title"], caption=words["caption"], alt=words["alt"])


def _render(
    fig: Figure, kind: str, metadata: Mapping[str, str | None] | None, *, dpi: float = POINTS_PER_INCH
) -> bytes:
    stream = io.BytesIO()
    with context(EXPORT_SETTINGS | {"svg.hashsalt": "epi-reanalysis"}):
        fig.savefig(stream, format=kind, dpi=dpi, metadata=metadata)
    return stream.getvalue()


def _eps(fig: Figure, name: str) -> bytes:
    with flattened(fig):
        content = _render(fig, "eps", None)
    # The day and the program would differ from run to run; the title would be that of a nameless stream.
    head, mark, rest = content.partition(b"%%EndComments")
    first, _, comments = head.partition(b"\n")
    title = f"%%Title: {name}\n".encode("ascii")
    return first + b"\n" + title + _EPS_COMMENTS.sub(b"", comments) + mark + rest


def _tiff(fig: Figure, dpi: float) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    with Image.open(io.BytesIO(_render(fig, "png", {"Software": None}, dpi=dpi))) as picture:
        # The face of the figure is white, so that nothing shines through and no alpha channel is needed.
        picture.convert("RGB").save(stream, format="TIFF", compression="tiff_lzw", dpi=(dpi, dpi))
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
