import numpy as np
import pytest

from analysis.figures.parts.axes import labelled_axes
from analysis.figures.export import save_figure
from analysis.figures.influence import figure_influence, plot_influence
from analysis.figures.journals import JOURNALS
from analysis.figures.record import record_of
from analysis.figures.style import style
from analysis.meta.influence import influence
from analysis.meta.pooling import pool
from analysis.values.estimate import EffectSizes

DIAGNOSTICS = (
    "rstudent",
    "dffits",
    "cooks_distance",
    "covariance_ratio",
    "tau2_deleted",
    "q_deleted",
    "hat",
    "weight",
)
OUTLIER = EffectSizes(
    effect=[0.10, 0.15, 0.12, 0.2, 0.05, 1.9],
    variance=[0.02, 0.02, 0.03, 0.04, 0.05, 0.02],
    label=["Ä", "Б", "$5 & $6", "same", "same", "Far off"],
)


@pytest.fixture(scope="module")
def result(bcg):
    return influence(bcg)


@pytest.fixture(scope="module")
def everything(bcg):
    return pool(bcg, ci="wald")


def _points(ax, by_gid):
    """Return the drawn (x, y) of all studies, by y."""
    found = [
        xy
        for gid in ("study", "beyond", "influential")
        for line in by_gid(ax, gid)
        for xy in line.get_xydata()
    ]
    return np.array(sorted(found, key=lambda xy: xy[1]))


@pytest.mark.parametrize("diagnostic", DIAGNOSTICS)
def test_studies_lie_at_their_diagnostic(diagnostic, result, by_gid):
    ax = plot_influence(result, diagnostic=diagnostic)
    points = _points(ax, by_gid)
    assert points[:, 0] == pytest.approx(getattr(result, diagnostic), abs=0)
    assert points[:, 1].tolist() == list(range(13))
    low, high = ax.get_xlim()
    assert low <= points[:, 0].min()
    assert high >= points[:, 0].max()


def test_reference_and_limits_are_those_of_the_rules(result, everything, by_gid):
    k = 13
    expected = {
        "rstudent": (0.0, [-1.959964, 1.959964]),
        "dffits": (0.0, [-3 / np.sqrt(k - 1), 3 / np.sqrt(k - 1)]),
        "cooks_distance": (0.0, [0.454936]),
        "covariance_ratio": (1.0, []),
        "tau2_deleted": (float(everything.tau2), []),
        "q_deleted": (float(everything.q), []),
        "hat": (1 / k, [3 / k]),
        "weight": (100 / k, [300 / k]),
    }
    for diagnostic, (reference, limits) in expected.items():
        ax = plot_influence(result, diagnostic=diagnostic, pooled=everything)
        assert [line.get_xdata()[0] for line in by_gid(ax, "reference")] == [pytest.approx(reference)]
        assert [line.get_xdata()[0] for line in by_gid(ax, "limit")] == pytest.approx(limits, abs=1e-5)
    assert not by_gid(plot_influence(result, diagnostic="tau2_deleted"), "reference")


def test_signs_of_influential_and_outlying_studies(by_gid):
    result = influence(OUTLIER)
    assert result.influential.tolist() == [False] * 5 + [True]
    ax = plot_influence(result)
    (mark,) = by_gid(ax, "influential")
    assert mark.get_ydata().tolist() == [5]
    assert mark.get_marker() == "D"
    assert mark.get_markerfacecolor() != "white"
    # Those that are not have another form, not only another colour.
    (others,) = by_gid(ax, "study")
    assert others.get_marker() == "o"
    assert others.get_markerfacecolor() == "white"
    # Its hat value is within the limit: the diamond stays.
    hat = plot_influence(result, diagnostic="hat")
    assert [mark.get_ydata().tolist() for mark in by_gid(hat, "influential")] == [[5]]
    assert not by_gid(hat, "beyond")
    (row,) = by_gid(ax, "row")
    assert row.get_y() <= 5 <= row.get_y() + row.get_height()
    bold = [
        text
        for text in figure_influence(result).texts
        if text.get_gid() == "study" and "Far" in text.get_text()
    ]
    assert {text.get_fontproperties().get_weight() for text in bold} == {"bold"}


def test_a_residual_beyond_its_limit_alone_is_a_filled_circle(by_gid):
    rng = np.random.default_rng(5)
    effects = EffectSizes(effect=[*rng.normal(0, 0.1, 60), 0.9], variance=[0.02] * 60 + [0.16])
    result = influence(effects)
    outside = (np.abs(result.rstudent) > 1.96) & ~result.influential
    assert outside.any()
    (mark,) = by_gid(plot_influence(result), "beyond")
    assert mark.get_ydata().tolist() == np.flatnonzero(outside).tolist()
    assert mark.get_markerfacecolor() != "white"


@pytest.mark.parametrize("journal", JOURNALS)
def test_it_holds_in_each_journal(journal, result, everything, check_texts):
    with style(journal):
        for width in (84, None):
            figure = figure_influence(result, pooled=everything, width_mm=width, note="$1 and $2")
            texts = check_texts(figure)
            assert "$1 and $2" in texts
            _check_ticks(figure)


def _check_ticks(figure):
    for ax in figure.axes:
        low, high = ax.get_xlim()
        ticks = [tick for tick in ax.get_xticks() if low <= tick <= high]
        assert 3 <= len(ticks) <= 9, (ax.get_position(), ticks)


