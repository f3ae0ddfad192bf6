import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from analysis.figures.export import save_figure
from analysis.figures.icon_array import figure_icon_array, plot_icon_array
from analysis.figures.journals import JOURNALS
from analysis.figures.record import record_of
from analysis.figures.style import current, style
from analysis.measures.natural_frequencies import natural_frequencies
from analysis.values.counts import TwoByTwo

TABLE = TwoByTwo(exposed_cases=90, exposed_total=4006, control_cases=114, control_total=20030)
WORDS = {"outcome": "have osteoporosis", "otherwise": "do not"}


def people(ax, kind, group):
    (line,) = [line for line in ax.get_lines() if line.get_gid() == f"people {kind} {group}"]
    return np.column_stack([line.get_xdata(), line.get_ydata()]), line


@pytest.mark.parametrize("out_of", [100, 1000])
def test_there_are_as_many_people_as_counted_and_nobody_twice(out_of):
    frequencies = natural_frequencies([0.31, 0.0, 1.0, 0.025], out_of=out_of)
    ax = plot_icon_array(frequencies)
    for group, count in enumerate(frequencies.count):
        ill, _ = people(ax, "with", group)
        well, _ = people(ax, "without", group)
        assert len(ill) == count
        assert len(ill) + len(well) == out_of
        assert len(np.unique(np.round(np.vstack([ill, well]), 6), axis=0)) == out_of


def test_people_with_the_outcome_come_first_row_by_row():
    ax = plot_icon_array(natural_frequencies([0.23]))
    ill, _ = people(ax, "with", 0)
    well, _ = people(ax, "without", 0)
    order = np.vstack([ill, well])
    np.testing.assert_allclose(order[:, 1], np.repeat(order[::10, 1], 10))
    assert (np.diff(order[::10, 1]) > 0).all()
    assert (np.diff(order[:10, 0]) > 0).all()


def test_the_two_differ_without_colour():
    ax = plot_icon_array(natural_frequencies([0.2]))
    _, ill = people(ax, "with", 0)
    _, well = people(ax, "without", 0)
    assert to_rgb(well.get_markerfacecolor()) == (1, 1, 1)
    # The grey of what is filled is far from white.
    assert np.dot(to_rgb(ill.get_markerfacecolor()), (0.2126, 0.7152, 0.0722)) < 0.6


@pytest.mark.parametrize("journal", JOURNALS)
@pytest.mark.parametrize("column", ["single_mm", "double_mm"])
@pytest.mark.parametrize("out_of", [100, 1000])
def test_it_holds_in_each_journal(journal, column, out_of, check_texts):
    frequencies = natural_frequencies(
        TABLE, label=["Women with ankylosing spondylitis", "Women without"], out_of=out_of
    )
    with style(journal):
        width = getattr(current(), column)
        texts = check_texts(figure_icon_array(frequencies, width_mm=width, **WORDS))
    assert " ".join(texts).count("have osteoporosis") == 2


def test_icons_do_not_touch_each_other_or_the_words():
    figure = figure_icon_array(natural_frequencies([0.3, 0.2, 0.1], out_of=1000), width_mm=84)
    ax = figure.axes[0]
    for group in range(3):
        ill, line = people(ax, "with", group)
        assert np.diff(ill[:5, 0]).min() > line.get_markersize() * 0.5
        well, _ = people(ax, "without", group)
        assert np.diff(np.unique(well[:, 1])).min() > line.get_markersize()


def test_groups_go_below_each_other_where_the_page_is_narrow(check_texts):
    frequencies = natural_frequencies([0.3, 0.2], out_of=1000)
    tops = [
        [people(figure_icon_array(frequencies, width_mm=width).axes[0], "with", g)[0][0, 1] for g in (0, 1)]
        for width in (174, 84)
    ]
    assert tops[0][0] == tops[0][1]
    assert tops[1][0] < tops[1][1]
    check_texts(figure_icon_array(natural_frequencies(np.linspace(0, 1, 12)), width_mm=84, synthetic=True))


def test_what_is_rounded_away_is_not_nobody(check_texts):
    frequencies = natural_frequencies([0.0003, 0.9997, 0.0, 1.0], out_of=100)
    figure = figure_icon_array(frequencies, **WORDS)
    texts = " ".join(check_texts(figure))
    assert "fewer than 1 of 100 have" in texts
    assert "more than 99 of 100 do not" in texts
    assert "more than 99 of 100 have" in texts
    assert "0 of 100 have" in texts
    assert "risk 0.03%" in texts
    assert "risk 100.0%" in texts
    assert "Group 3: 0 of 100 people have osteoporosis, 100 do not (risk 0.0%)" in record_of(figure).alt


@pytest.mark.parametrize("journal", JOURNALS)
def test_axes_of_their_own_hold_all_texts(journal, check_texts):
    with style(journal):
        check_texts(plot_icon_array(natural_frequencies(TABLE), **WORDS).figure)


def test_labels_of_all_kinds(check_texts):
    frequencies = natural_frequencies([0.1, 0.1], label=["$x$ & <y>", "Женщины"])
    texts = check_texts(figure_icon_array(frequencies, note="A note", **WORDS))
    assert {"$x$ & <y>", "Женщины", "A note"} <= set(texts)


def test_words_and_numbers_say_what_is_drawn():
    record = record_of(figure_icon_array(natural_frequencies(TABLE, out_of=1000), people="women", **WORDS))
    assert (
        "Exposed: 22 of 1000 women have osteoporosis, 978 do not (risk 2.2% (95% CI 1.8% to 2.8%))"
        in record.alt
    )
    assert "filled, those who have osteoporosis" in record.caption
    assert record.numbers["count"].tolist() == [22, 6]
    assert record.numbers["count_without"].tolist() == [978, 994]
    assert record.numbers["risk"].tolist() == [90 / 4006, 114 / 20030]


def test_saving_twice_gives_the_same_bytes(tmp_path):
    files = []
    for name in ("one", "two"):
        figure = figure_icon_array(natural_frequencies(TABLE), **WORDS)
        record = record_of(figure)
        words = {"title": record.title, "caption": record.caption, "alt": record.alt}
        files.append(save_figure(figure, "icons", source=record.numbers, directory=tmp_path / name, **words))
    for one, two in zip(*files, strict=True):
        assert one.read_bytes() == two.read_bytes()


def test_wrong_arguments_are_named():
    for draw in (plot_icon_array, figure_icon_array):
        with pytest.raises(
            TypeError, match=r"must be NaturalFrequencies, but got float; natural_frequencies"
        ):
            draw(0.3)
    with pytest.raises(ValueError, match="points wide or more, but has 105. Set a larger `width_mm`"):
        figure_icon_array(natural_frequencies([0.3], out_of=1000), width_mm=40)
    figure = Figure(figsize=(4, 1))
    FigureCanvasAgg(figure)
    ax = figure.add_axes((0, 0, 1, 1))
    with pytest.raises(ValueError, match=r"`ax` must be \d+ points high or more"):
        plot_icon_array(natural_frequencies([0.3]), ax=ax)
    figure.set_size_inches(4, 6)
    assert plot_icon_array(natural_frequencies([0.3]), ax=ax) is ax
