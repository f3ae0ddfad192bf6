import warnings

import numpy as np
import pytest
from matplotlib.text import Text

from analysis.figures.fonts import FontWarning
from analysis.figures.journals import JOURNALS
from analysis.figures.style import current, house_style, style
from analysis.figures.parts.text import font
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


@pytest.fixture(scope="session", autouse=True)
def settled_fonts():
    """Have the one warning about a missing font here, or it would hit whichever test comes first."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FontWarning)
        for journal in JOURNALS:
            with style(journal):
                font()


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
    with house_style():
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
    """Return a check that no text overlaps another, leaves the figure or is smaller than the style allows."""

    def check(figure):
        found = written_texts(figure)
        assert found
        smallest = current().small_size
        width, height = 72 * figure.get_size_inches()
        for text, (left, bottom, right, top) in found:
            assert left >= 0, text
            assert bottom >= 0, text
            assert right <= width, text
            assert top <= height, text
            assert text.get_fontsize() >= smallest - 1e-9, text
            # A dollar sign in a label is a dollar sign.
            assert not text.get_parse_math(), text
        left, bottom, right, top = np.array([box for _, box in found]).T
        # The boxes hold the room of accents and descenders; half a point of it may be shared.
        beside = (right[:, None] <= left) | (right <= left[:, None])
        over = (top[:, None] <= bottom + 0.5) | (top <= bottom[:, None] + 0.5)
        clash = np.argwhere(np.triu(~(beside | over), 1))
        assert not clash.size, [(found[i][0].get_text(), found[j][0].get_text()) for i, j in clash]
        return [text.get_text() for text, _ in found]

    return check


@pytest.fixture
def check_ticks():
    """Return a check that every panel has three to nine labelled ticks on its x-axis."""

    def check(figure):
        panels = [ax for ax in figure.axes if ax.axison]
        assert panels
        for ax in panels:
            low, high = ax.get_xlim()
            labels = [text for text in ax.get_xticklabels() if text.get_text()]
            assert 3 <= len(labels) <= 9, [text.get_text() for text in labels]
            places = [text.get_position()[0] for text in labels]
            assert all(low * (1 - 1e-6) <= place <= high * (1 + 1e-6) or low < 0 for place in places)
            assert sorted(set(places)) == places

    return check


@pytest.fixture
def by_gid():
    """Return a search for what is drawn under a name."""
    return lambda ax, gid: [artist for artist in ax.get_children() if artist.get_gid() == gid]
