import time

import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.figures import gosh as module
from analysis.figures.export import save_figure
from analysis.figures.gosh import figure_gosh, plot_gosh
from analysis.figures.journals import JOURNALS
from analysis.figures.record import record_of
from analysis.figures.style import style
from analysis.meta.gosh import gosh
from analysis.values.estimate import EffectSizes

SMALL = EffectSizes(
    effect=[0.1, 0.2, 0.3, 0.9], variance=[0.1, 0.05, 0.08, 0.02], measure="OR", label=["A", "Б $", "C", "D"]
)


@pytest.fixture(scope="module")
def few():
    return gosh(SMALL, tau2="DL")


@pytest.fixture(scope="module")
def many(bcg):
    return gosh(bcg, tau2="DL")


@pytest.fixture(scope="module")
def million():
    rng = np.random.default_rng(3)
    effects = EffectSizes(
        effect=[*rng.normal(0.2, 0.2, 19), 1.5], variance=rng.uniform(0.02, 0.1, 20), measure="OR"
    )
    return gosh(effects, tau2="DL")


def _image(ax, by_gid):
    (image,) = by_gid(ax, "subsets")
    return np.asarray(image.get_array())


def test_few_subsets_are_points_at_their_numbers(few, by_gid):
    ax = plot_gosh(few)
    (points,) = by_gid(ax, "subsets")
    assert points.get_xdata() == pytest.approx(few.estimate, abs=0)
    assert points.get_ydata() == pytest.approx(few.i2, abs=0)
    assert ax.get_xscale() == "log"
    assert by_gid(ax, "null line")[0].get_xdata()[0] == 1
    far = EffectSizes(effect=[5.0, 5.1, 5.2], variance=[0.1] * 3, measure="OR")
    assert not by_gid(plot_gosh(gosh(far)), "null line")
    (heights,) = by_gid(plot_gosh(few, against="tau2"), "subsets")
    assert heights.get_ydata() == pytest.approx(few.tau2, abs=0)


def test_a_study_picks_its_subsets(few, by_gid):
    held = few.containing("D")
    for holding in (True, False):
        (points,) = by_gid(plot_gosh(few, study="D", holding=holding), "subsets")
        assert points.get_xdata() == pytest.approx(few.estimate[held == holding], abs=0)
    assert plot_gosh(few, study="D").get_xlim() == plot_gosh(few).get_xlim()


def test_cells_hold_the_subsets_that_fall_into_them(many, by_gid):
    ax = plot_gosh(many)
    image = _image(ax, by_gid)
    low, high = np.log(ax.get_xlim())
    edges = np.exp(np.linspace(low, high, image.shape[1] + 1))
    # Counted by other means than the picture's.
    counts, _, _ = np.histogram2d(
        many.i2, many.estimate, [np.linspace(*ax.get_ylim(), image.shape[0] + 1), edges]
    )
    assert counts.sum() == 8191
    assert ((image[..., 3] > 0) == (counts > 0)).mean() > 0.9999
    # Darker where there are more.
    light = image[..., :3].sum(axis=-1, dtype=float)
    assert light[counts == 1].min() > light[counts > 10].max()
    numbers = record_of(figure_gosh(many)).numbers
    assert numbers["subsets"].sum() == 8191
    fullest = numbers.loc[numbers["subsets"].idxmax()]
    inside = (many.estimate >= fullest["estimate_low"]) & (many.estimate < fullest["estimate_high"])
    inside &= (many.i2 >= fullest["heterogeneity_low"]) & (many.i2 < fullest["heterogeneity_high"])
    assert inside.sum() == pytest.approx(fullest["subsets"], abs=1)


def test_lightness_falls_evenly_from_few_to_many():
    def lightness(rgb):
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        y = linear @ [0.2126, 0.7152, 0.0722]
        return np.where(y > 0.008856, 116 * np.cbrt(y) - 16, 903.3 * y)

    found = lightness(module._SHADES(np.linspace(0, 1, 65))[:, :3])
    steps = -np.diff(found)
    assert (steps > 0).all()
    assert steps.max() < 2 * steps.mean()


def test_the_margins_are_histograms(many, by_gid):
    ax, top, beside = figure_gosh(many).axes[:3]
    (across,) = by_gid(top, "effects")
    low, high = np.log(ax.get_xlim())
    counts, _ = np.histogram(many.mean, np.linspace(low, high, 81))
    assert across.get_data().values == pytest.approx(counts / counts.max(), abs=2 / counts.max())
    (up,) = by_gid(beside, "spread")
    counts, _ = np.histogram(many.i2, np.linspace(*ax.get_ylim(), 81))
    assert up.get_data().values == pytest.approx(counts / counts.max(), abs=2 / counts.max())
    for axes in (top, beside):
        assert (axes.get_xlim(), axes.get_ylim()) == ((0, 1), (0, 1))


