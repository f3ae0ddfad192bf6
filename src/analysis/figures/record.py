"""What belongs to a figure beside the picture: its words and the numbers that it shows.

Each `figure_x` keeps a record of what it drew; `save_figure` writes it beside the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["FigureRecord", "keep_record", "record_of"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FigureRecord:
    """The words of a figure and the numbers behind its marks.

    Parameters
    ----------
    title : str
        What the figure shows, in a few words.
    caption : str
        What stands under it in a paper: what is drawn, by which method, what signs mean.
    alt : str
        What a reader who cannot see the figure is told: the finding, in numbers.
    numbers : DataFrame
        The plotted numbers at full precision, one row a mark.
    """

    title: str
    caption: str
    alt: str
    numbers: pd.DataFrame


_records: WeakKeyDictionary[Figure, FigureRecord] = WeakKeyDictionary()


def keep_record(figure: Figure, record: FigureRecord) -> Figure:
    """Keep the record as long as the figure lives.

    Parameters
    ----------
    figure : Figure
        A finished figure.
    record : FigureRecord
        Its words and numbers.

    Returns
    -------
    Figure
        The same figure.
    """
    _records[figure] = record
    return figure


def record_of(figure: Figure) -> FigureRecord | None:
    """Return the words and the numbers of a figure.

    Parameters
    ----------
    figure : Figure
        One that a `figure_x` function made.

    Returns
    -------
    FigureRecord or None
        None where nothing was kept: of figures that were made in another way.
    """
    return _records.get(figure)
