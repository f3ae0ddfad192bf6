import time

import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.figures.export import save_figure
from analysis.figures.journals import JOURNALS
from analysis.figures.record import record_of
from analysis.figures.specification_curve import figure_specification_curve, plot_specification_curve
from analysis.figures.style import style
from analysis.meta.multiverse import multiverse
from analysis.values.counts import TwoByTwo
from analysis.values.estimate import EffectSizes

DEFAULT = {
    "include": "all",
    "measure": "RR",
    "model": "random",
    "tau2_method": "REML",
    "ci_method": "hartung-knapp-adhoc",
}


@pytest.fixture(scope="module")
def result(bcg_table):
    return multiverse(
        bcg_table,
        include={
            "all": [True] * 13,
            "large": lambda table: table.exposed_total > 1000,
            "later": [False] * 3 + [True] * 2 + [False] + [True] * 7,
        },
        measures=["OR", "RR"],
        tau2=["DL", "REML", "PM"],
        ci=["wald", "hartung-knapp-adhoc", "t"],
        models=["random", "common", "mantel-haenszel"],
    )


@pytest.fixture(scope="module")
def large(bcg_table):
    rng = np.random.default_rng(0)
    return multiverse(
        bcg_table,
        include={f"rule {i}": rng.random(13) < 0.7 for i in range(40)},
        measures=["OR", "RR"],
        corrections=["only-zero", "all"],
        tau2=["DL", "REML", "PM", "SJ", "HE", "HS", "ML"],
        ci=["wald", "t", "hartung-knapp-adhoc", "hartung-knapp"],
        models=["random", "common"],
    )


def _points(ax, by_gid):
    words = ("below", "includes", "above", "none")
    return {
        word: [tuple(xy) for line in by_gid(ax, f"estimates {word}") for xy in line.get_xydata()]
        for word in words
    }


def test_estimates_are_sorted_and_at_their_place(result, by_gid):
    ax = plot_specification_curve(result)
    frame = result.to_frame()
    order = np.argsort(result.fits.mean, kind="stable")
    expected = frame["estimate"].to_numpy()[order]
    points = _points(ax, by_gid)
    drawn = dict(xy for found in points.values() for xy in found)
    assert [drawn[rank] for rank in range(1, len(expected) + 1)] == pytest.approx(list(expected))
    for word, found in points.items():
        ranks = [int(rank) - 1 for rank, _ in found]
        assert {frame["conclusion"].to_numpy()[order][rank] for rank in ranks} <= {word}
    (lines,) = by_gid(ax, "intervals")
    segments = lines.get_path().vertices.reshape(-1, 2, 2)
    low, high = (frame[name].to_numpy()[order] for name in ("low", "high"))
    bottom, top = ax.get_ylim()
    assert segments[:, 0, 1] == pytest.approx(np.maximum(low, bottom))
    assert segments[:, 1, 1] == pytest.approx(np.minimum(high, top))
    assert segments[:, 0, 0].tolist() == list(range(1, len(expected) + 1))
    assert ax.get_yscale() == "log"
    assert by_gid(ax, "null line")[0].get_ydata()[0] == 1


def test_conclusions_differ_in_more_than_colour(result, by_gid):
    ax = plot_specification_curve(result)
    signs = {
        gid: (line.get_marker(), line.get_markerfacecolor() == "white")
        for gid in ("estimates below", "estimates includes")
        for line in by_gid(ax, gid)
    }
    assert len(signs) == len(set(signs.values())) == 2