def test_eight_panels_share_their_rows(result, by_gid):
    figure = figure_influence(result)
    assert len(figure.axes) == 8
    rows = [_points(ax, by_gid)[:, 1] for ax in figure.axes]
    for row in rows:
        assert row == pytest.approx(rows[0])
    assert np.all(np.diff(rows[0]) > 0)
    only = figure_influence(result, diagnostics=["hat", "rstudent"])
    assert [text.get_text() for text in only.texts if text.get_gid() == "title"] == [
        "Hat value",
        "Studentized residual",
    ]


def test_hard_labels(check_texts):
    labels = ["Ещё одно исследование", "β-Studie $x$", "same", "same", "wide " * 18, "Far off"]
    effects = EffectSizes(effect=OUTLIER.effect, variance=OUTLIER.variance, label=labels)
    for width in (84, 174):
        texts = check_texts(figure_influence(influence(effects), width_mm=width, synthetic=True))
        assert texts.count("same") == 2 * (texts.count("β-Studie $x$"))


def test_many_studies_name_the_influential_only(check_texts, by_gid):
    rng = np.random.default_rng(1)
    effects = EffectSizes(effect=[*rng.normal(0, 0.3, 199), 4.0], variance=rng.uniform(0.01, 0.3, 200))
    result = influence(effects)
    figure = figure_influence(result)
    check_texts(figure)
    names = {text.get_text() for text in figure.texts if text.get_gid() == "study"}
    assert names == {result.label[i] for i in np.flatnonzero(result.influential)}
    leaders = [line for line in figure.artists if line.get_gid() == "leader"]
    assert len(leaders) == 2 * result.influential.sum()
    assert figure.get_size_inches()[1] < 14
    assert len(_points(figure.axes[0], by_gid)) == 200


@pytest.mark.parametrize("journal", JOURNALS)
@pytest.mark.parametrize("k", [30, 40, 60])
def test_a_page_is_no_higher_than_the_journal_allows(journal, k, check_texts):
    rng = np.random.default_rng(k)
    effects = EffectSizes(effect=[*rng.normal(0, 0.3, k - 1), 4.0], variance=rng.uniform(0.01, 0.3, k))
    result = influence(effects)
    with style(journal):
        for names in (None, DIAGNOSTICS[:4]):
            figure = figure_influence(result, diagnostics=names, synthetic=True, note="A note")
            check_texts(figure)
            assert 25.4 * figure.get_size_inches()[1] <= JOURNALS[journal].maximum_height_mm + 0.1
    # Fewer panels leave room for the names.
    named = [text for text in figure.texts if text.get_gid() == "study"]
    assert len(named) == (k if k <= 40 and JOURNALS[journal].maximum_height_mm > 200 else len(named))


@pytest.mark.parametrize("k", [13, 40, 200])
def test_a_narrow_page_is_drawn_whatever_its_height(k, check_texts, by_gid):
    rng = np.random.default_rng(k)
    label = [f"Author and others {number}" for number in range(k)]
    effects = EffectSizes(
        effect=[*rng.normal(0, 0.3, k - 1), 4.0], variance=rng.uniform(0.01, 0.3, k), label=label
    )
    figure = figure_influence(influence(effects), width_mm=60)
    check_texts(figure)
    panels = [ax for ax in figure.axes if ax.axison]
    assert len(panels) == 8
    assert all(len(_points(ax, by_gid)) == k for ax in panels)


def test_two_studies_draw(check_texts):
    effects = EffectSizes(effect=[0.1, 0.4], variance=[0.02, 0.03], label=["A", "B"])
    check_texts(figure_influence(influence(effects)))


def test_the_record_tells_the_finding_and_every_mark(result, everything):
    record = record_of(figure_influence(result, pooled=everything))
    assert "No study is influential." in record.alt
    assert "13 studies" in record.title
    numbers = record.numbers
    studies = numbers[numbers["mark"] == "study"]
    assert len(studies) == 8 * 13
    cook = studies[studies["diagnostic"] == "cooks_distance"]
    assert cook["value"].to_numpy() == pytest.approx(result.cooks_distance, abs=0)
    assert (numbers["mark"] == "limit").sum() == 2 + 2 + 1 + 1 + 1
    told = record_of(figure_influence(influence(OUTLIER)))
    assert "Influential: Far off (studentized residual " in told.alt
    assert "3/√(k − 1) = 1.34" in told.caption


def test_the_bytes_are_the_same_twice(result, everything, tmp_path):
    for folder in ("one", "two"):
        save_figure(figure_influence(result, pooled=everything), "x", directory=tmp_path / folder)
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_it_draws_into_given_axes(result):
    ax = labelled_axes(["x"], xlabel="")
    assert plot_influence(result, ax=ax) is ax


def test_refusals(result, everything, bcg):
    with pytest.raises(TypeError, match="`result` must be what `influence` gives, but got int"):
        plot_influence(3)
    with pytest.raises(ValueError, match="`diagnostic` must be"):
        plot_influence(result, diagnostic="cook")
    with pytest.raises(ValueError, match="name one or more panels once"):
        figure_influence(result, diagnostics=["hat", "hat"])
    with pytest.raises(TypeError, match="`pooled` must be what `pool` gives, but got float"):
        plot_influence(result, pooled=0.3)
    with pytest.raises(ValueError, match="the meta-analysis of the same 6 studies, but is of 13"):
        plot_influence(influence(OUTLIER), pooled=everything)
    with pytest.raises(ValueError, match="`width_mm` must be greater"):
        figure_influence(result, width_mm=40)
    both = EffectSizes(effect=np.stack([bcg.effect] * 2), variance=np.stack([bcg.variance] * 2))
    with pytest.raises(ValueError, match=r"of one meta-analysis, but has shape \(2,\)"):
        plot_influence(influence(both))
