import io
import re

import numpy as np
import pytest
from matplotlib.text import Text

from analysis.figures.parts.page import Column, Row, TooNarrowError, draw_page, lay_out, row_heights
from analysis.figures.parts.page_text import PlacedText
from analysis.figures.style import POINTS_PER_MM, current, house_style, style
from analysis.figures.parts.text import text_width

COLUMNS = [
    Column(heading="Study", wraps=True),
    Column(heading="Events", align="right", group="Arm"),
    Column(heading="Total", align="right", group="Arm"),
    Column(heading="Effect", align="right"),
]
ROWS = [
    Row(cells=("First", "1", "10", "0.10")),
    Row(cells=("Second study", "22", "1000", "22.00")),
    Row(
        cells=("All of them together", "", "", "1.00"),
        bold=True,
        spans=True,
        rule_above=True,
        space_above=4.0,
    ),
]


def texts(figure):
    return {text.get_text(): text for text in figure.texts}


def test_columns_are_as_wide_as_their_text_and_the_panel_takes_the_rest():
    layout = lay_out(COLUMNS, ROWS, width_mm=120, panel_after=3)
    assert layout.right[1] - layout.left[1] == pytest.approx(text_width("Events", bold=True))
    assert layout.right[3] == pytest.approx(120 * POINTS_PER_MM - 4)
    edges = [layout.left[0], layout.right[0], layout.left[1], layout.right[2], *layout.panel, layout.left[3]]
    assert edges == sorted(edges)
    assert layout.panel[1] - layout.panel[0] > 0.25 * layout.width


def test_a_heading_over_columns_stands_in_their_middle_and_widens_them():
    long = [
        Column(heading="Study"),
        *(Column(heading="N", align="right", group="A long name of one arm") for _ in range(2)),
    ]
    rows = [Row(cells=("a", "1", "2"))]
    layout = lay_out(long, rows, width_mm=120, panel_after=3)
    ((lines, first, last),) = layout.groups
    assert (lines, first, last) == (("A long name of one arm",), 1, 2)
    assert layout.right[2] - layout.left[1] >= text_width(lines[0], bold=True) - 0.01
    page = draw_page(layout, long, rows)
    middle = texts(page.figure)["A long name of one arm"].get_position()[0]
    assert middle == pytest.approx((layout.left[1] + layout.right[2]) / 2)


def test_text_stands_at_the_edges_of_its_column(check_texts):
    layout = lay_out(COLUMNS, ROWS, width_mm=100, panel_after=3)
    page = draw_page(layout, COLUMNS, ROWS, notes=["A note."], below=30.0)
    page.axes.set_axis_off()
    check_texts(page.figure)
    found = texts(page.figure)
    assert found["First"].get_position()[0] == pytest.approx(layout.left[0])
    assert found["22.00"].get_position()[0] == pytest.approx(layout.right[3])
    assert found["22.00"].get_horizontalalignment() == "right"
    rules = [artist for artist in page.figure.get_children() if artist.get_gid() == "rule"]
    assert len(rules) == 2


def test_drawn_text_is_where_matplotlib_would_lay_it_out():
    layout = lay_out(COLUMNS, ROWS, width_mm=100, panel_after=3)
    page = draw_page(layout, COLUMNS, ROWS)
    with style():
        page.figure.draw_without_rendering()
        renderer = page.figure.canvas.get_renderer()
        for text in page.figure.texts:
            box = text.get_window_extent(renderer)
            assert box.width * 72 / page.figure.dpi == pytest.approx(text.measured, abs=1.0)


def test_vector_files_have_the_text_where_matplotlib_would_put_it(monkeypatch):
    layout = lay_out(COLUMNS, ROWS, width_mm=100, panel_after=3)

    def places():
        stream = io.StringIO()
        with style():
            draw_page(layout, COLUMNS, ROWS).figure.savefig(stream, format="svg")
        found = re.findall(
            r'<g id="(?:cell|heading)">.*?translate\((\S+) (\S+)\)', stream.getvalue(), re.DOTALL
        )
        return np.array(found, dtype=float)

    quick = places()
    monkeypatch.setattr(PlacedText, "draw", Text.draw)
    assert len(quick) == 15
    np.testing.assert_allclose(quick, places(), atol=0.2)


def test_the_overlay_has_points_across_and_the_rows_of_the_panel():
    layout = lay_out(COLUMNS, ROWS, width_mm=100, panel_after=3)
    page = draw_page(layout, COLUMNS, ROWS)
    overlay = page.overlay()
    assert overlay.get_xlim() == (0.0, layout.width)
    assert overlay.get_ylim() == page.axes.get_ylim()
    left = overlay.transData.transform((layout.panel[0], page.centres[0]))
    inside = page.axes.transData.transform((page.axes.get_xlim()[0], page.centres[0]))
    assert left == pytest.approx(inside)


def test_a_page_that_is_too_narrow_says_which_width_would_do():
    wide = [Row(cells=("a", "1" * 30, "2" * 30, "3" * 30))]
    with pytest.raises(TooNarrowError, match=r"`width_mm` must be about (\d+) or more") as caught:
        lay_out(COLUMNS, wide, width_mm=60, panel_after=3)
    enough = int(str(caught.value).split("about ")[1].split()[0])
    assert lay_out(COLUMNS, wide, width_mm=enough, panel_after=3)


def test_a_long_heading_is_broken_after_a_comma_before_labels_are():
    columns = [Column(heading="Study", wraps=True), Column(heading="Weighted, random, exact", align="right")]
    rows = [Row(cells=("A label of some words", "1.00"))]
    broad = lay_out(columns, rows, width_mm=120, panel_after=1)
    narrow = lay_out(columns, rows, width_mm=76, panel_after=1)
    assert broad.headings[1] == ("Weighted, random, exact",)
    assert len(narrow.headings[1]) > 1
    assert narrow.lines[0][0] == ("A label of some words",)


def test_sizes_follow_the_style_that_is_drawn_with():
    with style("nature"), house_style():
        row = Row(cells=("a",))
        assert row.size == current().body_size
        layout = lay_out([Column(heading="x")], [row], width_mm=80, panel_after=1)
        small = row_heights(layout, [row])
        page = draw_page(layout, [Column(heading="x")], [row])
        assert {text.get_fontsize() for text in page.figure.texts} == {current().body_size}
    usual = row_heights(lay_out([Column(heading="x")], [row], width_mm=80, panel_after=1), [row])
    assert np.array(small) / np.array(usual) == pytest.approx(style_sizes("nature") / style_sizes("default"))


def style_sizes(name):
    with style(name):
        return current().body_size