def test_the_default_is_marked_in_both_panels(result, by_gid):
    figure = figure_specification_curve(result, default=DEFAULT)
    ax, matrix = figure.axes[0], figure.axes[1]
    (mark,) = by_gid(ax, "default")
    found = [
        i
        for i, one in enumerate(result.specifications)
        if all(getattr(one, name) == option for name, option in DEFAULT.items())
    ]
    rank = np.flatnonzero(np.argsort(result.fits.mean, kind="stable") == found[0])[0] + 1
    assert mark.get_xdata()[0] == rank
    assert mark.get_ydata()[0] == pytest.approx(np.exp(result.fits.mean[found[0]]))
    for axes in (ax, matrix):
        (line,) = by_gid(axes, "default line")
        assert line.get_xdata()[0] == rank
    by_name = figure_specification_curve(result, default=result.specifications[found[0]])
    assert by_gid(by_name.axes[0], "default")[0].get_xdata()[0] == rank


def test_the_matrix_holds_the_choices(result, by_gid):
    figure = figure_specification_curve(result)
    matrix = figure.axes[1]
    rows = sorted(
        (
            (text.get_position()[1], text.get_text(), text.get_weight())
            for text in figure.texts
            if text.get_gid() == "choice"
        ),
        reverse=True,
    )
    names = [name for _, name, _ in rows]
    assert names[:3] == ["Studies", "all", "large"]
    (marks,) = by_gid(matrix, "choices")
    drawn = {(int(segment[0, 0]), int(np.floor(segment[0, 1]))) for segment in marks.get_segments()}
    order = np.argsort(result.fits.mean, kind="stable")
    for option, choice in (
        ("large", "include"),
        ("RR", "measure"),
        ("REML", "tau2_method"),
        ("t", "ci_method"),
    ):
        row = names.index(option)
        expected = {
            rank + 1 for rank, i in enumerate(order) if getattr(result.specifications[i], choice) == option
        }
        assert {rank for rank, number in drawn if number == row} == expected
    # A common effect has no estimator of tau2, and none is listed.
    assert names.count("None") == 1
    assert names.index("None") == names.index("Empty cells") + 2


def test_shares_are_told(result, check_texts):
    texts = check_texts(figure_specification_curve(result, default=DEFAULT))
    counts = {word: result.conclusion.count(word) for word in ("below", "includes")}
    total = sum(counts.values())
    assert f"Below 1: {counts['below']} ({100 * counts['below'] / total:.0f}%)" in texts
    record = record_of(figure_specification_curve(result, default=DEFAULT))
    assert f"Below 1: {counts['below']}" in record.alt
    assert "Odds ratio or risk ratio" in record.title
    assert "The default is number" in record.alt
    assert record.numbers["estimate"].is_monotonic_increasing
    assert record.numbers["default"].sum() == 1
    assert len(record.numbers) == total


def test_thousands_are_drawn_fast_and_shaded(large, by_gid, tmp_path):
    count = len(large.specifications)
    assert count > 5000
    times = []
    for _ in range(4):
        start = time.process_time()
        figure = figure_specification_curve(large)
        times.append(time.process_time() - start)
    assert min(times) < 0.3
    figure.savefig(tmp_path / "x.pdf")
    assert (tmp_path / "x.pdf").stat().st_size < 500_000
    assert sum(map(len, _points(figure.axes[0], by_gid).values())) == count
    (image,) = by_gid(figure.axes[1], "choices")
    shades = np.asarray(image.get_array())[::-1, :, 3] / 255
    names = [text.get_text() for text in figure.texts if text.get_gid() == "choice"]
    # Every specification has one measure: the two rows add up to all of it.
    both = shades[5 * names.index("OR") + 2] + shades[5 * names.index("RR") + 2]
    assert both == pytest.approx(np.ones_like(both), abs=0.01)
    assert shades[5 * names.index("Measure") + 2].max() == 0
    share = np.mean([one.include == "rule 7" for one in large.specifications])
    assert shades[5 * names.index("rule 7") + 2].mean() == pytest.approx(share, rel=0.05)


