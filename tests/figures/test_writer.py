import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.parts.drawn import drawn_of
from analysis.figures.style import current, style
from analysis.figures.parts.text import LINE_SPACING, text_width
from analysis.figures.parts.writer import MARGIN, Writer


def page(width=300.0, height=100.0):
    figure = Figure(figsize=(width / 72, height / 72))
    FigureCanvasAgg(figure)
    return figure, Writer(figure, width, height)


@pytest.mark.parametrize("journal", ["default", "plos"])
def test_lines_stand_below_one_another_in_the_size_of_the_style(journal):
    with style(journal):
        figure, writer = page()
        writer.block(["H one", "H two"], x=20.0, top=10.0)
        writer.block(["H right"], x=290.0, top=10.0, align="right", bold=True)
        size = current().body_size
        wide = text_width("H right", bold=True)
    one, two, right = drawn_of(figure).texts
    assert one.size == two.size == right.size == size
    assert one.box[0] == pytest.approx(20, abs=0.01)
    assert one.box[3] - two.box[3] == pytest.approx(size * LINE_SPACING)
    assert right.box[2] == pytest.approx(290, abs=0.1)
    assert right.box[2] - right.box[0] == pytest.approx(wide)
    # The middle of a capital letter is the middle of its line.
    middle = 100 - (one.box[1] + one.box[3]) / 2
    assert middle == pytest.approx(10 + size * LINE_SPACING / 2, abs=0.4)


def test_a_dollar_sign_is_a_dollar_sign():
    figure, writer = page()
    writer.block(["$1$ a $2$"], x=20.0, top=10.0)
    assert [text.text for text in drawn_of(figure).texts] == ["$1$ a $2$"]


def test_the_rule_goes_from_margin_to_margin():
    figure, writer = page()
    writer.rule(30.0)
    (line,) = figure.findobj(Line2D)
    ends = 72 / figure.dpi * line.get_transform().transform(line.get_xydata())
    assert ends.tolist() == [
        [pytest.approx(MARGIN), pytest.approx(70)],
        [pytest.approx(296), pytest.approx(70)],
    ]


@pytest.mark.parametrize(("width", "words"), [(300.0, "MADE UP – by a computer"), (70.0, "MADE UP")])
def test_a_banner_is_shortened_where_the_page_is_narrow(width, words):
    figure, writer = page(width)
    writer.banner("MADE UP – by a computer", 15.0)
    (text,) = drawn_of(figure).texts
    assert text.text == words
    assert MARGIN <= text.box[0] < text.box[2] <= width - MARGIN