def test_two_panels_share_axes_and_shades(many, by_gid):
    study = "Hart & Sutherland 1977"
    figure = figure_gosh(many, study=study)
    first, second = figure.axes[0], figure.axes[3]
    assert first.get_xlim() == second.get_xlim()
    assert first.get_ylim() == second.get_ylim()
    one, two = (_image(ax, by_gid)[..., 3] > 0 for ax in (first, second))
    assert one.any()
    assert two.any()
    assert (one != two).any()
    numbers = record_of(figure).numbers
    sums = numbers.groupby("panel")["subsets"].sum()
    assert sums[f"With {study}"] == many.containing(study).sum() == 4096
    assert sums[f"Without {study}"] == 4095


@pytest.mark.parametrize("journal", JOURNALS)
def test_it_holds_in_each_journal(journal, many, check_texts):
    with style(journal):
        for width in (84, None):
            for changes in ({}, {"study": "TPT Madras 1980", "against": "tau2"}):
                figure = figure_gosh(many, width_mm=width, note="$1 and $2", **changes)
                assert "$1 and $2" in check_texts(figure)
                for ax in figure.axes:
                    if ax.axison and ax.yaxis.get_visible():
                        for ticks, ends in (
                            (ax.get_xticks(), ax.get_xlim()),
                            (ax.get_yticks(), ax.get_ylim()),
                        ):
                            assert 3 <= sum(ends[0] <= tick <= ends[1] for tick in ticks) <= 9


def test_panels_stand_below_one_another_on_a_narrow_page(many):
    axes = figure_gosh(many, study="TPT Madras 1980", width_mm=84).axes
    assert axes[0].get_position().y0 > axes[3].get_position().y1
    axes = figure_gosh(many, study="TPT Madras 1980", width_mm=174).axes
    assert axes[0].get_position().y0 == pytest.approx(axes[3].get_position().y0)


def test_a_million_subsets_are_fast_and_small(million, tmp_path):
    assert million.mean.size == 2**20 - 1
    times = []
    for _ in range(3):
        start = time.process_time()
        figure = figure_gosh(million)
        figure.savefig(tmp_path / "x.pdf")
        times.append(time.process_time() - start)
    assert min(times) < 1.0
    assert (tmp_path / "x.pdf").stat().st_size < 500_000


def test_the_bytes_are_the_same_twice(many, tmp_path):
    for folder in ("one", "two"):
        save_figure(figure_gosh(many, study="TPT Madras 1980"), "x", directory=tmp_path / folder)
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


@pytest.mark.parametrize(
    "effects",
    [
        EffectSizes(effect=[0.3], variance=[0.1], label=["Only"]),
        EffectSizes(effect=[0.2, 0.2, 0.2], variance=[0.1] * 3, measure="RR"),
        EffectSizes(effect=[-1.0, 0.1, 0.8], variance=[0.1] * 3, measure="PLO"),
        EffectSizes(effect=[-9.0, 0.0, 9.0, 4.0], variance=[0.01] * 4, measure="OR"),
    ],
    ids=["one study", "equal", "proportions", "eight decades"],
)
def test_odd_sets_draw(effects, check_texts):
    check_texts(figure_gosh(gosh(effects, tau2="DL"), synthetic=True))
    check_texts(figure_gosh(gosh(effects, tau2="DL"), against="tau2"))


def test_the_words_are_those_of_the_numbers(many):
    record = record_of(figure_gosh(many))
    low, middle, high = np.quantile(many.estimate, [0.025, 0.5, 0.975])
    assert (
        f"8191 subsets, median estimate {middle:.2f}, 95% of them from {low:.2f} to {high:.2f}" in record.alt
    )
    assert "all subsets of 13 studies" in record.title
    assert "τ² by DL" in record.caption
    assert "160 × 160 cells" in record.caption
    drawn = record_of(figure_gosh(gosh(SMALL, subsets=9, rng=1)))
    assert "9 random subsets of 4 studies" in drawn.title
    assert "Each point is a subset." in drawn.caption


def test_it_draws_into_given_axes(few):
    ax = Figure().add_subplot()
    assert plot_gosh(few, ax=ax) is ax


def test_refusals(few):
    with pytest.raises(TypeError, match="`result` must be what `gosh` gives, but got list"):
        plot_gosh([1.0])
    with pytest.raises(ValueError, match="`against` must be"):
        plot_gosh(few, against="q")
    with pytest.raises(ValueError, match=r"`study` must be one of 'A', 'Б \$', 'C', 'D', but got 'E'"):
        figure_gosh(few, study="E")
    with pytest.raises(ValueError, match="`width_mm` must be greater, but got 41"):
        figure_gosh(few, width_mm=41)
    twice = EffectSizes(effect=[0.1, 0.2, 0.3], variance=[0.1] * 3, label=["A", "A", "B"])
    with pytest.raises(ValueError, match="'A' is the label of more"):
        plot_gosh(gosh(twice), study="A")