@pytest.mark.parametrize("journal", JOURNALS)
def test_it_holds_in_each_journal(journal, result, check_texts):
    with style(journal):
        for width in (84, None):
            figure = figure_specification_curve(
                result, default=DEFAULT, width_mm=width, note="$1 $2", synthetic=True
            )
            assert "$1 $2" in check_texts(figure)
            ax, matrix = figure.axes[1:3]
            for ticks, ends in ((ax.get_yticks(), ax.get_ylim()), (matrix.get_xticks(), matrix.get_xlim())):
                assert 3 <= sum(ends[0] <= tick <= ends[1] for tick in ticks) <= 9


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_specifications_draw(bcg, count, check_texts):
    result = multiverse(bcg, tau2=["DL", "REML", "PM"][:count])
    figure = figure_specification_curve(result)
    texts = check_texts(figure)
    assert f"Rank among {count} specifications" in texts
    assert figure.axes[1].get_xticks().tolist() == list(range(1, count + 1))
    assert any(text.startswith("The same in all:") for text in texts)


def test_zero_cells_long_and_foreign_names(check_texts):
    table = TwoByTwo(
        exposed_cases=[0, 3, 5, 0],
        exposed_total=[20, 30, 40, 10],
        control_cases=[4, 6, 0, 0],
        control_total=[20, 30, 40, 10],
    )
    rules = {
        "все $": [True] * 4,
        "without the one that is very long and has many words in its name": [True] * 3 + [False],
    }
    rules["one study"] = [False, True, False, False]
    result = multiverse(
        table, include=rules, corrections=["only-zero", "all", "none", "drop-double-zero"], ci=["wald", "t"]
    )
    figure = figure_specification_curve(result, width_mm=100)
    texts = check_texts(figure)
    assert "все $" in texts
    # An interval of one study by t does not exist: it has a sign, but no line.
    assert any(text.startswith("No interval: ") for text in texts)


def test_a_measure_without_null_has_no_conclusions(check_texts):
    effects = EffectSizes(effect=[-1.0, -0.5, 0.2], variance=[0.1, 0.2, 0.1], measure="PLO")
    result = multiverse(effects, tau2=["DL", "REML"], ci=["wald", "t"])
    texts = check_texts(figure_specification_curve(result))
    assert not any(word in text for text in texts for word in ("Below", "Includes"))
    assert "Proportion (%)" in texts


def test_the_bytes_are_the_same_twice(result, tmp_path):
    for folder in ("one", "two"):
        save_figure(figure_specification_curve(result, default=DEFAULT), "x", directory=tmp_path / folder)
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_it_draws_into_given_axes(result):
    ax = Figure().add_subplot()
    assert plot_specification_curve(result, ax=ax) is ax


def test_refusals(result):
    with pytest.raises(TypeError, match="`result` must be what `multiverse` gives, but got int"):
        plot_specification_curve(1)
    with pytest.raises(TypeError, match="a Specification or a mapping of choices, but got 3"):
        plot_specification_curve(result, default=3)
    with pytest.raises(ValueError, match="choices among include, measure, .* but got 'tau2'"):
        plot_specification_curve(result, default={"tau2": "REML"})
    with pytest.raises(ValueError, match=r"names \d+ of \d+. Add choices."):
        plot_specification_curve(result, default={"measure": "RR"})
    with pytest.raises(ValueError, match="names 0 of .* See result.specifications."):
        plot_specification_curve(result, default={"measure": "RD"})
    with pytest.raises(ValueError, match="`width_mm` must be greater"):
        figure_specification_curve(result, width_mm=50)


def test_ranks_are_whole_numbers(bcg):
    for tau2 in (["DL", "REML", "PM"], ["DL", "REML", "PM", "SJ", "HE"]):
        nine = multiverse(bcg, tau2=tau2, ci=["wald", "t", "hartung-knapp-adhoc"])
        figure = figure_specification_curve(nine)
        labels = [text.get_text() for text in figure.axes[1].get_xticklabels()]
        assert len(labels) >= 3
        assert all(label.isdigit() for label in labels)
        assert [float(label) for label in labels] == figure.axes[1].get_xticks().tolist()
