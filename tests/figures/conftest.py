import itertools

import numpy as np
import pytest
from matplotlib.text import Text

from analysis.figures.style import style
from analysis.measures.effect_size import effect_sizes
from analysis.meta.pooling import pool
from analysis.values.counts import TwoByTwo

BCG = {
    "Aronson 1948": (4, 123, 11, 139),
    "Ferguson & Simes 1949": (6, 306, 29, 303),
    "Rosenthal et al 1960": (3, 231, 11, 220),
    "Hart & Sutherland 1977": (62, 13598, 248, 12867),
    "Frimodt-Moller et al 1973": (33, 5069, 47, 5808),
    "Stein & Aronson 1953": (180, 1541, 372, 1451),
    "Vandiviere et al 1973": (8, 2545, 10, 629),
    "TPT Madras 1980": (505, 88391, 499, 88391),
    "Coetzee & Berjak 1968": (29, 7499, 45, 7277),
    "Rosenthal et al 1961": (17, 1716, 65, 1665),
    "Comstock et al 1974": (186, 50634, 141, 27338),
    "Comstock & Webster 1969": (5, 2498, 3, 2341),
    "Comstock et al 1976": (27, 16913, 29, 17854),
}


@pytest.fixture(scope="session")
def bcg_table():
    counts = np.array(list(BCG.values()))
    return TwoByTwo(
        exposed_cases=counts[:, 0],
        exposed_total=counts[:, 1],
        control_cases=counts[:, 2],
        control_total=counts[:, 3],
    )


@pytest.fixture(scope="session")
def bcg(bcg_table):
    return effect_sizes(bcg_table, "RR", label=list(BCG))


@pytest.fixture(scope="session")
def bcg_pooled(bcg):
    return pool(bcg)


def written_texts(figure):
    """Return the texts that a reader sees, with their boxes in points."""
    with style():
        figure.draw_without_rendering()
        renderer = figure.canvas.get_renderer()
        texts = [
            text
            for text in figure.findobj(Text)
            if text.get_text().strip() and text.get_visible() and text.get_gid() != "watermark"
        ]
        texts = [text for text in texts if not _axis_is_off(text)]
        boxes = [
            text.get_window_extent(renderer).transformed(figure.dpi_scale_trans.inverted()) for text in texts
        ]
    return [(text, 72 * box.extents) for text, box in zip(texts, boxes, strict=True)]


def _axis_is_off(text):
    axes = text.axes
    if axes is None:
        return False
    ticks = {id(label) for label in axes.get_yticklabels()} | {
        id(axes.yaxis.label),
        id(axes.yaxis.offsetText),
    }
    if id(text) in ticks:
        return not axes.yaxis.get_visible()
    ticks = {id(label) for label in axes.get_xticklabels()} | {id(axes.xaxis.label)}
    return id(text) in ticks and not axes.axison


@pytest.fixture
def check_texts():
    """Return a check that no text overlaps another, leaves the figure or is smaller than 7 points."""

    def check(figure):
        found = written_texts(figure)
        assert found
        width, height = 72 * figure.get_size_inches()
        for text, (left, bottom, right, top) in found:
            assert left >= 0, text
            assert bottom >= 0, text
            assert right <= width, text
            assert top <= height, text
            assert text.get_fontsize() >= 7, text
            # A dollar sign in a label is a dollar sign.
            assert not text.get_parse_math(), text
        for (one, a), (other, b) in itertools.combinations(found, 2):
            # The boxes hold the room of accents and descenders; half a point of it may be shared.
            apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] + 0.5 or b[3] <= a[1] + 0.5
            assert apart, (one.get_text(), other.get_text())
        return [text.get_text() for text, _ in found]

    return check


@pytest.fixture
def by_gid():
    """Return a search for what is drawn under a name."""
    return lambda ax, gid: [artist for artist in ax.get_children() if artist.get_gid() == gid]
